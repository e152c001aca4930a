"""What privileges grants and revokes on real servers, and what it leaves."""

from __future__ import annotations

import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

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
        {"kind": "database", "databases": ["shop"], "roles": ["reader"], "privileges": ["TEMP", "CONNECT"]},
        {"kind": "schema", **scope, "roles": ["reader", "writer"], "privileges": ["USAGE"]},
        {"kind": "table", **scope, "objects": ["/order.*", "recent"], "roles": ["reader"], "privileges": ["SELECT"]},
        {"kind": "table", **scope, "objects": ["ALL"], "roles": ["writer"], "privileges": ["ALL"]},
        {"kind": "sequence", **scope, "objects": ["ALL"], "roles": ["writer"], "privileges": ["USAGE"]},
        {
            "kind": "function",
            **scope,
            "objects": ["ALL"],
            "roles": ["PUBLIC"],
            "privileges": ["ALL"],
            "state": "absent",
        },
        {
            "kind": "function",
            **scope,
            "objects": ["total(integer, text)"],
            "roles": ["reader"],
            "privileges": ["EXECUTE"],
        },
        {"kind": "type", **scope, "objects": ["ALL"], "roles": ["PUBLIC"], "privileges": ["USAGE"], "state": "absent"},
    )
    assert 'GRANT SELECT ON TABLE "app"."recent" TO "reader"' in statements
    assert 'REVOKE EXECUTE ON ROUTINE "app"."tidy"(IN "pg_catalog"."int4") FROM PUBLIC' in statements
    assert len(statements) == 1 + 2 + 3 + 4 + 1 + 4 + 1 + 2
    with server.connect(dbname="shop", user="reader") as connection:
        connection.execute("SELECT * FROM app.orders, app.order_lines, app.recent")
        connection.execute("SELECT app.total(1, '')")
        for forbidden in ("SELECT * FROM app.payments", "SELECT app.total()", "INSERT INTO app.orders VALUES (1)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden.encode())
    with server.connect(dbname="shop", user="writer") as connection:
        connection.execute("INSERT INTO app.order_lines (note) VALUES ('x')")


ORDERS: dict[str, t.Any] = {"databases": ["shop"], "schemas": ["app"], "objects": ["orders"]}


def acl(server: Server, query: str, database: str = "shop") -> list[str]:
    """The items of an ACL, sorted; nothing written is no item."""
    with server.connect(dbname=database) as connection:
        row = connection.execute(query.encode()).fetchone()
    return sorted(row[0] or ()) if row else []


def orders(server: Server) -> list[str]:
    return acl(server, "SELECT relacl::text[] FROM pg_class WHERE relname = 'orders'")


@pytest.mark.in_turn
def test_exact_takes_everything_else_and_leaves_the_owner(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    execute(
        server,
        "GRANT ALL ON app.orders TO PUBLIC",
        "GRANT SELECT, DELETE ON app.orders TO reader WITH GRANT OPTION",
        "GRANT UPDATE (price) ON app.orders TO outsider",
        "REVOKE TRUNCATE ON app.orders FROM owner",
        database="shop",
    )
    statements = settled(
        server,
        {"kind": "table", **ORDERS, "roles": ["reader"], "privileges": ["SELECT"], "state": "exact"},
        {"kind": "table", **ORDERS, "roles": ["writer"], "privileges": ["SELECT", "INSERT"], "state": "exact"},
    )
    assert orders(server)[1:] == ["reader=r/owner", "writer=ar/owner"]
    assert "D" not in orders(server)[0]
    assert acl(server, "SELECT attacl::text[] FROM pg_attribute WHERE attname = 'price'") == []
    assert len(statements) == 1 + 1 + 2 + 1
    assert settled(server, {"kind": "table", **ORDERS, "roles": [], "state": "exact"})
    assert len(orders(server)) == 1


def test_what_was_granted_on_goes_before_the_grant_option(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    execute(server, "GRANT SELECT ON app.orders TO reader WITH GRANT OPTION", database="shop")
    # Neither has USAGE on the schema when it is revoked in their names.
    execute(server, "GRANT USAGE ON SCHEMA app TO reader, writer", database="shop")
    execute(server, "GRANT SELECT ON app.orders TO writer WITH GRANT OPTION", database="shop", user="reader")
    execute(server, "GRANT SELECT ON app.orders TO outsider", database="shop", user="writer")
    execute(server, "REVOKE USAGE ON SCHEMA app FROM reader, writer", database="shop")
    before = orders(server)
    schema = acl(server, "SELECT nspacl::text[] FROM pg_namespace WHERE nspname = 'app'")
    absent = {"kind": "table", **ORDERS, "roles": ["reader"], "privileges": ["SELECT"], "state": "absent"}

    refused = run(server, absent)
    assert refused.failed
    assert "grants[0]" in refused.message and '"outsider"' in refused.message and "cascade" in refused.message
    assert orders(server) == before

    kept = {"kind": "table", **ORDERS, "roles": ["outsider"], "privileges": ["SELECT"]}
    done = good(run(server, absent, kept, cascade=True))
    assert [step["statement"] for step in done.values["steps"]] == [
        'GRANT SELECT ON TABLE "app"."orders" TO "outsider"',
        'SET LOCAL ROLE "writer"; REVOKE SELECT ON TABLE "app"."orders" FROM "outsider"; SET LOCAL ROLE NONE',
        'SET LOCAL ROLE "reader"; REVOKE SELECT ON TABLE "app"."orders" FROM "writer"; SET LOCAL ROLE NONE',
        'REVOKE SELECT ON TABLE "app"."orders" FROM "reader"',
    ]
    assert len([text for text in done.values["warnings"] if "falls" in text and '"writer"' in text]) == 1
    assert orders(server)[0] == "outsider=r/owner" and len(orders(server)) == 2
    assert acl(server, "SELECT nspacl::text[] FROM pg_namespace WHERE nspname = 'app'") == schema
    assert not good(run(server, absent, kept, cascade=True)).changed


@pytest.mark.in_turn
def test_only_the_grant_option_is_taken(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    execute(server, "GRANT SELECT ON app.orders TO reader WITH GRANT OPTION", database="shop")
    entry = {"kind": "table", **ORDERS, "roles": ["reader"], "privileges": ["ALL"], "grant_option": True}
    assert settled(server, {**entry, "state": "absent"}) == [
        'REVOKE GRANT OPTION FOR SELECT ON TABLE "app"."orders" FROM "reader"'
    ]
    settled(server, {**entry, "privileges": ["SELECT"]})
    assert "reader=r*/owner" in orders(server)


@pytest.mark.in_turn
def test_columns_and_their_table(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    execute(
        server,
        "GRANT SELECT ON app.orders TO reader, writer",
        "GRANT SELECT (id, item) ON app.orders TO reader, writer",
        database="shop",
    )
    settled(
        server,
        {"kind": "table", **ORDERS, "roles": ["reader", "writer"], "privileges": ["SELECT"], "state": "absent"},
        {"kind": "column", **ORDERS, "columns": ["item"], "roles": ["reader"], "privileges": ["SELECT"]},
    )
    items = "SELECT attacl::text[] FROM pg_attribute WHERE attrelid = 'app.orders'::regclass AND attname = "
    assert acl(server, f"{items}'item'") == ["reader=r/owner"]
    assert acl(server, f"{items}'id'") == []
    execute(server, "GRANT USAGE ON SCHEMA app TO reader", database="shop")
    execute(server, "SELECT item FROM app.orders", database="shop", user="reader")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(server, "SELECT id FROM app.orders", database="shop", user="reader")


@pytest.mark.in_turn
def test_default_privileges(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    scope: dict[str, t.Any] = {"kind": "default", "databases": ["shop"], "for_roles": ["owner"]}
    grants: list[dict[str, t.Any]] = [
        {**scope, "future": ["function", "type"], "roles": ["PUBLIC"], "privileges": ["ALL"], "state": "absent"},
        {**scope, "schemas": ["app"], "future": ["table"], "roles": ["reader"], "privileges": ["SELECT"]},
        {**scope, "future": ["table", "sequence"], "roles": ["writer"], "privileges": ["SELECT"], "state": "exact"},
        {**scope, "future": ["schema"], "roles": ["writer"], "privileges": ["USAGE"], "grant_option": True},
    ]
    execute(server, "ALTER DEFAULT PRIVILEGES FOR ROLE owner GRANT ALL ON TABLES TO outsider", database="shop")
    statements = settled(server, *grants)
    assert len(statements) == 2 + 1 + 3 + 1
    execute(
        server,
        "CREATE TABLE app.later (id int)",
        "CREATE FUNCTION app.later() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        database="shop",
        user="owner",
    )
    assert acl(server, "SELECT relacl::text[] FROM pg_class WHERE relname = 'later'")[1:] == [
        "reader=r/owner",
        "writer=r/owner",
    ]
    assert acl(server, "SELECT proacl::text[] FROM pg_proc WHERE proname = 'later'") == ["owner=X/owner"]

    useless = {**scope, "schemas": ["app"], "future": ["table"], "roles": ["writer"], "privileges": ["SELECT"]}
    refused = run(server, {**useless, "state": "absent"})
    assert refused.failed and "can only add" in refused.message and "grants[0].schemas" in refused.message
    settled(server, {**scope, "for_roles": ["/own.*"], "future": ["table"], "roles": [], "state": "exact"})
    assert not good(run(server, {**useless, "state": "absent"})).changed


def test_things_of_the_cluster_and_of_a_database(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    place = server.data_directory.parent / "space"
    with server.owner.acting():
        place.mkdir()
    execute(server, f"CREATE TABLESPACE fast LOCATION '{place}'")
    execute(
        server,
        "SELECT lo_create(4711)",
        "CREATE FOREIGN DATA WRAPPER wrapper",
        "CREATE SERVER elsewhere FOREIGN DATA WRAPPER wrapper",
        database="shop",
    )
    inside: dict[str, t.Any] = {"databases": ["shop"], "roles": ["reader"]}
    grants: list[dict[str, t.Any]] = [
        {"kind": "tablespace", "objects": ["fast"], "roles": ["writer"], "privileges": ["CREATE"]},
        {"kind": "large_object", **inside, "objects": ["4711"], "privileges": ["SELECT"]},
        {
            "kind": "foreign_data_wrapper",
            **inside,
            "objects": ["wrapper"],
            "privileges": ["USAGE"],
            "grant_option": True,
        },
        {"kind": "foreign_server", **inside, "objects": ["ALL"], "privileges": ["ALL"]},
        {"kind": "language", **inside, "objects": ["plpgsql"], "privileges": ["USAGE"], "state": "exact"},
        {"kind": "schema", "databases": ["shop"], "schemas": ["public"], "roles": [], "state": "exact"},
    ]
    assert len(settled(server, *grants)) == 4 + 2 + 1
    held = """SELECT ARRAY[has_tablespace_privilege('writer', 'fast', 'CREATE'),
      has_foreign_data_wrapper_privilege('reader', 'wrapper', 'USAGE WITH GRANT OPTION'),
      has_server_privilege('reader', 'elsewhere', 'USAGE'), has_language_privilege('reader', 'plpgsql', 'USAGE'),
      NOT has_language_privilege('writer', 'plpgsql', 'USAGE'), NOT has_schema_privilege('writer', 'public', 'USAGE')]"""
    with server.connect(dbname="shop") as connection:
        assert connection.execute(held.encode()).fetchall() == [([True] * 6,)]
    execute(server, "SELECT lo_get(4711)", database="shop", user="reader")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(server, "SELECT lo_get(4711)", database="shop", user="writer")
    held_by = {"databases": ["shop"], "objects": ["ALL"], "owner": "writer"}
    ownership: list[dict[str, t.Any]] = [
        {"kind": "tablespace", "objects": ["fast"], "owner": "writer"},
        {"kind": "foreign_server", **held_by},
        {"kind": "language", **held_by, "objects": ["plpgsql"]},
        {"kind": "function", **held_by, "schemas": ["app"]},
        {"kind": "foreign_data_wrapper", **held_by, "owner": server.superuser},
    ]
    assert len(settled(server, ownership=ownership)) == 3 + 4
    refused = run(server, {"kind": "language", **inside, "objects": ["c"], "privileges": ["USAGE"]})
    assert refused.failed and "untrusted" in refused.message


def test_parameters(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    entry = {"kind": "parameter", "objects": ["Log_Statement", "my.own"], "roles": ["reader"], "privileges": ["SET"]}
    if server.major < 15:
        refused = run(server, entry)
        assert refused.failed and "grants[0].kind" in refused.message and "15" in refused.message
        return
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(server, "SET log_statement = 'all'", user="reader")
    assert len(settled(server, entry)) == 2
    execute(server, "SET log_statement = 'all'", user="reader")
    assert settled(server, {"kind": "parameter", "objects": ["ALL"], "roles": [], "state": "exact"})
    assert not server.query("SELECT 1 FROM pg_parameter_acl WHERE paracl::text LIKE '%reader%'")
    refused = run(server, {**entry, "objects": ["no_such_parameter"]})
    assert refused.failed and "no_such_parameter" in refused.message


def test_privileges_that_older_versions_do_not_have(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    entry = {"kind": "table", **ORDERS, "roles": ["reader"], "privileges": ["MAINTAIN"]}
    result = run(server, entry)
    if server.major < 17:
        assert result.failed and "MAINTAIN" in result.message
    else:
        assert good(result).changed
        execute(server, "GRANT USAGE ON SCHEMA app TO reader", database="shop")
        execute(server, "ANALYZE app.orders", database="shop", user="reader")


@pytest.mark.in_turn
def test_owners_change_first(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    execute(server, "GRANT SELECT ON app.orders TO reader WITH GRANT OPTION", "SELECT lo_create(1)", database="shop")
    execute(server, "GRANT USAGE ON SCHEMA app TO reader", database="shop")
    execute(server, "GRANT SELECT ON app.orders TO writer", database="shop", user="reader")
    inside: dict[str, t.Any] = {"databases": ["shop"], "schemas": ["app"], "objects": ["ALL"], "owner": "writer"}
    ownership: list[dict[str, t.Any]] = [
        *({"kind": kind, **inside} for kind in ("table", "sequence", "function", "type")),
        {"kind": "schema", "databases": ["shop"], "schemas": ["app"], "owner": "writer"},
        {"kind": "database", "databases": ["shop"], "owner": "outsider"},
        {"kind": "large_object", "databases": ["shop"], "objects": ["1"], "owner": "writer"},
    ]
    exact = {"kind": "table", **ORDERS, "roles": ["owner"], "privileges": ["SELECT"], "state": "exact"}
    statements = settled(server, exact, ownership=ownership)
    assert len([text for text in statements if text.startswith("ALTER")]) == 4 + 4 + 2 + 3
    assert orders(server)[0] == "owner=r/writer" and len(orders(server)) == 2
    owners = "SELECT array_agg(DISTINCT relowner::regrole::text) FROM pg_class WHERE relnamespace = 'app'::regnamespace"
    assert acl(server, owners) == ["writer"]
    refused = run(
        server, ownership=[{"kind": "sequence", **inside, "objects": ["order_lines_id_seq"], "owner": "reader"}]
    )
    assert refused.failed and "name the table" in refused.message
    both = [{"kind": "table", **inside, "owner": name} for name in ("reader", "owner")]
    refused = run(server, ownership=both)
    assert refused.failed and "ownership[0]" in refused.message and "ownership[1]" in refused.message


NAMES = (
    *("Capitals", 'quo"te', "100%s", "naïve rôle", "back\\slash", "user", "it's", "dotted.name", "{braces}"),
    *("$$; DROP TABLE victim; --", '"; DROP TABLE victim; --', "$do$", "select", " space "),
)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.in_turn
def test_names_stay_names_wherever_they_stand(fresh_server: Server) -> None:
    server = fresh_server
    execute(server, "CREATE TABLE victim ()", *(f"CREATE ROLE {quoted(n)} LOGIN" for n in NAMES), "CREATE ROLE taker")
    grants: list[dict[str, t.Any]] = []
    ownership: list[dict[str, t.Any]] = []
    for database in NAMES[:3]:
        execute(server, f"CREATE DATABASE {quoted(database)}")
        grants.append({"kind": "database", "databases": [database], "roles": [NAMES[3]], "privileges": ["CREATE"]})
    for number, name in enumerate(NAMES):
        here, role = quoted(name), NAMES[(number + 1) % len(NAMES)]
        execute(
            server,
            f"CREATE SCHEMA {here}",
            f"CREATE TABLE {here}.{here} ({here} int)",
            f"CREATE SEQUENCE {here}.{quoted(name + 's')}",
            f"CREATE TYPE {here}.{quoted(name + 't')} AS ENUM ({here.replace(chr(39), chr(39) * 2).replace(chr(34), chr(39))})"
            if "quo" not in name and '"' not in name
            else f"CREATE DOMAIN {here}.{quoted(name + 't')} AS int",
            f"CREATE FUNCTION {here}.{here}({here}.{quoted(name + 't')}[]) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            f"CREATE FOREIGN DATA WRAPPER {here}",
            f"CREATE SERVER {here} FOREIGN DATA WRAPPER {here}",
            f"GRANT SELECT ON {here}.{here} TO {here} WITH GRANT OPTION",
            f"GRANT EXECUTE ON FUNCTION {here}.{here} TO {here} WITH GRANT OPTION",
            f"GRANT USAGE ON SCHEMA {here} TO {here}",
            f"SET ROLE {here}",
            f"GRANT SELECT ON {here}.{here} TO taker",
            f"GRANT EXECUTE ON FUNCTION {here}.{here} TO taker",
            "RESET ROLE",
            f"REVOKE USAGE ON SCHEMA {here} FROM {here}",
        )
        scope: dict[str, t.Any] = {"databases": ["postgres"], "roles": [role]}
        placed = {**scope, "schemas": [name], "objects": [name]}
        gone = {**placed, "roles": ["taker"], "privileges": ["ALL"], "state": "absent"}
        grants += [
            {"kind": "schema", **scope, "schemas": [name], "privileges": ["ALL"]},
            {"kind": "table", **placed, "privileges": ["ALL"]},
            {"kind": "column", **placed, "columns": [name], "privileges": ["ALL"], "grant_option": True},
            {"kind": "sequence", **placed, "objects": [f"{name}s"], "privileges": ["ALL"]},
            {"kind": "type", **placed, "objects": [f"{name}t"], "privileges": ["ALL"]},
            {"kind": "function", **placed, "privileges": ["ALL"]},
            {"kind": "foreign_data_wrapper", **scope, "objects": [name], "privileges": ["ALL"]},
            {"kind": "foreign_server", **scope, "objects": [name], "privileges": ["ALL"]},
            {
                "kind": "default",
                **scope,
                "schemas": [name],
                "for_roles": [name],
                "future": ["table"],
                "privileges": ["ALL"],
            },
            {"kind": "table", **gone},
            {"kind": "function", **gone},
        ]
        ownership.append(
            {"kind": "table", "databases": ["postgres"], "schemas": [name], "objects": [name], "owner": name}
        )
    settled(server, *grants, ownership=ownership)
    assert server.query("SELECT count(*) FROM pg_tables WHERE tablename = 'victim'") == [(1,)]
    held = server.query("""SELECT count(*) FROM pg_roles r JOIN pg_class c ON c.relkind = 'r'
      JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = c.relname
      WHERE has_table_privilege(r.oid, c.oid, 'TRIGGER') AND NOT r.rolsuper AND r.rolname <> c.relname""")
    assert held == [(len(NAMES),)]
    assert not server.query("SELECT 1 FROM pg_class WHERE relacl::text LIKE '%taker%'")
    assert not server.query("SELECT 1 FROM pg_namespace WHERE nspname = 'taker'")


@pytest.mark.in_turn
def test_what_is_not_there_and_what_contradicts_is_named(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    good_one: dict[str, t.Any] = {"kind": "table", **ORDERS, "roles": ["reader"], "privileges": ["SELECT"]}
    before = orders(server)
    for wrong, named in (
        ({"roles": ["nobody"]}, "grants[1].roles: 'nobody'"),
        ({"databases": ["nowhere"]}, "grants[1].databases: 'nowhere'"),
        ({"databases": ["template0"]}, "grants[1].databases: 'template0'"),
        ({"schemas": ["nowhere"]}, "grants[1].schemas: 'nowhere'"),
        ({"objects": ["orders", "nothing"]}, "grants[1].objects: 'nothing'"),
        ({"databases": ["shop", "postgres"]}, "grants[1].schemas: 'app'"),
        ({"privileges": ["EXECUTE"]}, "grants[1].privileges: 'EXECUTE'"),
        ({"kind": "column", "columns": ["nope"]}, "grants[1]."),
        (
            {"kind": "default", "objects": None, "for_roles": ["nobody"], "future": ["table"]},
            "grants[1].for_roles: 'nobody'",
        ),
        ({"state": "absent", "privileges": ["ALL"]}, "grants[0] gives what this takes"),
        ({"objects": ["/("]}, "grants[1].objects[0]"),
    ):
        result = run(server, good_one, {**good_one, **wrong})
        assert result.failed and named in result.message, result.message
        assert orders(server) == before
    nothing = {"databases": ["/no.*"], "schemas": ["/no.*"], "objects": ["/no.*"], "roles": ["/no.*"]}
    assert not good(run(server, {**good_one, **nothing})).changed
    assert not good(run(server, {**good_one, "databases": None, "objects": ["/no.*"]})).changed
    assert good(run(server, {**good_one, "databases": None})).changed  # in one of all databases


@pytest.mark.in_turn
def test_systems_own_schemas_are_left_alone_unless_named(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    before = server.query("SELECT oid, proacl::text FROM pg_proc ORDER BY oid")
    everything: dict[str, t.Any] = {
        "databases": ["postgres"],
        "schemas": ["ALL"],
        "objects": ["ALL"],
        "roles": [],
        "state": "exact",
    }
    settled(server, *({"kind": kind, **everything} for kind in ("function", "table", "sequence", "type")))
    assert server.query("SELECT oid, proacl::text FROM pg_proc ORDER BY oid") == before
    named = {"kind": "function", "databases": ["postgres"], "schemas": ["pg_catalog"], "roles": ["reader"]}
    settled(server, {**named, "objects": ["pg_ls_dir(text)"], "privileges": ["EXECUTE"]})
    assert server.query("SELECT has_function_privilege('reader', 'pg_ls_dir(text)', 'EXECUTE')") == [(True,)]
    settled(server, {**named, "objects": ["/pg_ls.*"], "roles": [], "state": "exact"})
    assert server.query("SELECT has_function_privilege('reader', 'pg_ls_dir(text)', 'EXECUTE')") == [(False,)]
    assert server.query("SELECT has_function_privilege('reader', 'pg_lsn_mi(pg_lsn, pg_lsn)', 'EXECUTE')") == [(True,)]


@pytest.mark.in_turn
def test_nobody_loses_connect_unknowingly(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    entry = {
        "kind": "database",
        "databases": ["shop"],
        "roles": ["PUBLIC"],
        "privileges": ["CONNECT"],
        "state": "absent",
    }
    with server.connect(dbname="shop", user="reader") as client:
        refused = run(server, entry)
        assert refused.failed and "reader" in refused.message and "CONNECT is not granted" in refused.message
        assert refused.values["refused"]
        execute(server, "SELECT 1", database="shop", user="outsider")
        client.execute("SELECT 1")
        keeper = {**entry, "roles": ["reader"], "state": "present"}
        settled(server, entry, keeper)
    execute(server, "SELECT 1", database="shop", user="reader")
    with pytest.raises(psycopg.OperationalError, match="CONNECT"):
        execute(server, "SELECT 1", database="shop", user="outsider")
    must = {"user": "reader", "database": "shop"}
    exact = {**entry, "roles": [], "state": "exact"}
    refused = run(server, exact, must_admit=[must])
    assert refused.failed and "must_admit" in refused.message
    assert good(run(server, exact, must_admit=[must], allow_lockout=True)).changed
    with pytest.raises(psycopg.OperationalError, match="CONNECT"):
        execute(server, "SELECT 1", database="shop", user="reader")


@pytest.mark.in_turn
def test_databases_that_take_no_connections_are_told(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    execute(server, "CREATE DATABASE shut ALLOW_CONNECTIONS false", "CREATE ROLE small LOGIN")
    everywhere = {
        "kind": "schema",
        "schemas": ["public"],
        "roles": ["PUBLIC"],
        "privileges": ["ALL"],
        "state": "absent",
    }
    result = good(run(server, everywhere))
    assert [left["subject"] for left in result.values["left_alone"]] == ['database "shut"']
    databases = {step["subject"].split()[-1] for step in result.values["steps"]}
    assert databases == {'"shop"', '"postgres"', '"template1"'}
    execute(server, "CREATE DATABASE later", "CREATE ROLE maker LOGIN")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(server, "CREATE TABLE public.trap ()", database="later", user="maker")
    settled(
        server, {"kind": "database", "databases": ["shut", "template0"], "roles": ["maker"], "privileges": ["CREATE"]}
    )


@pytest.mark.in_turn
def test_a_standby_is_told_and_left(workshop: t.Any, fresh_server: Server) -> None:
    shop(fresh_server)
    standby = workshop.standby(fresh_server)
    entry = {"kind": "table", **ORDERS, "roles": ["reader"], "privileges": ["SELECT"]}
    try:
        result = good(run(standby, entry))
        assert not result.changed
        assert "run on the primary" in result.values["left_alone"][0]["reason"]
        assert run(standby, entry, on_standby="fail").failed
    finally:
        workshop.discard(standby)


@pytest.mark.in_turn
def test_as_modules_of_their_own_and_of_the_whole(fresh_server: Server) -> None:
    server = fresh_server
    shop(server)
    entry = {"kind": "table", **ORDERS, "roles": ["reader"], "privileges": ["SELECT"]}
    default = {
        "kind": "default",
        "for_roles": ["owner"],
        "future": ["table"],
        "roles": ["reader"],
        "privileges": ["ALL"],
    }
    alone = run_module("privileges", server, check=True, grants=[entry, default])
    assert alone.changed, alone.output
    assert '"reader", granted by "owner": SELECT\n' in [each["after"] for each in alone.values["diff"]]
    done = run_module("cluster", server, privileges={"grants": [entry, default]}, role_attributes={"strip": ["reader"]})
    assert done.changed, done.output
    assert [step["statement"] for step in done.values["steps"]] == [step["statement"] for step in alone.values["steps"]]
    assert not run_module("privileges", server, grants=[entry, default]).changed
    refused = run_module("cluster", server, privileges={"grants": [{**entry, "roles": ["nobody"]}]})
    assert refused.failed and "privileges.grants[0].roles" in refused.message
