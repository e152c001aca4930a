"""Servers in which everything is wrong that can be at the same time, and in which everything is as it should be."""

from __future__ import annotations

import time
import typing as t

from cryptography.hazmat.primitives import serialization

from ansible_collections.rampart.postgresql.plugins.module_utils._host.addresses import host_addresses
from ansible_collections.rampart.postgresql.tests.conformance.assessment import doors
from ansible_collections.rampart.postgresql.tests.conformance.assessment import parameters
from ansible_collections.rampart.postgresql.tests.conformance.assessment import statements
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hosts import CARELESS
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hosts import CERTIFIED
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hosts import TIDY
from ansible_collections.rampart.postgresql.tests.conformance.assessment.hosts import gather
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import BAD
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import BAD_STANDBY
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import GOOD
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import GOOD_STANDBY
from ansible_collections.rampart.postgresql.tests.conformance.assessment.proof import PLAIN
from ansible_collections.rampart.postgresql.tests.conformance.tls.issuing import Issued
from ansible_collections.rampart.postgresql.tests.conformance.tls.issuing import Issuer

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

__all__ = ["facts_of_worlds"]

Facts = dict[str, t.Any]

_PASSWORD: t.Final = "Correct-horse-1"
_AT_ONCE: t.Final = "wal_retrieve_retry_interval = 100ms\n"
_BAD: t.Final = {
    "archive_command": "false",
    "archive_mode": "on",
    "dynamic_library_path": "$libdir:/tmp",
    "full_page_writes": "off",
    "idle_in_transaction_session_timeout": "0",
    "listen_addresses": "*",
    "max_slot_wal_keep_size": "1MB",
    "ssl": "on",
    "superuser_reserved_connections": "0",
    "unix_socket_permissions": "0777",
    "wal_level": "logical",
    "zero_damaged_pages": "on",
}
_GOOD: t.Final = {
    "archive_command": "test -f %p",
    "archive_mode": "on",
    "fsync": "on",
    "idle_in_transaction_session_timeout": "10min",
    "max_slot_wal_keep_size": "1GB",
    "shared_preload_libraries": "auth_delay,passwordcheck",
    "superuser_reserved_connections": "3",
    "unix_socket_permissions": "0770",
    "wal_level": "replica",
}


def facts_of_worlds(workshop: Workshop, major: int) -> dict[str, Facts]:
    """The facts of each, by its name."""
    return {**_bad(workshop, major), **_good(workshop, major), **_plain(workshop, major)}


def _bad(workshop: Workshop, major: int) -> dict[str, Facts]:
    server = workshop.server(major, initdb=("--no-data-checksums",) if major >= 18 else ())
    room = server.data_directory.parent
    issuer = Issuer.root("Root")
    self_signed = Issuer.root("db1", begin=-60.0, end=-1.0)
    _put(server, "server.pem", _with_key(self_signed) + issuer.pem)
    _put(server, "ca.pem", issuer.pem)
    _put(server, "crl.pem", issuer.revocations(begin=-100.0, end=10.0))
    _configure(server, {**_BAD, **parameters.named(parameters.WORSE, major), **_tls(room)})
    if major >= 16:
        _configure(server, {"scram_iterations": "1000"})
    address = _address()
    with server.owner.acting(), server.hba_file.open("a", encoding="utf-8") as stream:
        stream.write(f"host all,replication all {address}/32 trust\n")
    server.restart()
    _run(server, "postgres", statements.bad_in_cluster(major))
    _run(server, "app", statements.bad_in_app(major))
    conninfo = f"host={address} port={server.port} user=dba password=secret sslmode=disable"
    standby = workshop.standby(server, settings=f"primary_conninfo = '{conninfo}'\n{_AT_ONCE}")
    _lose_a_slot(server)
    with server.connect(host=address, user="app", dbname="app", sslmode="disable"):
        _wait_for(server, "SELECT 1 FROM pg_stat_replication")
        _wait_for(server, "SELECT 1 FROM pg_stat_archiver WHERE failed_count > 0")
        _configure(server, {"max_connections": "77"})
        server.reload()
        _configure(server, {"work_mem": "5MB"})
        _expose(server)
        found = {BAD: gather(server, CARELESS)}
    found[BAD_STANDBY] = gather(standby, CARELESS)
    workshop.discard(standby)
    workshop.discard(server)
    return found


