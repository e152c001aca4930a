# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which roles are told to be able to read a password that the server keeps, and which of them really are."""

from __future__ import annotations

import contextlib
import typing as t

import psycopg
import pytest
from psycopg import pq

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

SECRETS = {
    'subscription "Sub ""%s"': "hush-subscription",
    'subscription "by_uri"': "hush-uri",
    'user mapping for "mapped" at server "remote"': "hush-mapped",
    'user mapping for "unused" at server "remote"': "hush-unused",
    'user mapping for "granted later" at server "remote"': "hush-later",
    'user mapping for PUBLIC at server "remote"': "hush-everybody",
    "parameter primary_conninfo": "hush-primary",
}
GROUPS = ("pg_monitor", "pg_read_server_files", "pg_execute_server_program", "mapped", "holder", "catalogue", "made")
ROLES = {
    "plain": "",
    "outsider": "IN ROLE pg_monitor, pg_execute_server_program",  # may connect nowhere
    "columns": "",
    "lines": "",
    "mapped": "",
    "granted later": "",
    "unused": "",  # has a mapping for a server that it may not use
    "of_mapped": "IN ROLE mapped",
    "holder": "",  # owns the server
    "of_holder": "IN ROLE holder",
    "apart": "NOINHERIT IN ROLE holder",
    "catalogue": "",
    "watcher": "IN ROLE pg_monitor",
    "watcher apart": "NOINHERIT IN ROLE pg_monitor",
    "files": "IN ROLE pg_read_server_files",
    "file": "",
    "bytes": "",
    "runner": "IN ROLE pg_execute_server_program",
    "replica": "REPLICATION",
    "nearly": "",  # is made a member of the superuser
}
SINCE = {
    14: {"everything": "IN ROLE pg_read_all_data"},
    16: {"kept apart": "NOINHERIT", "kept": "", "administrator": "", "maker": "CREATEROLE", "deputy": "", "clerk": ""},
}
GRANTS = (
    "GRANT SELECT (subname, subconninfo) ON pg_catalog.pg_subscription TO columns",
    'GRANT USAGE ON FOREIGN SERVER remote TO mapped, "granted later"',
    "GRANT SELECT (umoptions) ON pg_catalog.pg_user_mapping TO catalogue",
    "GRANT EXECUTE ON FUNCTION pg_catalog.pg_show_all_file_settings() TO lines",
    "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO file",
    "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text) TO bytes",
)
ATTEMPTS = (
    "SELECT subconninfo FROM pg_catalog.pg_subscription",
    "SELECT umoptions FROM pg_catalog.pg_user_mapping",
    "SELECT umoptions FROM pg_catalog.pg_user_mappings",
    "SELECT option_value FROM information_schema.user_mapping_options",
    "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'primary_conninfo'",
    "SELECT setting FROM pg_catalog.pg_show_all_file_settings()",
    "SELECT pg_catalog.pg_read_file('postgresql.auto.conf')",
    "SELECT pg_catalog.encode(pg_catalog.pg_read_binary_file('postgresql.auto.conf'), 'escape')",
    *(
        f"SELECT pg_catalog.encode(pg_catalog.pg_read_binary_file(pg_catalog.pg_relation_filepath('{name}')), 'escape')"
        for name in ("pg_catalog.pg_subscription", "pg_catalog.pg_user_mapping")
    ),
    "COPY lines FROM '{data}/postgresql.auto.conf' (DELIMITER E'\\x01')",
    "COPY lines FROM PROGRAM 'cat {data}/postgresql.auto.conf {data}/{mappings} {data}/{subscriptions} | tr -c [:print:] ?'",
    "SELECT line FROM lines",
)


