"""What privileges grants and revokes on real servers, and what it leaves."""

from __future__ import annotations

import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server


def run(server: Server, *grants: dict[str, t.Any], check: bool = False, **options: t.Any) -> Result:
    demands = {name: options.pop(name) for name in ("allow_lockout", "must_admit", "sessions") if name in options}
    values = {"grants": grants, **options}
    return run_components(server, lambda: [component(values)], check=check, **demands)


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def settled(server: Server, *grants: dict[str, t.Any], **options: t.Any) -> list[str]:
    """Check, run, check again, run again; the statements."""
    wanted = good(run(server, *grants, check=True, **options))
    done = good(run(server, *grants, **options))
    assert done.values["steps"] == wanted.values["steps"]
    for check in (True, False):
        assert not good(run(server, *grants, check=check, **options)).changed
    return [step["statement"] for step in done.values["steps"]]


def execute(server: Server, *statements: str, database: str = "postgres", user: str | None = None) -> None:
    with server.connect(dbname=database, **({"user": user} if user else {})) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def shop(server: Server) -> None:
    """A database of an application, and roles without any privilege on it."""
    execute(
        server,
        *(f"CREATE ROLE {name} LOGIN" for name in ("owner", "reader", "writer", "outsider")),
        "CREATE DATABASE shop OWNER owner",
    )
    execute(
        server,
        "CREATE SCHEMA app AUTHORIZATION owner",
        "SET ROLE owner",
        "CREATE TABLE app.orders (id int PRIMARY KEY, item text, price int)",
        "CREATE TABLE app.order_lines (id serial, note text)",
        "CREATE TABLE app.payments (card text)",
        "CREATE VIEW app.recent AS SELECT id FROM app.orders",
        "CREATE FUNCTION app.total(integer, text) RETURNS int LANGUAGE sql AS 'SELECT $1'",
        "CREATE FUNCTION app.total() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE PROCEDURE app.tidy(INOUT n int) LANGUAGE sql AS 'SELECT 1'",
        "CREATE AGGREGATE app.sums(integer) (SFUNC = int4pl, STYPE = integer)",
        "CREATE TYPE app.mood AS ENUM ('good')",
        "CREATE DOMAIN app.age AS int",
        database="shop",
    )


def test_present_and_absent(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    with (
        server.connect(dbname="shop", user="reader") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT * FROM app.orders")
    scope: dict[str, t.Any] = {"databases": ["shop"], "schemas": ["app"]}
    statements = settled(
        server,
        {"on": "database", "databases": ["shop"], "roles": ["reader"], "privileges": ["TEMP", "CONNECT"]},
        {"on": "schema", **scope, "roles": ["reader", "writer"], "privileges": ["USAGE"]},
        {"on": "table", **scope, "objects": ["/order.*", "recent"], "roles": ["reader"], "privileges": ["SELECT"]},
        {"on": "table", **scope, "objects": ["ALL"], "roles": ["writer"], "privileges": ["ALL"]},
        {"on": "sequence", **scope, "objects": ["ALL"], "roles": ["writer"], "privileges": ["USAGE"]},
        {"on": "function", **scope, "objects": ["ALL"], "roles": ["PUBLIC"], "privileges": ["ALL"], "state": "absent"},
        {
            "on": "function",
            **scope,
            "objects": ["total(integer, text)"],
            "roles": ["reader"],
            "privileges": ["EXECUTE"],
        },
        {"on": "type", **scope, "objects": ["ALL"], "roles": ["PUBLIC"], "privileges": ["USAGE"], "state": "absent"},
    )
    assert 'GRANT SELECT ON TABLE "app"."recent" TO "reader"' in statements
    assert 'REVOKE EXECUTE ON ROUTINE "app"."tidy"("pg_catalog"."int4") FROM PUBLIC' in statements
    assert len(statements) == 1 + 2 + 3 + 4 + 1 + 4 + 1 + 2
    with server.connect(dbname="shop", user="reader") as connection:
        connection.execute("SELECT * FROM app.orders, app.order_lines, app.recent")
        connection.execute("SELECT app.total(1, '')")
        for forbidden in ("SELECT * FROM app.payments", "SELECT app.total()", "INSERT INTO app.orders VALUES (1)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden.encode())
    with server.connect(dbname="shop", user="writer") as connection:
        connection.execute("INSERT INTO app.order_lines (note) VALUES ('x')")
