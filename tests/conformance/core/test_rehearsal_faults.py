"""Faulty candidates: each is refused, by its name, before a live file changes; without its one fault it passes.

The versions share the table; RAMPART_EXTENDED=1 gives the whole of it to each.
"""

from __future__ import annotations

import dataclasses
import grp
import re
import socket
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import arguments as hba
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.tests.conformance.components import FileComponent
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
    from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

Parameters = dict[str, t.Any]
Places = dict[str, str]
_TLS: Parameters = {"ssl": "on", "ssl_cert_file": "ROOM/good.crt", "ssl_key_file": "ROOM/good.key"}


@dataclasses.dataclass(frozen=True)
class Fault:
    """Parameters with one fault. In a value ROOM is the directory beside the data, FREE a port and BUSY one in use."""

    name: str
    named: str  # a pattern that the message has to match
    faulty: Parameters
    mended: Parameters
    also: Parameters = dataclasses.field(default_factory=dict)  # in both
    since: int = 13

    def component(self, server: Server, places: Places, *, mended: bool) -> Component:
        values = {**self.also, **(self.mended if mended else self.faulty)}
        return settings.component({"parameters": {name: _placed(value, places) for name, value in values.items()}})


@dataclasses.dataclass(frozen=True)
class FaultyLine:
    """A file of the data directory with one line more."""

    name: str
    named: str
    file: str
    faulty: str
    mended: str
    since: int = 13

    def component(self, server: Server, places: Places, *, mended: bool) -> Component:
        path = server.data_directory / self.file
        line = self.mended if mended else self.faulty
        return FileComponent(path.read_bytes() + f"{line}\n".encode(), path=str(path))


@dataclasses.dataclass(frozen=True)
class FaultyRule:
    """A pg_hba.conf with one rule more."""

    name: str
    named: str
    faulty: Parameters
    mended: Parameters
    since: int = 13

    def component(self, server: Server, places: Places, *, mended: bool) -> Component:
        own = {"type": "local", "databases": ["all"], "users": [server.superuser], "method": "trust"}
        rule = {"type": "host", "databases": ["all"], "users": ["all"], "address": "127.0.0.1/32"}
        return hba.component({"rules": [own, {**rule, **(self.mended if mended else self.faulty)}]})


