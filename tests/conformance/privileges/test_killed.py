"""A run that is killed, and one whose sessions are ended: a database is as before or as desired, and the next run finishes."""

from __future__ import annotations

import collections
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.killed import MOST_STEPS
from ansible_collections.rampart.postgresql.tests.conformance.killed import killed_at

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_DATABASES = ("first", "postgres")
_TABLES = 2
_ACLS = (
    "SELECT relname, relowner::regrole::text, relacl::text FROM pg_class WHERE relname ~ '^t[0-9]$' ORDER BY relname"
)
_GRANTS: list[dict[str, t.Any]] = [
    {
        "kind": "table",
        "schemas": ["public"],
        "objects": ["/t.*"],
        "roles": ["reader"],
        "privileges": ["SELECT"],
        "state": "exact",
    }
]
_OWNERSHIP = [{"kind": "table", "schemas": ["public"], "objects": ["/t.*"], "owner": "owner"}]


def make(server: Server) -> None:
    server.query("CREATE ROLE reader")
    server.query("CREATE ROLE owner")
    for database in _DATABASES:
        if database != "postgres":
            server.query(f"CREATE DATABASE {database}")
        with server.connect(dbname=database) as connection:
            for number in range(_TABLES):
                connection.execute(f"CREATE TABLE t{number} ()".encode())
                connection.execute(f"GRANT ALL ON t{number} TO PUBLIC".encode())


def acls(server: Server) -> dict[str, list[tuple[t.Any, ...]]]:
    found = {}
    for database in _DATABASES:
        with server.connect(dbname=database) as connection:
            found[database] = connection.execute(_ACLS.encode()).fetchall()
    return found


def reset(server: Server) -> None:
    for database in _DATABASES:
        with server.connect(dbname=database) as connection:
            for number in range(_TABLES):
                connection.execute(f"ALTER TABLE t{number} OWNER TO {server.superuser}".encode())
                connection.execute(f"REVOKE ALL ON t{number} FROM reader, PUBLIC".encode())
                connection.execute(f"GRANT ALL ON t{number} TO PUBLIC".encode())


def run(server: Server, **more: t.Any) -> Result:
    return run_components(server, lambda: [component({"grants": _GRANTS, "ownership": _OWNERSHIP})], **more)


@pytest.mark.in_turn
def test_killed_at_every_statement(fresh_server: Server) -> None:
    server = fresh_server
    make(server)
    assert run(server).changed
    desired = acls(server)
    reset(server)
    before = acls(server)
    assert all(before[database] != desired[database] for database in _DATABASES)
    seen: collections.Counter[str] = collections.Counter()
    for step in range(1, MOST_STEPS):
        killed = killed_at(step, "privileges", server, of_kind="login execute", grants=_GRANTS, ownership=_OWNERSHIP)
        if not killed.by_signal:
            break
        now = acls(server)
        assert all(now[database] in (before[database], desired[database]) for database in _DATABASES), killed.steps
        seen["".join("d" if now[database] == desired[database] else "b" for database in _DATABASES)] += 1
        if now == desired:
            break  # what is left only verifies
        if now != before:
            assert run(server).changed == (now != desired)
            assert acls(server) == desired
            reset(server)
    assert set(seen) == {"bb", "bd", "dd"}, seen
    assert acls(server) == desired


@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("RAISE 'not today'", "not today"),
        ("PERFORM pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())", "terminating connection"),
    ],
    ids=["refuses", "killed"],
)
def test_a_database_that_fails_takes_its_whole_transaction_back(fresh_server: Server, what: str, said: str) -> None:
    server = fresh_server
    make(server)
    before = acls(server)
    with server.connect(dbname="first") as connection:
        connection.execute(
            f"""CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
            IF (SELECT relacl::text LIKE '%reader%' FROM pg_class WHERE relname = 't1') THEN {what}; END IF;
            END $$""".encode()
        )
        connection.execute("CREATE EVENT TRIGGER refuse ON ddl_command_end EXECUTE FUNCTION refuse()")
    result = run(server)
    assert result.failed and said in result.message
    assert acls(server) == before  # postgres, which had its turn, was taken back too
    assert any("taken back" in line for line in result.values["undone"])
    with server.connect(dbname="first") as connection:
        connection.execute("DROP EVENT TRIGGER refuse")
    assert run(server).changed
    assert not run(server).changed
