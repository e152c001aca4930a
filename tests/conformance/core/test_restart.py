"""A restart never leaves the server down."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server


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


# 203.0.113.0/24 is for documentation (RFC 5737), so no host has the address.
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
