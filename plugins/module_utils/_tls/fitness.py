# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What clients refuse in a chain that came from outside; needs the cryptography library; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment

try:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID
except ImportError:  # pem.AVAILABLE says so
    pass

__all__ = ["unfit"]

_NO_HASH = {"1.3.101.112": "Ed25519", "1.3.101.113": "Ed448"}  # RFC 8410
_ANY_USE = "2.5.29.37.0"  # RFC 5280, anyExtendedKeyUsage


def unfit(chain: bytes, *, now: int) -> str:
    """Why clients refuse a chain, the server's own first, apart from its order and the time and names of the first.

    It goes on from "a certificate"; empty when they do not. It never raises: the bytes are anybody's.
    """
    try:
        own, *above = [x509.load_pem_x509_certificate(block) for block in pem.blocks(chain, label=b"CERTIFICATE")]
        reasons = [_unfit_own(own), *map(_unfit_issuer, above), *(_expired(issuer, now) for issuer in above[:1])]
    except Exception:  # versions of the library raise different errors
        return "whose chain can be read, with every extension in it"
    return "".join(list(filter(None, reasons))[:1])


def _unfit_own(own: t.Any) -> str:
    allowed = _extension(own, x509.ExtendedKeyUsage)
    for_servers = (ExtendedKeyUsageOID.SERVER_AUTH.dotted_string, _ANY_USE)
    if allowed is not None and not any(use.dotted_string in for_servers for use in allowed):
        return "for a server: its extended key usage allows other things only"
    without_hash = _NO_HASH.get(own.signature_algorithm_oid.dotted_string)
    if without_hash:
        return f"with a signature of ECDSA or RSA: with one of {without_hash} clients cannot log in with SCRAM over TLS"
    return ""


def _unfit_issuer(issuer: t.Any) -> str:
    limits = _extension(issuer, x509.BasicConstraints)
    if issuer.issuer == issuer.subject or (limits is not None and limits.ca):  # an old root may have no such extension
        return ""
    return f"whose issuers may issue: {issuer.subject.rfc4514_string()} is no authority"


def _expired(issuer: t.Any, now: int) -> str:
    """Of the one that signed; further up there may be one that is crossed with a root that clients have."""
    end = pem.seconds(issuer, "not_valid_after")
    return (
        f"whose issuer is valid: {issuer.subject.rfc4514_string()} has expired on {moment(end)}" if end <= now else ""
    )


def _extension(certificate: t.Any, kind: t.Any) -> t.Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
