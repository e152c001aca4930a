"""The well-known ways to become superuser: each one works on a stock server, and none of them after a run."""

from __future__ import annotations

import dataclasses
import hashlib
import socket
import struct
import typing as t

import psycopg
import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component as privileges
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component as role_attributes
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.role_variables import desired

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

PROGRAM = "COPY (SELECT 1) TO PROGRAM 'cat > /dev/null'"
VERIFIER = "SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = 'clerk'"
TRAP = f"LANGUAGE plpgsql AS $$ BEGIN RETURN ({VERIFIER}); END $$"  # works for whoever may read pg_authid
LIBRARY = "SELECT pg_create_logical_replication_slot('mallory', 'auto_explain')"


@dataclasses.dataclass(frozen=True)
class Path:
    """One way, for a role of its own; ``prepare`` and ``clean`` are the superuser's."""

    name: str
    prepare: tuple[str, ...]
    attempt: tuple[str, ...] = ()
    clean: tuple[str, ...] = ()  # a trap that stays after the attempt would be there without another one
    user: str = "mallory"
    first: int = 13
    last: int = 99
    by_login: bool = False  # what was read is tried as the password of clerk

    def works(self, server: Server) -> bool:
        """Try it for real."""
        try:
            with server.connect(user=self.user, dbname="app") as connection:
                for statement in self.attempt:
                    cursor = connection.execute(statement.encode())
                found = cursor.fetchone() if cursor.description else ("done",)
        except psycopg.errors.InsufficientPrivilege:
            return False
        assert found is not None and found[0], f"{self.name}: neither refused nor done"
        assert not self.by_login or gets_in_with_verifier(server, "clerk", found[0])
        for statement in self.clean:
            execute(server, statement)
        return True


