# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates and revocation lists as an authority signs them; private to the collection.

Pure: keys and certificates in, certificates and lists out. Times are whole seconds since the epoch.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import serialization
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from cryptography.x509.oid import NameOID
except ImportError:
    pass

__all__ = [
    "BACKDATE",
    "DAY",
    "REASONS",
    "RevokedSerial",
    "Subject",
    "fingerprint",
    "intermediate",
    "leaf",
    "pem_of",
    "revocation_list",
    "root",
    "seconds",
    "serial_of",
]

DAY = 86400  # seconds
BACKDATE = 3600  # seconds; whose clock is behind accepts at once what is new
REASONS = (
    "unspecified",
    "key_compromise",
    "ca_compromise",
    "affiliation_changed",
    "superseded",
    "cessation_of_operation",
    "privilege_withdrawn",
)


@dataclasses.dataclass(frozen=True)
class Subject:
    """What stands before the role that a certificate of the authority has."""

    common_name: str
    organization: str = ""

    def named(self, role: str) -> t.Any:
        """The name of one certificate: generations have different ones, by which lists are looked up."""
        attributes = [x509.NameAttribute(NameOID.COMMON_NAME, f"{self.common_name} {role}")]
        if self.organization:
            attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.organization))
        return x509.Name(attributes)


@dataclasses.dataclass(frozen=True)
class RevokedSerial:
    """An entry of a revocation list."""

    serial: int
    time: int
    reason: str = "unspecified"


def root(key: t.Any, name: t.Any, *, not_before: int, not_after: int) -> t.Any:
    """A root: signed by itself, and good for one intermediate below it."""
    builder = _builder(name, name, key.public_key(), not_before, not_after)
    builder = _for_authority(builder, key.public_key(), path_length=1)
    return builder.sign(key, keys.signing_hash(key))


def intermediate(
    public: t.Any, name: t.Any, *, issuer: t.Any, issuer_key: t.Any, not_before: int, not_after: int
) -> t.Any:
    """An intermediate: good for certificates of servers and clients, not for another authority."""
    builder = _builder(name, issuer.subject, public, not_before, not_after)
    builder = _for_authority(builder, public, path_length=0).add_extension(_key_of_issuer(issuer), critical=False)
    return builder.sign(issuer_key, keys.signing_hash(issuer_key))


def leaf(
    public: t.Any,
    *,
    common_name: str,
    names: tuple[str, ...],
    server: bool,
    issuer: t.Any,
    issuer_key: t.Any,
    not_before: int,
    not_after: int,
) -> t.Any:
    """The certificate of a server or of a client, never good for both: a stolen one is no key to the other door."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = _builder(name, issuer.subject, public, not_before, not_after)
    extensions: list[tuple[t.Any, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (keys.key_usage(encipherment=server and keys.describe(public).startswith("RSA")), True),
        (x509.ExtendedKeyUsage([usage]), False),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
        (_key_of_issuer(issuer), False),
    ]
    if names:
        extensions.append((x509.SubjectAlternativeName([keys.general_name(each) for each in names]), False))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, keys.signing_hash(issuer_key))


def revocation_list(
    issuer: t.Any,
    issuer_key: t.Any,
    revoked: t.Iterable[RevokedSerial],
    *,
    number: int,
    last_update: int,
    next_update: int,
) -> t.Any:
    """The list of one authority; ``number`` grows from one list to the next."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(_datetime(last_update))
        .next_update(_datetime(next_update))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_key_of_issuer(issuer), critical=False)
    )
    for entry in sorted(revoked, key=_order):
        builder = builder.add_revoked_certificate(_entry(entry))
    return builder.sign(issuer_key, keys.signing_hash(issuer_key))


def pem_of(made: t.Any) -> bytes:
    """PEM of a certificate or of a list."""
    encoded: bytes = made.public_bytes(serialization.Encoding.PEM)
    return encoded


def fingerprint(certificate: t.Any) -> str:
    """SHA-256, in hexadecimal."""
    return str(certificate.fingerprint(hashes.SHA256()).hex())


def serial_of(certificate: t.Any) -> str:
    """The serial number as the record spells it: hexadecimal, lower case."""
    return f"{certificate.serial_number:x}"


def seconds(found: t.Any, name: str) -> int:
    """A time of a certificate or list: ``not_valid_before``, ``not_valid_after``, ``last_update``, ``next_update``."""
    modern = f"{name}_utc"  # cryptography 42 and newer, where the naive one is deprecated
    if hasattr(found, modern):
        return int(getattr(found, modern).timestamp())
    return int(getattr(found, name).replace(tzinfo=datetime.timezone.utc).timestamp())


def _builder(name: t.Any, issuer_name: t.Any, public: t.Any, not_before: int, not_after: int) -> t.Any:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer_name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_datetime(not_before))
        .not_valid_after(_datetime(not_after))
    )


def _for_authority(builder: t.Any, public: t.Any, *, path_length: int) -> t.Any:
    usage = x509.KeyUsage(
        digital_signature=False,
        key_encipherment=False,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _key_of_issuer(issuer: t.Any) -> t.Any:
    own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _order(entry: RevokedSerial) -> int:
    return entry.serial


def _entry(entry: RevokedSerial) -> t.Any:
    builder = x509.RevokedCertificateBuilder().serial_number(entry.serial).revocation_date(_datetime(entry.time))
    if entry.reason != "unspecified":  # RFC 5280: left out then
        builder = builder.add_extension(x509.CRLReason(x509.ReasonFlags[entry.reason]), critical=False)
    return builder.build()


def _datetime(moment: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
