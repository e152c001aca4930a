# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A base backup against its own manifest, both as they flow by, in the same memory however many files there are.

PostgreSQL documentation, "Backup Manifest Format": one line for each file, the checksum of the manifest in its last one.
Which files there are is folded into one number, in whatever order they come.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing as t

from ..faults import VerificationFault
from .pump import write_all
from .tar import Member
from .tar import TarSink

__all__ = ["Checker"]

_MANIFEST = "backup_manifest"
_WAL = re.compile(r"pg_wal/[0-9A-F]{24}$")
_MODULUS = 2**256
_FILE = re.compile(rb'^\{ "(?:Encoded-)?Path":')
_LAST = re.compile(rb'^"Manifest-Checksum": "([0-9a-f]{64})"\}\n?$')


def _fold(path: bytes, size: int, digest: str) -> int:
    return int.from_bytes(hashlib.sha256(b"%s\0%d\0%s" % (path, size, digest.encode())).digest(), "big")


class _Hashed:
    """A file of the data directory."""

    def __init__(self, checker: Checker, path: str, size: int) -> None:
        self._checker = checker
        self._path = path
        self._size = size
        self._digest = hashlib.sha256()

    def write(self, data: memoryview) -> None:
        self._digest.update(data)

    def end(self) -> None:
        self._checker.found(self._path, self._size, self._digest.hexdigest())


class _Lines:
    """The manifest itself, line by line."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self._rest = b""
        self._digest = hashlib.sha256()

    def write(self, data: memoryview) -> None:
        if self._checker.copy is not None:
            write_all(self._checker.copy.fileno(), data)
        lines = (self._rest + bytes(data)).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._line(line + b"\n")

    def end(self) -> None:
        if self._rest:
            self._line(self._rest)
            self._rest = b""

    def _line(self, line: bytes) -> None:
        last = _LAST.match(line)
        if last:
            self._checker.closed(whole=last.group(1).decode() == self._digest.hexdigest())
            return
        self._digest.update(line)
        if _FILE.match(line):
            self._checker.listed(_object(line))
        elif b'"Start-LSN"' in line:
            self._checker.ranges.append(_object(line))


def _object(line: bytes) -> dict[str, t.Any]:
    try:
        values = json.loads(line.rstrip(b",\n"))
    except ValueError:
        raise VerificationFault(f"the manifest is broken: {line[:200]!r}") from None
    if not isinstance(values, dict):
        raise VerificationFault(f"the manifest is broken: {line[:200]!r}")
    return values


class Checker(TarSink):
    """A sink for the archive of a data directory; ``verify`` says whether it is what the manifest lists.

    ``copy`` is a file that the manifest is written to as well.
    """

    def __init__(self, copy: t.IO[bytes] | None = None) -> None:
        super().__init__(self._file)
        self.copy = copy
        self.begun = False
        self.ranges: list[dict[str, t.Any]] = []  # of WAL
        self.files = 0
        self._sums = [0, 0]
        self._listed = 0
        self._wal = False
        self._whole: bool | None = None

    def write(self, data: memoryview) -> None:
        """The next bytes."""
        self.begun = True
        super().write(data)

    def _file(self, path: str, size: int) -> Member:
        path = path[2:] if path.startswith("./") else path
        return self.manifest() if path == _MANIFEST else _Hashed(self, path, size)

    def manifest(self) -> Member:
        """A sink for the manifest, where it is a file of its own."""
        return _Lines(self)

    def tablespace(self, oid: str) -> TarSink:
        """A sink for the archive of a tablespace, which is listed by the same manifest."""
        return TarSink(lambda path, size: _Hashed(self, f"pg_tblspc/{oid}/{path}", size))

    def found(self, path: str, size: int, digest: str) -> None:
        """A file of the archive."""
        if _WAL.match(path):  # a server sends its segments after all that is listed
            self._wal = True
            return
        self.files += 1
        self._sums[0] = (self._sums[0] + _fold(path.encode("utf-8", "surrogateescape"), size, digest)) % _MODULUS

    def listed(self, values: t.Mapping[str, t.Any]) -> None:
        """A line of the manifest."""
        encoded = values.get("Encoded-Path")
        path = bytes.fromhex(encoded) if encoded is not None else str(values["Path"]).encode()
        if values.get("Checksum-Algorithm") != "SHA256":
            raise VerificationFault(f"the manifest has no SHA256 of {path.decode('utf-8', 'replace')}")
        self._listed += 1
        self._sums[1] = (self._sums[1] + _fold(path, int(values["Size"]), str(values["Checksum"]))) % _MODULUS

    def closed(self, *, whole: bool) -> None:
        """The last line of the manifest."""
        self._whole = whole

    def close(self) -> None:
        """Of the copy of the manifest."""
        if self.copy is not None:
            self.copy.close()

    def verify(self) -> None:
        """Raises ``VerificationFault`` unless archive and manifest are whole and tell the same."""
        if self._whole is None:
            raise VerificationFault("the base backup has no manifest, or one that is cut off")
        if not self._whole:
            raise VerificationFault("the manifest of the base backup has not the checksum that it says")
        if self._sums[0] != self._sums[1] or self.files != self._listed:
            raise VerificationFault(
                f"the base backup is not what its manifest lists: {self.files} files are there, {self._listed} listed"
            )
        if not self.ranges or not self._wal:
            raise VerificationFault("the base backup holds no WAL: it could not be restored")
