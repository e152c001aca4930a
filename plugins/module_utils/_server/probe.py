# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a login through the socket comes, without logging in; private to the collection.

The driver would hide the error code, and its texts are in the language of the server. Nothing is proved to the server,
and no statement is sent.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import struct
import typing as t

__all__ = ["Answer", "knock", "nobody_listens", "peer_uid"]

_PROTOCOL = 3 << 16  # version 3.0
_TIMEOUT = 5.0  # seconds for the connection and for each part of the answer
_LONGEST = 65536  # bytes of one message
_TERMINATE = struct.pack("!cI", b"X", 4)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the server said to a login."""

    code: str = ""  # SQLSTATE of the refusal
    message: str = ""  # of the refusal, in the server's language
    asks: bool = False  # for a password or another proof
    admitted: bool = False

    @property
    def told(self) -> bool:
        """Whether there was an answer at all."""
        return bool(self.code) or self.asks or self.admitted


def knock(directory: str, port: int, *, user: str, database: str, uid: int) -> Answer:
    """Ask to log in, hang up; an empty answer where nobody answers, or not a process of ``uid``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_TIMEOUT)
        try:
            connection.connect(os.path.join(directory, f".s.PGSQL.{port}"))
            if peer_uid(connection) != uid:
                return Answer()
            connection.sendall(_startup(user, database))
            return _answer(connection)
        except (OSError, struct.error):
            return Answer()


def peer_uid(connection: socket.socket) -> int:
    """The account of the process at the other end of a socket."""
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", packed)[1])


def nobody_listens(host: str, port: int) -> bool:
    """Whether a connection is refused, or its socket is not there, before the server could say anything."""
    try:
        if host.startswith("/"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(_TIMEOUT)
                probe.connect(os.path.join(host, f".s.PGSQL.{port}"))
        else:
            socket.create_connection((host, port), timeout=_TIMEOUT).close()
    except (FileNotFoundError, ConnectionRefusedError):
        return True
    except OSError:  # it says nothing about the server
        return False
    return False


def _startup(user: str, database: str) -> bytes:
    parameters = ("user", user, "database", database, "application_name", "rampart.postgresql")
    body = b"".join(word.encode() + b"\0" for word in parameters) + b"\0"
    return struct.pack("!II", len(body) + 8, _PROTOCOL) + body


def _answer(connection: socket.socket) -> Answer:
    while True:
        kind, body = _message(connection)
        if kind == b"E":
            fields = {field[:1]: field[1:].decode("utf-8", "replace") for field in body.split(b"\0") if field}
            return Answer(code=fields.get(b"C", ""), message=fields.get(b"M", ""))
        if kind == b"R" and body[:4] != bytes(4):
            return Answer(asks=True)
        if kind == b"Z":
            with contextlib.suppress(OSError):
                connection.sendall(_TERMINATE)
            return Answer(admitted=True)


def _message(connection: socket.socket) -> tuple[bytes, bytes]:
    kind, length = struct.unpack("!cI", _exactly(connection, 5))
    if not 4 <= length <= _LONGEST:
        raise OSError("not an answer of PostgreSQL")
    return t.cast("bytes", kind), _exactly(connection, length - 4)


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = connection.recv(size)
        if not part:
            raise OSError("the connection ended")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
