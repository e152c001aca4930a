"""Whoever sees less judges less: nothing passes, and nothing fails, because somebody could not look."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.filter.assess import assess
from ansible_collections.rampart.postgresql.tests.conformance.assessment import statements
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

ROLES = {
    "mere": "CREATE ROLE mere LOGIN",
    "monitor": "CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor",
    "distant": "CREATE ROLE distant LOGIN NOINHERIT; GRANT pg_monitor TO distant",
}
SETTINGS = """\
wal_level = logical
dynamic_library_path = '$libdir:/tmp'
log_directory = '/var/log/elsewhere'
zero_damaged_pages = on
log_statement = none
row_security = off
"""


def verdicts(server: Server, **options: t.Any) -> dict[str, str]:
    """What each control says."""
    result = run_module("cluster_info", server, gather=["all"], **options)
    assert not result.failed, result.message
    [found] = assess(result.values, profile="strict")
    return {finding["control"]: finding["status"] for finding in found["findings"]}


@pytest.fixture
def broken(fresh_server: Server, major: int) -> Server:
    """A server in which much is wrong, and the sessions of others are given what is right."""
    with fresh_server.owner.acting(), fresh_server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write(SETTINGS)
    fresh_server.restart()
    for database, script in (
        ("postgres", statements.bad_in_cluster(major)),
        ("app", statements.bad_in_app(major)),
        ("postgres", ";".join(ROLES.values())),
    ):
        with fresh_server.connect(dbname=database) as connection:
            for statement in filter(None, map(str.strip, script.split(";"))):
                connection.execute(statement.encode())
    for role in ROLES:
        fresh_server.query(f"ALTER ROLE {role} SET log_statement = 'all'")
        fresh_server.query(f"ALTER ROLE {role} SET row_security = on")
    return fresh_server


@pytest.mark.in_turn
def test_a_role_that_sees_less_says_less(broken: Server) -> None:
    everything = verdicts(broken)
    assert list(everything.values()).count("fail") > 40
    for role in ROLES:
        found = verdicts(broken, user=role)
        assert {
            control: (found[control], status)
            for control, status in everything.items()
            if found[control] not in (status, "unknown")
        } == {}, role
        assert list(found.values()).count("fail") > 20
