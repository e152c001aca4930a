# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a server's log, rotated ones included, read as a stream; private to the collection.

Always with the rights of the cluster's owner. However long a file or a line is, a few MiB of memory are enough.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import stat
import time
import typing as t
import zlib

from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._server.unpacking import SUFFIXES
from ansible_collections.rampart.postgresql.plugins.module_utils._server.unpacking import Reader
from ansible_collections.rampart.postgresql.plugins.module_utils._server.unpacking import is_packed
from ansible_collections.rampart.postgresql.plugins.module_utils._server.unpacking import unpacker

__all__ = ["LogFile", "Measure", "collected", "first_lines", "lines_of", "lines_with", "rotated"]

_BLOCK = 2**20  # bytes
_LONGEST = 2**14  # bytes of a line that are of use
# Bytes of a very long line, so that whoever cuts it after 2**16 characters knows that it was longer.
_KEPT = 2**18 + 2**14
_HEAD = 2**16  # bytes in which the first lines are looked for
_PAUSE = 0.05  # seconds
_PACKED = f"(?:{'|'.join(map(re.escape, SUFFIXES))})?"
_TURN = rf"(?:[.-]\d[\d.-]*)?{_PACKED}"  # what logrotate puts behind a name
_PIECE = re.compile(r"%[EO_^#0-]*(.)", re.DOTALL)
# What the server makes of an escape of log_filename; of others anything. Another cluster may have its log there too.
_PIECES: t.Final[t.Mapping[str, str]] = {
    **dict.fromkeys("CdegHIklmMSUVWyu", r"[ \d]?\d"),
    **dict.fromkeys("GY", r"\d{4,}"),
    **dict.fromkeys("aAbBh", r"[A-Z][a-z]{2,8}"),
    **{"j": r"\d{3}", "w": r"\d", "s": r"\d+", "F": r"\d{4,}-\d\d-\d\d", "T": r"\d\d:\d\d:\d\d", "R": r"\d\d:\d\d"},
    **{"%": "%", "p": "[AP]M"},
}
_OF_ANOTHER_FORMAT = re.compile(rf".*\.(?:csv|json){_TURN}", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class LogFile:
    """One file of a log. What is before ``begin`` is not to be read."""

    path: str
    size: int  # bytes, unpacked
    modified: float  # seconds since the epoch
    begin: int = 0
    inode: int = 0  # 0: it is not known

    @property
    def packed(self) -> bool:
        """Whether it is to be unpacked."""
        return is_packed(self.path)


@dataclasses.dataclass
class Measure:
    """How much was read."""

    bytes: int = 0


def collected(directory: str, filename: str, suffix: str, owner: Account) -> list[LogFile]:
    """Files of the collector, the newest first. ``filename`` is log_filename, ``suffix`` that of another format."""
    pattern, end = "", 0
    if suffix:
        filename = (filename[: -len(".log")] if filename.endswith(".log") else filename) + suffix
    for found in _PIECE.finditer(filename):
        pattern += re.escape(filename[end : found.start()]) + _PIECES.get(found[1], ".+?")
        end = found.end()
    files = _files(directory, pattern + re.escape(filename[end:]) + _TURN, owner)
    if _OF_ANOTHER_FORMAT.fullmatch(filename):
        return files
    return [file for file in files if not _OF_ANOTHER_FORMAT.fullmatch(os.path.basename(file.path))]


def rotated(path: str, owner: Account) -> list[LogFile]:
    """A file to which something else writes what the server says, and those that logrotate made of it."""
    directory, name = os.path.split(path)
    stem, extension = os.path.splitext(name)
    dated = rf"{re.escape(stem)}[.-]\d[\d.-]*{re.escape(extension)}{_PACKED}"
    return _files(directory, f"{re.escape(name)}{_TURN}|{dated}", owner)


def _files(directory: str, pattern: str, owner: Account) -> list[LogFile]:
    found = []
    with acting_as(owner):
        try:
            names = os.listdir(directory)
        except OSError:
            return []
        there = set(names)
        for name in names:
            # What is packed just now is there twice.
            if re.fullmatch(pattern, name) and not (is_packed(name) and os.path.splitext(name)[0] in there):
                file = _file(os.path.join(directory, name))
                found += [] if file is None else [file]
    return sorted(found, key=_age, reverse=True)


def _age(file: LogFile) -> tuple[float, str]:
    return file.modified, file.path


def _file(path: str) -> LogFile | None:
    """A regular file, also one that cannot be read: whoever reads the log must come to know. To be called as the owner."""
    try:
        known = os.stat(path)
    except FileNotFoundError:
        return None
    except OSError:  # a link to where the owner may not look
        return LogFile(path, 0, os.lstat(path).st_mtime)
    if not stat.S_ISREG(known.st_mode):
        return None
    size = _unpacked(path) if path.endswith(".gz") else known.st_size
    return LogFile(path, size or known.st_size, known.st_mtime, inode=known.st_ino)


def _unpacked(path: str) -> int:
    """The size that a file packed by gzip says it has, modulo 4 GiB; 0 when it says nothing."""
    try:
        with _open(LogFile(path, 0, 0.0)) as stream:
            stream.seek(-4, os.SEEK_END)
            return int.from_bytes(stream.read(4), "little")
    except OSError:
        return 0


def _open(file: LogFile) -> t.BinaryIO:
    """A regular file; nothing else that has its name. To be called as the owner."""
    stream = os.fdopen(os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=_BLOCK)
    known = os.fstat(stream.fileno())
    if stat.S_ISREG(known.st_mode) and file.inode in (0, known.st_ino):
        return stream
    stream.close()
    raise OSError("another file has its name now" if stat.S_ISREG(known.st_mode) else "it is not a regular file")


def first_lines(file: LogFile, owner: Account) -> list[str]:
    """The first complete lines that are to be read of a file; none when it cannot be read."""
    try:
        with _stream(file, owner) as stream:
            text = b""
            while len(text) < _HEAD and (block := stream.read(_HEAD - len(text))):
                text += block
    except (OSError, EOFError, zlib.error):
        return []
    lines = text.replace(b"\0", b"").decode("utf-8", "replace").split("\n")
    return lines[1 if file.begin else 0 : -1]


def lines_with(
    words: t.Sequence[bytes], file: LogFile, owner: Account, goes_on: t.Callable[[], bool] = bool
) -> t.Iterator[str]:
    """The lines of a file in which one of the words stands, without their ends.

    At the end of the file more is waited for as long as ``goes_on`` says so. Raises OSError, EOFError or zlib.error
    where the file cannot be read to its end.
    """
    most = file.size + _BLOCK - file.begin  # what is written meanwhile is of no use but for its beginning
    for piece in _pieces(file, owner, most, Measure(), goes_on):
        yield from _found(words, piece)


def lines_of(file: LogFile, owner: Account, most: int, measure: Measure) -> t.Iterator[str]:
    """All complete lines of a file, without their ends, of ``most`` bytes. Of a very long one the middle is missing.

    Raises what ``lines_with`` does, and OSError for a file that became shorter.
    """
    begun = not file.begin  # else what is read first may be the rest of a line
    for piece in _pieces(file, owner, most, measure, bool):
        # What was not written before a host crashed is zero.
        lines = piece.replace(b"\0", b"").decode("utf-8", "replace").split("\n")
        if lines[-1] == "":
            del lines[-1]
        yield from lines if begun else lines[1:]
        begun = True
    if not file.packed and measure.bytes < min(most, file.size - file.begin):
        raise OSError("it became shorter while it was read")


@contextlib.contextmanager
def _stream(file: LogFile, owner: Account) -> t.Iterator[Reader]:
    """The file from where it begins, unpacked."""
    unpack = unpacker(file.path)
    with acting_as(owner):
        raw = _open(file)
    with raw:
        raw.seek(file.begin)
        yield unpack(raw)


def _pieces(
    file: LogFile, owner: Account, most: int, measure: Measure, goes_on: t.Callable[[], bool]
) -> t.Iterator[bytes]:
    """The file in pieces that end where a line does, and what is left without such an end."""
    with _stream(file, owner) as stream:
        rest, left = b"", most
        while True:
            block = stream.read(min(_BLOCK, left)) if left > 0 else b""
            if not block:
                if left > 0 and goes_on():
                    time.sleep(_PAUSE)
                    continue
                break
            left -= len(block)
            measure.bytes += len(block)
            rest += block
            end = rest.rfind(b"\n") + 1
            if end:
                yield rest[:end]
            rest = rest[end:] if len(rest) - end <= _BLOCK else rest[end : end + _KEPT]  # a line that long says nothing
        if rest:
            yield rest
        if file.packed and stream.read(1):
            raise OSError("it has more than what is read of it")


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
