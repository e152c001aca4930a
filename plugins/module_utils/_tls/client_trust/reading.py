# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading authorities and revocation lists; needs the cryptography library; private to the collection."""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.trust import Authority
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.trust import RevocationList
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.client_trust.trust import Trust
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.signatures import is_signature

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import serialization
except ImportError:
    pass

__all__ = [
    "BLOCK",
    "CERTIFICATES",
    "LISTS",
    "MARKER",
    "authority",
    "extension",
    "in_one_line",
    "is_signed_by",
    "printable",
    "read",
    "revocation_list",
    "revoked",
]

BLOCK = re.compile(r"^-----BEGIN ([A-Z0-9 ]+)-----.*?^-----END \1-----", re.DOTALL | re.MULTILINE)
MARKER = re.compile(r"^-----(BEGIN|END) ", re.MULTILINE)
CERTIFICATES = ("CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE")
LISTS = ("X509 CRL",)

# What OpenSSL calls the parts of a name, by their numbers, which pg_stat_ssl shows.
_PARTS = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.17": "postalCode",
    "2.5.4.42": "GN",
    "2.5.4.43": "initials",
    "2.5.4.46": "dnQualifier",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organizationIdentifier",
    "1.2.840.113549.1.9.1": "emailAddress",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}
_ESCAPED = frozenset(',+"\\<>;')


def read(content: bytes) -> tuple[Trust, str]:
    """What a file holds, and why it is not as we write it; never raises: the bytes are anybody's."""
    text = content.decode("utf-8", "replace")
    authorities: list[Authority] = []
    lists: list[RevocationList] = []
    problem = "" if len(MARKER.findall(text)) == 2 * len(BLOCK.findall(text)) else "a block in it does not end"
    for found in BLOCK.finditer(text):
        try:
            if found.group(1) in CERTIFICATES:
                authorities.append(authority(x509.load_pem_x509_certificate(found.group(0).encode())))
            elif found.group(1) in LISTS:
                lists.append(revocation_list(x509.load_pem_x509_crl(found.group(0).encode())))
            else:
                problem = problem or f"it holds a {found.group(1)}"
        except Exception as error:  # versions of the library raise different ones
            problem = problem or f"it cannot be read: {in_one_line(error)}"
    return Trust(tuple(authorities), tuple(lists)), problem


def revoked(each: RevocationList) -> frozenset[int]:
    """Serial numbers of what is revoked."""
    return frozenset(entry.serial_number for entry in x509.load_pem_x509_crl(each.pem))


def authority(parsed: t.Any) -> Authority:
    """What a certificate says."""
    return Authority(
        title=printable(parsed.subject.rfc4514_string()),
        name=_shown(parsed.subject),
        announced=parsed.subject.public_bytes(),
        key=keys.digest(parsed.public_key()),
        self_issued=parsed.subject == parsed.issuer,
        not_before=_seconds(parsed, "not_valid_before"),
        not_after=_seconds(parsed, "not_valid_after"),
        fingerprint=parsed.fingerprint(hashes.SHA256()).hex(),
        pem=parsed.public_bytes(serialization.Encoding.PEM),
    )


def revocation_list(parsed: t.Any) -> RevocationList:
    """What a list says."""
    return RevocationList(
        title=printable(parsed.issuer.rfc4514_string()),
        name=_shown(parsed.issuer),
        last_update=_seconds(parsed, "last_update"),
        next_update=None if _time(parsed, "next_update") is None else _seconds(parsed, "next_update"),
        entries=len(parsed),
        fingerprint=parsed.fingerprint(hashes.SHA256()).hex(),
        pem=parsed.public_bytes(serialization.Encoding.PEM),
    )


def extension(parsed: t.Any, kind: t.Any) -> t.Any:
    """An extension of a certificate or list; None without it."""
    try:
        return parsed.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def is_signed_by(parsed: t.Any, issuer: t.Any) -> bool:
    """Whether a certificate was issued by another, or by itself."""
    if parsed.issuer != issuer.subject:
        return False
    if hasattr(parsed, "verify_directly_issued_by"):  # cryptography 40 and newer
        try:
            parsed.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True
    return is_signature(parsed, issuer.public_key())


def _shown(name: t.Any) -> str:
    """As pg_stat_ssl shows it: parts from the outermost in, values escaped as RFC 2253 has it."""
    parts = [f"/{_PARTS.get(each.oid.dotted_string, '?')}={_escaped(each.value)}" for each in name]
    return "".join(parts)


def _escaped(value: t.Any) -> str:
    text = value if isinstance(value, str) else "?"
    last = len(text) - 1
    escaped = []
    for index, character in enumerate(text):
        at_the_edge = (index == 0 and character in "# ") or (index == last and character == " ")
        if character < " " or character == "\x7f":
            escaped.append(f"\\{ord(character):02X}")
        else:
            escaped.append(f"\\{character}" if at_the_edge or character in _ESCAPED else character)
    return "".join(escaped)


def _seconds(parsed: t.Any, name: str) -> int:
    return int(t.cast("datetime.datetime", _time(parsed, name)).timestamp())


def _time(parsed: t.Any, name: str) -> datetime.datetime | None:
    modern = f"{name}_utc"  # cryptography 42 and newer, where the naive one is deprecated
    if hasattr(parsed, modern):
        return t.cast("datetime.datetime | None", getattr(parsed, modern))
    found = getattr(parsed, name)
    return None if found is None else found.replace(tzinfo=datetime.timezone.utc)


def printable(text: str) -> str:
    """For messages and files: names are anybody's."""
    return "".join(character if character.isprintable() else "?" for character in text)


def in_one_line(error: Exception) -> str:
    """What the library complains of."""
    return printable(" ".join(str(error).split())[:200]) or type(error).__name__
