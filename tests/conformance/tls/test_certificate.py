"""Certificates on real servers: made, served, renewed, left alone; judged by openssl and by libpq."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import time
import typing as t

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Request
from ansible_collections.rampart.postgresql.tests.conformance.components import NeverProven
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

NAMES = ["localhost", "db1.example.org", "192.0.2.10"]
ON = {"sections": {"pg_tls": {"ssl": "on"}}}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file that the owner cannot read")


def run(server: Server, *, check: bool = False, rehearse: bool = False, **options: t.Any) -> Result:
    """The certificate, and ssl turned on."""

    def build() -> list[Component]:
        return [component(options, can_only_judge=check), settings.component(ON)]

    return run_components(server, build, check=check, rehearse=rehearse)


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def own_file(server: Server) -> pathlib.Path:
    return server.data_directory / "rampart-server.pem"


def tree(server: Server) -> dict[str, tuple[int, bytes]]:
    """Configuration and certificates with their modes."""
    paths = [path for path in server.data_directory.iterdir() if path.suffix in (".conf", ".pem", ".crt", ".key")]
    return {path.name: (path.stat().st_mode, path.read_bytes()) for path in paths}


def handshake(server: Server) -> bytes:
    """The certificate that the server really serves, in DER."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(struct.pack("!II", 8, 80877103))
        assert connection.recv(1) == b"S"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(connection) as wrapped:
            return wrapped.getpeercert(binary_form=True) or b""


def in_file(server: Server) -> bytes:
    certificate = own_file(server).read_bytes().split(b"-----END PRIVATE KEY-----\n")[1]
    return x509.load_pem_x509_certificate(certificate).public_bytes(serialization.Encoding.DER)


def trust(server: Server, directory: pathlib.Path) -> str:
    """The certificate without its key, where a client would have it."""
    found = own_file(server).read_bytes()
    path = directory / "root.crt"
    path.write_bytes(found[found.index(b"-----BEGIN CERTIFICATE") :])
    for parent in (path, directory):
        parent.chmod(0o755)
    return str(path)


def verified(server: Server, root: str, *, host: str = "localhost", sslmode: str = "verify-full") -> bool:
    options: dict[str, t.Any] = {
        "host": host,
        "hostaddr": "127.0.0.1",
        "sslmode": sslmode,
        "sslrootcert": root,
        "sslcert": "none",
    }
    with contextlib.closing(
        psycopg.connect(port=server.port, user=server.superuser, dbname="postgres", **options)
    ) as c:
        row = c.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
        return row == (True,)


