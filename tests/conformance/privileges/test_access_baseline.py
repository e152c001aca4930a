# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role pg_access wants of privileges, on real servers: what works before, and what does after."""

from __future__ import annotations

import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import NeverProven
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.role_variables import desired

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server


def run(server: Server, *, check: bool = False, must_admit: t.Sequence[t.Any] = (), **options: t.Any) -> Result:
    values = desired("pg_access", **options)["privileges"]
    demands: dict[str, t.Any] = {"must_admit": must_admit} if must_admit else {}
    return run_components(server, lambda: [component(values)], check=check, **demands)


def settled(server: Server, **options: t.Any) -> list[str]:
    """Check, run, run again; the statements."""
    wanted = run(server, check=True, **options)
    done = run(server, **options)
    assert not done.failed, done.output
    assert done.values["steps"] == wanted.values["steps"]
    again = run(server, **options)
    assert not again.failed, again.output
    assert not again.changed, again.values["steps"]
    return [step["statement"] for step in done.values["steps"]]


def execute(server: Server, *statements: str, database: str = "postgres", user: str | None = None) -> None:
    with server.connect(dbname=database, **({"user": user} if user else {})) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def may(server: Server, statement: str, *, user: str, database: str = "postgres") -> bool:
    """Whether a statement is let through; it is taken back."""
    try:
        with server.connect(dbname=database, user=user) as connection:
            connection.execute(f"BEGIN; {statement}".encode())
            connection.rollback()
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.OperationalError as error:
        assert "permission denied for database" in str(error), error
        return False
    return True


MAKE = "CREATE FUNCTION public.planted() RETURNS int LANGUAGE sql AS 'SELECT 1'"


def test_create_on_public_ends_for_everybody_but_owners(fresh_server: Server) -> None:
    server = fresh_server
    execute(
        server,
        *(f"CREATE ROLE {name} LOGIN" for name in ("maker", "typer", "stranger", '"Odd ""name.%s"')),
        "CREATE DATABASE shop",
    )
    for database in ("postgres", "shop", "template1"):  # as an upgraded cluster has it
        execute(server, "GRANT CREATE ON SCHEMA public TO PUBLIC", database=database)
    execute(server, "CREATE TABLE public.mine ()", user="maker", database="shop")
    execute(server, "CREATE DOMAIN public.age AS int", user="typer", database="shop")
    execute(server, "CREATE TABLE public.odd ()", user='Odd "name.%s', database="shop")
    users = ("maker", "typer", 'Odd "name.%s', "stranger")
    assert all(may(server, MAKE, user=user, database="shop") for user in users)
    assert may(server, MAKE, user="maker", database="template1")

    statements = settled(server)

    assert sorted(statements) == sorted(
        [
            'GRANT CREATE ON SCHEMA "public" TO "maker"',
            'GRANT CREATE ON SCHEMA "public" TO "typer"',
            'GRANT CREATE ON SCHEMA "public" TO "Odd ""name.%s"',
            *['REVOKE CREATE ON SCHEMA "public" FROM PUBLIC'] * 3,
        ]
    )
    assert [may(server, MAKE, user=user, database="shop") for user in users] == [True, True, True, False]
    assert not any(may(server, MAKE, user="maker", database=name) for name in ("postgres", "template1"))
    execute(server, "CREATE DATABASE later")
    assert not may(server, MAKE, user="stranger", database="later")
    assert may(server, "CREATE TEMP TABLE t ()", user="stranger", database="shop")  # nobody asked for that


@pytest.mark.in_turn
def test_owners_are_not_kept_unless_asked(fresh_server: Server) -> None:
    server = fresh_server
    execute(server, "CREATE ROLE maker LOGIN", "GRANT CREATE ON SCHEMA public TO PUBLIC")
    execute(server, "CREATE TABLE public.mine ()", user="maker")
    execute(server, "DROP SCHEMA public", database="template1")  # a database without it is no error
    assert may(server, MAKE, user="maker")
    assert settled(server, pg_access_keep_current_owners=False) == ['REVOKE CREATE ON SCHEMA "public" FROM PUBLIC']
    assert not may(server, MAKE, user="maker")


