# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of an archive for a server that replays without a network: it asks by a socket, and this process gets them.

The server takes the exit status 1 of its restore_command for the end of the archive. So only a file that is not there may
end so; after any other failure nothing more is given, and the server has to end.
"""

from __future__ import annotations

import os
import socket
import threading
import typing as t

from ..faults import Fault
from ..places import wire
from ..streams.pump import write_all

if t.TYPE_CHECKING:
    from ..streams.pump import Sink

__all__ = ["Broker", "Give", "fetch"]

ABSENT: t.Final = b"N"  # the archive has no such file
FAILED: t.Final = b"F"  # why it cannot be had
_FAILURE = 200  # exit status; more than 125 ends recovery with an error (PostgreSQL documentation, restore_command)
_REQUEST = 256  # bytes; names of files are shorter

Give = t.Callable[[str, "Sink"], bool]  # whether the file is there; what is raised is a failure


class _Frames:
    """A sink: what is given, to the other side."""

    def __init__(self, connection: socket.socket) -> None:
        self._descriptor = connection.fileno()

    def write(self, data: memoryview) -> None:
        wire.write_frame(self._descriptor, wire.DATA, data)

    def end(self) -> None:
        """Whether it was whole is known later."""


class Broker:
    """A context with a thread that answers. ``fault`` is the first failure."""

    def __init__(self, path: str, give: Give) -> None:
        self.path = path
        self.fault: Fault | None = None
        self._give = give
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Broker:
        self._listener.bind(self.path)
        self._listener.listen(4)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # which ends accept
        self._thread.join()
        self._listener.close()
        os.unlink(self.path)

    def _run(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._answer(connection)
                except OSError as error:  # whoever asked has gone
                    self._fail(f"the server did not take what it asked for: {error.strerror}")

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            file = stream.readline(_REQUEST).decode("ascii", "replace").rstrip("\n")
        if self.fault is None:
            try:
                there = self._give(file, _Frames(connection))
            except Exception as error:
                self._fail(error)
            else:
                wire.write_frame(connection.fileno(), wire.COMMIT if there else ABSENT)
                return
        wire.write_frame(connection.fileno(), FAILED, str(self.fault).encode()[:4000])

    def _fail(self, error: Exception | str) -> None:
        if self.fault is None:
            self.fault = error if isinstance(error, Fault) else Fault(str(error))


def fetch(path: str, file: str, target: str) -> int:
    """restore_command: bring a file whole or not at all; returns 0, 1 when the archive has it not, or 200."""
    temporary = f"{target}.fetching"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(path)
            connection.sendall(file.encode("ascii") + b"\n")
            with connection.makefile("rb") as stream:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
                with os.fdopen(os.open(temporary, flags, 0o600), "wb", buffering=0) as written:
                    there = _receive(stream, written.fileno())
        if there:
            os.rename(temporary, target)
            return 0
        os.unlink(temporary)
        return 1
    except BaseException as error:
        # Whatever it is, it must not look like the end of the archive. This line goes to the log of the server.
        os.write(2, f"rampart-backup: {file} cannot be had: {error}\n".encode())
        return _FAILURE


def _receive(stream: t.IO[bytes], descriptor: int) -> bool:
    while True:
        kind, data = wire.read_frame(stream)
        if kind == wire.DATA:
            write_all(descriptor, memoryview(data))
        elif kind == wire.COMMIT:
            return True
        elif kind == ABSENT:
            return False
        else:
            raise OSError(data.decode("utf-8", "replace"))
