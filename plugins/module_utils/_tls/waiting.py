# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private key that waits for its certificate: the file that holds it, and the request; private to the collection."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Contents
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Pending

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.x509.oid import NameOID
except ImportError:  # pem.AVAILABLE says so
    pass

__all__ = ["judged_chain", "make_pending", "private_key", "read_pending"]

_MARK = b"# Private key of a PostgreSQL server that waits for its certificate, made by rampart.postgresql."


def make_pending(names: tuple[str, ...], spec: KeySpec) -> bytes:
    """A new private key and a request for its certificate, as the content of one file."""
    key = keys.new_key(spec)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, keys.common_name(names))])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    alternatives = x509.SubjectAlternativeName([keys.general_name(name) for name in names])
    request = builder.add_extension(alternatives, critical=False).sign(key, keys.signing_hash(key))
    return b"\n".join([_MARK, keys.unprotected(key)]) + request.public_bytes(serialization.Encoding.PEM)


def read_pending(content: bytes) -> Pending | None:
    """What waits; None when the file cannot be used. It never raises: the bytes are anybody's."""
    try:
        request = x509.load_pem_x509_csr(pem.blocks(content, label=b"CERTIFICATE REQUEST")[0])
        key = serialization.load_pem_private_key(private_key(content), password=None)
        names = pem.alternative_names(request)
        public = keys.digest(request.public_key())
        if public != keys.digest(key.public_key()) or not request.is_signature_valid:
            return None
        text = request.public_bytes(serialization.Encoding.PEM).decode()
    except Exception:  # its text might quote the key
        return None
    return Pending(names=names, key=keys.describe(request.public_key()), public_key=public, request=text)


def private_key(content: bytes) -> bytes:
    """The first private key of a file, as PEM."""
    found = pem.blocks(content, label=b"PRIVATE KEY")
    if not found:
        raise ValueError("it holds no private key")
    return found[0] if found[0].endswith(b"\n") else found[0] + b"\n"


def judged_chain(chain: bytes, *, option: str) -> Contents:
    """What a chain of certificates says that an operator gave, the server's own first."""
    found = pem.read(chain)
    if found.certificate is None:
        raise InputError(
            option=option,
            # no more than that: somebody may give a private key by mistake
            value=chain.decode(errors="replace").strip().split("\n", 1)[0][:40],
            expected="PEM: the certificate of the server, then those of the authorities between it and the root",
        )
    if not found.linked:
        raise InputError(
            option=option,
            value=found.certificate.subject,
            expected="the certificate of the server first, then each authority that signed the one before it",
        )
    return found
