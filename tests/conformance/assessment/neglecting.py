"""A server on which somebody has spoilt what a profile would find in order, so that each of its steps matters."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.parameters import wanted_parameters
from ansible_collections.rampart.postgresql.tests.conformance.assessment import doors
from ansible_collections.rampart.postgresql.tests.conformance.assessment import parameters
from ansible_collections.rampart.postgresql.tests.conformance.assessment import statements
from ansible_collections.rampart.postgresql.tests.conformance.assessment.looking import Look

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["delay", "neglect", "open_doors", "undecided"]

_INCLUDED: t.Final = "neglected.conf"
_OLD_LOG: t.Final = "postgresql-2020-01-01_000000.log"
_UNCOLLECTED: t.Final = {"log_destination": "stderr,csvlog"}  # a reason for the collector, where it is wanted for one

# Worse than what the fixes of controls set that profiles leave to the site, where the server's default is not.
_UNDECIDED: t.Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "ignore_checksum_failure": "on",
    "listen_addresses": "*",
    "log_destination": "",
    "scram_iterations": "1000",
    "superuser_reserved_connections": "0",
    "zero_damaged_pages": "on",
}

_MIGHTY: t.Final = f"""
CREATE ROLE app LOGIN; CREATE ROLE careless LOGIN CONNECTION LIMIT 3 PASSWORD '{statements.VERIFIER}';
CREATE ROLE dba SUPERUSER; CREATE ROLE hirer CREATEROLE; CREATE ROLE builder CREATEDB; CREATE ROLE passer BYPASSRLS;
CREATE ROLE copier REPLICATION; GRANT dba TO builder;
GRANT pg_execute_server_program TO app; GRANT pg_write_server_files TO app; GRANT pg_read_server_files TO app;
"""


def neglect(server: Server, profile: str) -> None:
    """Spoil it: all of it lies where the profile's steps come before it, and what they undo comes back."""
    settings = wanted_parameters(Look(server, profile).facts(), profile)
    met = {name for name, each in settings.items() if each["meets"]}
    worse = {name: value for name, value in parameters.WORSE.items() if name in met}
    for database in ("postgres", "template1"):
        with server.connect(dbname=database) as connection:
            connection.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")  # as it is in an upgraded cluster
    server.stop()
    data = server.data_directory
    with server.owner.acting():
        (data / "log").mkdir(mode=0o700)
        (data / "log" / _OLD_LOG).touch(mode=0o644)
        (data / "pg_wal").rename(server.socket_directory / "wal")  # so that only a log can be where it should not be
        (data / "pg_wal").symlink_to(server.socket_directory / "wal")
        with server.conf_file.open("a", encoding="utf-8") as stream:
            stream.write(f"include '{_INCLUDED}'\n")
        _set(server, {**_UNCOLLECTED, **parameters.named(worse, server.major)})
    server.start()


def undecided(server: Server) -> None:
    """Have nobody have decided about it, and WAL kept for a slot."""
    server.query("SELECT pg_catalog.pg_create_physical_replication_slot('away')")
    known = {name for (name,) in server.query("SELECT name FROM pg_catalog.pg_settings")}
    with server.owner.acting(), server.conf_file.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{name} = '{value}'\n" for name, value in _UNDECIDED.items() if name in known)
    server.restart()


def open_doors(server: Server) -> None:
    """Let in many who are much too mighty; all of it the server takes."""
    server.query(_MIGHTY)
    if server.major >= 14:
        server.query("GRANT pg_read_all_data TO app")
    lines = [line for line in doors.BAD_HBA.splitlines(keepends=True) if "not-an-address" not in line]
    with server.owner.acting():
        with server.hba_file.open("a", encoding="utf-8") as stream:
            stream.writelines(lines)
        with server.conf_file.open("a", encoding="utf-8") as stream:
            stream.write("wal_level = logical\n")  # what makes REPLICATION mighty
    server.restart()


def delay(server: Server) -> None:
    """Spoil what would delay every session, on a server that is hardened."""
    with server.owner.acting():
        _set(server, {name: value for name, value in parameters.WORSE_IN_PLAIN.items() if name.endswith("delay")})
    server.reload()


def _set(server: Server, values: t.Mapping[str, str]) -> None:
    with (server.data_directory / _INCLUDED).open("a", encoding="utf-8") as stream:
        stream.writelines(f"{name} = '{value}'\n" for name, value in values.items())
