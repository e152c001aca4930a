"""A client that goes no further than the server's first words: they tell which method a connection has to pass."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import socket
import ssl
import struct
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["Answer", "Client", "Login"]

_PROTOCOL = 3 << 16
_TLS_REQUEST = 80877103
_ASKED = {0: "trust", 3: "password", 5: "md5", 10: "scram-sha-256"}
_REFUSED = (
    ("pg_hba.conf rejects ", "reject"),
    ("no pg_hba.conf entry ", "implicit reject"),
    ("connection requires a valid client certificate", "certificate"),
    ("client certificates can only be checked ", "certificate"),
    ("Peer authentication failed ", "peer"),
    ("Ident authentication failed ", "ident"),
)
_MATCHED = re.compile(r'Connection matched (?:pg_hba\.conf|file "([^"\n]*)") line ([0-9]+): ')


@dataclasses.dataclass(frozen=True)
class Login:
    """One connection to try. Libpq cannot choose the address that it comes from, a socket can."""

    user: str
    database: str
    address: str | None = None  # None: through the socket
    tls: bool = False
    replication: str = ""  # true: physical; database: logical


class Answer(t.NamedTuple):
    """What the server said first, and the rule it names in its log once a password was wrong."""

    outcome: str
    path: str | None = None
    line: int | None = None


class Client:
    """Asks one server. Each login is a connection of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    def answer(self, login: Login) -> Answer:
        """Which method the server asks for, or why it refuses."""
        with self._connection(login) as connection:
            return Answer(_outcome(*_message(connection)))

    def deciding_rule(self, login: Login) -> Answer:
        """The rule that decides where every rule asks for a password: a wrong one makes the server log it."""
        offset = self.server.log.stat().st_size
        with self._connection(login) as connection:
            outcome = _outcome(*_message(connection))
            if outcome != "password":
                return Answer(outcome)
            connection.sendall(b"p" + struct.pack("!I", 4 + len(b"wrong\0")) + b"wrong\0")
            kind, _body = _message(connection)
            assert kind == b"E"
        with self.server.log.open("rb") as log:
            log.seek(offset)
            [(path, line)] = _MATCHED.findall(log.read().decode("utf-8", "replace"))
        return Answer(outcome, path or str(self.server.hba_file), int(line))

    def _connection(self, login: Login) -> socket.socket:
        if login.address is None:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(10)
            connection.connect(f"{self.server.socket_directory}/.s.PGSQL.{self.server.port}")
        else:
            to = "::1" if ipaddress.ip_address(login.address).version == 6 else "127.0.0.1"
            connection = socket.create_connection((to, self.server.port), 10, (login.address, 0))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if login.tls:
            connection.sendall(struct.pack("!II", 8, _TLS_REQUEST))
            assert connection.recv(1) == b"S"
            connection = self._tls.wrap_socket(connection)
        parameters = {"user": login.user, "database": login.database}
        if login.replication:
            parameters["replication"] = login.replication
        words = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items() if value) + b"\0"
        connection.sendall(struct.pack("!II", 8 + len(words), _PROTOCOL) + words)
        return connection


def _message(connection: socket.socket) -> tuple[bytes, bytes]:
    kind = _exactly(connection, 1)
    [length] = struct.unpack("!I", _exactly(connection, 4))
    return kind, _exactly(connection, length - 4)


def _exactly(connection: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        more = connection.recv(length - len(found))
        assert more, "the server went away"
        found += more
    return found


def _outcome(kind: bytes, body: bytes) -> str:
    if kind == b"R":
        return _ASKED[struct.unpack("!I", body[:4])[0]]
    assert kind == b"E", (kind, body)
    message = next(field[1:] for field in body.split(b"\0") if field[:1] == b"M").decode()
    for start, outcome in _REFUSED:
        if message.startswith(start):
            return outcome
    raise AssertionError(message)