def _good(workshop: Workshop, major: int) -> dict[str, Facts]:
    server = workshop.server(major, initdb=("--data-checksums",))
    room = server.data_directory.parent
    issuer = Issuer.root("Root")
    _put(server, "server.pem", _with_key(issuer.client("db1")))
    _put(server, "ca.pem", issuer.pem)
    _put(server, "crl.pem", issuer.revocations())
    _put(server, "passfile", "*:*:*:standby:Correct-horse-2\n")
    for name in ("logs", "wal"):
        _own_directory(server, name)
    wanted = {**parameters.wanted(major), "log_directory": str(room / "logs")}
    address = _address()
    _configure(server, {**wanted, **_GOOD, **_tls(room), "listen_addresses": address})
    if major >= 16:
        _configure(server, {"scram_iterations": "4096"})
    _doors(server, doors.GOOD_HBA.replace("{address}", address), doors.GOOD_IDENT)
    server.restart()
    server.query(f"ALTER ROLE {server.superuser} PASSWORD 'Correct-horse-3'")
    _run(server, "postgres", statements.good_in_cluster(major))
    for database in ("app", "postgres", "template1"):
        _run(server, database, statements.good_in_every_database(major))
    _run(server, "app", statements.good_in_app(major))
    server.query("SELECT pg_create_physical_replication_slot('db2', true)")
    conninfo = f"host={address} port={server.port} user=standby sslmode=require passfile={room / 'passfile'}"
    standby = workshop.standby(
        server, settings=f"primary_conninfo = '{conninfo}'\nprimary_slot_name = 'db2'\n{_AT_ONCE}"
    )
    _move_wal(server, room / "wal")
    tls = {"sslmode": "require", "sslcert": str(room / "none")}  # and not whatever root has
    with server.connect(host=address, user="app", dbname="app", password=_PASSWORD, **tls):
        _wait_for(server, "SELECT 1 FROM pg_stat_replication")
        found = {GOOD: gather(server, TIDY), GOOD_STANDBY: gather(standby, TIDY)}
    workshop.discard(standby)
    workshop.discard(server)
    return found


def _plain(workshop: Workshop, major: int) -> dict[str, Facts]:
    server = workshop.server(major)
    _run(server, "postgres", statements.plain(major))
    _configure(server, {**parameters.WORSE_IN_PLAIN, "log_destination": "", "wal_level": "logical"})
    server.stop()
    start = ("start", "-D", server.data_directory, "-w", "-l", server.log)
    server.owner.run(["env", "PGPASSWORD=secret", server.bindir / "pg_ctl", *start])
    found = {PLAIN: gather(server, CERTIFIED, unit=False, jobs=False)}
    workshop.discard(server)
    return found


def _address() -> str:
    """One of this machine by which a client does not count as local."""
    found = (each.address for each in host_addresses() if ":" not in each.address)
    return next(address for address in found if not address.startswith("127."))


def _configure(server: Server, values: t.Mapping[str, str]) -> None:
    with server.owner.acting(), server.conf_file.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{name} = '{value}'\n" for name, value in values.items())


def _tls(room: pathlib.Path) -> dict[str, str]:
    names = {
        "ssl_cert_file": "server.pem",
        "ssl_key_file": "server.pem",
        "ssl_ca_file": "ca.pem",
        "ssl_crl_file": "crl.pem",
    }
    return {name: str(room / file) for name, file in names.items()}


def _with_key(issued: Issued) -> str:
    key = issued.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key.decode() + issued.pem


def _put(server: Server, name: str, text: str) -> None:
    path = server.data_directory.parent / name
    with server.owner.acting():
        path.touch(mode=0o600)
        path.write_text(text)


def _own_directory(server: Server, name: str) -> None:
    with server.owner.acting():
        (server.data_directory.parent / name).mkdir(mode=0o700)


def _doors(server: Server, hba: str, ident: str) -> None:
    with server.owner.acting():
        server.hba_file.write_text(hba.format(superuser=server.superuser))
        (server.data_directory / "pg_ident.conf").write_text(ident.format(superuser=server.superuser))


def _run(server: Server, database: str, script: str) -> None:
    """Statement by statement, as some refuse to be part of a transaction."""
    with server.connect(dbname=database) as connection:
        for statement in filter(None, map(str.strip, script.split(";"))):
            connection.execute(statement.encode())


def _lose_a_slot(server: Server) -> None:
    """One whose WAL is gone, and then no limit for others."""
    server.query("SELECT pg_create_physical_replication_slot('abandoned', true)")
    for _segment in range(3):
        server.query("SELECT pg_logical_emit_message(false, 'x', 'x'), pg_switch_wal()")
    server.query("CHECKPOINT")
    _wait_for(server, "SELECT 1 FROM pg_replication_slots WHERE wal_status = 'lost'")
    server.query("ALTER SYSTEM SET max_slot_wal_keep_size = -1")


def _expose(server: Server) -> None:
    """What a server would not start with, or could not be asked about."""
    _doors(server, doors.BAD_HBA, doors.BAD_IDENT)
    modes = {"data": 0o777, "data/pg_hba.conf": 0o644, "data/postgresql.conf": 0o666, "log": 0o644, "server.pem": 0o644}
    for name, mode in modes.items():
        (server.data_directory.parent / name).chmod(mode)
    server.data_directory.parent.chmod(0o1777)


def _move_wal(server: Server, to: pathlib.Path) -> None:
    server.stop()
    with server.owner.acting():
        to.rmdir()
        (server.data_directory / "pg_wal").rename(to)
        (server.data_directory / "pg_wal").symlink_to(to)
    server.start()


def _wait_for(server: Server, query: str) -> None:
    for _attempt in range(300):
        if server.query(query):
            return
        time.sleep(0.1)
    raise RuntimeError(f"nothing came of {query}:\n{server.log_text()}")
