"""Certificates met by the libpq of each major version, with OpenSSL 1.1.1."""

from __future__ import annotations

import subprocess
import sys
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import TestAuthority
from ansible_collections.rampart.postgresql.tests.conformance.tls.authorities import issue

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

ON = {"sections": {"pg_tls": {"ssl": "on"}}}
MATCHES_ADDRESSES = 15  # the first libpq that does
# The libpq of another version does not go into a process that has one already.
LOGIN = """
import ctypes, sys
libpq = ctypes.CDLL(sys.argv[1])
libpq.PQconnectdb.restype = ctypes.c_void_p
libpq.PQerrorMessage.restype = ctypes.c_char_p
libpq.PQstatus.argtypes = libpq.PQerrorMessage.argtypes = [ctypes.c_void_p]
connection = libpq.PQconnectdb(sys.argv[2].encode())
sys.stdout.write("in" if libpq.PQstatus(connection) == 0 else libpq.PQerrorMessage(connection).decode())
"""


def login(server: Server, host: str, root: pathlib.Path) -> str:
    """What the libpq of the server's own version says when it verifies the name or address of the server."""
    options = f"host={host} port={server.port} user={server.superuser} dbname=postgres connect_timeout=10"
    library = server.bindir.parent / "lib" / "libpq.so.5"
    command = [sys.executable, "-c", LOGIN, str(library), f"{options} sslmode=verify-full sslrootcert={root}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def warnings(server: Server, names: list[str], root: pathlib.Path) -> list[str]:
    """Make a certificate with these names and give it to the clients."""
    made = run_components(server, lambda: [component({"names": names}), settings.component(ON)], rehearse=False)
    assert not made.failed, made.output
    content = (server.data_directory / "rampart-server.pem").read_bytes()
    root.write_bytes(content[content.index(b"-----BEGIN CERTIFICATE") :])
    return [words for words in made.values["warnings"] if "does not match IP addresses" in words]


@pytest.mark.in_turn
def test_the_chain_of_an_authority(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    server, authority = fresh_server, TestAuthority(tmp_path / "authority")
    made = issue(server, authority, names=["localhost", "127.0.0.1"])
    assert not made.failed, made.output
    root = tmp_path / "root.crt"
    root.write_text(authority.open().trust_pem)
    assert login(server, "localhost", root) == "in"
    stranger = tmp_path / "stranger.crt"
    stranger.write_text(TestAuthority(tmp_path / "stranger").open().trust_pem)
    assert "certificate verify failed" in login(server, "localhost", stranger)


def test_old_clients_do_not_match_addresses(fresh_server: Server, tmp_path: pathlib.Path) -> None:
    server, root = fresh_server, tmp_path / "root.crt"
    old = server.major < MATCHES_ADDRESSES
    addresses = ["127.0.0.1", "192.0.2.7"]

    [told] = warnings(server, ["localhost", *addresses], root)
    assert "connects to 192.0.2.7 refuses" in told
    assert login(server, "localhost", root) == "in"
    answer = login(server, "127.0.0.1", root)
    assert answer == "in" if not old else 'does not match host name "127.0.0.1"' in answer, answer

    # Without a DNS name they look at the subject, which is the first address.
    [told] = warnings(server, ["192.0.2.8", "127.0.0.1", "192.0.2.7"], root)
    assert "connects to 192.0.2.7 refuses" in told
    answer = login(server, "127.0.0.1", root)
    assert answer == "in" if not old else 'does not match host name "127.0.0.1"' in answer, answer
    assert warnings(server, ["127.0.0.1"], root) == []
    assert login(server, "127.0.0.1", root) == "in"

    assert warnings(server, ["localhost"], root) == []
