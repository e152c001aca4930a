"""The fact about certificates on real servers: what is served, what lies in the files, and what it means for clients."""

from __future__ import annotations

import contextlib
import pathlib
import re
import subprocess
import time
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server as OpenedServer
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.survey import survey
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module
from ansible_collections.rampart.postgresql.tests.papers import DAY
from ansible_collections.rampart.postgresql.tests.papers import Paper
from ansible_collections.rampart.postgresql.tests.papers import issue
from ansible_collections.rampart.postgresql.tests.papers import key_text
from ansible_collections.rampart.postgresql.tests.papers import revocation_list

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

Entries = list[dict[str, t.Any]]


class Pki:
    """An authority with an intermediate, a server's certificate and a client's, from now on."""

    def __init__(self) -> None:
        self.now = int(time.time())
        self.root = self.issue("root", authority=True)
        self.intermediate = self.issue("intermediate", by=self.root, authority=True)
        self.server = self.issue("db1", by=self.intermediate, days=90, names=["db1.example.org", "localhost"])
        self.client = self.issue("app", by=self.root, days=90)

    def issue(self, name: str, *, by: Paper | None = None, days: float = 3650, **more: t.Any) -> Paper:
        return issue(name, by=by, start=self.now - 90 * DAY, end=self.now + int(days * DAY), **more)

    def list_of(self, paper: Paper, *, days: float = 180, **more: t.Any) -> bytes:
        return revocation_list(paper, start=self.now - 200 * DAY, end=self.now + int(days * DAY), **more)

    @property
    def lists(self) -> bytes:
        return self.list_of(self.root) + self.list_of(self.intermediate)


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki()


def put(server: Server, name: str, content: bytes, mode: int = 0o600) -> pathlib.Path:
    path = server.data_directory / name
    with server.owner.acting():
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        path.chmod(mode)
    return path


def configure(server: Server, **settings: str) -> None:
    for name, value in settings.items():
        server.query(f"ALTER SYSTEM SET {name} = '{value}'")
    server.reload()


def serve(server: Server, pki: Pki, **settings: str) -> None:
    put(server, "own.pem", key_text(pki.server.key) + pki.server.text + pki.intermediate.text)
    put(server, "clients.pem", pki.root.text + pki.intermediate.text + pki.lists)
    configure(
        server,
        ssl="on",
        ssl_cert_file="own.pem",
        ssl_key_file="own.pem",
        ssl_ca_file="clients.pem",
        ssl_crl_file="clients.pem",
        **settings,
    )


def look(server: Server, within: int | None = None) -> Entries:
    with OpenedServer.open(Options(cluster=str(server.data_directory))) as opened:
        return survey(opened, within=within)


def codes(entries: Entries) -> dict[str, list[str]]:
    """What is wrong, by role and number."""
    return {
        f"{entry['role']} {entry['number']}": [problem["code"] for problem in entry["problems"]]
        for entry in entries
        if entry["problems"]
    }


def logs_in(server: Server, pki: Pki, directory: pathlib.Path) -> bool:
    """Whether a client that presents its certificate gets through the handshake."""
    certificate, key = directory / "client.crt", directory / "client.key"
    certificate.write_bytes(pki.client.text)
    key.touch(mode=0o600)
    key.write_bytes(key_text(pki.client.key))
    options: dict[str, t.Any] = {"host": "127.0.0.1", "sslmode": "require", "sslcert": str(certificate)}
    try:
        # As ourselves: the key is ours.
        with contextlib.closing(
            psycopg.connect(port=server.port, user=server.superuser, dbname="postgres", sslkey=str(key), **options)
        ):
            return True
    except psycopg.OperationalError:
        return False


