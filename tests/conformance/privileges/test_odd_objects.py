"""Objects that are not what one thinks of first, and what becomes of their privileges on real servers."""

from __future__ import annotations

import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.tests.conformance.privileges.test_privileges import execute
from ansible_collections.rampart.postgresql.tests.conformance.privileges.test_privileges import good
from ansible_collections.rampart.postgresql.tests.conformance.privileges.test_privileges import run
from ansible_collections.rampart.postgresql.tests.conformance.privileges.test_privileges import settled

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server


@pytest.mark.since(14)
@pytest.mark.in_turn
def test_a_procedure_is_told_from_one_with_an_argument_more_for_output(fresh_server: Server) -> None:
    server = fresh_server
    execute(
        server,
        "CREATE ROLE caller LOGIN",
        "CREATE PROCEDURE p(int, int) LANGUAGE sql AS 'SELECT 1'",
        "CREATE PROCEDURE p(int, OUT int) LANGUAGE sql AS 'SELECT 1'",
    )
    chosen: dict[str, t.Any] = {"databases": ["postgres"], "schemas": ["public"], "objects": ["p"]}
    entry = {"kind": "function", **chosen, "roles": [], "state": "exact"}
    assert len(settled(server, entry, ownership=[{"kind": "function", **chosen, "owner": "caller"}])) == 4
    assert server.query("SELECT DISTINCT proowner::regrole::text, proacl::text FROM pg_proc WHERE proname = 'p'") == [
        ("caller", "{caller=X/caller}")
    ]


@pytest.mark.since(15)
@pytest.mark.in_turn
def test_parameters_by_pattern_and_for_their_owner(fresh_server: Server) -> None:
    server = fresh_server
    execute(server, "CREATE ROLE tuner LOGIN", "GRANT SET ON PARAMETER my.own TO tuner")
    change = "SET log_statement_stats = on"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(server, change, user="tuner")
    entry = {"kind": "parameter", "objects": ["/log_s.*_stats"], "roles": ["tuner"], "privileges": ["SET"]}
    assert settled(server, entry) == ['GRANT SET ON PARAMETER "log_statement_stats" TO "tuner"']
    execute(server, change, user="tuner")
    own = {**entry, "objects": ["work_mem", "your.own"], "roles": [server.superuser]}
    assert settled(server, own) == []  # it is the owner
    assert len(settled(server, {**entry, "objects": ["ALL"], "roles": [], "state": "exact"})) == 2
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(server, change, user="tuner")


def test_owners_who_give_back_leave_what_was_granted(fresh_server: Server) -> None:
    server = fresh_server
    execute(server, "CREATE ROLE old", "CREATE ROLE new", "CREATE ROLE other", "CREATE DATABASE second")
    execute(
        server,
        "GRANT ALL ON SCHEMA public TO old",
        "GRANT USAGE ON SCHEMA public TO new",
        "SET ROLE old",
        "CREATE TABLE t (id serial, note text)",
        "GRANT SELECT, DELETE ON t TO new WITH GRANT OPTION",
        "GRANT UPDATE (note) ON t TO new",
        "GRANT USAGE ON SEQUENCE t_id_seq TO new",
        "SET ROLE new",
        "GRANT SELECT ON t TO other",
        "SET ROLE old",
        "GRANT SELECT ON t TO other",
        "RESET ROLE",
    )
    execute(
        server,
        "CREATE TABLE t ()",
        "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$",
        "CREATE EVENT TRIGGER refuse ON ddl_command_end EXECUTE FUNCTION refuse()",
        database="second",
    )
    acls = """SELECT relname, relowner::regrole::text, ARRAY(SELECT unnest(relacl)::text ORDER BY 1),
      ARRAY(SELECT unnest(attacl)::text FROM pg_attribute WHERE attrelid = c.oid ORDER BY 1)
      FROM pg_class c WHERE relname IN ('t', 't_id_seq') ORDER BY relname"""
    before = server.query(acls)
    for superuser in (False, True):
        ownership = [{"kind": "table", "schemas": ["public"], "objects": ["t"], "owner": "new"}]
        refused = run(server, ownership=ownership)
        assert refused.failed
        assert "not today" in refused.message
        assert len(refused.values["undone"]) == 1, refused.values
        after = server.query(acls)
        if not superuser:
            assert after == before
        held = "SELECT has_table_privilege('other', 't', 'SELECT'), has_sequence_privilege('new', 't_id_seq', 'USAGE')"
        assert server.query(held) == [(True, True)]
        execute(server, "ALTER ROLE new SUPERUSER")


@pytest.mark.in_turn
def test_what_no_role_has_any_more_is_told_and_stops_nobody(fresh_server: Server) -> None:
    server = fresh_server
    execute(server, "CREATE ROLE gone", "CREATE ROLE reader", "CREATE TABLE t (id int)")
    execute(server, "GRANT SELECT ON t TO gone", "GRANT UPDATE (id) ON t TO gone")
    [(oid,)] = server.query("SELECT 'gone'::regrole::oid::int8")
    # As races have left it in old clusters.
    execute(server, "DELETE FROM pg_authid WHERE rolname = 'gone'", f"DELETE FROM pg_shdepend WHERE refobjid = {oid}")
    execute(server, f'CREATE ROLE "{oid}"', f'GRANT INSERT ON t TO "{oid}"')
    entry = {
        "kind": "table",
        "databases": ["postgres"],
        "objects": ["t"],
        "roles": ["reader"],
        "privileges": ["SELECT"],
    }
    exact = {**entry, "schemas": ["public"], "state": "exact"}
    assert settled(server, exact) == [
        'GRANT SELECT ON TABLE "public"."t" TO "reader"',
        f'REVOKE INSERT ON TABLE "public"."t" FROM "{oid}"',
    ]
    [left] = good(run(server, exact)).values["left_alone"]
    assert left["subject"] == 'database "postgres"' and str(oid) in left["reason"]


@pytest.mark.in_turn
def test_a_database_that_cannot_be_read_is_named(fresh_server: Server) -> None:
    server = fresh_server
    execute(server, "CREATE ROLE reader", "CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0")
    with server.connect(dbname="bytes", client_encoding="SQL_ASCII") as connection:
        connection.execute(b'CREATE TABLE "caf\xe9" ()')
    entry = {"kind": "table", "objects": ["/none"], "roles": ["reader"], "privileges": ["SELECT"]}
    refused = run(server, entry)
    assert refused.failed and 'database "bytes"' in refused.message
    assert not good(run(server, {**entry, "databases": ["postgres"]})).changed


@pytest.mark.in_turn
def test_what_initdb_granted_in_information_schema_is_spared(fresh_server: Server) -> None:
    server = fresh_server
    execute(server, "CREATE ROLE nosy LOGIN", "GRANT DELETE ON information_schema.sql_sizing TO nosy")
    chosen: dict[str, t.Any] = {"databases": ["postgres"], "schemas": ["information_schema"], "objects": ["ALL"]}
    exact = [{"kind": kind, **chosen, "roles": [], "state": "exact"} for kind in ("table", "function", "type")]
    assert settled(server, *exact) == ['REVOKE DELETE ON TABLE "information_schema"."sql_sizing" FROM "nosy"']
    execute(server, "SELECT FROM information_schema.tables, information_schema.sql_sizing", user="nosy")
