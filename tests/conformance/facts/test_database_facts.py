"""What is gathered of each database: planted states, and their contraries beside them."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import database
from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import facts
from ansible_collections.rampart.postgresql.tests.conformance.facts.looking import only

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

HOSTILE = '<script>alert("x")</script>\n\'; DROP'


def test_schemas_say_what_public_may(fresh_server: Server) -> None:
    fresh_server.query("CREATE SCHEMA closed; CREATE SCHEMA open; GRANT CREATE, USAGE ON SCHEMA open TO PUBLIC")
    rows = only(facts(fresh_server, "databases")["schemas"], database="postgres")
    found = {row["schema"]: (row["public_create"], row["public_usage"]) for row in rows}
    assert found == {"public": (fresh_server.major < 15, True), "closed": (False, False), "open": (True, True)}


def test_what_public_holds_is_told_apart_by_who_gave_it(fresh_server: Server) -> None:
    server = fresh_server
    before = facts(server, "databases")["public_privileges"]
    assert {row["kind"] for row in before} == {"database", "schema"}
    assert all(row["builtin"] for row in before), before
    assert {row["object"] for row in before if row["kind"] == "schema"} == {"public"}
    server.query(
        "CREATE TABLE held (a int, b int); GRANT SELECT ON held TO PUBLIC; CREATE TABLE kept (a int, b int);"
        "GRANT SELECT (b) ON kept TO PUBLIC; CREATE SEQUENCE counted; GRANT USAGE ON SEQUENCE counted TO PUBLIC;"
        "CREATE FUNCTION callable() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE FUNCTION closed() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION closed() FROM PUBLIC;"
        "CREATE DOMAIN taken AS int; CREATE DOMAIN refused AS int; REVOKE ALL ON TYPE refused FROM PUBLIC;"
        "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO PUBLIC; GRANT SELECT ON pg_authid TO PUBLIC;"
        "GRANT SELECT (subconninfo) ON pg_subscription TO PUBLIC;"
        "CREATE FOREIGN DATA WRAPPER wrapped; GRANT USAGE ON FOREIGN DATA WRAPPER wrapped TO PUBLIC;"
        "CREATE SERVER far FOREIGN DATA WRAPPER wrapped; GRANT USAGE ON FOREIGN SERVER far TO PUBLIC;"
        "SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC;"
        "GRANT CREATE ON TABLESPACE pg_default TO PUBLIC; GRANT CREATE ON DATABASE postgres TO PUBLIC"
    )
    rows = [row for row in facts(server, "databases")["public_privileges"] if row not in before]
    found = {(row["kind"], row["object"]): (row["privileges"], row["builtin"]) for row in rows}
    assert found == {
        ("table", "public.held"): (["SELECT"], False),
        ("column", "public.kept.b"): (["SELECT"], False),
        ("sequence", "public.counted"): (["USAGE"], False),
        ("function", "public.callable()"): (["EXECUTE"], True),
        ("type", "public.taken"): (["USAGE"], True),
        ("function", "pg_read_file(text)"): (["EXECUTE"], False),
        ("table", "pg_catalog.pg_authid"): (["SELECT"], False),
        ("column", "pg_catalog.pg_subscription.subconninfo"): (["SELECT"], False),
        ("foreign_data_wrapper", "wrapped"): (["USAGE"], False),
        ("foreign_server", "far"): (["USAGE"], False),
        ("large_object", "4711"): (["SELECT"], False),
        ("tablespace", "pg_default"): (["CREATE"], False),
        ("database", "postgres"): (["CREATE"], False),
    }
    assert {row["objects"] for row in rows} == {1}


@pytest.mark.since(15)
def test_public_may_hold_parameters(fresh_server: Server) -> None:
    fresh_server.query("GRANT SET ON PARAMETER log_statement TO PUBLIC")
    [row] = only(facts(fresh_server, "databases")["public_privileges"], kind="parameter")
    assert (row["database"], row["object"], row["privileges"], row["builtin"]) == (
        None,
        "log_statement",
        ["SET"],
        False,
    )


def test_tables_say_who_else_may_use_them(fresh_server: Server) -> None:
    fresh_server.query(
        "CREATE ROLE reader; CREATE ROLE boss SUPERUSER; CREATE TABLE t (a int, b int); CREATE TABLE untouched (a int);"
        "GRANT SELECT, INSERT ON t TO reader; GRANT UPDATE (b) ON t TO reader WITH GRANT OPTION; GRANT SELECT ON t TO boss"
    )
    rows = facts(fresh_server, "databases")["table_privileges"]
    shown = [(row["table"], row["column"], row["grantee"], row["privileges"], row["grantable"]) for row in rows]
    assert shown == [("t", None, "reader", ["INSERT", "SELECT"], False), ("t", "b", "reader", ["UPDATE"], True)]


@pytest.mark.in_turn
def test_many_tables_are_told_by_schema(fresh_server: Server) -> None:
    """Thousands of tables make a few rows, and none of them is lost."""
    server = fresh_server
    server.query("CREATE ROLE reader; CREATE SCHEMA a; CREATE SCHEMA b")
    make = (
        "DO $$ BEGIN FOR i IN 1..%d LOOP EXECUTE format('CREATE TABLE %%I.t%%s (a int)', %s, i);"
        "EXECUTE format('GRANT SELECT ON %%I.t%%s TO reader, PUBLIC', %s, i); END LOOP; END $$"
    )
    for schema, number in (("a", 700), ("b", 300)):
        server.query(make % (number, f"'{schema}'", f"'{schema}'"))
    rows = facts(server, "databases")["table_privileges"]
    assert len(rows) == 1000
    assert {row["tables"] for row in rows} == {1}
    server.query("CREATE TABLE b.last (a int); GRANT SELECT ON b.last TO reader, PUBLIC")
    found = facts(server, "databases")
    rows = [(row["schema"], row["table"], row["grantee"], row["tables"]) for row in found["table_privileges"]]
    assert rows == [("a", None, "reader", 700), ("b", None, "reader", 301)]
    [of_public] = only(found["public_privileges"], kind="table")
    assert (of_public["object"], of_public["objects"]) == (None, 1001)


def test_default_privileges_are_told_as_stored(fresh_server: Server) -> None:
    assert facts(fresh_server, "databases")["default_privileges"] == []
    fresh_server.query(
        "CREATE ROLE maker; CREATE ROLE reader; CREATE SCHEMA s;"
        "ALTER DEFAULT PRIVILEGES FOR ROLE maker IN SCHEMA s GRANT SELECT ON TABLES TO reader, PUBLIC;"
        "ALTER DEFAULT PRIVILEGES FOR ROLE maker REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"
    )
    rows = facts(fresh_server, "databases")["default_privileges"]
    assert [(row["role"], row["schema"], row["kind"], row["grantee"], row["privileges"]) for row in rows] == [
        ("maker", None, "function", "maker", ["EXECUTE"]),
        ("maker", "s", "table", "public", ["SELECT"]),
        ("maker", "s", "table", "reader", ["SELECT"]),
    ]


def test_definer_functions_are_judged(fresh_server: Server) -> None:
    server = fresh_server
    assert facts(server, "databases")["definer_functions"] == []
    function = "CREATE FUNCTION %s() RETURNS int LANGUAGE sql SECURITY DEFINER %s AS 'SELECT 1'"
    paths = {
        "without": "",
        "trapped": "SET search_path = open, pg_temp",
        "safe": "SET search_path = pg_catalog, pg_temp",
    }
    server.query("CREATE SCHEMA open; GRANT CREATE ON SCHEMA open TO PUBLIC; CREATE ROLE plain")
    server.query(";".join(function % (name, path) for name, path in paths.items()))
    server.query("REVOKE ALL ON FUNCTION safe() FROM PUBLIC; ALTER FUNCTION safe() OWNER TO plain")
    rows = facts(server, "databases")["definer_functions"]
    keys = ("search_path", "search_path_safe", "public_execute", "owner_superuser", "extension", "language")
    assert {row["function"]: tuple(row[key] for key in keys) for row in rows} == {
        "public.without()": (None, False, True, True, None, "sql"),
        "public.trapped()": ("open, pg_temp", False, True, True, None, "sql"),
        "public.safe()": ("pg_catalog, pg_temp", True, False, False, None, "sql"),
    }


def test_what_extensions_made_is_told_apart(fresh_server: Server) -> None:
    """Their functions are not the site's; what is granted on them beyond what they came with is."""
    server = fresh_server
    before = facts(server, "databases")["public_privileges"]
    server.query(
        "CREATE EXTENSION dblink; CREATE FUNCTION theirs() RETURNS int LANGUAGE sql SECURITY DEFINER"
        " SET search_path = public AS 'SELECT 1'; ALTER EXTENSION dblink ADD FUNCTION theirs()"
    )
    found = facts(server, "databases")
    assert found["public_privileges"] == before
    keys = ("function", "extension", "search_path", "search_path_safe")
    assert [tuple(row[key] for key in keys) for row in found["definer_functions"]] == [
        ("public.dblink_connect_u(text)", "dblink", None, False),
        ("public.dblink_connect_u(text,text)", "dblink", None, False),
        ("public.theirs()", "dblink", "public", True),
    ]
    server.query("GRANT EXECUTE ON FUNCTION dblink_connect_u(text) TO PUBLIC")
    [row] = [row for row in facts(server, "databases")["public_privileges"] if row not in before]
    assert (row["object"], row["builtin"]) == ("public.dblink_connect_u(text)", False)


