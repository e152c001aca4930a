"""Who gets in with certificates of our authority and who does not: libpq, Python's own TLS and openssl are asked."""

from __future__ import annotations

import dataclasses
import pathlib
import ssl
import time
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import ToRevoke
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.servers import MAJORS
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import DAY
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import TestAuthority
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import expired
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import issue
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import put
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import openssl
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import python_tls
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import refusal
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import served
from ansible_collections.rampart.postgresql.tests.conformance.tls.clients import trusted
from ansible_collections.rampart.postgresql.tests.conformance.tls.rotations import EXTENDED

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

NAMES = ["localhost", "db1.example.org", "192.0.2.10"]
IN = ""


@pytest.fixture(scope="module", params=MAJORS if EXTENDED else [13, 15, 17, 18], ids=lambda major: f"pg{major}")
def major(request: pytest.FixtureRequest) -> int:
    """Those that Debian has: what clients do is the same in all versions."""
    return int(request.param)


@pytest.fixture(scope="module")
def server(workshop: Workshop, major: int) -> Iterator[Server]:
    """One server of each version for this file: its certificate is that of the last test."""
    server = workshop.server(major)
    for role in ("app", "other"):
        server.query(f"CREATE ROLE {role} LOGIN")
    yield server
    workshop.discard(server)


@dataclasses.dataclass
class Party:
    """An authority, and its bundle of trusted roots where clients have it."""

    authority: TestAuthority
    directory: pathlib.Path
    bundles: int = 0

    def root(self) -> pathlib.Path:
        self.bundles += 1
        return trusted(
            self.directory, self.authority.open().trust_pem.encode(), name=f"{self.authority.path.name}-{self.bundles}"
        )

    def give(self, server: Server, **options: t.Any) -> Result:
        result = issue(server, self.authority, **{"names": NAMES, **options})
        assert not result.failed, result.output
        return result


def party(tmp_path: pathlib.Path, server: Server, name: str = "ours", **options: t.Any) -> Party:
    return Party(TestAuthority(tmp_path / name, common_name=name, **options), server.socket_directory)


def seen_by_all(server: Server, root: pathlib.Path, *, host: str = "localhost") -> str:
    """Empty when libpq and Python's own TLS both accept the server; they must be of one opinion."""
    told = refusal(server, root, host=host)
    try:
        assert python_tls(server, root, host=host) == served(server)
    except ssl.SSLCertVerificationError as error:
        assert told, f"Python refuses what libpq accepts: {error}"
        return f"{told}; {error}"
    assert not told, f"libpq refuses what Python accepts: {told}"
    return IN


def test_a_client_gets_in_after_issue_and_renewal_and_by_no_other_name(server: Server, tmp_path: pathlib.Path) -> None:
    ours, others = party(tmp_path, server), party(tmp_path, server, "others")
    root, wrong_root = ours.root(), others.root()
    assert ours.give(server).changed
    first = served(server)
    for certificates in range(2):
        for host in ("localhost", "db1.example.org"):
            assert seen_by_all(server, root, host=host) == IN
        told = seen_by_all(server, root, host="other.example.org")
        assert "does not match host name" in told and "Hostname mismatch" in told
        assert refusal(server, root, host="other.example.org", sslmode="verify-ca") == IN
        told = seen_by_all(server, wrong_root)
        assert told.count("certificate verify failed") == 2
        if not certificates:
            assert not ours.give(server).changed
            assert ours.give(server, validity=90).changed
    assert served(server) != first
    assert others.give(server).changed
    assert seen_by_all(server, wrong_root) == IN
    assert seen_by_all(server, root).count("certificate verify failed") == 2


def test_an_expired_certificate_is_refused_and_replaced(server: Server, tmp_path: pathlib.Path) -> None:
    ours = party(tmp_path, server, now=int(time.time()) - 30 * DAY)
    root, stale = ours.root(), expired(ours.authority, tuple(NAMES))
    assert ours.give(server).changed
    assert seen_by_all(server, root) == IN
    put(server, stale)
    told = seen_by_all(server, root)
    assert "certificate verify failed" in told and "certificate has expired" in told
    done = ours.give(server)
    assert "it has expired on" in done.values["steps"][0]["description"]
    assert seen_by_all(server, root) == IN


def test_one_authority_takes_over_from_another(server: Server, tmp_path: pathlib.Path) -> None:
    ours = party(tmp_path, server)
    old = ours.root()
    ours.give(server)
    ours.authority.establish(trusted=(1, 2))
    both = ours.root()
    assert not ours.give(server).changed  # a generation that only is trusted has not issued anything yet
    new = trusted(ours.directory, pathlib.Path(ours.authority.path, "2", "root.pem").read_bytes(), name="new.crt")
    opinions = {"old": seen_by_all(server, old), "both": seen_by_all(server, both), "new": seen_by_all(server, new)}
    assert (opinions["old"], opinions["both"]) == (IN, IN) and "certificate verify failed" in opinions["new"]
    ours.authority.establish(generation=2)
    switched = ours.give(server)
    assert switched.changed and not ours.give(server).changed
    opinions = {"old": seen_by_all(server, old), "both": seen_by_all(server, both), "new": seen_by_all(server, new)}
    assert (opinions["both"], opinions["new"]) == (IN, IN) and "certificate verify failed" in opinions["old"]
    ours.authority.establish(trusted=(2,))
    assert not ours.give(server).changed
    assert seen_by_all(server, ours.root()) == IN