def test_an_analyst_reads_and_nothing_else(fresh_server: Server) -> None:
    server = fresh_server
    execute(
        server,
        *(f"CREATE ROLE {name} LOGIN" for name in ("analyst", "app", "builder", "deployer", "outsider")),
        "CREATE DATABASE shop",
    )
    execute(
        server,
        "CREATE TABLE public.orders (id serial)",
        "CREATE SCHEMA app AUTHORIZATION deployer",
        database="shop",
    )
    assert may(server, "CREATE TEMP TABLE t ()", user="outsider", database="shop")

    statements = settled(
        server,
        pg_access_profile="cis",
        pg_access_groups=[{"database": "shop", "schemas": ["public", "app"], "creators": ["deployer"]}],
        pg_access_database_roles=[{"databases": ["postgres"], "roles": ["app"]}],
    )

    assert statements[:3] == [f'CREATE ROLE "shop_{kind}" NOLOGIN' for kind in ("owner", "writer", "reader")]
    execute(
        server,
        "GRANT shop_reader TO analyst",
        "GRANT shop_writer TO app",
        "GRANT shop_owner TO builder",
    )
    execute(server, "SET ROLE shop_owner", "CREATE TABLE public.later (id serial)", user="builder", database="shop")
    execute(server, "CREATE TABLE app.deployed (id int)", user="deployer", database="shop")
    allowed = {
        "SELECT * FROM public.orders, public.later, app.deployed": ("analyst", "app"),
        "INSERT INTO public.orders DEFAULT VALUES": ("app",),
        "INSERT INTO public.later DEFAULT VALUES": ("app",),
        "UPDATE public.later SET id = 1": ("app",),
        "DELETE FROM public.orders": ("app",),
        "TRUNCATE public.later": (),
        "CREATE TEMP TABLE t ()": ("app", "builder"),
        "CREATE TABLE public.t ()": ("builder",),
        "CREATE SCHEMA t": (),
    }
    for statement, roles in allowed.items():
        found = [name for name in ("analyst", "app") if may(server, statement, user=name, database="shop")]
        found += [name for name in ("builder",) if name in roles and may(server, statement, user=name, database="shop")]
        assert found == list(roles), statement
        assert not may(server, statement, user="outsider", database="shop")
    assert may(server, "SELECT 1", user="app")
    assert not may(server, "SELECT 1", user="analyst")


@pytest.mark.in_turn
def test_a_client_of_now_is_not_locked_out(fresh_server: Server) -> None:
    server = fresh_server
    execute(server, "CREATE ROLE app LOGIN")
    with server.connect(user="app"):
        refused = run(server, pg_access_public_database="revoke")
        assert refused.failed
        assert "app" in refused.output
        assert may(server, "CREATE TEMP TABLE t ()", user="app")
        named = run(
            server,
            pg_access_public_database="revoke",
            pg_access_database_roles=[{"databases": ["postgres"], "roles": ["app"]}],
        )
        assert not named.failed, named.output
    assert may(server, "SELECT 1", user="app")
    assert not may(server, "CREATE TEMP TABLE t ()", user="app")