def test_row_security_says_where_it_does_not_protect(fresh_server: Server) -> None:
    server = fresh_server
    server.query("CREATE TABLE plain (a int)")
    assert facts(server, "databases")["row_security"] == []
    server.query(
        "CREATE TABLE full_of_rows (a int); ALTER TABLE full_of_rows ENABLE ROW LEVEL SECURITY;"
        "ALTER TABLE full_of_rows FORCE ROW LEVEL SECURITY; CREATE POLICY p ON full_of_rows USING (true);"
        "CREATE POLICY q ON full_of_rows USING (a = 1);"
        "CREATE TABLE forgotten (a int); CREATE POLICY p ON forgotten USING (true);"
        "CREATE TABLE bare (a int); ALTER TABLE bare ENABLE ROW LEVEL SECURITY"
    )
    rows = facts(server, "databases")["row_security"]
    assert {row["table"]: (row["enabled"], row["forced"], row["policies"]) for row in rows} == {
        "full_of_rows": (True, True, 2),
        "forgotten": (False, False, 1),
        "bare": (True, False, 0),
    }


def test_languages_say_who_may_use_them(fresh_server: Server) -> None:
    def usable() -> dict[str, tuple[bool, bool]]:
        rows = only(facts(fresh_server, "databases")["languages"], database="postgres")
        return {row["language"]: (row["trusted"], row["public_usage"]) for row in rows}

    assert usable() == {
        "c": (False, False),
        "internal": (False, False),
        "sql": (True, True),
        "plpgsql": (True, True),
    }
    fresh_server.query(
        "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC; UPDATE pg_language SET lanpltrusted = true WHERE lanname = 'c'"
    )
    assert usable()["plpgsql"] == (True, False)
    assert usable()["c"] == (True, True)


