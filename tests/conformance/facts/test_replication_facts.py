"""Replication, archiving and the sessions that there are."""

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests import papers
from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import facts
from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import only
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop


def waited(condition: Callable[[], t.Any]) -> t.Any:
    """What a condition yields once it does."""
    for _attempt in range(100):
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("it never came about")


@pytest.mark.in_turn
def test_both_ends_of_a_standby_are_told(workshop: Workshop, fresh_server: Server) -> None:
    primary = fresh_server
    assert facts(primary, "replication")["replication"]["senders"] == []
    primary.query("SELECT pg_create_physical_replication_slot('one')")
    standby = workshop.standby(primary)
    try:
        conninfo = f"host={primary.socket_directory} port={primary.port} user={primary.superuser} password=hidden"
        standby.query(f"ALTER SYSTEM SET primary_conninfo = '{conninfo} sslmode=prefer'")
        standby.query("ALTER SYSTEM SET primary_slot_name = 'one'")
        standby.restart()
        senders = waited(lambda: facts(primary, "replication")["replication"]["senders"])
        keys = ("role", "address", "state", "sync_state", "tls")
        assert tuple(senders[0][key] for key in keys) == (primary.superuser, None, "streaming", "async", False)
        [slot] = facts(primary, "replication")["replication"]["slots"]
        assert (slot["name"], slot["kind"], slot["plugin"], slot["active"]) == ("one", "physical", None, True)
        result = run_module("cluster_info", standby, gather=["all"])
        assert not result.failed, result.message
        assert "hidden" not in result.output
        found = result.values
        assert found["in_recovery"]
        assert not {section for section in found["unreadable"] if not section.startswith("host")}, found["unreadable"]
        assert found["replication"]["conninfo"] == {
            "role": primary.superuser,
            "sslmode": "prefer",
            "password_in_clear": True,
        }
        receiver = found["replication"]["receiver"]
        assert (receiver["role"], receiver["password"], receiver["slot"]) == (primary.superuser, True, "one")
        assert receiver["sslmode"] in ("prefer", "disable")  # a libpq without TLS has no other
    finally:
        workshop.discard(standby)


@pytest.mark.in_turn
def test_archiving_is_told_without_its_command(fresh_server: Server) -> None:
    server = fresh_server
    assert facts(server, "replication")["replication"]["archiving"] == {
        "mode": "off",
        "command_set": False,
        "library": "",
        "last_archived_epoch": None,
        "last_failed_epoch": None,
        "failed_count": 0,
        "archived_count": 0,
    }
    server.query("ALTER SYSTEM SET archive_mode = on")
    server.query("ALTER SYSTEM SET archive_command = 'test hidden = hidden'")
    server.restart()
    began = int(time.time())
    server.query("SELECT pg_switch_wal()")
    found = waited(lambda: _archived(server))
    assert (found["mode"], found["command_set"], found["failed_count"]) == ("on", True, 0)
    assert began - 1 <= found["last_archived_epoch"] <= time.time() + 1
    server.query("ALTER SYSTEM SET archive_command = '/bin/true'")
    server.reload()
    assert facts(server, "replication")["replication"]["archiving"]["command_set"] is False


def _archived(server: Server) -> dict[str, t.Any] | None:
    archiving = facts(server, "replication")["replication"]["archiving"]
    return archiving if archiving["archived_count"] else None


def test_sessions_are_counted_by_what_they_are(fresh_server: Server) -> None:
    server = fresh_server
    assert facts(server, "replication")["connections"] == []
    server.query("CREATE ROLE app LOGIN")
    over_tcp = {"user": "app", "host": "127.0.0.1", "sslmode": "disable"}
    with server.connect(**over_tcp), server.connect(**over_tcp), server.connect(user="app"):
        found = facts(server, "replication")["connections"]
    common = {"role": "app", "database": "postgres", "tls": False, "gss": False, "version": None, "cipher": None}
    assert only(found, **common) == found
    assert [(row["address"], row["count"]) for row in found] == [("127.0.0.1", 2), (None, 1)]


@pytest.mark.in_turn
def test_an_encrypted_session_says_how(fresh_server: Server) -> None:
    server = fresh_server
    now = int(time.time())
    paper = papers.issue("localhost", start=now - papers.DAY, end=now + papers.DAY)
    with server.owner.acting():
        path = server.data_directory / "server.pem"
        path.touch(mode=0o600)
        path.write_bytes(papers.key_text(paper.key) + paper.text)
    for name in ("ssl_cert_file", "ssl_key_file"):
        server.query(f"ALTER SYSTEM SET {name} = 'server.pem'")
    server.query("ALTER SYSTEM SET ssl = on")
    server.reload()
    over_tcp = {"host": "127.0.0.1", "sslcert": "none"}
    with server.connect(**over_tcp, sslmode="require"), server.connect(**over_tcp, sslmode="disable"):
        found = facts(server, "replication")["connections"]
    assert [(row["tls"], row["version"]) for row in found] == [(False, None), (True, "TLSv1.3")]
    assert found[1]["cipher"].startswith("TLS_")
