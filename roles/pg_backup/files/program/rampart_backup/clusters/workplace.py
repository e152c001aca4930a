# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory for one drill. What a drill that was killed left, a server that runs included, the next one takes away."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
import time
import typing as t

from ..faults import DefinitionFault
from ..places.directories import is_left
from ..places.directories import locked

__all__ = ["SOCKETS", "workplace"]

SOCKETS: t.Final = "sockets"  # a link to the directory of the server's socket
_PREFIX = "drill-"
_PATIENCE = 30  # seconds for a server to end


@contextlib.contextmanager
def workplace(scratch: str) -> t.Iterator[str]:
    """A new directory below ``scratch``, which is gone afterwards."""
    try:
        with locked(scratch):
            _sweep(scratch)
            # One that is being made must not be swept away before it is locked itself.
            path = tempfile.mkdtemp(prefix=_PREFIX, dir=scratch)
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        raise DefinitionFault(f"scratch: {scratch}: {error.strerror}") from None
    try:
        yield path
    finally:
        _clear(path)
        os.close(descriptor)


def _sweep(scratch: str) -> None:
    for name in os.listdir(scratch):
        path = os.path.join(scratch, name)
        if name.startswith(_PREFIX) and is_left(path):
            _end_server(os.path.join(path, "data"))
            sockets = os.path.join(path, SOCKETS)
            if os.path.islink(sockets):
                shutil.rmtree(os.readlink(sockets), ignore_errors=True)
            _clear(path)


def _clear(path: str) -> None:
    """Take it away, whatever modes the directories of a backup have."""
    for directory, names, _files in os.walk(path):
        for name in names:
            inner = os.path.join(directory, name)
            if not os.path.islink(inner):
                with contextlib.suppress(OSError):
                    os.chmod(inner, 0o700)
    shutil.rmtree(path, ignore_errors=True)


def _end_server(data: str) -> None:
    """End the server of a data directory, if one runs there, at once: nothing of it is wanted."""
    try:
        with open(os.path.join(data, "postmaster.pid"), encoding="utf-8") as stream:
            number = int(stream.readline())
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + _PATIENCE
    while _runs_in(number, data):
        late = time.monotonic() > deadline
        with contextlib.suppress(OSError):
            os.kill(number, signal.SIGKILL if late else signal.SIGQUIT)
        time.sleep(0.1)


def _runs_in(number: int, data: str) -> bool:
    """A server works in its data directory; another program may have got the number meanwhile."""
    try:
        return os.path.samefile(f"/proc/{number}/cwd", data)
    except OSError:
        return False
