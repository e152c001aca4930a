"""A restart never leaves the server down."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._server import drivers
from ansible_collections.rampart.postgresql.plugins.module_utils._server import server as _server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.pending import Waiting
from ansible_collections.rampart.postgresql.plugins.module_utils._server.pending import waiting
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module
from ansible_collections.rampart.postgresql.tests.conformance.servers import MAJORS

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

_EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")


def started(server: Server) -> list[tuple[t.Any, ...]]:
    return server.query("SELECT pg_catalog.pg_postmaster_start_time()")


def append(path: pathlib.Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def test_nothing_waits_so_nothing_is_restarted(server: Server) -> None:
    started = server.query("SELECT pg_catalog.pg_postmaster_start_time()")
    result = run_module("server_restart", server)
    assert not result.changed
    assert not result.values["restarted"]
    assert server.query("SELECT pg_catalog.pg_postmaster_start_time()") == started


def test_what_waits_is_in_force_after_a_restart(fresh_server: Server) -> None:
    run_module("settings", fresh_server, parameters={"max_connections": 57})
    check = run_module("server_restart", fresh_server, check=True)
    assert (check.changed, check.values["restarted"], check.values["pending"]) == (True, False, ["max_connections"])
    assert fresh_server.query("SHOW max_connections") == [("100",)]
    result = run_module("server_restart", fresh_server)
    assert result.values["restarted"]
    assert fresh_server.query("SHOW max_connections") == [("57",)]
    assert not run_module("server_restart", fresh_server).changed


@pytest.mark.in_turn
def test_what_was_written_and_never_loaded_waits_too(fresh_server: Server) -> None:
    append(fresh_server.conf_file, "max_connections = 57\n")
    check = good(run_module("server_restart", fresh_server, check=True))
    assert check.values["pending"] == ["max_connections"]
    assert check.values["diff"] == {"before": "max_connections = 100\n", "after": "max_connections = 57\n"}
    assert good(run_module("server_restart", fresh_server)).values["restarted"]
    assert fresh_server.query("SHOW max_connections") == [("57",)]


@pytest.mark.in_turn
def test_psql_alone_sees_it_too(fresh_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "_PSYCOPG", None)
    monkeypatch.setattr(drivers, "_PSYCOPG2", None)
    append(fresh_server.conf_file, "max_connections = 57\n")
    with _server.Server.open(Options(cluster=str(fresh_server.data_directory))) as opened:
        assert opened.session.driver == "psql"
        assert waiting(opened) == (Waiting("max_connections", running="100", configured="57"),)


@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("file", "fault", "named"),
    [
        ("postgresql.conf", "work_mem 1 MB\n", "syntax error (line"),
        ("postgresql.conf", "ssl = on\nssl_cert_file = 'gone.crt'\n", "gone.crt"),
        ("postgresql.conf", "logging_collector = on\nlog_directory = '/nonexistent/log'\n", "log_directory"),
        ("pg_hba.conf", "local all all trus\n", "pg_hba.conf"),
    ],
    ids=["syntax", "certificate", "log", "hba"],
)
def test_what_would_not_start_is_not_stopped(fresh_server: Server, file: str, fault: str, named: str) -> None:
    path = fresh_server.data_directory / file
    before, since = path.read_bytes(), started(fresh_server)
    append(path, fault)
    for check in (True, False):
        result = run_module("server_restart", fresh_server, check=check, force=True)
        assert result.failed
        assert named in result.message
    assert started(fresh_server) == since
    path.write_bytes(before)
    assert good(run_module("server_restart", fresh_server, force=True)).values["restarted"]
    assert started(fresh_server) != since


# 203.0.113.0/24 is for documentation (RFC 5737), so no host has the address.
@pytest.mark.in_turn
@pytest.mark.parametrize(
    "faulty",
    [{"listen_addresses": "203.0.113.9"}, {"unix_socket_directories": "/nonexistent"}],
    ids="-".join,
)
def test_a_server_that_does_not_start_gets_back_what_it_ran_with(fresh_server: Server, faulty: dict[str, str]) -> None:
    name = next(iter(faulty))
    before = fresh_server.query(f"SHOW {name}")
    assert run_module("settings", fresh_server, parameters=faulty, rehearse=False).changed
    result = run_module("server_restart", fresh_server, rehearse=False)
    assert result.failed
    assert name in result.message
    assert "It runs now with what it had before" in result.message
    assert any("FATAL" in line for line in result.values["log"])
    assert fresh_server.query(f"SHOW {name}") == before
    assert not run_module("server_restart", fresh_server).changed
    # The next run takes the faulty value out and is at rest.
    assert good(run_module("settings", fresh_server, parameters={"max_connections": 57})).changed
    assert good(run_module("server_restart", fresh_server)).values["restarted"]
    assert fresh_server.query(f"SHOW {name}") == before


@pytest.mark.in_turn
def test_a_server_that_is_up_where_nobody_gets_in_gets_back_what_it_ran_with(fresh_server: Server) -> None:
    append(fresh_server.conf_file, "listen_addresses = 'localhost'\nunix_socket_directories = ''\n")
    result = run_module("server_restart", fresh_server, timeout=3, rehearse=False)
    assert "no login within timeout (3 s)" in result.message
    assert "It runs now with what it had before" in result.message
    assert fresh_server.query("SHOW unix_socket_directories") == [(str(fresh_server.socket_directory),)]


@pytest.mark.in_turn
def test_files_with_errors_are_refused_without_a_rehearsal_too(fresh_server: Server) -> None:
    since = started(fresh_server)
    append(fresh_server.conf_file, "work_mem 1 MB\n")
    append(fresh_server.hba_file, "local all all trus\n")
    for check in (True, False):
        result = run_module("server_restart", fresh_server, check=check, force=True, rehearse=False)
        assert result.failed
        assert f"of {fresh_server.conf_file})" in result.message
        assert 'invalid authentication method "trus" (line' in result.message
        assert f"of {fresh_server.hba_file})" in result.message
    assert started(fresh_server) == since


@pytest.mark.in_turn
def test_rules_that_were_never_loaded_do_not_lock_the_run_out_after_the_restart(fresh_server: Server) -> None:
    since = started(fresh_server)
    with fresh_server.connect() as open_before:
        fresh_server.hba_file.write_text("local all nobody trust\n", encoding="utf-8")
        result = run_module("server_restart", fresh_server, force=True)
        assert "the server was not restarted, as a reload of its files failed" in result.message
        assert "no pg_hba.conf entry" in result.message
        assert open_before.execute("SELECT pg_catalog.pg_postmaster_start_time()").fetchall() == since


@pytest.mark.in_turn
def test_a_server_that_does_not_stop_is_ended_and_comes_back(fresh_server: Server) -> None:
    append(fresh_server.conf_file, "archive_mode = on\narchive_command = 'sleep 90'\n")
    fresh_server.restart()
    fresh_server.query("SELECT pg_catalog.pg_switch_wal() FROM pg_catalog.pg_logical_emit_message(true, 'a', 'b')")
    append(fresh_server.conf_file, "max_connections = 57\n")
    result = good(run_module("server_restart", fresh_server, timeout=3))
    assert "the server did not stop within timeout (3 s), so it was ended at once" in str(result.values["warnings"])
    assert fresh_server.query("SHOW max_connections") == [("57",)]


@pytest.mark.in_turn
def test_a_server_whose_checkpoint_does_not_end_is_not_stopped(fresh_server: Server) -> None:
    since = started(fresh_server)
    [(checkpointer,)] = fresh_server.query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
    os.kill(checkpointer, signal.SIGSTOP)
    try:
        result = run_module("server_restart", fresh_server, force=True, timeout=2)
    finally:
        os.kill(checkpointer, signal.SIGCONT)
    assert "one did not end within timeout (2 s)" in result.message
    assert started(fresh_server) == since


@pytest.mark.in_turn
@pytest.mark.parametrize("log", ["collector", "nowhere"])
def test_what_the_server_says_is_found_wherever_it_says_it(fresh_server: Server, log: str) -> None:
    append(fresh_server.conf_file, f"logging_collector = {'on' if log == 'collector' else 'off'}\n")
    fresh_server.stop()
    start = [str(fresh_server.bindir / "pg_ctl"), "start", "-D", str(fresh_server.data_directory)]
    start += ["-l", str(fresh_server.log)] if log == "collector" else []
    fresh_server.owner.run(["sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh", *start])
    _slot(fresh_server)
    append(fresh_server.conf_file, "max_replication_slots = 0\n")
    result = run_module("server_restart", fresh_server)
    assert "too many replication slots" in result.message
    assert any("too many replication slots" in line for line in result.values["log"])
    again = good(run_module("server_restart", fresh_server, force=True))
    assert not again.values.get("warnings"), "where the standard error goes is known now"


@pytest.mark.in_turn
def test_a_server_keeps_its_environment(fresh_server: Server) -> None:
    def environment() -> bytes:
        pid = (fresh_server.data_directory / "postmaster.pid").read_text().split()[0]
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes()

    fresh_server.stop()
    variables = ["BUCKET=backups", "NOTIFY_SOCKET=/nonexistent"]
    start = [
        str(fresh_server.bindir / "pg_ctl"),
        "start",
        "-D",
        str(fresh_server.data_directory),
        "-l",
        str(fresh_server.log),
    ]
    fresh_server.owner.run(["env", *variables, *start])
    assert good(run_module("server_restart", fresh_server, force=True)).values["restarted"]
    assert b"BUCKET=backups" in environment()
    assert b"NOTIFY_SOCKET" not in environment(), "what is for one process only"


@pytest.mark.in_turn
def test_a_directory_of_root_does_not_stand_in_the_way_back(fresh_server: Server) -> None:
    folder = fresh_server.data_directory / "conf.d"
    folder.mkdir(mode=0o755)
    (folder / "site.conf").write_text("max_replication_slots = 0\n", encoding="utf-8")
    append(fresh_server.conf_file, "include_dir 'conf.d'\n")
    _slot(fresh_server)
    result = run_module("server_restart", fresh_server)
    if os.geteuid() == 0:
        assert result.values["restored"] == [
            f"max_replication_slots in {fresh_server.data_directory / 'postgresql.auto.conf'}"
        ]
    assert "It runs now with what it had before" in result.message
    assert fresh_server.query("SHOW max_replication_slots") == [("10",)]


@pytest.mark.in_turn
def test_a_pid_file_of_somebody_else_that_is_cut_short_disturbs_nobody(fresh_server: Server) -> None:
    room = fresh_server.data_directory.parent / "other"
    with fresh_server.owner.acting():
        room.mkdir()
        shutil.copy("/bin/sleep", room / "postgres")
    with subprocess.Popen(
        ["postgres", "60"], executable=room / "postgres", cwd=room, user=fresh_server.owner.uid
    ) as other:
        (room / "postmaster.pid").write_text(f"{other.pid}\n", encoding="utf-8")
        try:
            assert not good(run_module("server_restart", fresh_server, check=True)).changed
        finally:
            other.kill()


def _prepared(server: Server) -> None:
    append(server.conf_file, "max_prepared_transactions = 2\n")
    server.restart()
    server.query("BEGIN; CREATE TABLE prepared (); PREPARE TRANSACTION 'open'")


def _slot(server: Server) -> None:
    server.query("SELECT pg_catalog.pg_create_physical_replication_slot('kept')")


@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("prepare", "faulty", "said"),
    [
        (_slot, {"max_replication_slots": 0}, "too many replication slots"),
        (_slot, {"wal_level": "minimal", "max_wal_senders": 0}, "wal_level"),
        (_prepared, {"max_prepared_transactions": 0}, "prepared transactions"),
    ],
    ids=["slots", "wal_level", "prepared"],
)
def test_what_no_rehearsal_can_see_is_undone(
    fresh_server: Server, prepare: t.Callable[[Server], None], faulty: dict[str, t.Any], said: str
) -> None:
    prepare(fresh_server)
    before = {name: fresh_server.query(f"SHOW {name}") for name in faulty}
    assert good(run_module("settings", fresh_server, parameters=faulty)).changed
    result = run_module("server_restart", fresh_server)
    assert result.failed
    assert "It runs now with what it had before" in result.message
    assert said in result.message
    assert {name: fresh_server.query(f"SHOW {name}") for name in faulty} == before
    assert not good(run_module("server_restart", fresh_server)).changed


@pytest.mark.in_turn
def test_a_server_that_comes_back_on_another_port_is_found(fresh_server: Server) -> None:
    where: dict[str, t.Any] = {"port": fresh_server.port, "socket_directory": str(fresh_server.socket_directory)}
    other = fresh_server.socket_directory / "other"
    with fresh_server.owner.acting():
        other.mkdir()
    append(fresh_server.conf_file, f"unix_socket_directories = '{other}'\n")
    assert good(run_module("server_restart", **where)).values["restarted"]
    assert (other / f".s.PGSQL.{fresh_server.port}").exists()


@pytest.mark.in_turn
def test_what_patroni_manages_is_refused(fresh_server: Server) -> None:
    since = started(fresh_server)
    trace = fresh_server.data_directory / "patroni.dynamic.json"
    trace.write_text("{}", encoding="utf-8")
    append(fresh_server.conf_file, "max_connections = 57\n")
    for check in (True, False):
        refused = run_module("server_restart", fresh_server, check=check, standby_order="ignore", rehearse=False)
        assert refused.failed
        assert "patronictl restart" in refused.message
        assert refused.values["managed_by"] == "patroni"
    assert started(fresh_server) == since
    trace.unlink()
    assert good(run_module("server_restart", fresh_server)).values["restarted"]


@pytest.mark.in_turn
def test_a_server_that_is_down_is_named_and_left(fresh_server: Server) -> None:
    fresh_server.stop()
    for options in ({}, {"force": True}):
        result = run_module("server_restart", fresh_server, **options)
        assert result.failed
        assert f"the server is down: the cluster {fresh_server.data_directory} does not run" in result.message
        assert "so nothing was done: start it first" in result.message
    assert not fresh_server.is_running()
    fresh_server.start()
    assert not good(run_module("server_restart", fresh_server)).changed


@contextlib.contextmanager
def open_transaction(server: Server, *, seconds: float) -> Iterator[None]:
    """A transaction of somebody's that ends after so many seconds."""
    connection = server.connect(autocommit=False, application_name="batch")
    connection.execute("SELECT 1")
    timer = threading.Timer(seconds, connection.close)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        connection.close()


