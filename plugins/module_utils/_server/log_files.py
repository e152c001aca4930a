# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a server's log, rotated ones included, read as a stream; private to the collection.

Always with the rights of the cluster's owner. However long a file or a line is, a few MiB of memory are enough.
"""

from __future__ import annotations

import dataclasses
import gzip
import os
import re
import stat
import time
import typing as t
import zlib

from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

__all__ = ["LogFile", "collected", "first_lines", "lines_of", "lines_with", "rotated"]

_BLOCK = 2**20  # bytes
_LONGEST = 2**14  # bytes of a line that are of use
_HEAD = 2**16  # bytes in which the first lines are looked for
_PAUSE = 0.05  # seconds
_TURN = r"(?:[.-]\d[\d.-]*)?(?:\.gz)?"  # what logrotate puts behind a name
_PIECE = re.compile(r"%[EO_^#0-]*(.)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class LogFile:
    """One file of a log. What is before ``begin`` is not to be read."""

    path: str
    size: int  # bytes, unpacked
    modified: float  # seconds since the epoch
    begin: int = 0

    @property
    def packed(self) -> bool:
        """Whether it is to be unpacked."""
        return self.path.endswith(".gz")


def collected(directory: str, filename: str, suffix: str, owner: Account) -> list[LogFile]:
    """Files of the collector, the newest first. ``filename`` is log_filename, ``suffix`` that of another format."""
    pattern, end = "", 0
    if suffix:
        filename = (filename[: -len(".log")] if filename.endswith(".log") else filename) + suffix
    for found in _PIECE.finditer(filename):
        pattern += re.escape(filename[end : found.start()]) + ("%" if found[1] == "%" else ".+?")
        end = found.end()
    return _files(directory, pattern + re.escape(filename[end:]) + _TURN, owner)


def rotated(path: str, owner: Account) -> list[LogFile]:
    """A file to which something else writes what the server says, and those that logrotate made of it."""
    directory, name = os.path.split(path)
    stem, extension = os.path.splitext(name)
    dated = rf"{re.escape(stem)}[.-]\d[\d.-]*{re.escape(extension)}(?:\.gz)?"
    return _files(directory, f"{re.escape(name)}{_TURN}|{dated}", owner)


def _files(directory: str, pattern: str, owner: Account) -> list[LogFile]:
    found = []
    with acting_as(owner):
        try:
            names = os.listdir(directory)
        except OSError:
            return []
        for name in names:
            if re.fullmatch(pattern, name):
                file = _file(os.path.join(directory, name))
                found += [] if file is None else [file]
    return sorted(found, key=_age, reverse=True)


def _age(file: LogFile) -> tuple[float, str]:
    return file.modified, file.path


def _file(path: str) -> LogFile | None:
    """A regular file, also one that cannot be read: whoever reads the log must come to know. To be called as the owner."""
    try:
        known = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(known.st_mode):
        return None
    size = _unpacked(path) if path.endswith(".gz") else known.st_size
    return LogFile(path, size or known.st_size, known.st_mtime)


def _unpacked(path: str) -> int:
    """The size that a packed file says it has, modulo 4 GiB; 0 when it says nothing."""
    try:
        with _open(path) as stream:
            stream.seek(-4, os.SEEK_END)
            return int.from_bytes(stream.read(4), "little")
    except OSError:
        return 0


def _open(path: str) -> t.BinaryIO:
    """A regular file; nothing else that has its name. To be called as the owner."""
    stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=_BLOCK)
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(f"{path} is not a regular file")
    return stream


def first_lines(file: LogFile, owner: Account) -> list[str]:
    """The first complete lines that are to be read of a file; none when it cannot be read."""
    try:
        with acting_as(owner):
            raw = _open(file.path)
        with raw:
            stream = gzip.GzipFile(fileobj=raw) if file.packed else raw
            stream.seek(file.begin)
            text = stream.read(_HEAD)
    except (OSError, EOFError, zlib.error):
        return []
    lines = text.decode("utf-8", "replace").split("\n")
    return lines[1 if file.begin else 0 : -1]


def lines_with(
    words: t.Sequence[bytes], file: LogFile, owner: Account, goes_on: t.Callable[[], bool] = bool
) -> t.Iterator[str]:
    """The lines of a file in which one of the words stands, without their ends.

    At the end of the file more is waited for as long as ``goes_on`` says so. Raises OSError, EOFError or zlib.error
    where the file cannot be read to its end.
    """
    most = file.size + _BLOCK - file.begin  # what is written meanwhile is of no use but for its beginning
    for piece in _pieces(file, owner, most, goes_on):
        yield from _found(words, piece)


def lines_of(file: LogFile, owner: Account, most: int) -> t.Iterator[str]:
    """All complete lines of a file, without their ends, of ``most`` bytes. Of a very long one the middle is missing.

    Raises what ``lines_with`` does.
    """
    begun = not file.begin  # else what is read first may be the rest of a line
    for piece in _pieces(file, owner, most, bool):
        lines = piece.decode("utf-8", "replace").split("\n")
        if lines[-1] == "":
            del lines[-1]
        yield from lines if begun else lines[1:]
        begun = True


def _pieces(file: LogFile, owner: Account, most: int, goes_on: t.Callable[[], bool]) -> t.Iterator[bytes]:
    """The file in pieces that end where a line does, and what is left without such an end."""
    with acting_as(owner):
        raw = _open(file.path)
    with raw:
        stream = gzip.GzipFile(fileobj=raw) if file.packed else raw
        stream.seek(file.begin)
        rest, left = b"", most
        while True:
            block = stream.read(min(_BLOCK, left)) if left > 0 else b""
            if not block:
                if left > 0 and goes_on():
                    time.sleep(_PAUSE)
                    continue
                break
            left -= len(block)
            rest += block
            end = rest.rfind(b"\n") + 1
            if end:
                yield rest[:end]
            rest = (
                rest[end:] if len(rest) - end <= _BLOCK else rest[end : end + _LONGEST]
            )  # a line that long says nothing
        if rest:
            yield rest
        if file.packed and stream.read(1):
            raise OSError(f"{file.path} has more than what is read of it")


def _found(words: t.Sequence[bytes], text: bytes) -> t.Iterator[str]:
    """Much faster than a look at every line: most lines of a log have none of the words."""
    starts: set[int] = set()
    for word in words:
        place = text.find(word)
        while place >= 0:
            starts.add(text.rfind(b"\n", 0, place) + 1)
            end = text.find(b"\n", place)
            place = text.find(word, end) if end >= 0 else -1
    for start in sorted(starts):
        end = text.find(b"\n", start, start + _LONGEST)
        yield text[start : start + _LONGEST if end < 0 else end].decode("utf-8", "replace").rstrip("\r")
