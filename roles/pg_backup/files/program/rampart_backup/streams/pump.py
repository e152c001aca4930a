# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytes from one descriptor to several sinks, counted and hashed on the way, in the same memory whatever their number."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import select
import threading
import typing as t

if t.TYPE_CHECKING:
    import io

    from .process import Child

__all__ = ["Carried", "ChildSink", "Pump", "Sink", "carried", "write_all"]

_CHUNK = 2**20  # bytes; larger ones were not faster
_F_SETPIPE_SZ = 1031  # Linux; the module names it from Python 3.10 on


class Sink(t.Protocol):
    """Where bytes go."""

    def write(self, data: memoryview) -> None:
        """Take all of them."""

    def end(self) -> None:
        """There are no more."""


@dataclasses.dataclass
class Carried:
    """What went through. ``size`` in bytes; no checksum where nobody asked for one."""

    size: int
    sha256: str


class ChildSink:
    """The standard input of a child. One that needs no more and ends well is content."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._content = False
        _widen(child.stdin.fileno())

    def write(self, data: memoryview) -> None:
        """Give it to the child; raises what the child fails with."""
        if self._content:
            return
        try:
            write_all(self._child.stdin.fileno(), data)
        except BrokenPipeError:
            self._child.finish()
            self._content = True

    def end(self) -> None:
        """Close its input."""
        self._child.end_input()


def write_all(descriptor: int, data: memoryview, *, patience: float | None = None) -> None:
    """Write all of it, however often that takes. Raises ``TimeoutError`` when nothing is taken for ``patience`` seconds.

    With ``patience`` the descriptor has to be one that does not block.
    """
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            if not select.select((), (descriptor,), (), patience)[1]:
                raise TimeoutError(f"nothing was taken for {patience} seconds") from None


def _chunks(stream: t.IO[bytes]) -> t.Iterator[memoryview]:
    """All that comes; what was yielded is gone with the next one."""
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    read = t.cast("io.RawIOBase", stream).readinto
    while count := read(buffer):
        yield view[:count]


def carried(stream: t.IO[bytes]) -> Carried:
    """Read every byte."""
    digest, size = hashlib.sha256(), 0
    for data in _chunks(stream):
        digest.update(data)
        size += len(data)
    return Carried(size, digest.hexdigest())


def _ignore(_data: memoryview) -> None:
    """Nobody asks for a checksum."""


def _widen(descriptor: int) -> None:
    """A pipe of 1 MiB instead of 64 KiB: far fewer turns. Where it is refused, it works as well."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, _F_SETPIPE_SZ, _CHUNK)


class Pump:
    """A thread that carries everything from ``source`` to ``sinks``. ``failed`` is called, once, when it cannot go on."""

    def __init__(
        self, source: t.IO[bytes], sinks: t.Sequence[Sink], failed: t.Callable[[], None], *, hashed: bool = True
    ) -> None:
        self._hashed = hashed
        self._source = source
        self._sinks = sinks
        self._failed = failed
        self._carried: Carried | None = None
        self._error: BaseException | None = None
        _widen(source.fileno())
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._carried = self._carry()
        except BaseException as error:  # handed to whoever asks for the result
            self._error = error
            self._failed()

    def _carry(self) -> Carried:
        digest, size = hashlib.sha256(), 0
        update = digest.update if self._hashed else _ignore
        for data in _chunks(self._source):
            update(data)
            size += len(data)
            for sink in self._sinks:
                sink.write(data)
        for sink in self._sinks:
            sink.end()
        return Carried(size, digest.hexdigest() if self._hashed else "")

    @property
    def error(self) -> BaseException | None:
        """What it failed with, once it has ended."""
        return self._error

    def join(self) -> None:
        """Wait for its end, whatever that is."""
        self._thread.join()

    def result(self) -> Carried:
        """Wait for its end; raises what it failed with."""
        self.join()
        if self._error is not None:
            raise self._error
        if self._carried is None:
            raise RuntimeError("a pump ended without a result")
        return self._carried