@pytest.mark.in_turn
def test_transactions_are_waited_for(fresh_server: Server) -> None:
    since = started(fresh_server)
    with open_transaction(fresh_server, seconds=60):
        refused = run_module("server_restart", fresh_server, force=True, drain=1)
        assert refused.failed
        assert "as transactions are still open after drain (1 s)" in refused.message
        assert [found["application"] for found in refused.values["transactions"]] == ["batch"]
        assert started(fresh_server) == since
    with open_transaction(fresh_server, seconds=2):
        begun = time.monotonic()
        done = good(run_module("server_restart", fresh_server, force=True, drain=60))
        assert 1 < time.monotonic() - begun < 50
        assert not done.values.get("warnings")
    with open_transaction(fresh_server, seconds=60):
        ended = good(run_module("server_restart", fresh_server, force=True, drain=1, drain_expired="restart"))
        assert "batch" in str(ended.values["warnings"])
    assert run_module("server_restart", fresh_server, drain=-1).message.startswith("drain: -1")


def wait_for_standby(primary: Server, count: int) -> None:
    for _attempt in range(600):
        if primary.query("SELECT count(*) FROM pg_stat_replication WHERE replay_lsn IS NOT NULL") == [(count,)]:
            return
        time.sleep(0.05)
    raise RuntimeError(f"not {count} standbys:\n{primary.log_text()}")