def openssl(*arguments: str, content: bytes = b"") -> str:
    done = subprocess.run(["openssl", *arguments], input=content, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def write(server: Server, path: pathlib.Path, content: bytes, mode: int = 0o600) -> None:
    """Write as the owner of the cluster would."""
    with server.owner.acting():
        path.write_bytes(content)
        path.chmod(mode)


def leaked(server: Server, output: str) -> bool:
    """Whether any line of the private key is in the output."""
    lines = own_file(server).read_text().split("-----BEGIN PRIVATE KEY-----")[1].split("-----END")[0].split()
    assert len(lines) >= 3
    return any(line in output for line in lines)


def test_it_is_made_served_and_then_left_alone(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    server = fresh_server
    before = tree(server)
    wanted = good(run(server, check=True, rehearse=True, names=NAMES))
    assert wanted.changed
    assert tree(server) == before
    done = good(run(server, rehearse=True, names=NAMES))
    assert [step["subject"] for step in done.values["steps"]] == [s["subject"] for s in wanted.values["steps"]]
    assert done.values["steps"][0]["subject"] == str(own_file(server))

    found = own_file(server).stat()
    assert (found.st_mode & 0o7777, found.st_uid) == (0o600, server.owner.uid)
    names = dict(server.query("SELECT name, setting FROM pg_settings WHERE name IN ('ssl_cert_file', 'ssl_key_file')"))
    assert set(names.values()) == {str(own_file(server))}
    assert handshake(server) == in_file(server)
    for output in (wanted.output, done.output):
        assert not leaked(server, output)
    assert leaked(server, done.output.replace("fingerprint", own_file(server).read_text()))  # a planted leak

    root = trust(server, tmp_path)
    assert verified(server, root)
    assert verified(server, root, host="db1.example.org")
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        verified(server, root, host="other.example.org")
    assert verified(server, root, host="other.example.org", sslmode="verify-ca")

    assert openssl("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", root, root).strip().endswith("OK")
    text = openssl("x509", "-in", root, "-noout", "-text")
    for words in ("DNS:localhost, DNS:db1.example.org, IP Address:192.0.2.10", "CA:FALSE"):
        assert words in text
    assert "TLS Web Server Authentication" in text
    assert "prime256v1" in text

    after = tree(server)
    assert not good(run(server, check=True, names=NAMES)).changed
    assert not good(run(server, names=NAMES)).changed
    assert tree(server) == after


def test_tampering_is_reported_and_corrected(fresh_server: Server) -> None:
    server = fresh_server
    path = own_file(server)
    good(run(server, names=NAMES))
    for tamper in (_rubbish, _another_key, _readable_by_others, _removed, _truncated):
        tamper(server)
        tampered = tree(server)
        wanted = good(run(server, check=True, names=NAMES))
        assert [step["component"] for step in wanted.values["steps"]] == ["certificate"], tamper
        assert tree(server) == tampered
        good(run(server, names=NAMES))
        assert handshake(server) == in_file(server)
        assert path.stat().st_mode & 0o7777 == 0o600
        assert not good(run(server, names=NAMES)).changed


def _rubbish(server: Server) -> None:
    write(server, own_file(server), b"rubbish\n")


def _another_key(server: Server) -> None:
    begin = b"-----BEGIN CERTIFICATE"
    certificate = own_file(server).read_bytes().split(begin)[1]
    key = pem.make(_request(names=("localhost",))).split(begin, maxsplit=1)[0]
    write(server, own_file(server), key + begin + certificate)


def _readable_by_others(server: Server) -> None:
    own_file(server).chmod(0o644)


def _removed(server: Server) -> None:
    own_file(server).unlink()


def _truncated(server: Server) -> None:
    content = own_file(server).read_bytes()
    write(server, own_file(server), content[: len(content) // 2])


def _request(*, names: tuple[str, ...], days: int = 365, kind: str = "ecdsa_p256") -> Request:
    now = int(time.time())
    return Request(names=names, key=KeySpec(kind), not_before=now - 3600, not_after=now + days * 86400)


def test_it_is_renewed_in_time_and_open_sessions_stay(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    server = fresh_server
    good(run(server, names=["localhost"], validity=90))
    old = handshake(server)
    root = trust(server, tmp_path)
    with psycopg.connect(
        host="localhost",
        port=server.port,
        user=server.superuser,
        dbname="postgres",
        sslmode="verify-full",
        sslrootcert=root,
    ) as session:
        assert not good(run(server, names=["localhost"], validity=90, renew_before=89)).changed
        made = good(run(server, names=["localhost"], key_type="ecdsa_p384"))
        [warning] = [words for words in made.values["warnings"] if "becomes another certificate" in words]
        assert made.changed and f"user {server.superuser}, database postgres, from " in warning, warning
        assert handshake(server) == in_file(server) != old
        row = session.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
        assert row == (True,)
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            verified(server, root)  # the old one is not the new one
    assert verified(server, trust(server, tmp_path))

    write(server, own_file(server), pem.make(_request(names=("localhost",), days=0)))
    expired = good(run(server, names=["localhost"]))
    assert "has expired" in expired.values["steps"][0]["description"]
    assert good(run(server, names=["localhost"], key_type="rsa")).changed
    assert not good(run(server, names=["localhost"], key_type="rsa")).changed
    assert verified(server, trust(server, tmp_path))


def test_a_file_that_the_server_has_not_loaded_is_loaded(fresh_server: Server) -> None:
    server = fresh_server
    good(run(server, names=["localhost"]))
    old = handshake(server)
    write(server, own_file(server), pem.make(_request(names=("localhost",))))
    assert handshake(server) == old
    wanted = good(run(server, check=True, names=["localhost"]))
    assert [step["description"] for step in wanted.values["steps"]] == [
        "reload: the server still serves another certificate"
    ]
    good(run(server, names=["localhost"]))
    assert handshake(server) == in_file(server) != old
    assert not good(run(server, names=["localhost"])).changed


def test_what_is_not_proven_is_taken_back(fresh_server: Server) -> None:
    server = fresh_server
    good(run(server, names=["localhost"]))
    before, served = tree(server), handshake(server)
    result = run_components(server, lambda: [component({"names": ["other"]}), NeverProven()], rehearse=False)
    assert result.failed
    assert "not in force" in result.message
    assert not leaked(server, result.output)
    assert tree(server) == before
    assert handshake(server) == served
    assert not good(run(server, names=["localhost"])).changed


def test_a_handshake_leaves_nothing_in_the_log(fresh_server: Server) -> None:
    server = fresh_server
    good(run(server, names=["localhost"]))
    before = server.log_text()
    assert not good(run(server, names=["localhost"])).changed
    assert server.log_text() == before


def test_somebody_elses_certificate_is_left_alone_until_told_otherwise(fresh_server: Server) -> None:
    server = fresh_server
    made = pem.make(_request(names=("company.example.org",))).split(pem.MARK)[1]
    write(server, server.data_directory / "server.crt", made)
    write(server, server.data_directory / "server.key", made)
    before = tree(server)
    result = good(run(server, names=["localhost"]))
    assert [item["subject"] for item in result.values["left_alone"]] == [str(server.data_directory / "server.crt")]
    served = handshake(server)
    changed = {name for name, found in tree(server).items() if before.get(name) != found}
    assert not any(name.endswith((".pem", ".crt", ".key")) for name in changed)
    assert not good(run(server, names=["localhost"])).changed
    assert good(run(server, names=["localhost"], foreign="replace")).changed
    assert handshake(server) == in_file(server) != served
    assert (server.data_directory / "server.crt").read_bytes() == made


@needs_root
def test_a_key_that_the_owner_cannot_read_is_an_error(fresh_server: Server) -> None:
    server = fresh_server
    good(run(server, names=["localhost"]))
    os.chown(own_file(server), 0, 0)
    before = tree(server)
    result = run(server, names=["localhost"])
    assert result.failed
    assert str(own_file(server)) in result.message and "permission denied" in result.message
    assert tree(server) == before
    os.chown(own_file(server), server.owner.uid, server.owner.gid)
    assert not good(run(server, names=["localhost"])).changed


@needs_root
def test_a_planted_link_does_not_lead_to_a_file_of_roots(fresh_server: Server) -> None:
    server = fresh_server
    target = server.data_directory.parent / "secret"
    target.write_bytes(b"root's own\n")
    target.chmod(0o600)
    with server.owner.acting():
        own_file(server).symlink_to(target)
    result = run(server, names=["localhost"])
    assert result.failed
    assert "permission denied" in result.message
    assert target.read_bytes() == b"root's own\n"
    own_file(server).unlink()
    assert good(run(server, names=["localhost"])).changed


@needs_root
def test_the_file_lies_beside_the_configuration_where_the_owner_can_write(fresh_server: Server) -> None:
    """As on Debian, where the configuration has a directory of its own; in the data directory otherwise."""
    server = fresh_server
    data_directory = server.data_directory
    server.stop()
    folder = data_directory.parent / "etc"
    folder.mkdir(mode=0o755)
    for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
        shutil.move(str(data_directory / name), folder)
    with (folder / "postgresql.conf").open("a") as stream:
        stream.write(f"data_directory = '{data_directory}'\n")
    server.data_directory = folder
    server.start()
    server.data_directory = data_directory

    def subject() -> str:
        result = run_components(server, lambda: [component({"names": ["localhost"]})], rehearse=False)
        return str(good(result).values["steps"][0]["subject"])

    assert subject() == str(data_directory / "rampart-server.pem")
    os.chown(folder, server.owner.uid, server.owner.gid)
    assert subject() == str(folder / "rampart-server.pem")
    refused = run_components(server, lambda: [component({"path": "/etc/rampart-server.pem"})])
    assert "may not write in this directory" in refused.message


def test_a_standby_gets_a_certificate_too(fresh_server: Server) -> None:
    server = fresh_server
    server.stop()
    write(server, server.data_directory / "standby.signal", b"")
    server.start()
    assert server.query("SELECT pg_is_in_recovery()") == [(True,)]
    assert good(run(server, names=["localhost"])).changed
    assert handshake(server) == in_file(server)
    assert not good(run(server, names=["localhost"])).changed


def test_the_module_names_the_file_without_turning_ssl_on(fresh_server: Server) -> None:
    server = fresh_server
    wanted = good(run_module("certificate", server, check=True, rehearse=False))
    done = good(run_module("certificate", server))
    assert wanted.changed and done.changed
    assert not leaked(server, done.output)
    assert "SHA-256 fingerprint" in done.values["diff"][0]["after"]
    assert server.query("SELECT setting FROM pg_settings WHERE name = 'ssl_cert_file'") == [(str(own_file(server)),)]
    assert server.query("SHOW ssl") == [("off",)]
    assert not good(run_module("certificate", server)).changed
    assert "SCRAM over TLS" in run_module("certificate", server, key_type="ed25519").message


def test_without_the_library_check_mode_reports_and_a_run_fails(
    fresh_server: Server, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = fresh_server
    hidden = tmp_path / "cryptography"
    hidden.mkdir()
    (hidden / "__init__.py").write_text("raise ImportError('hidden')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    before = tree(server)
    wanted = good(run_module("certificate", server, check=True))
    assert wanted.changed
    assert "python3-cryptography is missing" in wanted.values["left_alone"][0]["reason"]
    refused = run_module("certificate", server)
    assert refused.failed
    assert refused.values["missing_packages"] == ["python3-cryptography"]
    assert tree(server) == before
    monkeypatch.undo()
    assert good(run_module("certificate", server, rehearse=False)).changed


def test_why_ed25519_is_refused(fresh_server: Server) -> None:
    """SCRAM over TLS fails with such a key, and works with one of ours: nothing else differs."""
    server = fresh_server
    with server.connect() as connection:
        connection.execute("SET password_encryption = 'scram-sha-256'")
        connection.execute("CREATE ROLE scram LOGIN PASSWORD 'pencil'")
    rules = server.hba_file.read_bytes()
    write(server, server.hba_file, b"hostssl all scram 127.0.0.1/32 scram-sha-256\n" + rules)
    good(run(server, names=["localhost"]))

    def login(channel_binding: str = "prefer") -> None:
        who: dict[str, t.Any] = {"user": "scram", "password": "pencil", "channel_binding": channel_binding}
        psycopg.connect(host="127.0.0.1", port=server.port, dbname="postgres", sslmode="require", **who).close()

    login()
    write(server, own_file(server), _ed25519())
    server.reload()
    with pytest.raises(psycopg.OperationalError, match="could not find digest for NID"):
        login()
    login("disable")  # which nobody does, but it shows that channel binding is what fails


def _ed25519() -> bytes:
    key = ed25519.Ed25519PrivateKey.generate()
    ours = x509.load_pem_x509_certificate(
        pem.make(_request(names=("localhost",))).split(b"-----END PRIVATE KEY-----\n")[1]
    )
    builder = x509.CertificateBuilder(
        issuer_name=ours.issuer,
        subject_name=ours.subject,
        public_key=key.public_key(),
        serial_number=ours.serial_number,
        not_valid_before=ours.not_valid_before_utc,
        not_valid_after=ours.not_valid_after_utc,
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + builder.sign(key, None).public_bytes(serialization.Encoding.PEM)
