# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tar archive as it flows by: its members are told, none is kept. Enough of POSIX ustar for what PostgreSQL writes."""

from __future__ import annotations

import typing as t

from ..faults import VerificationFault

__all__ = ["Member", "TarSink"]

_BLOCK = 512
_FILES = (b"0", b"\0", b"7")
_BASE_256 = 0x80  # GNU's way to write a size of 8 GiB and more


class Member(t.Protocol):
    """Whoever wants to see the bytes of a file."""

    def write(self, data: memoryview) -> None:
        """Bytes of it."""

    def end(self) -> None:
        """It is whole."""


class TarSink:
    """A sink. ``opened`` is called with the name and size of each file, and returns who sees its bytes."""

    def __init__(self, opened: t.Callable[[str, int], Member]) -> None:
        self._opened = opened
        self._header = bytearray()
        self._member: Member | None = None
        self._left = 0  # bytes of the member
        self._padding = 0
        self._ended = False

    def write(self, data: memoryview) -> None:
        """The next bytes; raises ``VerificationFault`` when they are no archive."""
        while data:
            if self._left:
                data = self._content(data)
            elif self._padding:
                skipped = min(self._padding, len(data))
                self._padding -= skipped
                data = data[skipped:]
            else:
                taken = min(_BLOCK - len(self._header), len(data))
                self._header += data[:taken]
                data = data[taken:]
                if len(self._header) == _BLOCK:
                    self._begin(bytes(self._header))
                    self._header.clear()

    def end(self) -> None:
        """Raises when it ends within a member. What follows the last one is not judged: 13 forgets to pad it."""
        if self._left or any(self._header):
            raise VerificationFault("the archive of the data directory is cut off")

    def _content(self, data: memoryview) -> memoryview:
        taken = min(self._left, len(data))
        if self._member is not None:
            self._member.write(data[:taken])
        self._left -= taken
        if not self._left and self._member is not None:
            self._member.end()
            self._member = None
        return data[taken:]

    def _begin(self, header: bytes) -> None:
        if not header.strip(b"\0"):
            self._ended = True
            return
        if self._ended or _checksum(header) != _octal(header[148:156]):
            raise VerificationFault("the archive of the data directory is broken: a header has a wrong checksum")
        kind, size = header[156:157], _size(header[124:136])
        name, prefix = (header[slice(*each)].split(b"\0")[0] for each in ((0, 100), (345, 500)))
        path = (prefix + b"/" + name if prefix else name).decode("utf-8", "surrogateescape")
        if kind not in _FILES:
            size = 0 if kind in (b"1", b"2", b"5") else size
            self._member = None
        else:
            self._member = self._opened(path, size)
            if not size:
                self._member.end()
                self._member = None
        self._left, self._padding = size, -size % _BLOCK


def _checksum(header: bytes) -> int:
    return sum(header[:148]) + 8 * ord(" ") + sum(header[156:])


def _octal(field: bytes) -> int:
    text = field.strip(b"\0 ")
    try:
        return int(text, 8) if text else 0
    except ValueError:
        raise VerificationFault(f"the archive of the data directory is broken: {field!r} is no number") from None


def _size(field: bytes) -> int:
    if field[0] & _BASE_256:
        return int.from_bytes(bytes([field[0] & ~_BASE_256]) + field[1:], "big")
    return _octal(field)
