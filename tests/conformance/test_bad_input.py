"""What cannot be done is refused with a message that names it, and changes nothing."""

from __future__ import annotations

import fcntl
import os
import pathlib
import shutil
import subprocess
import tempfile
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

LOCAL = {"type": "local", "databases": ["all"], "users": ["all"], "method": "trust"}
REMOTE = {"type": "host", "databases": ["all"], "users": ["all"], "address": "10.0.0.0/8", "method": "scram-sha-256"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can plant this")


@pytest.fixture(scope="session", params=[13, 18], ids=lambda major: f"pg{major}")
def major(request: pytest.FixtureRequest) -> int:
    """The oldest and the newest version: what is refused here does not depend on those between."""
    return int(request.param)


def snapshot(server: Server) -> dict[str, t.Any]:
    """Every configuration file with its attributes, and the roles."""
    files = {
        str(path): (path.lstat().st_mode, path.lstat().st_uid, path.read_bytes() if path.is_file() else b"")
        for path in sorted(server.data_directory.rglob("*"))
        if path.suffix in (".conf", ".pem", ".key", ".crt") or "rampart" in path.name
    }
    roles = server.query("SELECT * FROM pg_catalog.pg_roles ORDER BY rolname") if server.is_running() else []
    return {"files": files, "roles": roles}


def refused(server: Server, module: str, **options: t.Any) -> str:
    """Run a module that must fail, in check mode and for real; the message, when nothing has changed."""
    before = snapshot(server)
    messages = []
    for check in (True, False):
        result = run_module(module, server, check=check, **options)
        assert result.failed, result.output
        assert "Traceback" not in result.output
        assert snapshot(server) == before
        messages.append(result.message.partition(" Running: ")[0])  # other tests have servers too
    assert messages[0] == messages[1], "check mode and run say the same"
    return messages[0]


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ({**REMOTE, "address": "10.0.0.300/33"}, ("rules[1].address", "10.0.0.300/33")),
        ({**REMOTE, "address": "10.0.0.0/33"}, ("rules[1].address", "10.0.0.0/33")),
        ({**REMOTE, "method": "scram"}, ("rules[1].method", "'scram'", "scram-sha-256")),
        ({**REMOTE, "type": "tcp"}, ("rules[1].type", "tcp", "hostssl")),
        ({**REMOTE, "databases": []}, ("rules[1].databases",)),
    ],
    ids=["address", "mask", "method", "type", "no-database"],
)
def test_a_rule_that_the_server_would_reject(server: Server, rule: dict[str, t.Any], named: tuple[str, ...]) -> None:
    message = refused(server, "hba", rules=[LOCAL, rule])
    for words in named:
        assert words in message


def test_a_list_without_rules(server: Server) -> None:
    message = refused(server, "hba", rules=[])
    assert message.startswith("rules: []")


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"log_conections": True}, ("parameters.log_conections", "log_connections")),
        ({"authentication_timeout": 100000}, ("parameters.authentication_timeout", "100000", "10min")),
        ({"authentication_timeout": "5 parsecs"}, ("parameters.authentication_timeout", "5 parsecs")),
        ({"log_statement": "most"}, ("parameters.log_statement", "most", "ddl")),
        ({"custom_variable_classes": "x"}, ("parameters.custom_variable_classes",)),
        (
            {"max_connections": 5, "superuser_reserved_connections": 7},
            ("superuser_reserved_connections", "must be less than"),
        ),
        ({"unix_socket_group": "nonesuch"}, ('group "nonesuch" does not exist',)),
    ],
    ids=["unknown", "range", "unit", "enumeration", "obsolete", "contradiction", "group"],
)
def test_a_parameter_that_the_server_would_reject(
    server: Server, parameters: dict[str, t.Any], named: tuple[str, ...]
) -> None:
    message = refused(server, "settings", parameters=parameters)
    for words in named:
        assert words in message


def test_a_library_that_is_not_there(server: Server) -> None:
    assert "nonesuch" in refused(server, "settings", preload=["nonesuch"])


