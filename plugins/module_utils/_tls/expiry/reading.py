# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a PEM file holds, as values: certificates, revocation lists, a private key; private to the collection.

The bytes are anybody's: nothing here raises, what cannot be read is returned with the reason.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import re
import ssl
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import dsa
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric import rsa
except ImportError:
    pass

__all__ = [
    "MISSING",
    "NO_FAULTS",
    "REMOTE",
    "Certificate",
    "Key",
    "RevocationList",
    "Unread",
    "key_in",
    "pem_items",
    "served_certificate",
]

MISSING = "python3-cryptography is missing on this host"
REMOTE = "this needs the files of the cluster: run it on the database host"
NO_FAULTS = (MISSING, REMOTE)
"""Reasons that nothing is wrong with what cannot be read."""
_CERTIFICATES = (b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE")  # what libssl takes as one
_LIST = b"X509 CRL"
_KEYS = (b"PRIVATE KEY", b"ENCRYPTED PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY", b"DSA PRIVATE KEY")
_BEGIN = re.compile(b"-----BEGIN (" + b"|".join((*_CERTIFICATES, _LIST, *_KEYS)) + b")-----")
_MINIMUM_RSA_BITS = 2048  # 112 bits of security, which is what OpenSSL asks for by default on most systems
_MINIMUM_CURVE_BITS = 224  # the same
_WEAK_HASHES = ("md5", "sha1")


@dataclasses.dataclass(frozen=True)
class Certificate:
    """What a certificate says. ``serial`` and ``fingerprint`` (SHA-256) in hexadecimal, times in seconds."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    serial: str
    not_before: int
    not_after: int
    fingerprint: str
    key: str
    signature: str | None  # the hash of the signature; None for algorithms that name none
    self_issued: bool
    weak_key: bool = False
    weak_signature: bool = False
    parsed: t.Any = dataclasses.field(default=None, repr=False, compare=False)


@dataclasses.dataclass(frozen=True)
class RevocationList:
    """What a revocation list says. ``not_after`` is its next update, None where it names none."""

    issuer: str
    serial: str | None
    not_before: int
    not_after: int | None
    fingerprint: str
    signature: str | None
    revoked: int
    weak_signature: bool = False
    parsed: t.Any = dataclasses.field(default=None, repr=False, compare=False)

    def signed_by(self, authority: Certificate) -> bool:
        """Whether the signature is that of this authority's key."""
        try:
            return bool(self.parsed.is_signature_valid(authority.parsed.public_key()))
        except Exception:  # versions of the library raise different errors for keys and algorithms that they lack
            return False


@dataclasses.dataclass(frozen=True)
class Unread:
    """What is there and cannot be read, and why. ``fingerprint`` where it can be told all the same."""

    reason: str
    is_list: bool = False
    fingerprint: str | None = None


@dataclasses.dataclass(frozen=True)
class Key:
    """What is known of a private key: whether it belongs to the certificate, None with a ``reason`` if that is not."""

    matches: bool | None
    reason: str = ""
    usable: bool = True


Item = t.Union[Certificate, RevocationList, Unread]


def pem_items(content: bytes) -> list[Item]:
    """The certificates and lists of a file in their order; private keys are passed over."""
    found: list[Item] = []
    for label, text in _blocks(content):
        is_list = label == _LIST
        if label in _KEYS:
            continue
        if text is None:
            what = "revocation list" if is_list else "certificate"
            found.append(Unread(f"a {what} begins there and does not end", is_list=is_list))
        else:
            found.append(_read(text, is_list=is_list))
    return found


def _blocks(content: bytes) -> t.Iterator[tuple[bytes, bytes | None]]:
    """Each block with its label, None where it has no end; in one pass, as the file is anybody's."""
    position = 0
    endless: set[bytes] = set()
    while True:
        begin = _BEGIN.search(content, position)
        if begin is None:
            return
        label = begin.group(1)
        mark = b"-----END " + label + b"-----"
        end = -1 if label in endless else content.find(mark, begin.end())
        if end < 0:
            if label not in endless:
                yield label, None
            endless.add(label)
            position = begin.end()
        else:
            position = end + len(mark)
            yield label, content[begin.start() : position] + b"\n"


def served_certificate(der: bytes) -> Item:
    """What came out of a handshake."""
    return _read(ssl.DER_cert_to_PEM_cert(der).encode(), is_list=False)


def key_in(content: bytes, certificate: Certificate) -> Key:
    """Whether the first private key of a file belongs to a certificate. Never any word of the key."""
    text = next((text for label, text in _blocks(content) if label in _KEYS and text is not None), None)
    if text is None:
        return Key(None, "it holds no private key", usable=False)
    if b"ENCRYPTED" in text:
        return Key(None, "it is protected by a passphrase")
    try:
        public = serialization.load_pem_private_key(text, password=None).public_key()
        return Key(keys.digest(public) == keys.digest(certificate.parsed.public_key()))
    except Exception:  # its text might quote the key
        return Key(None, "no private key can be read from it", usable=False)


def _read(text: bytes, *, is_list: bool) -> Item:
    if not keys.AVAILABLE:
        return Unread(MISSING, is_list=is_list, fingerprint=_fingerprint(text))
    try:
        return _list(text) if is_list else _certificate(text)
    except Exception as error:
        what = "revocation list" if is_list else "certificate"
        return Unread(f"no {what} can be read from it: {_one_line(error)}", is_list=is_list)


def _certificate(text: bytes) -> Certificate:
    found = x509.load_pem_x509_certificate(text)
    public = found.public_key()
    signature = _signature(found)
    return Certificate(
        subject=found.subject.rfc4514_string(),
        issuer=found.issuer.rfc4514_string(),
        names=_names(found),
        serial=f"{found.serial_number:x}",
        not_before=_seconds(found, "not_valid_before"),
        not_after=_seconds(found, "not_valid_after"),
        fingerprint=hashlib.sha256(found.public_bytes(serialization.Encoding.DER)).hexdigest(),
        key=keys.describe(public),
        signature=signature,
        self_issued=found.issuer == found.subject,
        weak_key=_is_weak(public),
        weak_signature=signature in _WEAK_HASHES,
        parsed=found,
    )


def _list(text: bytes) -> RevocationList:
    found = x509.load_pem_x509_crl(text)
    signature = _signature(found)
    return RevocationList(
        issuer=found.issuer.rfc4514_string(),
        serial=_list_number(found),
        not_before=_seconds(found, "last_update"),
        not_after=_seconds(found, "next_update") if _has_end(found) else None,
        fingerprint=hashlib.sha256(found.public_bytes(serialization.Encoding.DER)).hexdigest(),
        signature=signature,
        revoked=len(found),
        weak_signature=signature in _WEAK_HASHES,
        parsed=found,
    )


def _names(found: t.Any) -> tuple[str, ...]:
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in names if isinstance(name, (x509.DNSName, x509.IPAddress)))


