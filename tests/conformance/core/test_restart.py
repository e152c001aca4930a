"""A restart never leaves the server down."""

from __future__ import annotations

import contextlib
import os
import pathlib
import threading
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module
from ansible_collections.rampart.postgresql.tests.conformance.servers import MAJORS

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

_EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
_DEBIAN = pathlib.Path("/usr/lib/postgresql")


def started(server: Server) -> object:
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
@pytest.mark.parametrize(
    ("file", "fault", "named"),
    [
        ("postgresql.conf", "work_mem 1 MB\n", "syntax error"),
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
    assert run_module("settings", fresh_server, parameters={"max_connections": 57}).changed
    assert run_module("server_restart", fresh_server).values["restarted"]
    assert fresh_server.query(f"SHOW {name}") == before


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
    assert good(run_module("server_restart", primary)).values["restarted"]
    workshop.discard(standby)
    workshop.discard(primary)


@pytest.mark.parametrize("major", MAJORS, ids=lambda major: f"pg{major}")
def test_the_primary_is_lowered_first(workshop: Workshop, major: int) -> None:
    bindir = _DEBIAN / str(major) / "bin"
    if not (bindir / "pg_controldata").exists() or not (bindir / "postgres").exists():
        pytest.skip(f"needs the programs of Debian's package in {bindir}")
    primary = workshop.server(major)
    primary.stop()
    primary.bindir = bindir
    primary.start()
    standby = workshop.standby(primary)
    wait_for_standby(primary, 1)
    append(standby.conf_file, "max_connections = 90\n")
    refused = run_module("server_restart", standby)
    assert refused.failed
    assert "max_connections = 90 is less than the 100 of the primary, which comes first" in refused.message
    append(primary.conf_file, "max_connections = 90\n")
    assert good(run_module("server_restart", primary)).values["restarted"]
    wait_for_standby(primary, 1)
    assert good(run_module("server_restart", standby)).values["restarted"]
    assert standby.query("SHOW max_connections") == [("90",)]
    workshop.discard(standby)
    workshop.discard(primary)
