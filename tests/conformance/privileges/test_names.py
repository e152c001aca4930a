"""Names of all sorts, each in each place where a name can stand: they stay names."""

from __future__ import annotations

import re
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.filter.database_groups import database_groups
from ansible_collections.rampart.postgresql.tests.conformance.privileges.test_privileges import execute
from ansible_collections.rampart.postgresql.tests.conformance.privileges.test_privileges import quoted
from ansible_collections.rampart.postgresql.tests.conformance.privileges.test_privileges import run

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

KEYWORDS = ("user", "current_user", "session_user", "all", "NONE", "ALL", "PUBLIC", "current_role")
ODD = (
    *("two\nlines", "tab\there", "*?[a-z]", "100%s %(x)s", '"public"', "back\\slash\\", "a,b", "{0}{braces}"),
    *("dotted.name", "it''s", "/slash.*", "Größe 日本", "x" * 63, "é" * 31, "$_$; DROP TABLE victim; --"),
)
NAMES = (*KEYWORDS, *ODD)


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def chosen(name: str) -> str:
    """As an entry means it: what would be a word or a pattern there is written as a pattern."""
    return "/" + re.escape(name) if name in ("ALL", "PUBLIC") or name.startswith("/") else name


def settle(server: Server, *grants: dict[str, t.Any], **options: t.Any) -> None:
    """Once, and once more, which changes nothing."""
    for changed in (True, False):
        result = run(server, *grants, **options)
        assert not result.failed and result.changed == changed, result.output


def make(server: Server, name: str) -> None:
    """A database with an object of each kind and this name, and grants by a role of this name."""
    here = quoted(name)
    execute(server, f"CREATE DATABASE {here} OWNER {here}")
    execute(
        server,
        "CREATE TABLE victim ()",
        f"CREATE SCHEMA {here}",
        f"CREATE TABLE {here}.{here} ({here} int)",
        f"CREATE SEQUENCE {here}.{quoted(name[:-1] + '1')}",
        f"CREATE DOMAIN {here}.{quoted(name[:-1] + '2')} AS int",
        f"CREATE FUNCTION {here}.{here}({here}.{quoted(name[:-1] + '2')}[]) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        f"CREATE TRUSTED LANGUAGE {here} HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler",
        f"CREATE FOREIGN DATA WRAPPER {here}",
        f"CREATE SERVER {here} FOREIGN DATA WRAPPER {here}",
        f"SELECT lo_create(4711); ALTER LARGE OBJECT 4711 OWNER TO {here}",
        f"GRANT SELECT ON {here}.{here} TO {here} WITH GRANT OPTION",
        f"GRANT EXECUTE ON FUNCTION {here}.{here} TO {here} WITH GRANT OPTION",
        f"GRANT USAGE ON SCHEMA {here} TO {here}",
        f"SET ROLE {here}",
        f"GRANT SELECT ON {here}.{here} TO taker",
        f"GRANT EXECUTE ON FUNCTION {here}.{here} TO taker",
        "RESET ROLE",
        f"REVOKE USAGE ON SCHEMA {here} FROM {here}",
        database=name,
    )


def entries(name: str, role: str) -> list[dict[str, t.Any]]:
    """Of each kind one that gives everything to a role, and two that take what was granted on."""
    it, common = [chosen(name)], {"databases": [chosen(name)], "roles": [chosen(role)], "privileges": ["ALL"]}
    inside = {**common, "schemas": it, "objects": it}
    gone = {"roles": ["taker"], "state": "absent"}
    future = {"kind": "default", **common, "for_roles": it}
    return [
        {"kind": "database", **common},
        {"kind": "schema", **common, "schemas": it},
        {"kind": "table", **inside},
        {"kind": "column", **inside, "columns": it, "privileges": ["SELECT"], "grant_option": True},
        {"kind": "sequence", **inside, "objects": [chosen(name[:-1] + "1")]},
        {"kind": "type", **inside, "objects": [chosen(name[:-1] + "2")], "grant_option": True},
        {"kind": "function", **inside, "grant_option": True},
        {"kind": "language", **common, "objects": it, "grant_option": True},
        {"kind": "foreign_data_wrapper", **common, "objects": it},
        {"kind": "foreign_server", **common, "objects": it},
        {"kind": "large_object", **common, "objects": ["4711"]},
        {**future, "schemas": it, "future": ["table"]},
        {**future, "future": ["schema", "function"], "grant_option": True},
        {"kind": "table", **inside, **gone},
        {"kind": "function", **inside, **gone},
    ]