_REFUSALS = (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def everything(server: Server) -> list[tuple[t.Any, ...]]:
    """What a report could have changed."""
    found: list[tuple[t.Any, ...]] = []
    for database in ("postgres", "shop"):
        with server.connect(dbname=database) as connection:
            for catalogue in (
                "pg_class",
                "pg_proc",
                "pg_authid",
                "pg_auth_members",
                "pg_subscription",
                "pg_user_mapping",
            ):
                query = f"SELECT {catalogue}::text FROM pg_catalog.{catalogue} ORDER BY 1"
                found += connection.execute(query.encode()).fetchall()
    return found


def report(server: Server) -> Result:
    result = run_components(server, lambda: [component({"report": True})])
    assert not result.failed, result.output
    assert not result.changed
    return result


def prepare(server: Server, roles: dict[str, str]) -> None:
    server.query("CREATE DATABASE shop")
    with server.connect(dbname="shop") as connection:
        for name, words in roles.items():
            connection.execute(f"CREATE ROLE {quoted(name)} LOGIN {words}".encode())
        connection.execute(f"GRANT {quoted(server.superuser)} TO nearly".encode())
        if "kept" in roles:
            connection.execute('GRANT pg_monitor, pg_read_server_files TO "kept apart" WITH INHERIT FALSE, SET FALSE')
            connection.execute("GRANT pg_monitor TO kept WITH INHERIT TRUE, SET FALSE")
            connection.execute("GRANT pg_monitor TO administrator WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
            connection.execute("GRANT administrator TO deputy WITH INHERIT TRUE, SET FALSE")
            connection.execute("GRANT administrator TO clerk WITH INHERIT FALSE, SET FALSE")
            with server.connect(user="maker") as maker:  # who may administer whom it makes
                maker.execute("CREATE ROLE made")
            connection.execute("GRANT catalogue TO made")
        for statement in (
            "CREATE FOREIGN DATA WRAPPER anything",
            "CREATE SERVER remote FOREIGN DATA WRAPPER anything",
            "GRANT USAGE ON FOREIGN DATA WRAPPER anything TO holder",
            "ALTER SERVER remote OWNER TO holder",
            "CREATE USER MAPPING FOR mapped SERVER remote OPTIONS (user 'x', password 'hush-mapped')",
            "CREATE USER MAPPING FOR unused SERVER remote OPTIONS (password 'hush-unused')",
            "CREATE USER MAPPING FOR \"granted later\" SERVER remote OPTIONS (secret_access_key 'hush-later')",
            "CREATE USER MAPPING FOR PUBLIC SERVER remote OPTIONS (\"PassWord\" 'hush-everybody')",
            "CREATE USER MAPPING FOR plain SERVER remote OPTIONS (user 'x', password_required 'true', password '')",
            *GRANTS,
        ):
            connection.execute(statement.encode())
    everybody = ", ".join(quoted(name) for name in roles if name != "outsider")
    for database in ("postgres", "shop", "template1"):
        server.query(f"REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")
        if database != "template1":
            server.query(f"GRANT CONNECT ON DATABASE {database} TO {everybody}")
    for name, conninfo in (
        ('Sub "%s', "host=''h'' password = ''hush-subscription''"),
        ("by_uri", "postgresql://u:hush-uri@h/d"),
        ("open", "host=h application_name=''x password=none'' passfile=/x"),
    ):
        server.query(
            f"CREATE SUBSCRIPTION {quoted(name)} CONNECTION '{conninfo}' PUBLICATION p"
            " WITH (connect = false, slot_name = NONE)"
        )
    server.query("ALTER SYSTEM SET primary_conninfo = 'host=h user=replica password=hush-primary'")
    server.reload()
    server.query("CHECKPOINT")


def tried(server: Server, role: str, groups: t.Iterable[str]) -> set[tuple[str, str]]:
    """What a role really gets to see of the secrets."""
    seen = _backup(server, role)
    paths = {"data": server.data_directory}
    with server.connect(dbname="shop") as connection:
        for key, name in (("mappings", "pg_user_mapping"), ("subscriptions", "pg_subscription")):
            found = connection.execute(f"SELECT pg_catalog.pg_relation_filepath('pg_catalog.{name}')").fetchone()
            assert found is not None
            paths[key] = found[0]
    with contextlib.suppress(psycopg.OperationalError), server.connect(dbname="shop", user=role) as connection:
        _rows(connection, "CREATE TEMP TABLE lines (line text); GRANT ALL ON lines TO PUBLIC")
        if server.major >= 16:
            for group in ("pg_monitor", "made", server.superuser):
                with contextlib.suppress(psycopg.errors.InternalError_):  # it may, but in nobody's name
                    _rows(connection, f"GRANT {quoted(group)} TO {quoted(role)} WITH SET TRUE")
        for group in (role, *groups):
            try:
                connection.execute(f"SET ROLE {quoted(group)}".encode())
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue):
                continue  # not for this role, or there is none of the name
            for attempt in ATTEMPTS:
                seen += _rows(connection, attempt.format(**paths))
    return {(subject, role) for subject, secret in SECRETS.items() if secret in seen}


def _rows(connection: psycopg.Connection[tuple[t.Any, ...]], statement: str) -> str:
    with contextlib.suppress(*_REFUSALS):
        cursor = connection.execute(statement.encode())
        return str(cursor.fetchall()) if cursor.description else ""
    return ""


def _backup(server: Server, role: str) -> str:
    """Everything that a base backup has, where the role may take one."""
    command = b"BASE_BACKUP (CHECKPOINT 'fast', WAIT false)" if server.major >= 15 else b"BASE_BACKUP FAST NOWAIT"
    received: list[bytes] = []
    with contextlib.suppress(psycopg.OperationalError), server.connect(user=role, replication="true") as connection:
        connection.pgconn.send_query(command)
        while (result := connection.pgconn.get_result()) is not None:
            if result.status == pq.ExecStatus.COPY_OUT:
                while (chunk := connection.pgconn.get_copy_data(0))[0] > 0:
                    received.append(bytes(chunk[1]))
    return b"".join(received).decode("latin-1")


def test_who_is_told_to_read_a_secret_is_who_reads_it(fresh_server: Server) -> None:
    server = fresh_server
    roles = {
        **ROLES,
        **{name: words for since, more in SINCE.items() if since <= server.major for name, words in more.items()},
    }
    prepare(server, roles)
    server.query("ALTER SYSTEM SET log_statement = 'all'")
    server.reload()
    before, was = len(server.log_text()), everything(server)

    result = report(server)

    assert everything(server) == was

    found = [each for each in result.values["access_findings"] if each["kind"].endswith("_secret")]
    assert {each["object"] for each in found} == set(SECRETS)
    assert {each["database"] for each in found} == {"postgres", "shop", ""}
    assert all(each["reason"] for each in found)
    told = {(each["object"], role) for each in found for role in each["roles"]}
    really = set()
    written = server.log_text()[before:] + result.output
    server.query("ALTER SYSTEM RESET log_statement")
    server.reload()
    for role in roles:
        really |= tried(server, role, (*GROUPS, server.superuser))
    assert told == really, (sorted(told - really), sorted(really - told))
    # The controls: both sides have roles that read, and roles that do not.
    assert {role for _subject, role in told} == set(roles) - {"plain", "outsider", "unused", "kept apart", "clerk"}
    assert ('subscription "by_uri"', "columns") in told
    assert "pg_subscription" in written  # what was asked is in the log; what was found is not
    assert not any(secret in written for secret in SECRETS.values())


@pytest.mark.in_turn
def test_a_standby_is_read_in_fewer_ways(workshop: Workshop, fresh_server: Server) -> None:
    groups = {"watcher": "pg_monitor", "files": "pg_read_server_files", "runner": "pg_execute_server_program"}
    for name, group in groups.items():
        fresh_server.query(f"CREATE ROLE {name} LOGIN IN ROLE {group}")
    standby = workshop.standby(fresh_server)
    try:
        running = standby.query("SHOW primary_conninfo")[0][0]
        assert "password" not in running
        assert not [each for each in report(standby).values["access_findings"] if each["kind"].endswith("_secret")]
        with standby.owner.acting(), (standby.data_directory / "postgresql.auto.conf").open("a") as stream:
            stream.write("primary_conninfo = '{} password=hush-standby'\n".format(running.replace("'", "''")))
        standby.reload()

        (settings, files) = [
            each for each in report(standby).values["access_findings"] if each["kind"] == "primary_conninfo_secret"
        ]

        assert (settings["roles"], files["roles"]) == (["watcher"], ["runner"])
        readers = set()
        for name in groups:
            with standby.connect(user=name) as connection:
                seen = ""
                for attempt in (*ATTEMPTS[4:], "COPY pg_catalog.pg_class FROM '{data}/postgresql.auto.conf'"):
                    with contextlib.suppress(psycopg.errors.ReadOnlySqlTransaction):
                        seen += _rows(
                            connection, attempt.format(data=standby.data_directory, mappings="", subscriptions="")
                        )
                if name == "runner":
                    kept = standby.data_directory / "kept"
                    connection.execute(
                        f"COPY (SELECT 1) TO PROGRAM 'cp {standby.data_directory}/postgresql.auto.conf {kept}'".encode()
                    )
                    seen += kept.read_text(encoding="utf-8")
            if "hush-standby" in seen:
                readers.add(name)
        assert readers == {"watcher", "runner"}
    finally:
        workshop.discard(standby)


@pytest.mark.in_turn
def test_only_a_superuser_looks(fresh_server: Server) -> None:
    server = fresh_server
    server.query("CREATE ROLE auditor LOGIN IN ROLE pg_monitor")
    server.query("ALTER SYSTEM SET primary_conninfo = 'password=hush-primary'")
    server.reload()

    def looked(user: str | None) -> tuple[list[str], list[str]]:
        result = run_components(server, lambda: [component({"report": True})], user=user)
        assert not result.failed, result.output
        found = [each["kind"] for each in result.values["access_findings"] if each["kind"].endswith("_secret")]
        return found, [item["reason"] for item in result.values["left_alone"] if item["subject"] == "passwords"]

    assert looked(None) == (["primary_conninfo_secret"], [])
    assert looked("auditor") == ([], ["only a superuser may look who could read those that the server keeps in clear"])
