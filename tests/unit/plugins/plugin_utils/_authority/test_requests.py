# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests are judged before anything is signed: each refusal beside the same request without the one fault."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.requests import Requested
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.requests import judged_client
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.requests import judged_server

P256 = KeySpec("ecdsa_p256")
KEY = keys.new_key(P256)
GRANTED = ["db1.example.org", "192.0.2.10", "2001:db8::1"]
SAN = x509.SubjectAlternativeName([x509.DNSName("db1.example.org")])


def usage(**chosen: bool) -> t.Any:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: chosen.get(name, False) for name in names})


def request(*extensions: t.Any, key: t.Any = KEY, common_name: str | None = "db1.example.org") -> bytes:
    attributes = [] if common_name is None else [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM)


def judged(pem: bytes | str, key: KeySpec = P256) -> Requested:
    return judged_server(pem, host="db1", granted=GRANTED, key=key)


def refusal(pem: bytes | str, key: KeySpec = P256) -> str:
    with pytest.raises(RampartError) as refused:
        judged(pem, key)
    return str(refused.value)


def test_what_is_taken_over() -> None:
    names = [x509.DNSName("db1.example.org"), x509.IPAddress(ipaddress.ip_address("192.0.2.10"))]
    found = judged(request(x509.SubjectAlternativeName(names)).decode())
    assert found.names == ("db1.example.org", "192.0.2.10")
    assert keys.digest(found.public) == keys.digest(KEY.public_key())


@pytest.mark.parametrize(
    "harmless",
    [
        x509.BasicConstraints(ca=False, path_length=None),
        usage(digital_signature=True),
        usage(digital_signature=True, key_encipherment=True),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        x509.SubjectKeyIdentifier.from_public_key(KEY.public_key()),
    ],
)
def test_what_a_request_may_ask_for(harmless: t.Any) -> None:
    assert judged(request(SAN, harmless)).names == ("db1.example.org",)


@pytest.mark.parametrize(
    ("extension", "reason"),
    [
        (x509.BasicConstraints(ca=True, path_length=None), "CA:TRUE"),
        (x509.BasicConstraints(ca=True, path_length=0), "CA:TRUE"),
        (usage(digital_signature=True, key_cert_sign=True), "key_cert_sign"),
        (usage(crl_sign=True), "crl_sign"),
        (usage(key_agreement=True, encipher_only=True), "key_agreement"),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), "another usage"),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CODE_SIGNING]), "another usage"),
        (x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.5.29.37.0")]), "another usage"),
        (x509.NameConstraints(permitted_subtrees=[x509.DNSName("x")], excluded_subtrees=None), "2.5.29.30"),
        (x509.OCSPNoCheck(), "1.3.6.1.5.5.7.48.1.5"),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), "1.2.3.4"),
    ],
)
def test_what_it_may_not(extension: t.Any, reason: str) -> None:
    assert reason in refusal(request(SAN, extension))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (x509.DNSName("db2.example.org"), "it may not bear db2.example.org"),
        (x509.DNSName("*.example.org"), r"it may not bear *.example.org"),
        (x509.DNSName("a b"), "'a b'"),
        (x509.DNSName(""), "''"),
        (x509.DNSName("db1.example.org\x00.evil.net"), "which is not"),
        (x509.RFC822Name("root@example.org"), "neither a DNS name nor an IP address"),
        (x509.UniformResourceIdentifier("https://db1.example.org"), "neither a DNS name nor an IP address"),
        (x509.IPAddress(ipaddress.ip_address("192.0.2.11")), "it may not bear 192.0.2.11"),
    ],
)
def test_one_name_too_many(name: t.Any, reason: str) -> None:
    assert reason in refusal(request(x509.SubjectAlternativeName([x509.DNSName("db1.example.org"), name])))


def test_the_common_name_is_a_name_too() -> None:
    assert "'db2.example.org' is not one of" in refusal(request(SAN, common_name="db2.example.org"))
    assert judged(request(SAN, common_name=None)).names == ("db1.example.org",)


def test_no_name_at_all() -> None:
    assert "no subject alternative name" in refusal(request())
    assert "no subject alternative name" in refusal(request(x509.SubjectAlternativeName([])))


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (ec.generate_private_key(ec.SECP384R1()), "ECDSA P-384"),
        (ec.generate_private_key(ec.SECP256K1()), "ECDSA secp256k1"),
        (rsa.generate_private_key(public_exponent=65537, key_size=2048), "RSA 2048"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
    ],
)
def test_another_key_than_was_asked_for(key: t.Any, found: str) -> None:
    assert refusal(request(SAN, key=key)).endswith(f"its key is {found}, not ECDSA P-256")


def test_the_size_of_an_rsa_key_counts() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert refusal(request(SAN, key=key), KeySpec("rsa", 3072)).endswith("its key is RSA 2048, not RSA 3072")
    assert judged(request(SAN, key=key), KeySpec("rsa", 2048)).names == ("db1.example.org",)


def test_a_request_that_another_key_signed() -> None:
    good = x509.load_pem_x509_csr(request(SAN)).public_bytes(serialization.Encoding.DER)
    point = KEY.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    other = keys.new_key(P256).public_key()
    another = other.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    assert good.count(point) == 1
    forged = x509.load_der_x509_csr(good.replace(point, another)).public_bytes(serialization.Encoding.PEM)
    assert "its signature is not that of its key" in refusal(forged)


@pytest.mark.parametrize(
    "content", ["", "x", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"]
)
def test_what_is_no_request(content: str) -> None:
    assert refusal(content).startswith("the request of db1 for a certificate is refused: it cannot be read")


def test_a_huge_one_is_not_even_read() -> None:
    assert "it has more than 65536 bytes" in refusal("x" * 65537)


@given(st.binary(max_size=300), st.integers(min_value=0, max_value=400))
def test_a_damaged_one_is_refused_and_nothing_else_happens(noise: bytes, at: int) -> None:
    pem = request(SAN)
    damaged = pem[:at] + noise + pem[at + len(noise) :]
    try:
        found = judged(damaged)
    except RampartError:
        return
    assert found.names == ("db1.example.org",)


def test_a_client_gives_a_request_or_its_public_key() -> None:
    bare = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for given_pem in (bare, bare.decode(), request(common_name="app")):
        assert keys.digest(judged_client(given_pem, role="app", key=P256).public) == keys.digest(KEY.public_key())
    with pytest.raises(RampartError, match="its key is ECDSA P-256, not ECDSA P-384"):
        judged_client(bare, role="app", key=KeySpec("ecdsa_p384"))
    for_server = request(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))
    with pytest.raises(RampartError, match="another usage than client"):
        judged_client(for_server, role="app", key=P256)
