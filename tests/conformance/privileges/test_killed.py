"""A run that is killed, and one whose sessions are ended: a database is as before or as desired, and the next run finishes."""

from __future__ import annotations

import collections
import functools
import os
import time
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.killed import MOST_STEPS
from ansible_collections.rampart.postgresql.tests.conformance.killed import killed_at

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_EXTENDED = os.environ.get("RAMPART_EXTENDED", "") not in ("", "0")
_DATABASES = ("first", "postgres")
_ACLS = """
SELECT kind, name, owner::regrole::text, ARRAY(
  SELECT concat_ws(' ', grantor::regrole, grantee::regrole, privilege_type, is_grantable)
  FROM aclexplode(coalesce(acl, acldefault(letter::"char", owner))) ORDER BY 1)
FROM (
  SELECT 'table', relname, relowner, relacl, 'r' FROM pg_class WHERE relname ~ '^t[0-9]$'
  UNION ALL SELECT 'column', attname, 10, attacl, 'c' FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid >= 16384
  UNION ALL SELECT 'function', proname, proowner, proacl, 'f' FROM pg_proc WHERE proname = 'f'
  UNION ALL SELECT 'schema', nspname, nspowner, nspacl, 'n' FROM pg_namespace WHERE nspname = 'app'
  UNION ALL SELECT 'default', defaclobjtype::text, defaclrole, defaclacl, 'r' FROM pg_default_acl
) AS o (kind, name, owner, acl, letter) ORDER BY 1, 2"""
_IN_APP: dict[str, t.Any] = {"databases": list(_DATABASES), "schemas": ["app"]}
_GRANTS: list[dict[str, t.Any]] = [
    {"kind": "schema", **_IN_APP, "roles": ["reader"], "privileges": ["USAGE"], "state": "exact"},
    {
        **{"kind": "table", **_IN_APP, "objects": ["/t.*"], "roles": ["reader"]},
        **{"privileges": ["SELECT"], "state": "exact"},
    },
    {
        **{"kind": "column", **_IN_APP, "objects": ["t0"], "columns": ["a"], "roles": ["reader"]},
        **{"privileges": ["UPDATE"], "state": "exact"},
    },
    {"kind": "function", **_IN_APP, "objects": ["ALL"], "roles": ["PUBLIC"], "privileges": ["ALL"], "state": "absent"},
    {
        **{"kind": "default", "databases": list(_DATABASES), "for_roles": ["owner"], "future": ["table"]},
        **{"roles": ["reader"], "privileges": ["SELECT"]},
    },
]
_OWNERSHIP = [{"kind": "table", **_IN_APP, "objects": ["/t.*"], "owner": "owner"}]


def make(server: Server) -> None:
    for role in ("reader", "owner", "lender"):
        server.query(f"CREATE ROLE {role}")
    for database in _DATABASES:
        if database != "postgres":
            server.query(f"CREATE DATABASE {database}")
    reset(server)


def acls(server: Server) -> dict[str, list[tuple[t.Any, ...]]]:
    found = {}
    for database in _DATABASES:
        with server.connect(dbname=database) as connection:
            found[database] = connection.execute(_ACLS.encode()).fetchall()
    return found


def reset(server: Server) -> None:
    """As it was, with a grant by somebody who was granted it and cannot even see into the schema."""
    for database in _DATABASES:
        with server.connect(dbname=database) as connection:
            for statement in (
                "DROP SCHEMA IF EXISTS app CASCADE",
                "ALTER DEFAULT PRIVILEGES FOR ROLE owner REVOKE ALL ON TABLES FROM reader",
                "CREATE SCHEMA app",
                "GRANT ALL ON SCHEMA app TO PUBLIC",
                "CREATE TABLE app.t0 (a int)",
                "GRANT SELECT ON app.t0 TO lender WITH GRANT OPTION",
                "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "SET ROLE lender",
                "GRANT SELECT ON app.t0 TO PUBLIC",
                "RESET ROLE",
                "REVOKE ALL ON SCHEMA app FROM PUBLIC",
            ):
                connection.execute(statement.encode())


def run(server: Server, **more: t.Any) -> Result:
    return run_components(server, lambda: [component({"grants": _GRANTS, "ownership": _OWNERSHIP})], **more)


def end_sessions(server: Server) -> None:
    """Those of the module; whoever runs it may be the owner of the cluster just now."""
    options: dict[str, t.Any] = {"host": str(server.socket_directory), "port": server.port, "user": server.superuser}
    with psycopg.connect(**options, dbname="template1", autocommit=True) as connection:
        found = connection.execute(
            """SELECT pg_terminate_backend(pid), pid FROM pg_stat_activity
            WHERE application_name = 'rampart.postgresql' AND pid <> pg_backend_pid()"""
        ).fetchall()
        assert found
        while connection.execute(
            "SELECT FROM pg_stat_activity WHERE pid = ANY (%s)", [[pid for _sent, pid in found]]
        ).fetchall():
            time.sleep(0.01)


@pytest.mark.in_turn
@pytest.mark.parametrize("is_session", [False, True], ids=["program", "sessions"])
def test_killed_at_every_statement(fresh_server: Server, is_session: bool) -> None:
    """The program by kill -9, or its sessions by pg_terminate_backend(): no database is between, and the next run finishes."""
    server = fresh_server
    make(server)
    before = acls(server)
    assert run(server).changed
    desired = acls(server)
    assert all(before[database] != desired[database] for database in _DATABASES)
    reset(server)
    strike = functools.partial(end_sessions, server) if is_session else None
    options: dict[str, t.Any] = {"grants": _GRANTS, "ownership": _OWNERSHIP}
    seen: collections.Counter[str] = collections.Counter()
    stride = 3 if is_session and not _EXTENDED else 1
    for step in range(1, MOST_STEPS, stride):
        killed = killed_at(step, "privileges", server, of_kind="login execute", strike=strike, **options)
        now = acls(server)
        assert killed.by_signal or killed.struck or now == desired, killed.steps
        assert all(now[database] in (before[database], desired[database]) for database in _DATABASES), killed.steps
        seen["".join("d" if now[database] == desired[database] else "b" for database in _DATABASES)] += 1
        if now == desired:
            break  # what is left only verifies
        if now != before:
            assert run(server).changed
            assert acls(server) == desired
            reset(server)
    assert seen["bb"] > len(_GRANTS) // stride and seen["dd"], seen
    assert is_session or seen["bd"], seen  # a program that lives takes back what it did to the first database
    assert not run(server).changed


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
            IF (SELECT relacl::text LIKE '%reader%' FROM pg_class WHERE oid = 'app.t0'::regclass) THEN {what}; END IF;
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