def test_a_client_certificate_opens_the_door_until_it_is_revoked(server: Server, tmp_path: pathlib.Path) -> None:
    ours = party(tmp_path, server, now=int(time.time()) - 40 * DAY)
    others, root = party(tmp_path, server, "others"), ours.root()
    late = ours.authority.client("app", tmp_path)
    now = int(time.time())
    app, other = (ours.authority.client(role, tmp_path, now=now) for role in ("app", "other"))
    stranger = others.authority.client("app", tmp_path)
    rules = server.hba_file.read_bytes()
    with server.owner.acting():
        server.hba_file.write_bytes(b"hostssl all app,other 127.0.0.1/32 cert\n" + rules)
    server.reload()
    try:
        ours.authority.now = now
        ours.give(server, own={"trust_clients": True})
        words = {
            "nothing": refusal(server, root, user="app"),
            "expired": refusal(server, root, **late),
            "stranger": refusal(server, root, **stranger),
            "another's": refusal(server, root, **{**app, "user": "other"}),
        }
        assert "connection requires a valid client certificate" in words["nothing"]
        assert "certificate expired" in words["expired"]
        assert "unknown ca" in words["stranger"]
        assert "certificate authentication failed" in words["another's"]
        assert [refusal(server, root, **who) for who in (app, other)] == [IN, IN]
        assert python_tls(server, root, identity=(app["sslcert"], app["sslkey"])) == served(server)

        serial = f"{x509.load_pem_x509_certificate(pathlib.Path(app['sslcert']).read_bytes()).serial_number:x}"
        ours.authority.establish(revoked=(ToRevoke("revoked[0]", serial=serial),))
        assert ours.give(server, own={"trust_clients": True}).changed
        assert not ours.give(server, own={"trust_clients": True}).changed
        assert "certificate revoked" in refusal(server, root, **app)
        with pytest.raises(ssl.SSLError, match="REVOKED"):
            python_tls(server, root, identity=(app["sslcert"], app["sslkey"]))
        assert [refusal(server, root, **who) for who in (other, ours.authority.client("app", tmp_path))] == [IN, IN]
    finally:
        with server.owner.acting():
            server.hba_file.write_bytes(rules)
        server.reload()


def test_openssl_accepts_whatever_was_made(server: Server, tmp_path: pathlib.Path) -> None:
    """An implementation that is not ours verifies chains and lists, and refuses what was revoked or is misused."""
    ours = party(tmp_path, server)
    ours.give(server)
    good, bad = (ours.authority.client("app", tmp_path)["sslcert"] for _certificate in range(2))
    serial = f"{x509.load_pem_x509_certificate(pathlib.Path(bad).read_bytes()).serial_number:x}"
    ours.authority.establish(trusted=(1, 2), revoked=(ToRevoke("revoked[0]", serial=serial),))
    found = ours.authority.open()
    leaf = tmp_path / "server.pem"
    leaf.write_bytes(x509.load_der_x509_certificate(served(server)).public_bytes(serialization.Encoding.PEM))
    roots, between, lists = tmp_path / "roots.pem", tmp_path / "between.pem", tmp_path / "lists.pem"
    roots.write_text(found.trust_pem)
    between.write_text("".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in intermediates(ours)))
    lists.write_text(found.revocation_lists_pem)

    def verified(path: pathlib.Path | str, purpose: str) -> str:
        return openssl(
            *("verify", "-x509_strict", "-check_ss_sig", "-purpose", purpose, "-crl_check_all"),
            *("-CRLfile", lists, "-CAfile", roots, "-untrusted", between, path),
        )

    assert verified(leaf, "sslserver").strip() == f"{leaf}: OK"
    assert verified(good, "sslclient").strip() == f"{good}: OK"
    for path, purpose, words in (
        (bad, "sslclient", "certificate revoked"),
        (leaf, "sslclient", "unsuitable certificate purpose"),
        (good, "sslserver", "unsuitable certificate purpose"),
    ):
        with pytest.raises(AssertionError, match=words):
            verified(path, purpose)

    certificates = [leaf, *map(pathlib.Path, (good, bad)), *sorted(ours.authority.path.glob("*/*.pem"))]
    assert len(certificates) == 3 + 4
    for certificate in certificates:
        text = openssl("x509", "-in", certificate, "-noout", "-text")
        assert "X509v3 Basic Constraints: critical" in text and "X509v3 Key Usage: critical" in text
        assert "X509v3 Subject Key Identifier" in text
    texts = [
        openssl("crl", "-noout", "-text", content=f"-----BEGIN{block}".encode())
        for block in found.revocation_lists_pem.split("-----BEGIN")[1:]
    ]
    assert len(texts) == 4
    assert all("X509v3 CRL Number" in text and "Next Update" in text for text in texts)
    assert sum("No Revoked Certificates" in text for text in texts) == 3
    assert sum(f"Serial Number: {serial.upper()}" in text.replace("Number: 0", "Number: ") for text in texts) == 1


def intermediates(ours: Party) -> list[x509.Certificate]:
    paths = sorted(ours.authority.path.glob("*/intermediate.pem"))
    return [x509.load_pem_x509_certificate(path.read_bytes()) for path in paths]
