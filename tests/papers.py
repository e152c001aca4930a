"""Certificates, keys and revocation lists for tests, good ones and bad ones, made by the library alone."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

__all__ = ["DAY", "Paper", "issue", "key_text", "revocation_list"]

DAY = 86400


@dataclasses.dataclass(frozen=True)
class Paper:
    """A certificate with its key."""

    key: t.Any
    certificate: x509.Certificate

    @property
    def text(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def key_text(key: t.Any, passphrase: bytes | None = None) -> bytes:
    """A private key in PEM."""
    protection: t.Any = serialization.NoEncryption()
    if passphrase is not None:
        protection = serialization.BestAvailableEncryption(passphrase)
    text: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    return text


def issue(
    name: str,
    *,
    by: Paper | None = None,
    start: int,
    end: int,
    key: t.Any = None,
    authority: bool = False,
    names: t.Sequence[str] = (),
    algorithm: t.Any = None,
) -> Paper:
    """A certificate for ``CN=name``, self-signed without ``by``; times in seconds since the epoch."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    signer = by.key if by else key
    subject = _name(name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_time(start))
        .not_valid_after(_time(end))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return Paper(key, builder.sign(signer, _hash(signer, algorithm)))


def revocation_list(
    by: Paper, *, start: int, end: int, serials: t.Sequence[int] = (), number: int = 1, signer: t.Any = None
) -> bytes:
    """A list of an authority in PEM; with ``signer``, another key than the authority's."""
    signer = signer or by.key
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(_time(start))
        .next_update(_time(end))
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for serial in serials:
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(_time(start)).build()
        builder = builder.add_revoked_certificate(revoked)
    return builder.sign(signer, _hash(signer, None)).public_bytes(serialization.Encoding.PEM)


def _hash(signer: t.Any, algorithm: t.Any) -> t.Any:
    return None if isinstance(signer, ed25519.Ed25519PrivateKey) else algorithm or hashes.SHA256()


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _time(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