PATHS = (
    Path(
        "CREATEROLE grants itself a predefined role",
        ("CREATE ROLE personnel LOGIN CREATEROLE",),
        ("GRANT pg_execute_server_program TO personnel", PROGRAM),
        user="personnel",
        last=15,
    ),
    Path(
        "CREATEROLE makes another role that may",
        ("CREATE ROLE maker LOGIN CREATEROLE",),
        ("CREATE ROLE made IN ROLE pg_execute_server_program ROLE maker", "SET ROLE made", PROGRAM),
        ("DROP ROLE made",),
        user="maker",
        last=15,
    ),
    Path(
        "ADMIN option on a predefined role",
        (
            "CREATE ROLE registrar LOGIN",
            "GRANT pg_execute_server_program TO registrar WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
        ),
        ("GRANT pg_execute_server_program TO registrar WITH SET TRUE", "SET ROLE pg_execute_server_program", PROGRAM),
        user="registrar",
        first=16,
    ),
    Path(
        "program execution",
        ("CREATE ROLE runner LOGIN IN ROLE pg_execute_server_program",),
        (PROGRAM,),
        user="runner",
    ),
    Path(
        "reading files of the server",
        (
            "CREATE ROLE snoop LOGIN IN ROLE pg_read_server_files; GRANT USAGE ON SCHEMA app TO snoop",
            "CREATE TABLE app.lines (line text); GRANT SELECT, INSERT ON app.lines TO snoop",
        ),
        ("COPY app.lines FROM '/etc/passwd' (DELIMITER E'\\x01')", "TABLE app.lines"),
        user="snoop",
    ),
    Path(
        "writing files of the server",
        ("CREATE ROLE writer LOGIN IN ROLE pg_write_server_files",),
        ("COPY (SELECT 1) TO '/dev/null'",),
        user="writer",
    ),
    Path(
        "objects in the schema public",
        (),
        ("CREATE TABLE public.planted ()",),
        ("DROP TABLE public.planted",),
    ),
    Path(
        "a trap in public for a SECURITY DEFINER function",
        ("CREATE FUNCTION app.trusting(varchar) RETURNS text SECURITY DEFINER LANGUAGE sql AS 'SELECT lower($1)'",),
        (f"CREATE FUNCTION public.lower(varchar) RETURNS text {TRAP}", "SELECT app.trusting('X')"),
        ("DROP FUNCTION public.lower(varchar)",),
    ),
    Path(
        "a trap of temporary objects for a SECURITY DEFINER function",
        (
            "CREATE TABLE app.limits (name text); INSERT INTO app.limits VALUES ('none')",
            "CREATE FUNCTION app.limit() RETURNS text SECURITY DEFINER SET search_path = app"
            " LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT name FROM limits); END'",
        ),
        (
            f"CREATE FUNCTION pg_temp.stolen() RETURNS text {TRAP}",
            "CREATE TEMPORARY VIEW limits AS SELECT pg_temp.stolen() AS name",
            "SELECT app.limit()",
        ),
    ),
    Path(
        "a trap in a schema of one's own for a SECURITY DEFINER function",
        (
            "CREATE ROLE developer LOGIN",
            "CREATE SCHEMA developer AUTHORIZATION developer",
            "GRANT USAGE ON SCHEMA app TO developer",
            "CREATE FUNCTION app.confiding(varchar) RETURNS text SECURITY DEFINER LANGUAGE sql AS 'SELECT lower($1)'",
        ),
        (
            f"CREATE OR REPLACE FUNCTION developer.lower(varchar) RETURNS text {TRAP}",
            "SET search_path = developer, pg_catalog",
            "SELECT app.confiding('X')",
        ),
        user="developer",
    ),
    Path(
        "ALTER SYSTEM through a grant on a parameter",
        ("CREATE ROLE tuner LOGIN", "GRANT ALTER SYSTEM ON PARAMETER archive_command TO tuner"),
        ("ALTER SYSTEM SET archive_command = 'touch /dev/null'",),
        ("ALTER SYSTEM RESET archive_command",),
        user="tuner",
        first=15,
    ),
    Path(
        "a library through SET",
        ("CREATE ROLE loader LOGIN", "GRANT SET ON PARAMETER session_preload_libraries TO loader"),
        ("ALTER ROLE loader SET session_preload_libraries = 'auto_explain'",),
        ("ALTER ROLE loader RESET session_preload_libraries",),
        user="loader",
        first=15,
    ),
    Path(
        "login with a verifier read as pg_read_all_data",
        ("CREATE ROLE analyst LOGIN IN ROLE pg_read_all_data",),
        (VERIFIER,),
        user="analyst",
        first=14,
        by_login=True,
    ),
    Path(
        "login with a verifier read from the table",
        ("CREATE ROLE auditor LOGIN", "GRANT SELECT ON pg_catalog.pg_authid TO auditor"),
        (VERIFIER,),
        user="auditor",
        by_login=True,
    ),
)

GRANTS: t.Final[tuple[dict[str, t.Any], ...]] = (
    {"kind": "schema", "schemas": ["public"], "roles": ["PUBLIC"], "privileges": ["CREATE"], "state": "absent"},
    {"kind": "database", "roles": ["PUBLIC"], "privileges": ["TEMPORARY"], "state": "absent"},
    {
        "kind": "function",
        "databases": ["app"],
        "schemas": ["app"],
        "objects": ["confiding"],
        "roles": ["PUBLIC"],
        "privileges": ["EXECUTE"],
        "state": "absent",
    },
    {"kind": "table", "schemas": ["pg_catalog"], "objects": ["pg_authid"], "roles": [], "state": "exact"},
)


def execute(server: Server, statement: str, database: str = "app") -> None:
    with server.connect(dbname=database) as connection:
        connection.execute(statement.encode())