@pytest.mark.in_turn
def test_each_in_each_place(fresh_server: Server) -> None:
    server = fresh_server
    execute(server, *(f"CREATE ROLE {quoted(name)} LOGIN" for name in NAMES), "CREATE ROLE taker LOGIN")
    grants: list[dict[str, t.Any]] = []
    ownership: list[dict[str, t.Any]] = []
    pairs = list(zip(NAMES, (*NAMES[1:], NAMES[0])))
    for name, role in pairs:
        make(server, name)
        grants += entries(name, role)
        place = {"databases": [chosen(name)], "schemas": [chosen(name)], "objects": [chosen(name)]}
        ownership.append({"kind": "table", **place, "owner": name})
        if server.major >= 15:
            grants.append(
                {"kind": "parameter", "objects": ["log_duration"], "roles": [chosen(role)], "privileges": ["SET"]}
            )
    settle(server, *grants, ownership=ownership)
    for name, role in pairs:
        _judge(server, name, role)


def _judge(server: Server, name: str, role: str) -> None:
    """The role logs in and does it all, and nobody else can; nothing but names came of names."""
    here = quoted(name)
    table, sequence = f"{here}.{here}", f"{here}.{quoted(name[:-1] + '1')}"
    attempts = [
        f"SELECT {here} FROM {table}",
        f"INSERT INTO {table} VALUES (1)",
        f"SELECT pg_catalog.nextval({literal(sequence)})",
        f"SELECT {table}(NULL)",
        f"DO LANGUAGE {here} 'BEGIN END'",
        f"CREATE SERVER attempt FOREIGN DATA WRAPPER {here}",
        f"CREATE USER MAPPING FOR CURRENT_USER SERVER {here}",
        "SELECT pg_catalog.lo_get(4711)",
        "CREATE SCHEMA attempt",
        *(["SET log_duration = off"] if server.major >= 15 else []),
    ]
    with server.connect(dbname=name, user=role) as connection:
        for statement in attempts:
            connection.execute(statement.encode())
    with server.connect(dbname=name, user="taker") as connection:
        for statement in (attempts[0], attempts[3], *attempts[7:9]):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
    with server.connect(dbname=name) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'victim'").fetchone() == (1,)
        assert connection.execute(
            "SELECT tableowner FROM pg_tables WHERE schemaname = %s AND tablename = %s", [name, name]
        ).fetchone() == (name,)
        connection.execute(
            f"SET ROLE {here}; CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'".encode()
        )
        found = connection.execute(
            "SELECT has_function_privilege(%s, 'pg_temp.f()', 'EXECUTE WITH GRANT OPTION')", [role]
        ).fetchone()
        assert found == (True,)


@pytest.mark.in_turn
def test_groups_of_databases_with_any_name(fresh_server: Server) -> None:
    server = fresh_server
    names = [name for name in NAMES if name not in ("ALL",) and not name.startswith("/")]
    execute(server, "CREATE TABLE victim ()", *(f"CREATE DATABASE {quoted(name)}" for name in names))
    for name in names:
        execute(server, f"CREATE SCHEMA {quoted(name)}; CREATE TABLE {quoted(name)}.{quoted(name)} ()", database=name)
    wanted = database_groups(
        {
            "database": name,
            "schemas": [name],
            **{kind: f"{kind[0]}{name}"[:58].rstrip("é") for kind in ("owner", "writer", "reader")},
        }
        for name in names
    )
    settle(server, *wanted.pop("grants"), **wanted)
    for name in names:
        reader = f"r{name}"[:58].rstrip("é")
        execute(server, f"ALTER ROLE {quoted(reader)} LOGIN")
        with server.connect(dbname=name, user=reader) as connection:
            connection.execute(f"SELECT FROM {quoted(name)}.{quoted(name)}".encode())
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"DELETE FROM {quoted(name)}.{quoted(name)}".encode())
    assert server.query("SELECT count(*) FROM pg_tables WHERE tablename = 'victim'") == [(1,)]


@pytest.mark.in_turn
def test_names_that_no_role_can_have(fresh_server: Server) -> None:
    """The server refuses them, so that nothing is asked of it; one byte more than it keeps would become another name."""
    server = fresh_server
    for name in ("public", "none", "pg_mine"):
        with pytest.raises(psycopg.errors.ReservedName):
            server.query(f"CREATE ROLE {quoted(name)}")
    for name in ("public", "none", "pg_mine", "x" * 64, "é" * 32, ""):
        result = run(server, groups=[name])
        assert result.failed and "groups[0]" in result.message, (name, result.output)
    assert not run(server, groups=["x" * 63, "é" * 31], check=True).failed
    for name in ("public", "none"):
        entry = {"kind": "schema", "databases": ["postgres"], "schemas": ["public"], "roles": [name]}
        result = run(server, {**entry, "privileges": ["USAGE"]})
        assert result.failed and "a role of this cluster" in result.message, result.output