@needs_root
def test_a_key_that_the_owner_may_not_read(fresh_server: Server) -> None:
    key = fresh_server.data_directory / "rampart-server.pem"
    key.write_text("planted\n", encoding="utf-8")
    key.chmod(0o600)
    message = refused(fresh_server, "certificate")
    assert "rampart-server.pem" in message
    assert "permission denied" in message


def test_a_server_that_is_down(fresh_server: Server) -> None:
    server = fresh_server
    server.stop()
    socket_directory = str(server.socket_directory)
    ways: list[tuple[str, dict[str, t.Any], str]] = [
        ("hba", {"rules": [LOCAL]}, str(server.data_directory)),
        ("hba", {"rules": [LOCAL], "cluster": None, "port": server.port, "socket_directory": socket_directory}, ""),
        ("hba", {"rules": [LOCAL], "cluster": None, "host": socket_directory, "port": server.port}, ""),
        ("hba", {"rules": [LOCAL], "cluster": "99/nowhere"}, "99/nowhere"),
        ("role_attributes", {"allow": [], "cluster": None, "host": "127.0.0.1", "port": server.port}, "127.0.0.1"),
    ]
    for module, options, named in ways:
        message = refused(server, module, **options)
        assert message.startswith("the server is down: ")
        assert (named or str(server.port)) in message
        assert "so nothing was done: start it first" in message


def test_a_wrong_password_is_not_in_the_output(fresh_server: Server) -> None:
    server = fresh_server
    server.query("SET password_encryption = 'scram-sha-256'; CREATE ROLE dba SUPERUSER LOGIN PASSWORD 'right'")
    server.hba_file.write_text("local all all trust\nhost all dba 127.0.0.1/32 scram-sha-256\n", encoding="utf-8")
    server.reload()
    reach: dict[str, t.Any] = {
        "cluster": None,
        "host": "127.0.0.1",
        "port": server.port,
        "user": "dba",
        "sslmode": "disable",
    }
    result = run_module("role_attributes", server, allow=[], password="wr0ng-one", **reach)
    assert result.failed
    assert "password authentication failed" in result.message
    assert "wr0ng-one" not in result.output.replace('"password": "VALUE_SPECIFIED', "")
    assert not run_module("role_attributes", server, allow=[], password="right", **reach).failed


@pytest.fixture
def read_only(fresh_server: Server, tmp_path: pathlib.Path) -> Iterator[Server]:
    """A server whose hba file lies on a file system that was made read-only."""
    place = fresh_server.data_directory.parent / "etc"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", str(place)], check=True)
    try:
        (place / "pg_hba.conf").write_text("local all all trust\n", encoding="utf-8")
        for path in (place, place / "pg_hba.conf"):
            os.chown(path, fresh_server.owner.uid, fresh_server.owner.gid)
        with fresh_server.owner.acting(), fresh_server.conf_file.open("a", encoding="utf-8") as stream:
            stream.write(f"hba_file = '{place}/pg_hba.conf'\n")
        fresh_server.restart()
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        yield fresh_server
    finally:
        fresh_server.stop()
        subprocess.run(["umount", str(place)], check=True)


@needs_root
def test_a_file_system_that_is_read_only(read_only: Server) -> None:
    file = read_only.data_directory.parent / "etc" / "pg_hba.conf"
    message = refused(read_only, "hba", rules=[LOCAL, REMOTE])
    assert "Read-only file system" in message
    assert str(file) in message
    assert file.read_text(encoding="utf-8") == "local all all trust\n"


def test_a_file_in_a_directory_that_is_not_there(server: Server) -> None:
    path = server.data_directory / "nonesuch" / "pg_hba.conf"
    assert f"cannot write {path}: No such file or directory" in refused(server, "hba", rules=[LOCAL], path=str(path))