FAULTS: tuple[Fault | FaultyLine | FaultyRule, ...] = (
    Fault(
        "missing library",
        "shared_preload_libraries",
        {"shared_preload_libraries": "nonesuch"},
        {"shared_preload_libraries": "auth_delay"},
    ),
    Fault(
        "two libraries as one",
        "shared_preload_libraries",
        {"shared_preload_libraries": '"auth_delay,passwordcheck"'},
        {"shared_preload_libraries": "auth_delay,passwordcheck"},
    ),
    Fault(
        "misspelt parameter of an extension",
        "pg_stat_statements.tracck",
        {"pg_stat_statements.tracck": "none"},
        {"pg_stat_statements.track": "none"},
        also={"shared_preload_libraries": "pg_stat_statements"},
    ),
    Fault(
        "misspelt parameter that no server before 15 minds",
        "auth_delay.millisecond",
        {"auth_delay.millisecond": 100},
        {"auth_delay.milliseconds": 100},
        also={"shared_preload_libraries": "auth_delay"},
    ),
    Fault(
        "misspelt parameter of a language",
        "plpgsql.extra_warning",
        {"plpgsql.extra_warning": "all"},
        {"plpgsql.extra_warnings": "all"},
    ),
    Fault(
        "bad value for a language",
        "plpgsql.variable_conflict",
        {"plpgsql.variable_conflict": "whatever"},
        {"plpgsql.variable_conflict": "use_column"},
    ),
    Fault(
        "library that no session can load",
        "session_preload_libraries",
        {"session_preload_libraries": "nonesuch"},
        {"session_preload_libraries": "auto_explain"},
    ),
    Fault(
        "library that no session finds",
        "local_preload_libraries",
        {"local_preload_libraries": "nonesuch"},
        {"local_preload_libraries": ""},
        also={"statement_timeout": "5min"},
    ),
    Fault("bad ciphers", "ssl_ciphers", {"ssl_ciphers": "NONSENSE"}, {"ssl_ciphers": "HIGH"}, also=_TLS),
    Fault(
        "bad curve",
        "ssl_ecdh_curve|ssl_groups",
        {"ssl_ecdh_curve": "nonesuch"},
        {"ssl_ecdh_curve": "prime256v1"},
        also=_TLS,
    ),
    Fault(
        "min over max TLS",
        "ssl_min_protocol_version",
        {"ssl_min_protocol_version": "TLSv1.3"},
        {"ssl_min_protocol_version": "TLSv1.2"},
        also={**_TLS, "ssl_max_protocol_version": "TLSv1.2"},
    ),
    Fault(
        "missing certificate",
        "ssl_cert_file",
        {"ssl_cert_file": "ROOM/nonesuch.crt"},
        {"ssl_cert_file": "ROOM/good.crt"},
        also={"ssl": "on", "ssl_key_file": "ROOM/good.key"},
    ),
    Fault(
        "certificate file without a certificate",
        "ssl_cert_file",
        {"ssl_cert_file": "ROOM/good.key"},
        {"ssl_cert_file": "ROOM/good.crt"},
        also={"ssl": "on", "ssl_key_file": "ROOM/good.key"},
    ),
    Fault(
        "key that everybody can read",
        "ssl_key_file",
        {"ssl_key_file": "ROOM/open.key"},
        {"ssl_key_file": "ROOM/good.key"},
        also={"ssl": "on", "ssl_cert_file": "ROOM/good.crt"},
    ),
    Fault(
        "key of another certificate",
        "ssl_key_file",
        {"ssl_key_file": "ROOM/other.key"},
        {"ssl_key_file": "ROOM/good.key"},
        also={"ssl": "on", "ssl_cert_file": "ROOM/good.crt"},
    ),
    Fault(
        "missing CA", "ssl_ca_file", {"ssl_ca_file": "ROOM/nonesuch.crt"}, {"ssl_ca_file": "ROOM/good.crt"}, also=_TLS
    ),
    Fault("missing revocation list", "ssl_crl_file", {"ssl_crl_file": "ROOM/none"}, {"ssl_crl_file": ""}, also=_TLS),
    Fault(
        "missing DH parameters",
        "ssl_dh_params_file",
        {"ssl_dh_params_file": "ROOM/nonesuch.pem"},
        {"ssl_dh_params_file": ""},
        also=_TLS,
    ),
    Fault(
        "as many reserved connections as connections",
        "superuser_reserved_connections",
        {"superuser_reserved_connections": 20},
        {"superuser_reserved_connections": 2},
        also={"max_connections": 20, "max_wal_senders": 2},
    ),
    Fault(
        "WAL senders without WAL for them",
        "max_wal_senders",
        {"max_wal_senders": 5},
        {"max_wal_senders": 0},
        also={"wal_level": "minimal"},
    ),
    Fault(
        "archive without WAL for it",
        "archiv",
        {"archive_mode": "on"},
        {"archive_mode": "off"},
        also={"wal_level": "minimal", "max_wal_senders": 0},
    ),
    Fault(
        "missing library of the archiver",
        "archive_library",
        {"archive_library": "nonesuch"},
        {"archive_library": "basic_archive"},
        also={"archive_mode": "on"},
        since=15,
    ),
    Fault(
        "two archivers",
        "archive_library",
        {"archive_command": "/bin/true"},
        {},
        also={"archive_mode": "on", "archive_library": "basic_archive"},
        since=15,
    ),
    Fault(
        "two recovery targets",
        "recovery_target_xid",
        {"recovery_target_xid": "1000"},
        {},
        also={"recovery_target_name": "before"},
    ),
    Fault("unknown locale", "lc_messages", {"lc_messages": "nonesuch_XX"}, {"lc_messages": "C"}),
    Fault("unknown time zone", "log_timezone", {"log_timezone": "Mars/Olympus"}, {"log_timezone": "GMT"}),
    Fault(
        "bad list of standbys",
        "synchronous_standby_names",
        {"synchronous_standby_names": "ANY (a"},
        {"synchronous_standby_names": "ANY 1 (a)"},
        also={"synchronous_commit": "off"},
    ),
    Fault("unknown place of the log", "log_destination", {"log_destination": "paper"}, {"log_destination": "csvlog"}),
    Fault(
        "more connections than a server can have",
        "max_connections",
        {"max_connections": 262143},
        {"max_connections": 20},
        also={"max_worker_processes": 9},
    ),
    Fault(
        "more locks than there is memory",
        "max_locks_per_transaction",
        {"max_locks_per_transaction": 2147483647},
        {"max_locks_per_transaction": 65},
    ),
    Fault("WAL of less than two files", "max_wal_size", {"max_wal_size": "31MB"}, {"max_wal_size": "1GB"}),
    Fault("WAL kept of less than two files", "min_wal_size", {"min_wal_size": "31MB"}, {"min_wal_size": "32MB"}),
    Fault("absurd shared_buffers", "shared_buffers", {"shared_buffers": "7TB"}, {"shared_buffers": "32MB"}),
    Fault("huge pages where there are none", "huge_pages", {"huge_pages": "on"}, {"huge_pages": "off"}),
    Fault("port in use", "port", {"port": "BUSY"}, {"port": "FREE"}, also={"listen_addresses": "127.0.0.1"}),
    # 203.0.113.0/24 is for documentation (RFC 5737), so no host has the address.
    Fault(
        "address of another host",
        "listen_addresses",
        {"listen_addresses": "127.0.0.1,203.0.113.9"},
        {"listen_addresses": "127.0.0.1"},
    ),
    Fault(
        "address that is none",
        "listen_addresses",
        {"listen_addresses": "127.0.0.1.9"},
        {"listen_addresses": "127.0.0.1"},
    ),
    Fault(
        "missing directory of the socket",
        "unix_socket_directories",
        {"unix_socket_directories": "ROOM/nonesuch"},
        {"unix_socket_directories": "ROOM/empty"},
    ),
    Fault(
        "long path of the socket",
        "unix_socket_directories",
        {"unix_socket_directories": f"ROOM/{100 * 'x'}"},
        {"unix_socket_directories": "ROOM/empty"},
    ),
    Fault(
        "no socket",
        "unix_socket_directories",
        {"unix_socket_directories": ""},
        {"unix_socket_directories": "ROOM/empty"},
        also={"listen_addresses": ""},
    ),
    Fault(
        "socket that its owner cannot use",
        "unix_socket_permissions",
        {"unix_socket_permissions": "0077"},
        {"unix_socket_permissions": "0777"},
        also={"unix_socket_directories": "ROOM/empty"},
    ),
    Fault("unknown group", "unix_socket_group", {"unix_socket_group": "nonesuch"}, {"unix_socket_group": "GROUP"}),
    Fault(
        "log where nobody may write",
        "log_directory",
        {"log_directory": "/proc"},
        {"log_directory": "pg_log"},
        also={"logging_collector": "on"},
    ),
    Fault(
        "another data directory", "data_directory", {"data_directory": "ROOM/empty"}, {"data_directory": "ROOM/data"}
    ),
    Fault("missing hba file", "hba_file", {"hba_file": "ROOM/nonesuch"}, {"hba_file": "ROOM/hba"}),
    Fault("missing ident file", "ident_file", {"ident_file": "ROOM/nonesuch"}, {"ident_file": "ROOM/ident"}),
    FaultyLine("include loop", "postgresql.conf", "postgresql.conf", "include 'postgresql.conf'", "# no loop"),
    FaultyLine(
        "missing include",
        "nonesuch.conf",
        "postgresql.conf",
        "include 'nonesuch.conf'",
        "include_if_exists 'nonesuch.conf'",
    ),
    FaultyLine("syntax", "postgresql.conf", "postgresql.conf", "work_mem 1 MB", "work_mem = 1MB"),
    FaultyLine("unknown parameter", "nonesuch", "postgresql.conf", "nonesuch = 1", "none.such = 1"),
    FaultyLine("unknown method", "pg_hba.conf", "pg_hba.conf", "local all all trus", "local all all trust"),
    FaultyLine("hba include loop", "pg_hba.conf", "pg_hba.conf", "include pg_hba.conf", "include_if_exists none", 16),
    FaultyLine("hba pattern", "pg_hba.conf", "pg_hba.conf", "local all /^( trust", "local all /^() trust", 16),
    FaultyLine("ident pattern", "pg_ident.conf", "pg_ident.conf", "m /^( app", "m /^() app"),
    FaultyLine("ident fields", "pg_ident.conf", "pg_ident.conf", "m somebody", "m somebody app"),
    FaultyRule(
        "address with too long a mask", "address", {"method": "reject", "address": "10.0.0.0/33"}, {"method": "reject"}
    ),
    FaultyRule(
        "client certificate without TLS",
        "clientcert",
        {"method": "trust", "options": {"clientcert": "verify-full"}},
        {"type": "hostssl", "method": "trust", "options": {"clientcert": "verify-full"}},
    ),
    FaultyRule(
        "RADIUS without a secret",
        "radius",
        {"method": "radius", "options": {"radiusservers": "127.0.0.1"}},
        {"method": "reject"},
    ),
)