def _signature(found: t.Any) -> str | None:
    try:
        algorithm = found.signature_hash_algorithm
    except Exception:  # an algorithm that the library does not know
        return None
    return None if algorithm is None else str(algorithm.name)


def _is_weak(public: t.Any) -> bool:
    if isinstance(public, rsa.RSAPublicKey):
        return bool(public.key_size < _MINIMUM_RSA_BITS)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return bool(public.curve.key_size < _MINIMUM_CURVE_BITS)
    return isinstance(public, dsa.DSAPublicKey)


def _list_number(found: t.Any) -> str | None:
    try:
        return f"{found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number:x}"
    except x509.ExtensionNotFound:
        return None


def _has_end(found: t.Any) -> bool:
    return getattr(found, "next_update_utc" if hasattr(found, "next_update_utc") else "next_update") is not None


def _seconds(found: t.Any, name: str) -> int:
    modern = f"{name}_utc"  # cryptography 42 and newer, where the naive one is deprecated
    if hasattr(found, modern):
        return int(getattr(found, modern).timestamp())
    return int(getattr(found, name).replace(tzinfo=datetime.timezone.utc).timestamp())


def _fingerprint(text: bytes) -> str | None:
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(text.decode("ascii"))).hexdigest()
    except ValueError:
        return None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