def test_everything_is_listed_as_openssl_sees_it(fresh_server: Server, pki: Pki) -> None:
    server = fresh_server
    serve(server, pki)
    own, clients = str(server.data_directory / "own.pem"), str(server.data_directory / "clients.pem")
    entries = look(server)
    assert [(entry["role"], entry["path"], entry["number"]) for entry in entries] == [
        ("server", own, 1),
        ("intermediate", own, 2),
        ("client_authority", clients, 1),
        ("client_authority", clients, 2),
        ("revocation_list", clients, 3),
        ("revocation_list", clients, 4),
    ]
    assert codes(entries) == {}
    assert {entry["state"] for entry in entries} == {"ok"}
    first = entries[0]
    assert (first["served"], first["key_matches"], first["names"]) == (True, True, ["db1.example.org", "localhost"])
    for entry, text in zip(entries, [pki.server.text, pki.intermediate.text, pki.root.text], strict=False):
        said = subprocess.run(
            ["openssl", "x509", "-noout", "-serial", "-enddate", "-fingerprint", "-sha256", "-dateopt", "iso_8601"],
            input=text,
            capture_output=True,
            check=True,
        ).stdout.decode()
        serial, end, fingerprint = [line.partition("=")[2] for line in said.splitlines()]
        assert int(serial, 16) == int(entry["serial"], 16)
        assert end.replace(" ", "T") == entry["not_after"]
        assert fingerprint.replace(":", "").lower() == entry["fingerprint"]


def test_ssl_off_needs_no_file(server: Server) -> None:
    assert look(server) == []
    with OpenedServer.open(Options(host="127.0.0.1", port=server.port, user=server.superuser)) as opened:
        assert survey(opened) == []


@pytest.mark.in_turn
def test_the_module_tells_no_secret_and_pays_only_when_asked(fresh_server: Server, pki: Pki) -> None:
    server = fresh_server
    serve(server, pki)
    only = run_module("cluster_info", server, gather=["certificates"])
    assert not only.failed, only.output
    assert len(only.values["certificates"]) == 6
    assert "roles" not in only.values
    usual = run_module("cluster_info", server)
    assert "certificates" not in usual.values
    assert usual.values["roles"]
    secret = key_text(pki.server.key).decode().splitlines()[1:-1]
    assert secret and not any(line in only.output for line in secret)
    assert any(line in put(server, "planted", key_text(pki.server.key)).read_text() for line in secret)
    refused = run_module("cluster_info", server, gather=["certificates"], expiring_within=-1)
    assert refused.failed and "expiring_within" in refused.message


@pytest.mark.in_turn
def test_what_the_server_serves_is_not_what_lies_there(fresh_server: Server, pki: Pki) -> None:
    server = fresh_server
    serve(server, pki)
    newer = pki.issue("db1", by=pki.intermediate, days=95)
    put(server, "own.pem", key_text(newer.key) + newer.text + pki.intermediate.text)
    entries = look(server)
    in_file, intermediate, shown = entries[:3]
    assert codes(entries) == {"server 1": ["not_served"]}
    assert (in_file["served"], in_file["subject"], in_file["days_left"]) == (False, "CN=db1", 94)
    assert intermediate["role"] == "intermediate"
    assert (shown["role"], shown["path"], shown["served"], shown["days_left"]) == ("server", None, True, 89)
    server.reload()
    assert codes(look(server)) == {}


@pytest.mark.in_turn
def test_an_expired_or_missing_list_is_told_and_refuses(fresh_server: Server, pki: Pki, tmp_path: pathlib.Path) -> None:
    server = fresh_server
    serve(server, pki)
    assert logs_in(server, pki, tmp_path)
    for lists, told in (
        (pki.list_of(pki.root, days=-1) + pki.list_of(pki.intermediate), {"revocation_list 3": ["expired"]}),
        (pki.list_of(pki.intermediate), {"client_authority 1": ["list_missing"]}),
        (
            pki.list_of(pki.root, signer=pki.client.key) + pki.list_of(pki.intermediate),
            {"revocation_list 3": ["wrong_signature"]},
        ),
    ):
        put(server, "clients.pem", pki.root.text + pki.intermediate.text + lists)
        assert codes(look(server))["client_authority 1"][-1] == "not_loaded"  # until the server knows of it
        server.reload()
        assert codes(look(server)) == told
        assert not logs_in(server, pki, tmp_path)
    # One that expired does no harm beside its successor.
    put(server, "clients.pem", pki.root.text + pki.intermediate.text + pki.list_of(pki.root, days=-1) + pki.lists)
    server.reload()
    entries = look(server)
    assert codes(entries) == {}
    assert [entry["state"] for entry in entries].count("superseded") == 1
    assert logs_in(server, pki, tmp_path)


