"""Authorities for tests: what they issue and revoke, made with the cryptography library and none of our code."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.oid import NameOID

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["Issued", "Issuer", "days"]

_KEY_USES = ("digital_signature", "key_cert_sign", "crl_sign", "content_commitment", "key_encipherment")
_MORE_USES = ("data_encipherment", "key_agreement", "encipher_only", "decipher_only")


def days(number: float) -> datetime.datetime:
    """A time this many days from now, to the second."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    return now + datetime.timedelta(days=number)


@dataclasses.dataclass(frozen=True)
class Issued:
    """A certificate and its key; ``chain`` are the certificates that a client sends along."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: str = ""

    @property
    def pem(self) -> str:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def serial(self) -> int:
        """Its number."""
        return self.certificate.serial_number

    def files(self, server: Server, name: str) -> dict[str, str]:
        """The options of libpq that name it; written where the account of the server can read it."""
        folder: pathlib.Path = server.data_directory.parent
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        paths = {"sslcert": folder / f"{name}.crt", "sslkey": folder / f"{name}.key"}
        with server.owner.acting():
            paths["sslcert"].write_text(self.pem + self.chain)
            paths["sslkey"].write_bytes(key)
            paths["sslkey"].chmod(0o600)
        return {option: str(path) for option, path in paths.items()}


@dataclasses.dataclass(frozen=True)
class Issuer(Issued):
    """One that issues."""

    @classmethod
    def root(cls, name: str, **given: t.Any) -> Issuer:
        """One that vouches for itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(_certificate(name, key.public_key(), key, _name(name), authority=True, **given), key)

    def intermediate(self, name: str, **given: t.Any) -> Issuer:
        """One that this one vouches for."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(name, key.public_key(), self.key, self.certificate.subject, authority=True, **given)
        return Issuer(made, key, Issuer(made, key).pem + self.chain)

    def client(self, name: str, **given: t.Any) -> Issued:
        """A certificate of a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(name, key.public_key(), self.key, self.certificate.subject, **given)
        return Issued(made, key, self.chain)

    def revocations(
        self, *revoked: Issued, begin: float = -1.0, end: float = 179.0, extension: t.Any = None, key: t.Any = None
    ) -> str:
        """The list of what is revoked, valid from and until as many days from now; ``extension`` is critical."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(days(begin)).next_update(days(end))
        for each in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(each.serial).revocation_date(days(begin))
            builder = builder.add_revoked_certificate(entry.build())
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key((key or self.key).public_key())
        builder = builder.add_extension(x509.CRLNumber(2), critical=False).add_extension(identifier, critical=False)
        if extension is not None:
            builder = builder.add_extension(extension, critical=True)
        made = builder.sign(key or self.key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM).decode()


def _name(name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Shop"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )


def _certificate(
    name: str,
    public: t.Any,
    key: t.Any,
    issuer: x509.Name,
    *,
    authority: bool = False,
    begin: float = -1.0,
    end: float = 365.0,
    uses: t.Collection[str] = ("key_cert_sign", "crl_sign"),
    by_key: bool = True,
) -> x509.Certificate:
    used = uses if authority else ("digital_signature",)
    usage = x509.KeyUsage(**{use: use in used for use in (*_KEY_USES, *_MORE_USES)})
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(days(begin))
        .not_valid_after(days(end))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if by_key:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        builder = builder.add_extension(identifier, critical=False)
    if not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(key, hashes.SHA256())