def _placed(value: t.Any, places: Places) -> t.Any:
    if isinstance(value, str):
        for word, place in places.items():
            value = value.replace(word, place)
    return value


@pytest.fixture(scope="module")
def places(server: Server) -> Iterator[Places]:
    """What the words in values stand for; the files are made."""
    room = server.data_directory.parent
    with server.owner.acting():
        (room / "empty").mkdir()
        (room / "hba").write_text("local all all trust\n", encoding="utf-8")
        (room / "ident").write_text("m /^() app\n", encoding="utf-8")
    for name in ("good", "other"):
        files = ("-keyout", f"{room}/{name}.key", "-out", f"{room}/{name}.crt")
        server.owner.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=db", *files])
    server.owner.run(["cp", room / "good.key", room / "open.key"])
    (room / "open.key").chmod(0o644)
    with socket.socket() as busy, socket.socket() as free:
        for probe in (busy, free):
            probe.bind(("127.0.0.1", 0))
        busy.listen()
        ports = [str(probe.getsockname()[1]) for probe in (busy, free)]
        free.close()
        yield {
            "ROOM": str(room),
            "BUSY": ports[0],
            "FREE": ports[1],
            "GROUP": grp.getgrgid(server.owner.gid).gr_name,
        }


def run(server: Server, places: Places, fault: Fault | FaultyLine | FaultyRule, *, mended: bool, check: bool) -> Result:
    return run_components(server, lambda: [fault.component(server, places, mended=mended)], check=check)


def picture(server: Server) -> tuple[t.Any, ...]:
    """Files with their times, everything that runs, and when it was loaded."""
    files = [path for path in server.data_directory.glob("**/*.conf") if path.is_file()]
    content = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}
    running = server.query("SELECT name, setting, source, pending_restart FROM pg_catalog.pg_settings ORDER BY name")
    return content, running, server.query("SELECT pg_catalog.pg_conf_load_time()")


def cases() -> Iterator[t.Any]:
    for fault in FAULTS:
        yield pytest.param(fault, id=fault.name.replace(" ", "-"), marks=pytest.mark.since(fault.since))


@pytest.mark.in_turn
@pytest.mark.parametrize("fault", list(cases()))
def test_a_faulty_candidate_is_refused_and_its_like_without_the_fault_is_not(
    server: Server, places: Places, fault: Fault | FaultyLine | FaultyRule
) -> None:
    before = picture(server)
    refused = run(server, places, fault, mended=False, check=False)
    assert refused.failed, refused.output
    assert re.search(fault.named, refused.message)
    assert picture(server) == before
    passed = run(server, places, fault, mended=True, check=True)
    assert passed.changed and not passed.failed, passed.output
    assert picture(server) == before