def test_what_no_grant_shows_is_reported_and_row_security_forced_where_asked(fresh_server: Server) -> None:
    server = fresh_server
    execute(
        server,
        "CREATE ROLE owner LOGIN",
        "CREATE ROLE seer BYPASSRLS",
        "CREATE DATABASE shop",
    )
    body = "RETURNS int SECURITY DEFINER LANGUAGE sql {} AS 'SELECT 1'"
    execute(
        server,
        "CREATE SCHEMA app AUTHORIZATION owner",
        f"CREATE FUNCTION app.trap(int) {body.format('SET work_mem = 1024')}",
        f"CREATE FUNCTION app.pinned(int) {body.format('SET search_path = pg_catalog, pg_temp')}",
        "CREATE FUNCTION app.invoker(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE LANGUAGE anything HANDLER plpgsql_call_handler",
        "CREATE FUNCTION app.everything() RETURNS int LANGUAGE anything AS 'BEGIN RETURN 1; END'",
        "CREATE FUNCTION app.guarded() RETURNS int LANGUAGE anything AS 'BEGIN RETURN 1; END'",
        "REVOKE EXECUTE ON FUNCTION app.guarded() FROM PUBLIC",
        "CREATE TRUSTED LANGUAGE plhandmadeu HANDLER plpgsql_call_handler",
        "SET ROLE owner",
        *(f"CREATE TABLE app.{name} AS SELECT 1 AS n" for name in ("bare", '"Rows ""%s"', "forced", "plain")),
        *(f"ALTER TABLE app.{name} ENABLE ROW LEVEL SECURITY" for name in ("bare", '"Rows ""%s"', "forced")),
        *(f"CREATE POLICY p ON app.{name} USING (false)" for name in ('"Rows ""%s"', "forced")),
        "ALTER TABLE app.forced FORCE ROW LEVEL SECURITY",
        database="shop",
    )

    def counted() -> int:
        with server.connect(dbname="shop", user="owner") as connection:
            return len(connection.execute('SELECT FROM app."Rows ""%s"').fetchall())

    def found(result: Result) -> set[tuple[str, str]]:
        assert not result.failed, result.output
        return {(each["kind"], each["object"]) for each in result.values["access_findings"]}

    stays = {
        ("bypassrls", 'role "seer"'),
        ("definer_without_search_path", "function app.trap(integer)"),
        ("untrusted_function", "function app.everything()"),
        ("untrusted_language", 'language "plhandmadeu"'),
        ("row_security_without_policy", 'table "app"."bare"'),
        ("row_security_not_for_owner", 'table "app"."bare"'),
    }
    options: dict[str, t.Any] = {"pg_access_public_schema": "keep"}
    only_reported = run(server, **options)
    assert found(only_reported) == {*stays, ("row_security_not_for_owner", 'table "app"."Rows ""%s"')}
    assert not only_reported.changed
    assert counted() == 1

    forced = {"pg_access_force_row_security": [{"schemas": ["app"], "objects": ["/Rows.*"]}], **options}
    assert settled(server, **forced) == ['ALTER TABLE "app"."Rows ""%s" FORCE ROW LEVEL SECURITY']
    assert counted() == 0
    assert found(run(server, **forced)) == stays
    mistyped = run(server, pg_access_force_row_security=[{"schemas": ["ap"], "objects": ["ALL"]}], **options)
    assert mistyped.failed
    assert "force_row_security[0].schemas: 'ap'" in mistyped.output
    unprotected = run(server, pg_access_force_row_security=[{"objects": ["plain"]}], **options)
    assert unprotected.failed
    assert "row-level security is enabled" in unprotected.output


@pytest.mark.in_turn
def test_all_of_it_is_taken_back_when_the_run_fails(fresh_server: Server) -> None:
    server = fresh_server
    execute(server, "CREATE ROLE maker LOGIN", "CREATE DATABASE shop")
    execute(server, "GRANT CREATE ON SCHEMA public TO PUBLIC", database="shop")
    execute(server, "CREATE TABLE mine ()", "ALTER TABLE mine ENABLE ROW LEVEL SECURITY", user="maker", database="shop")
    options: dict[str, t.Any] = {
        "pg_access_groups": [{"database": "shop"}],
        "pg_access_force_row_security": [{"databases": ["shop"], "objects": ["mine"]}],
    }
    wanted = run(server, check=True, **options).values["steps"]
    values = desired("pg_access", **options)["privileges"]
    failed = run_components(server, lambda: [component(values), NeverProven()])
    assert failed.failed
    assert len(failed.values["undone"]) == len(wanted)
    assert run(server, check=True, **options).values["steps"] == wanted
    assert may(server, MAKE, user="maker", database="shop")
    assert settled(server, **options) == [step["statement"] for step in wanted]