def test_a_run_that_another_one_keeps_waiting(fresh_server: Server) -> None:
    before = snapshot(fresh_server)
    descriptor = os.open(fresh_server.data_directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        result = run_module("hba", fresh_server, rules=[LOCAL], lock_wait=1)
        assert result.failed
        assert "gave up after lock_wait (1 s)" in result.message
        assert snapshot(fresh_server) == before
    finally:
        os.close(descriptor)
    assert run_module("hba", fresh_server, rules=[LOCAL]).changed


@needs_root
def test_a_planted_link_to_a_file_of_roots(fresh_server: Server) -> None:
    target = pathlib.Path(f"/root/.rampart-planted-{os.getpid()}")
    target.write_text("root's own\n", encoding="utf-8")
    target.chmod(0o600)
    fresh_server.hba_file.unlink()
    fresh_server.hba_file.symlink_to(target)
    try:
        result = run_module("hba", fresh_server, rules=[LOCAL])
        assert result.failed
        assert "permission denied" in result.message
        assert "root's own" not in result.output
        assert target.read_text(encoding="utf-8") == "root's own\n"
        assert target.stat().st_uid == 0
    finally:
        target.unlink()


@needs_root
def test_a_path_of_roots_that_the_server_is_made_to_report(fresh_server: Server) -> None:
    """A superuser decides what pg_settings says; no link is needed for a file in a directory of root's."""
    target = pathlib.Path(f"/etc/.rampart-planted-{os.getpid()}")
    target.write_text("root's own\n", encoding="utf-8")
    target.chmod(0o600)
    columns = "a.unit, a.category, a.short_desc, a.extra_desc, a.context, a.vartype, a.source, a.min_val, a.max_val"
    fresh_server.query(
        "SET allow_system_table_mods = on; CREATE OR REPLACE VIEW pg_catalog.pg_settings AS SELECT a.name,"
        f" CASE a.name WHEN 'hba_file' THEN '{target}' ELSE a.setting END AS setting, {columns},"
        " a.enumvals, a.boot_val, a.reset_val, a.sourcefile, a.sourceline, a.pending_restart"
        " FROM pg_catalog.pg_show_all_settings() AS a"
    )
    try:
        for mode, words in ((0o600, "cannot read"), (0o644, "cannot write")):
            target.chmod(mode)
            result = run_module("hba", fresh_server, rules=[LOCAL])
            assert result.failed
            assert f"{words} {target}" in result.message
            assert "permission denied" in result.message
            assert target.read_text(encoding="utf-8") == "root's own\n"
            assert target.stat().st_uid == 0
    finally:
        target.unlink()


@needs_root
def test_a_process_that_pretends_to_be_a_server(server: Server) -> None:
    """Any account may have a process named postgres whose postmaster.pid is a pipe that nobody writes to."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="rampart-pretender-", dir="/tmp"))
    program = shutil.copy("/bin/sleep", directory / "postgres")
    os.mkfifo(directory / "postmaster.pid")
    for path in (directory, *directory.iterdir()):
        os.chown(path, server.owner.uid, server.owner.gid)
    process = subprocess.Popen([program, "60"], cwd=directory, user=server.owner.uid, group=server.owner.gid)
    try:
        assert not run_module("cluster_info", server).failed
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(directory)


def everything(server: Server, **more: t.Any) -> Result:
    return run_module(
        "cluster",
        server,
        certificate={},
        settings={"sections": {"tls": {"ssl": True}}},
        role_attributes={"allow": []},
        **more,
    )


def test_one_bad_component_stops_all_of_them(fresh_server: Server) -> None:
    """Nothing is half applied: a rule that cannot be means no certificate and no parameter either."""
    fresh_server.query("CREATE ROLE app SUPERUSER")
    before = snapshot(fresh_server)
    result = everything(fresh_server, hba={"rules": [LOCAL, {**REMOTE, "method": "scram"}]})
    assert result.failed
    assert "hba.rules[1].method" in result.message
    assert snapshot(fresh_server) == before
    assert everything(fresh_server, hba={"rules": [LOCAL, REMOTE]}).changed
    assert not everything(fresh_server, hba={"rules": [LOCAL, REMOTE]}).changed
