"""The servers themselves: what all other conformance tests rely on."""

from __future__ import annotations

import os
import typing as t

import psycopg
import pytest

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server


def test_version_is_the_major_asked_for(server: Server) -> None:
    [[version]] = server.query("SELECT pg_catalog.current_setting('server_version_num')::integer / 10000")
    assert version == server.major


def test_server_runs_as_its_owner(server: Server) -> None:
    [[directory]] = server.query("SELECT pg_catalog.current_setting('data_directory')")
    assert directory == str(server.data_directory)
    assert server.data_directory.stat().st_uid == server.owner.uid != 0


def test_reload_applies_a_change(fresh_server: Server) -> None:
    with fresh_server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write("log_line_prefix = 'changed: '\n")
    fresh_server.reload()
    assert fresh_server.query("SHOW log_line_prefix") == [("changed: ",)]


def test_reload_of_hba_rules_refuses_a_client(fresh_server: Server) -> None:
    address = {"host": "127.0.0.1"}
    fresh_server.connect(**address).close()
    fresh_server.hba_file.write_text("local all all trust\nhost all all 127.0.0.1/32 reject\n", encoding="utf-8")
    fresh_server.reload()
    with pytest.raises(psycopg.OperationalError, match="pg_hba.conf rejects connection"):
        fresh_server.connect(**address)


def test_reload_returns_when_the_server_refuses_a_file(fresh_server: Server) -> None:
    with fresh_server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write("no_such_parameter = on\n")
    fresh_server.reload()
    assert "no changes were applied" in fresh_server.log_text()


def test_superuser_passes_peer_authentication(fresh_server: Server) -> None:
    fresh_server.hba_file.write_text("local all all peer\n", encoding="utf-8")
    fresh_server.reload()
    assert fresh_server.query("SELECT session_user::text") == [(fresh_server.owner.name,)]
    assert os.geteuid() == os.getuid()


def test_restart_keeps_the_data(fresh_server: Server) -> None:
    fresh_server.query("CREATE TABLE kept AS SELECT 1 AS value")
    fresh_server.restart()
    assert fresh_server.query("SELECT value FROM kept") == [(1,)]


def test_server_that_is_down_is_seen_as_down(fresh_server: Server) -> None:
    assert fresh_server.is_running()
    fresh_server.stop()
    assert not fresh_server.is_running()
    fresh_server.start()
    assert fresh_server.is_running()
