# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traps for routines with the power of their owner, and for policies: what is told of, works, and what is not, does not."""

from __future__ import annotations

import dataclasses
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

SHOWS = "LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT word FROM app.secret); END $$"
CALLS_LOWER = (
    "CREATE FUNCTION app.{name}(varchar) RETURNS text SECURITY DEFINER {path} LANGUAGE sql AS 'SELECT lower($1)'"
)
READS_TABLE = (
    "CREATE FUNCTION app.{name}() RETURNS text SECURITY DEFINER {path} LANGUAGE plpgsql"
    " AS 'BEGIN RETURN (SELECT name FROM limits); END'"
)


@dataclasses.dataclass(frozen=True)
class Trap:
    """One routine of the owner's, and how mallory would have it tell the secret."""

    name: str
    make: str
    path: str
    attempt: tuple[str, ...]
    reason: str  # that is told, without the schema's name; empty where there is no trap from the start
    roles: tuple[str, ...] = ("PUBLIC",)

    def works(self, server: Server) -> bool:
        """Try it for real; what it made is taken back."""
        try:
            with server.connect(dbname="shop", user="mallory", autocommit=False) as connection:
                for statement in self.attempt:
                    cursor = connection.execute(statement.format(name=self.name).encode())
                found = cursor.fetchone()
                connection.rollback()
        except psycopg.errors.InsufficientPrivilege:
            return False
        return found == ("hush",)


TEMPORARY = (
    # A view runs what it calls as who asks: the owner of the routine.
    f"CREATE FUNCTION mine.tell() RETURNS text {SHOWS}",
    "CREATE TEMP VIEW limits AS SELECT mine.tell() AS name",
    "GRANT SELECT ON limits TO PUBLIC",
    "GRANT EXECUTE ON FUNCTION mine.tell() TO PUBLIC",
    "SELECT app.{name}()",
)


def overload(schema: str) -> tuple[str, ...]:
    return (f"CREATE FUNCTION {schema}.lower(varchar) RETURNS text {SHOWS}", "SELECT app.{name}('X')")


NOT_LAST = "pg_temp is not in, and so comes first of, its search_path"
TRAPS = (
    Trap("unlisted", READS_TABLE, "app", TEMPORARY, NOT_LAST),
    Trap("empty", READS_TABLE, "''", TEMPORARY, NOT_LAST),
    Trap("first", READS_TABLE, "pg_temp, app", TEMPORARY, "pg_temp is not last in its search_path"),
    Trap("last", READS_TABLE, "app, pg_temp", TEMPORARY, ""),
    Trap("open", CALLS_LOWER, '"Shared ""%s", pg_temp', overload('"Shared ""%s"'), "they may make objects in it"),
    Trap("of_one", CALLS_LOWER, "app, mine, pg_temp", overload("mine"), "they may make objects in it", ("mallory",)),
    Trap("of_user", CALLS_LOWER, '"$user", pg_temp', overload("owner"), "they may make objects in it", ("mallory",)),
    Trap(
        "missing",
        CALLS_LOWER,
        "later, pg_temp",
        ("CREATE SCHEMA later", "GRANT USAGE ON SCHEMA later TO PUBLIC", *overload("later")),
        "it is not there, and they may make it",
        ("mallory",),
    ),
    Trap("closed", CALLS_LOWER, "app, closed, pg_temp", overload("closed"), ""),
)


def findings(server: Server, kind: str) -> list[dict[str, t.Any]]:
    result = run_components(server, lambda: [component({"report": True})])
    assert not result.failed, result.output
    assert not result.changed
    return [each for each in result.values["access_findings"] if each["kind"] == kind]


def execute(server: Server, *statements: str, user: str | None = None) -> None:
    with server.connect(dbname="shop", **({"user": user} if user else {})) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def prepare(server: Server) -> None:
    for statement in (
        "CREATE ROLE owner LOGIN",
        "CREATE ROLE mallory LOGIN",
        "CREATE ROLE helper LOGIN IN ROLE owner",
        "CREATE DATABASE shop OWNER owner",
        "GRANT CREATE ON DATABASE shop TO mallory",
    ):
        server.query(statement)
    execute(
        server,
        "CREATE SCHEMA app AUTHORIZATION owner",
        "GRANT USAGE ON SCHEMA app TO PUBLIC",
        'CREATE SCHEMA "Shared ""%s" AUTHORIZATION owner',
        'GRANT USAGE, CREATE ON SCHEMA "Shared ""%s" TO PUBLIC',
        "CREATE SCHEMA mine AUTHORIZATION mallory",
        "GRANT USAGE ON SCHEMA mine TO PUBLIC",
        "CREATE SCHEMA owner",
        "GRANT USAGE ON SCHEMA owner TO owner",
        "GRANT USAGE, CREATE ON SCHEMA owner TO mallory",
        "CREATE SCHEMA closed",
        "GRANT USAGE ON SCHEMA closed TO PUBLIC",
        "GRANT CREATE ON SCHEMA closed TO helper",  # who may become the owner anyway
        "SET ROLE owner",
        "CREATE TABLE app.secret AS SELECT 'hush' AS word",
        "CREATE TABLE app.limits AS SELECT 'none' AS name",
    )


