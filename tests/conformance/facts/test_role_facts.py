"""Settings of roles and databases, privileges on parameters, and who looks."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import facts
from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import only

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server


def test_settings_of_roles_and_databases_are_told_but_for_what_may_be_secret(fresh_server: Server) -> None:
    server = fresh_server
    assert facts(server, "databases")["role_settings"] == []
    server.query(
        "CREATE ROLE app; ALTER ROLE app SET statement_timeout = '5s'; ALTER ROLE app SET app.jwt_secret = 'hidden=1';"
        "ALTER DATABASE postgres SET search_path = a, b; ALTER ROLE app IN DATABASE postgres SET work_mem = '8MB'"
    )
    found = facts(server, "databases", "catalogue")
    shown = [(row["role"], row["database"], row["name"], row["value"]) for row in found["role_settings"]]
    assert shown == [
        (None, "postgres", "search_path", "a, b"),
        ("app", None, "app.jwt_secret", "(not shown)"),
        ("app", None, "statement_timeout", "5s"),
        ("app", "postgres", "work_mem", "8MB"),
    ]
    [role] = only(found["roles"], name="app")
    assert role["config"] == ["statement_timeout=5s", "app.jwt_secret=(not shown)"]
    [other] = only(found["roles"], name=server.superuser)
    assert other["config"] is None


def test_privileges_on_parameters_are_told_where_there_can_be_any(fresh_server: Server) -> None:
    server = fresh_server
    assert facts(server, "databases")["parameter_privileges"] == []
    if server.major >= 15:
        server.query(
            "CREATE ROLE app; GRANT SET ON PARAMETER log_statement TO app WITH GRANT OPTION;"
            "GRANT ALTER SYSTEM ON PARAMETER archive_command TO PUBLIC"
        )
        rows = facts(server, "databases")["parameter_privileges"]
        assert [(row["parameter"], row["grantee"], row["privilege"], row["grantable"]) for row in rows] == [
            ("archive_command", "public", "ALTER SYSTEM", False),
            ("log_statement", "app", "SET", True),
        ]


def test_who_looks_is_told(fresh_server: Server) -> None:
    server = fresh_server
    server.query("CREATE ROLE watcher LOGIN; CREATE ROLE passer LOGIN; GRANT pg_monitor TO watcher")
    for name, monitor in (("watcher", True), ("passer", False)):
        assert facts(server, user=name)["session"] == {
            "role": name,
            "superuser": False,
            "monitor": monitor,
            "local": True,
        }


@pytest.mark.in_turn
def test_over_the_network_nothing_but_the_session_is_needed(fresh_server: Server) -> None:
    """What needs files is named; the rest is told all the same."""
    server = fresh_server
    found = facts(
        server,
        *("catalogue", "hba", "databases", "replication"),
        host="127.0.0.1",
        port=server.port,
        user=server.superuser,
    )
    assert found["session"]["local"] is False
    assert (found["hba"], found["ident"]) == (None, None)
    assert set(found["unreadable"]) == {"hba", "ident"}
    assert found["schemas"]
    assert found["settings"]["port"]["setting"] == str(server.port)