def gets_in_with_verifier(server: Server, user: str, verifier: str) -> bool:
    """What no client of PostgreSQL offers: answer the challenge of method md5 from the verifier alone."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        body = struct.pack("!i", 3 << 16) + b"user\0%b\0database\0postgres\0\0" % user.encode()
        wire.sendall(struct.pack("!i", len(body) + 4) + body)
        challenge = wire.recv(13, socket.MSG_WAITALL)
        assert challenge[:9] == b"R\0\0\0\x0c\0\0\0\x05", challenge  # AuthenticationMD5Password
        answer = b"md5" + hashlib.md5(verifier[3:].encode() + challenge[9:]).hexdigest().encode() + b"\0"
        wire.sendall(b"p" + struct.pack("!i", len(answer) + 4) + answer)
        return wire.recv(9, socket.MSG_WAITALL) == b"R\0\0\0\x08\0\0\0\0"  # AuthenticationOk


def loads_a_library(server: Server) -> bool:
    """Whether a role with REPLICATION has the server load a library that is no output plugin."""
    with server.connect(user="replicator", dbname="app") as connection:
        try:
            connection.execute(LIBRARY.encode())
        except psycopg.errors.InsufficientPrivilege:
            return False
        except psycopg.Error as error:
            return "_PG_output_plugin_init" in str(error)  # the server looked for it in what it had loaded
    raise AssertionError("it is no output plugin")


def run(server: Server, *components: t.Callable[[], t.Any]) -> Result:
    result = run_components(server, lambda: [build() for build in components], rehearse=False)
    assert not result.failed, result.output
    return result


def roles() -> t.Any:
    return role_attributes({"allow": []})


def grants() -> t.Any:
    return privileges({"grants": GRANTS})


def stock(server: Server) -> list[Path]:
    """A cluster as it is found, one that was upgraded from PostgreSQL 14 where it is newer; the paths that it has."""
    rules = "host all clerk 127.0.0.1/32 md5\nlocal all all trust\n"
    server.hba_file.write_text(rules, encoding="utf-8")
    server.query("ALTER SYSTEM SET wal_level = logical")
    server.restart()
    server.query("CREATE DATABASE app")
    for database in ("app", "postgres", "template1"):
        execute(server, "GRANT CREATE ON SCHEMA public TO PUBLIC", database)
    execute(server, "SET password_encryption = md5; CREATE ROLE clerk LOGIN PASSWORD 'secret'")
    execute(server, "CREATE ROLE mallory LOGIN; CREATE ROLE replicator LOGIN REPLICATION")
    execute(server, "CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO mallory")
    paths = [path for path in PATHS if path.first <= server.major <= path.last]
    for path in paths:
        for statement in path.prepare:
            execute(server, statement)
    return paths


def test_what_works_on_a_stock_server_is_refused_after_a_run(fresh_server: Server) -> None:
    server = fresh_server
    paths = stock(server)
    assert [path.name for path in paths if not path.works(server)] == []  # the positive control
    assert not gets_in_with_verifier(server, "clerk", "md5" + 32 * "0")
    restricted = bool(server.query("SELECT FROM pg_settings WHERE name = 'output_plugin_libraries'"))
    assert loads_a_library(server) is not restricted
    reported = run(server, lambda: role_attributes({})).values["near_superusers"]
    assert restricted is not any("CVE-2026-6471" in reason for entry in reported for reason in entry["reasons"])
    run(server, roles, grants)
    assert [path.name for path in paths if path.works(server)] == []
    assert not loads_a_library(server)
    assert not run(server, roles, grants).changed


# What no profile closes by itself, as it cannot know what an application needs; and what only baseline leaves.
REPORTED = "a trap in a schema of one's own for a SECURITY DEFINER function"
NAMED = "login with a verifier read from the table"
OF_BASELINE = "a trap of temporary objects for a SECURITY DEFINER function"


@pytest.mark.in_turn
def test_the_profiles_of_the_role_close_what_they_say(fresh_server: Server) -> None:
    server = fresh_server
    paths = stock(server)
    assert [path.name for path in paths if not path.works(server)] == []
    users = ", ".join(sorted({path.user for path in paths} | {"clerk", "replicator"}))
    execute(server, f"GRANT CONNECT ON DATABASE app, postgres TO {users}")
    for profile, left in (
        ("baseline", {REPORTED, NAMED, OF_BASELINE}),
        ("cis", {REPORTED, NAMED}),
        ("strict", {REPORTED, NAMED}),
    ):
        wanted = desired("pg_access", pg_access_profile=profile, pg_access_allow=[])
        components = (
            lambda wanted=wanted: role_attributes(wanted["role_attributes"]),
            lambda wanted=wanted: privileges(wanted["privileges"]),
        )
        done = run(server, *components)
        assert {path.name for path in paths if path.works(server)} == left, profile
        assert not loads_a_library(server)
        told = {(each["kind"], each["object"]) for each in done.values["access_findings"]}
        assert ("definer_without_search_path", "function app.confiding(character varying)") in told
        assert not run(server, *components).changed


HOSTILE = {
    "search_path": "evil, pg_catalog",
    "role": "owner",
    "default_transaction_read_only": "on",
    "standard_conforming_strings": "off",
    "statement_timeout": "1",
    "lock_timeout": "1",
    "datestyle": "'SQL, DMY'",
    "timezone": "'Asia/Kathmandu'",
    "quote_all_identifiers": "on",
    "transform_null_equals": "on",
    "client_encoding": "latin1",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "idle_in_transaction_session_timeout": "1",
    "idle_session_timeout": "1",
    "transaction_timeout": "1",
    "max_parallel_workers_per_gather": "4",
    "debug_parallel_query": "on",
}
_SINCE: t.Final = {"idle_session_timeout": 14, "debug_parallel_query": 16, "transaction_timeout": 17}


def test_owners_of_databases_decide_nothing_about_our_session(fresh_server: Server) -> None:
    server = fresh_server
    server.query("CREATE ROLE owner LOGIN SUPERUSER; CREATE ROLE other SUPERUSER")
    server.query("CREATE DATABASE app OWNER owner")
    server.query("ALTER DATABASE postgres OWNER TO owner")
    for database in ("app", "postgres"):
        for statement in (
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            "CREATE SCHEMA evil AUTHORIZATION owner",
            "CREATE TABLE evil.caught (who text); GRANT INSERT ON evil.caught TO PUBLIC",
            "CREATE FUNCTION evil.same(oid, oid) RETURNS bool LANGUAGE plpgsql SET search_path = pg_catalog AS"
            " 'BEGIN INSERT INTO evil.caught VALUES (current_user); RETURN $1::int8 = $2::int8; END'",
            "CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.same)",
            f"ALTER DATABASE {database} SET search_path = {HOSTILE['search_path']}",
        ):
            execute(server, statement, database)
        execute(server, "SELECT FROM pg_class WHERE oid = relfilenode", database)  # what an administrator does
        assert (server.superuser,) in server.connect(dbname=database).execute("TABLE evil.caught").fetchall()
        execute(server, "TRUNCATE evil.caught", database)
    hostile = {name: value for name, value in HOSTILE.items() if _SINCE.get(name, 0) <= server.major}
    for name, value in hostile.items():
        for database in ("app", "postgres"):
            execute(server, f"ALTER DATABASE {database} SET {name} = {value}", "template1")
    calm = " ".join(f"-c {name}=0" for name in hostile if name.endswith(("_timeout", "_per_gather")))
    with server.connect(dbname="app", options=calm) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("owner",)
        assert connection.execute("SHOW search_path").fetchone() == ("evil, pg_catalog",)
    done = run(server, roles, grants_of_public)
    assert {step["subject"] for step in done.values["steps"]} >= {'role "owner"', 'role "other"'}
    assert not run(server, roles, grants_of_public).changed
    for database in ("app", "postgres"):
        with server.connect(dbname=database, options=f"{calm} -c role=none") as connection:
            assert connection.execute("TABLE evil.caught").fetchall() == []


def grants_of_public() -> t.Any:
    return privileges({"grants": [GRANTS[0]]})
