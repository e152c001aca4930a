"""What pgAudit and set_user write is found in each format, also what a DO block runs, and nobody can write it by RAISE."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

SECRET = "hunter2-canary"
FORGED = (
    'AUDIT: SESSION,1,1,ROLE,DROP ROLE,,,"DROP ROLE forged",<none>',
    "Role app transitioning to Superuser Role forged",
)


def start(server: Server, library: str, **parameters: str) -> list[str]:
    """With the library and every format at the same time; the formats that this version has."""
    formats = ["stderr", "csvlog", *(["jsonlog"] if server.major >= 15 else [])]
    settings = {
        "shared_preload_libraries": library,
        "logging_collector": "on",
        "log_destination": ",".join(formats),
        "log_connections": "on",
        "log_line_prefix": "%m [%p] ",
        **parameters,
    }
    with server.owner.acting(), server.conf_file.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    server.restart()
    server.query("CREATE ROLE app LOGIN")
    return formats


def lie(server: Server) -> None:
    with server.connect(user="app") as session:
        for message in FORGED:
            session.execute(f"DO $$BEGIN RAISE LOG '%', $m${message}$m$; END$$".encode())


def reviews(server: Server, formats: list[str]) -> t.Iterator[Result]:
    for name in formats:
        server.query(f"ALTER SYSTEM SET log_destination = '{name}'")
        server.reload()
        found = run_module("log_review", server, since="1 hour")
        assert not found.failed, found.message
        assert found.values["log"]["destination"] == name
        assert SECRET not in found.output
        assert not any("forged" in (row["object"], row["to"]) for row in found.values["changes"])
        yield found


def changes(found: Result, source: str) -> set[tuple[str, ...]]:
    return {
        tuple(row[name] for name in ("command", "object", "to", "clauses"))
        for row in found.values["changes"]
        if row["source"] == source
    }


@pytest.mark.with_extensions("pgaudit")
def test_pgaudit(extended_server: Server) -> None:
    server = extended_server
    formats = start(server, "pgaudit", **{"pgaudit.log": "all, -misc", "pgaudit.log_relation": "on"})
    server.query("CREATE EXTENSION pgaudit")
    with server.connect() as session:
        session.execute(
            f"""DO $$BEGIN
            CREATE ROLE inner_role LOGIN PASSWORD '{SECRET}';
            EXECUTE 'GRANT pg_monitor TO ' || quote_ident('inner_role');
            CREATE TABLE t (x int); GRANT SELECT ON t TO app; END$$""".encode()
        )
        session.execute("ALTER SYSTEM SET work_mem = '5MB'")
        session.execute("ALTER DATABASE postgres SET work_mem = '6MB'")
        session.execute("SET pgaudit.log_statement = off")
        session.execute("CREATE ROLE unseen")
        session.execute("ALTER SYSTEM SET maintenance_work_mem = '65MB'")
    lie(server)
    for found in reviews(server, formats):
        told = changes(found, "audit")
        assert {
            ("CREATE ROLE", "inner_role", "", "LOGIN, PASSWORD"),
            ("GRANT", "pg_monitor", "inner_role", ""),
            ("GRANT", "t", "app", "SELECT"),
            ("ALTER SYSTEM", "work_mem", "", "SET"),
            ("ALTER DATABASE", "postgres", "", "SET work_mem"),
        } <= told, told
        assert {("CREATE ROLE", "", "", ""), ("ALTER SYSTEM", "", "", "")} <= told or server.major < 15, (
            told
        )  # no text, no name
        assert {row["role"] for row in found.values["changes"]} == {server.superuser}
        assert "changes" not in found.values["unknown"]


@pytest.mark.with_extensions("set-user")
def test_set_user(extended_server: Server) -> None:
    server = extended_server
    formats = start(server, "set_user", log_statement="ddl", **{"set_user.superuser_allowlist": "app"})
    server.query("CREATE EXTENSION set_user")
    server.query("GRANT EXECUTE ON FUNCTION set_user_u(text), set_user(text), reset_user() TO app")
    with server.connect(user="app") as session:
        session.execute(f"SELECT set_user_u('{server.superuser}')".encode())
        session.execute("CREATE ROLE made_by_app")
        session.execute("SELECT reset_user()")
    lie(server)
    for found in reviews(server, formats):
        assert ("SET_USER", "app", server.superuser, "") in changes(found, "set_user")
        assert ("CREATE ROLE", "made_by_app", "", "") in changes(found, "statement")