def test_event_triggers_say_whose_they_are(fresh_server: Server) -> None:
    server = fresh_server
    assert facts(server, "databases")["event_triggers"] == []
    server.query(
        "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER on_end ON ddl_command_end EXECUTE FUNCTION watch();"
        "CREATE EVENT TRIGGER off ON sql_drop EXECUTE FUNCTION watch(); ALTER EVENT TRIGGER off DISABLE"
    )
    rows = facts(server, "databases")["event_triggers"]
    assert [(row["name"], row["event"], row["owner_superuser"], row["enabled"]) for row in rows] == [
        ("off", "sql_drop", True, False),
        ("on_end", "ddl_command_end", True, True),
    ]


def test_user_mappings_and_subscriptions_say_whether_they_hold_a_password(fresh_server: Server) -> None:
    server = fresh_server
    server.query(
        "CREATE FOREIGN DATA WRAPPER w; CREATE ROLE app;"
        "CREATE SERVER far FOREIGN DATA WRAPPER w OPTIONS (host 'db.example', port '5433', dbname 'shop', token 'x');"
        "CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (\"user\" 'u', password 'secret');"
        "CREATE USER MAPPING FOR app SERVER far OPTIONS (\"user\" 'u', password_required 'false')"
    )
    for name, conninfo in {
        "plain": "host=db.example user=u",
        "clear": "host=db.example password=''a sslmode=disable'' sslmode=verify-full user=u",
        "uri": "postgresql://u:secret@db.example/shop?sslmode=require&application_name=x",
    }.items():
        server.query(
            f"CREATE SUBSCRIPTION {name} CONNECTION '{conninfo}' PUBLICATION p"
            " WITH (connect = false, enabled = false, slot_name = NONE, create_slot = false)"
        )
    found = facts(server, "databases")
    assert [(row["server"], row["role"], row["password"], row["connects_to"]) for row in found["user_mappings"]] == [
        ("far", "app", False, "dbname=shop host=db.example port=5433"),
        ("far", "public", True, "dbname=shop host=db.example port=5433"),
    ]
    rows = found["subscriptions"]
    assert [(row["name"], row["password_in_conninfo"], row["sslmode"], row["enabled"]) for row in rows] == [
        ("clear", True, "verify-full", False),
        ("plain", False, None, False),
        ("uri", True, "require", False),
    ]
    assert all(row["owner_superuser"] and row["database"] == "postgres" for row in rows)
    assert found["unreadable"] == {}


def test_a_database_that_refuses_is_named_and_the_others_are_told(server: Server) -> None:
    """Names of databases are data, whatever they hold."""
    with database(server, "closed one"), database(server, HOSTILE, "CREATE SCHEMA told"):
        server.query('ALTER DATABASE "closed one" CONNECTION LIMIT 0; CREATE ROLE looker LOGIN')
        try:
            found = facts(server, "databases", "catalogue", user="looker")
        finally:
            server.query("DROP ROLE looker")
    assert "too many connections" in found["unreadable"]["schemas in closed one"]
    assert "extensions in closed one" in found["unreadable"]
    assert only(found["schemas"], database=HOSTILE, schema="told")
    assert f"schemas in {HOSTILE}" not in found["unreadable"]
    assert not only(found["schemas"], database="closed one")


@pytest.mark.in_turn
def test_what_is_not_in_utf8_hides_itself_alone(fresh_server: Server) -> None:
    server = fresh_server
    server.query("CREATE DATABASE bytes ENCODING SQL_ASCII TEMPLATE template0")
    with server.connect(dbname="bytes", client_encoding="SQL_ASCII") as connection:
        connection.execute(b"CREATE SCHEMA caf\xe9")
        connection.execute(b"CREATE TABLE t (a int); GRANT SELECT ON t TO PUBLIC")
    found = facts(server, "databases")
    assert "UTF8" in found["unreadable"]["schemas in bytes"]
    assert set(found["unreadable"]) == {"schemas in bytes"}
    assert only(found["public_privileges"], database="bytes", object="public.t")
    assert not only(found["schemas"], database="bytes")