@pytest.mark.parametrize("major", MAJORS if _EXTENDED else (MAJORS[0], MAJORS[-1]), ids=lambda major: f"pg{major}")
def test_standbys_are_raised_first(workshop: Workshop, major: int) -> None:
    primary = workshop.server(major)
    standby = workshop.standby(primary)
    wait_for_standby(primary, 1)
    since = started(primary)
    append(primary.conf_file, "max_connections = 110\nmax_locks_per_transaction = 65\n")
    for check in (True, False):
        refused = run_module("server_restart", primary, check=check, force=True)
        assert refused.failed
        assert "max_connections is raised from 100 to 110, so the standbys come first: walreceiver" in refused.message
        assert "max_locks_per_transaction" in refused.message
    assert started(primary) == since
    append(standby.conf_file, "max_connections = 110\nmax_locks_per_transaction = 65\n")
    assert good(run_module("server_restart", standby)).values["restarted"]
    wait_for_standby(primary, 1)
    assert good(run_module("server_restart", primary, standby_order="ignore")).values["restarted"]
    wait_for_standby(primary, 1)
    # Lower than what runs, and nothing here tells what the primary has.
    append(standby.conf_file, "max_connections = 105\n")
    refused = run_module("server_restart", standby)
    assert refused.failed
    assert "pg_controldata" in refused.message
    append(standby.conf_file, "max_connections = 110\n")
    assert not good(run_module("server_restart", standby)).changed
    # Without a standby nobody is asked.
    append(primary.conf_file, "max_connections = 120\n")
    standby.stop()
    wait_for_standby(primary, 0)
    _slot(primary)
    alone = good(run_module("server_restart", primary))
    assert alone.values["restarted"]
    assert "a standby that comes back with the slot kept, which nobody uses now, needs max_connections = 120" in str(
        alone.values["warnings"]
    )
    workshop.discard(standby)
    workshop.discard(primary)


@pytest.mark.parametrize("major", MAJORS if _EXTENDED else MAJORS[-1:], ids=lambda major: f"pg{major}")
def test_a_standby_that_is_not_back_in_time(workshop: Workshop, major: int) -> None:
    primary = workshop.server(major)
    standby = workshop.standby(primary)
    append(standby.conf_file, "hot_standby = off\n")
    result = run_module("server_restart", standby, timeout=3)
    assert "not accepting connections" in result.message
    assert result.values["restored"] == [f"hot_standby in {standby.conf_file}"]
    assert standby.query("SHOW hot_standby") == [("on",)]
    # Still at its WAL, which it would have to replay with any configuration.
    append(standby.conf_file, "restore_command = 'sleep 12; false'\n")
    result = run_module("server_restart", standby, force=True, timeout=3)
    assert "still replays its WAL, so it was left alone" in result.message
    assert result.values["log"]
    assert standby.is_running()
    workshop.discard(standby)
    workshop.discard(primary)
