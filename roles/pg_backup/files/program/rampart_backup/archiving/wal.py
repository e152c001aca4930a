# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of WAL, of its files and of its positions: pure.

A stored file is told by its name alone: which file of WAL it is, the checksum of its content, by which the same one is
known when it comes again, and the checksum of what is stored, by which damage is found without the key.
"""

from __future__ import annotations

import re
import typing as t

__all__ = [
    "SEGMENT_SIZE",
    "Stored",
    "checked_size",
    "directory",
    "is_file",
    "is_segment",
    "lsn",
    "position",
    "segment",
    "shown",
]

SEGMENT_SIZE: t.Final = 2**24  # bytes; initdb --wal-segsize can choose another power of two, up to 1 GiB
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_FILE = re.compile(r"[0-9A-F]{24}(?:\.partial|\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history")
_STORED = re.compile(rf"({_FILE.pattern})-([0-9a-f]{{64}})-([0-9a-f]{{64}})((?:\.[a-z0-9]+){{0,2}})")
_LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")
_LOG = 2**32  # bytes of a "log", which is what the middle of a segment's name counts


def is_file(name: str) -> bool:
    """Whether PostgreSQL archives files of that name: segments, histories of timelines and of backups."""
    return _FILE.fullmatch(name) is not None


def is_segment(name: str) -> bool:
    """Whether it is a whole segment."""
    return _SEGMENT.fullmatch(name) is not None


class Stored(t.NamedTuple):
    """A file of an archive. ``suffix`` tells how it was packed and sealed: ``.gz.age``."""

    file: str
    plain: str  # SHA-256 of the content
    sealed: str  # SHA-256 of what is stored
    suffix: str

    @property
    def name(self) -> str:
        """As it is stored."""
        return f"{self.file}-{self.plain}-{self.sealed}{self.suffix}"

    @classmethod
    def of(cls, name: str) -> Stored | None:
        """Read a name; None when it is that of something else."""
        match = _STORED.fullmatch(name)
        return cls(*match.groups()) if match else None


def directory(file: str) -> str:
    """Where in an archive it belongs: 4 GiB of WAL in each directory, and the histories of timelines in another."""
    return "history" if file.endswith(".history") else file[:16]


def checked_size(size: int) -> int:
    """The size of a segment in bytes, as it came; raises ``ValueError`` when none can have that."""
    if not 2**20 <= size <= 2**30 or size & (size - 1):
        raise ValueError(f"{size} is no size of a segment")
    return size


def lsn(text: str) -> int:
    """A position as PostgreSQL writes it (``16/B374D848``); raises ``ValueError`` for others."""
    match = _LSN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no position in the WAL")
    return int(match.group(1), 16) * _LOG + int(match.group(2), 16)


def shown(number: int) -> str:
    """A position, written."""
    return f"{number // _LOG:X}/{number % _LOG:X}"


def position(file: str, size: int) -> int:
    """Where a segment (or what is called after one) begins; ``size`` of a segment in bytes."""
    return int(file[8:16], 16) * _LOG + int(file[16:24], 16) * size


def segment(timeline: int, number: int, size: int) -> str:
    """The name of the segment that holds a position."""
    within = _LOG // size
    count = number // size
    return f"{timeline:08X}{count // within:08X}{count % within:08X}"
