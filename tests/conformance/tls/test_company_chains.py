# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chains that companies' authorities issue: clients get in with each that is installed, and others are refused."""

from __future__ import annotations

import dataclasses
import typing as t

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.oid import NameOID

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.component import CertificateComponent
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.tls.issuing import days

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

pytestmark = pytest.mark.in_turn
PASSWORD = "of the shop"
RSA = rsa.generate_private_key(65537, 2048)


@dataclasses.dataclass(frozen=True)
class Chain:
    """The server's key, and certificates as PEM."""

    root: str
    between: str
    own: str
    key: str


def _certificate(subject: str, key: t.Any, issuer: str, *, authority: bool, end: float = 60) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(days(-90)).not_valid_after(days(end))
    return builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(builder: x509.CertificateBuilder, key: t.Any) -> str:
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    scheme = None
    if isinstance(key, rsa.RSAPrivateKey):
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    return builder.sign(key, algorithm, rsa_padding=scheme).public_bytes(serialization.Encoding.PEM).decode()


def chain(
    *,
    authority_key: t.Any = None,
    use: t.Any = ExtendedKeyUsageOID.SERVER_AUTH,
    issues: bool = True,
    issuer_end: float = 60,
    name: str = "localhost",
) -> Chain:
    """Root, intermediate and server; RSA keys sign with PSS."""
    upper = authority_key or ec.generate_private_key(ec.SECP521R1())
    key = ec.generate_private_key(ec.SECP256R1())
    own = _certificate("server", key, "between", authority=False)
    own = own.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    own = own.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    return Chain(
        root=_signed(_certificate("root", upper, "root", authority=True), upper),
        between=_signed(_certificate("between", upper, "root", authority=issues, end=issuer_end), upper),
        own=_signed(own, upper),
        key=key.private_bytes(*plain).decode(),
    )


def adopt(server: Server, given: Chain, chain_of: t.Sequence[str]) -> Result:
    """Let provider existing adopt these certificates."""
    source = server.data_directory / "source.pem"
    parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    with server.owner.acting():
        source.write_text(f"subject=server\n{parameters}{given.key}" + "issuer=between\n".join(chain_of))
        source.chmod(0o600)

    def build() -> list[Component]:
        options = {"provider": "existing", "source_certificate": str(source), "names": ["localhost"]}
        return [
            CertificateComponent(desired(options)),
            settings.component({"sections": {"pg_tls": {"ssl": "on"}}}),
        ]

    return run_components(server, build, rehearse=False)


def log_in(server: Server, root: str) -> None:
    """With SCRAM and channel binding, and the server verified."""
    trusted = server.data_directory.parent / "root.pem"
    trusted.write_text(root)
    options = {"host": "localhost", "user": "shop", "password": PASSWORD, "sslmode": "verify-full", "sslcert": "none"}
    server.connect(**options, sslrootcert=str(trusted), channel_binding="require").close()


@pytest.fixture
def shop(fresh_server: Server) -> Server:
    fresh_server.query(f"SET password_encryption = 'scram-sha-256'; CREATE ROLE shop LOGIN PASSWORD '{PASSWORD}'")
    with fresh_server.owner.acting():
        fresh_server.hba_file.write_text("local all all trust\nhostssl all shop all scram-sha-256\n")
    fresh_server.reload()
    return fresh_server


def test_clients_get_in_with_what_is_installed(shop: Server) -> None:
    for given in (chain(), chain(authority_key=RSA), chain(name="LOCALHOST")):
        for form in ([given.own, given.between], [given.own, given.between, given.root]):
            done = adopt(shop, given, form)
            assert not done.failed and done.changed, done.output
            log_in(shop, given.root)
            assert not adopt(shop, given, form).changed


def test_a_chain_with_which_clients_could_not_log_in_is_refused(shop: Server) -> None:
    good = chain()
    assert adopt(shop, good, [good.own, good.between]).changed
    unhashed = chain(authority_key=ed25519.Ed25519PrivateKey.generate())
    for given, form, words in (
        (unhashed, [unhashed.own], "SCRAM"),
        (unhashed, [unhashed.own, unhashed.between], "SCRAM"),
        (chain(use=ExtendedKeyUsageOID.CLIENT_AUTH), None, "for a server"),
        (chain(issues=False), None, "CN=between is no authority"),
        (chain(issuer_end=-2), None, "CN=between has expired on"),
    ):
        done = adopt(shop, given, form or [given.own, given.between])
        assert done.failed and words in done.message and "source_certificate" in done.message, done.output
        log_in(shop, good.root)


def test_the_refused_signature_is_no_invention(shop: Server) -> None:
    """The server takes it, and clients with SCRAM cannot log in."""
    given, good = chain(authority_key=ed25519.Ed25519PrivateKey.generate()), chain()
    assert adopt(shop, good, [good.own, good.between]).changed
    with shop.owner.acting():
        (shop.data_directory / "rampart-server.pem").write_text(given.key + given.own + given.between)
    shop.reload()
    with pytest.raises(psycopg.OperationalError, match="digest"):
        log_in(shop, given.root)