def test_a_trap_is_told_of_where_it_works_and_only_there(fresh_server: Server) -> None:
    server = fresh_server
    prepare(server)
    for trap in TRAPS:
        execute(server, trap.make.format(name=trap.name, path=f"SET search_path = {trap.path}"), user="owner")

    told = findings(server, "definer_with_unsafe_search_path")

    named = {(each["object"].partition("(")[0], tuple(each["roles"])): each["reason"] for each in told}
    assert set(named) == {(f"function app.{trap.name}", trap.roles) for trap in TRAPS if trap.reason}
    for trap in TRAPS:
        assert trap.works(server) is bool(trap.reason), trap.name
        if trap.reason:
            assert trap.reason in named[f"function app.{trap.name}", trap.roles]
            argument = "" if trap.make is READS_TABLE else "varchar"
            execute(server, f"ALTER FUNCTION app.{trap.name}({argument}) SET search_path = app, pg_temp", user="owner")
            assert not trap.works(server), trap.name
    assert not findings(server, "definer_with_unsafe_search_path")


@pytest.mark.in_turn
def test_privileges_decide_whom_a_trap_is_open_to(fresh_server: Server) -> None:
    server = fresh_server
    prepare(server)
    trap = TRAPS[0]
    execute(server, trap.make.format(name=trap.name, path=f"SET search_path = {trap.path}"), user="owner")
    assert trap.works(server)

    def open_to() -> list[list[str]]:
        return [each["roles"] for each in findings(server, "definer_with_unsafe_search_path")]

    execute(server, "REVOKE EXECUTE ON FUNCTION app.unlisted() FROM PUBLIC")
    assert open_to() == []
    assert not trap.works(server)
    execute(server, "GRANT EXECUTE ON FUNCTION app.unlisted() TO mallory, helper")
    assert open_to() == [["mallory"]]
    assert trap.works(server)
    execute(server, "REVOKE TEMPORARY ON DATABASE shop FROM PUBLIC")
    assert open_to() == []
    assert not trap.works(server)
    execute(server, "CREATE ROLE makers", "GRANT TEMPORARY ON DATABASE shop TO makers", "GRANT makers TO mallory")
    assert open_to() == [["mallory"]]
    assert trap.works(server)
    execute(server, "ALTER FUNCTION app.unlisted() SECURITY INVOKER")
    assert open_to() == []
    assert not trap.works(server)


@pytest.mark.in_turn
def test_policies_that_do_not_protect_are_told_of(fresh_server: Server) -> None:
    server = fresh_server
    prepare(server)
    execute(
        server,
        "CREATE FUNCTION mine.may_see(text) RETURNS bool LANGUAGE sql AS 'SELECT false'",
        user="mallory",
    )
    execute(server, "CREATE FUNCTION app.may_see(text) RETURNS bool LANGUAGE sql AS 'SELECT false'", user="owner")
    tables = {
        "open": ("USING (true)",),
        "narrowed": ("USING (true)", "AS RESTRICTIVE USING (false)"),
        "not_narrowed": ("USING (true)", "AS RESTRICTIVE FOR DELETE USING (false)"),
        "of_one": ("TO helper USING (true)",),
        "foreign_function": ("USING (mine.may_see(word))",),
        "own_function": ("USING (app.may_see(word))",),
        "without": (),
    }
    for name, policies in tables.items():
        execute(
            server,
            f"CREATE TABLE app.{name} AS SELECT 'hush' AS word",
            f"GRANT SELECT ON app.{name} TO PUBLIC",
            f"ALTER TABLE app.{name} ENABLE ROW LEVEL SECURITY",
            *(f"CREATE POLICY p{number} ON app.{name} {words}" for number, words in enumerate(policies)),
            user="owner",
        )

    def sees(table: str) -> bool:
        with server.connect(dbname="shop", user="mallory") as connection:
            return bool(connection.execute(f"SELECT FROM app.{table}".encode()).fetchall())

    told = findings(server, "policy_for_everybody")
    assert [each["object"] for each in told] == [
        'policy "p0" on table "app"."not_narrowed"',
        'policy "p0" on table "app"."open"',
    ]
    assert [each["roles"] for each in told] == [["PUBLIC"]] * 2
    (replaceable,) = findings(server, "policy_with_function_of_another")
    assert replaceable["object"] == 'policy "p0" on table "app"."foreign_function"'
    assert replaceable["roles"] == ["mallory"]
    assert "mine.may_see(text)" in replaceable["reason"]
    assert {table for table in tables if sees(table)} == {"open", "not_narrowed"}
    replacement = "CREATE OR REPLACE FUNCTION {}.may_see(text) RETURNS bool LANGUAGE sql AS 'SELECT true'"
    execute(server, replacement.format("mine"), user="mallory")
    assert {table for table in tables if sees(table)} == {"open", "not_narrowed", "foreign_function"}
    try:
        execute(server, replacement.format("app"), user="mallory")
    except psycopg.errors.InsufficientPrivilege:
        return
    raise AssertionError("a function of the owner's was replaced by somebody else")