@pytest.mark.in_turn
@pytest.mark.since(14)
def test_a_directory_of_lists(fresh_server: Server, pki: Pki, tmp_path: pathlib.Path) -> None:
    server = fresh_server
    serve(server, pki)
    directory = server.data_directory / "lists"
    with server.owner.acting():
        directory.mkdir()
    put(server, "lists/root.crl", pki.list_of(pki.root))
    put(server, "lists/README", b"nothing of the kind")
    put(server, "clients.pem", pki.root.text)
    configure(server, ssl_crl_file="", ssl_crl_dir="lists")
    assert codes(look(server)) == {"client_authority 1": ["list_missing"], "revocation_list 1": ["not_looked_for"]}
    assert not logs_in(server, pki, tmp_path)
    said = subprocess.run(
        ["openssl", "crl", "-noout", "-hash"], input=pki.list_of(pki.root), capture_output=True, check=True
    )
    put(server, f"lists/{said.stdout.decode().strip()}.r0", pki.list_of(pki.root, days=20))
    put(server, "lists/root.crl", b"")
    server.reload()
    entries = look(server)
    assert codes(entries) == {"revocation_list 1": ["expires_soon"]}
    assert entries[-1]["issuer"] == "CN=root"
    assert logs_in(server, pki, tmp_path)


@pytest.mark.in_turn
def test_what_cannot_be_read_is_told(fresh_server: Server, pki: Pki) -> None:
    server = fresh_server
    serve(server, pki)
    (server.data_directory / "clients.pem").unlink()
    put(server, "own.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    entries = look(server)
    assert [(entry["role"], entry["state"]) for entry in entries] == [
        ("server", "unknown"),
        ("server", "ok"),
        ("client_authority", "unknown"),
    ]
    assert entries[2]["reason"] == "there is no such file"
    linked = server.data_directory / "clients.pem"
    linked.symlink_to("/etc/shadow")
    assert "permission denied" in look(server)[2]["reason"]


@pytest.mark.in_turn
def test_a_key_that_does_not_fit_or_that_others_read(fresh_server: Server, pki: Pki) -> None:
    server = fresh_server
    serve(server, pki)
    put(server, "other.key", key_text(pki.client.key), mode=0o640)
    configure(server, ssl_key_file="other.key")
    assert codes(look(server)) == {"server 1": ["key_mismatch", "key_exposed"]}
    assert re.search("private key file .* has group or world access", server.log_text())
    put(server, "other.key", key_text(pki.server.key, b"secret"))
    first = look(server)[0]
    assert (first["problems"], first["key_matches"]) == ([], None)
    assert first["key_reason"] == "it is protected by a passphrase"
    (server.data_directory / "other.key").unlink()
    assert codes(look(server)) == {"server 1": ["key_unusable"]}


@pytest.mark.in_turn
def test_a_standby_and_a_connection_from_elsewhere(workshop: Workshop, fresh_server: Server, pki: Pki) -> None:
    server = fresh_server
    serve(server, pki)
    standby = workshop.standby(server)
    try:
        entries = look(standby)
        assert [entry["path"].startswith(f"{standby.data_directory}/") for entry in entries] == [True] * 6
        assert entries[0]["served"] is True
    finally:
        workshop.discard(standby)
    options = Options(host="127.0.0.1", port=server.port, user=server.superuser)
    with OpenedServer.open(options) as opened:
        entries = survey(opened)
    assert [(entry["role"], entry["state"]) for entry in entries] == [
        ("server", "unknown"),
        ("server", "ok"),
        ("client_authority", "unknown"),
    ]
    assert entries[1]["subject"] == "CN=db1"
    assert "run it on the database host" in entries[0]["reason"]


@pytest.mark.in_turn
def test_without_the_library_nothing_is_known_and_that_is_told(
    fresh_server: Server, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = fresh_server
    serve(server, pki)
    monkeypatch.setattr(keys, "AVAILABLE", False)
    entries = look(server)
    assert {entry["state"] for entry in entries} == {"unknown"}
    assert len(entries) == 6
    assert {entry["reason"] for entry in entries} == {"python3-cryptography is missing on this host"}
    assert entries[0]["served"] is True  # the fingerprint tells, without the library
