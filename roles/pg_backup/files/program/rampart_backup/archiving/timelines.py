# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Timelines, and which segments belong to the history that leads to one of them: pure.

PostgreSQL takes a segment that is missing for the end of the archive, and one of an older timeline for the next one where
the newer is missing. Neither may pass for what was asked for.
"""

from __future__ import annotations

import re
import typing as t

from . import wal

__all__ = ["RECORD_SIZE", "History", "find_point", "newest", "offset_of", "parse", "records_of"]

_LINE = re.compile(r"\s*(\d+)\s+([0-9A-Fa-f]+/[0-9A-Fa-f]+)(?:\s.*)?")
_PAGE = 8192  # bytes; XLOG_BLCKSZ, which no package changes
_HEADERS = (40, 24)  # bytes before the records: of the first page of a segment, of the others
RECORD_SIZE: t.Final = 98
_RECORD = b"\x62\x00\x00\x00"  # 98 bytes: header, one block of data, its length, the time, the name
_DATA = b"\xff\x48"  # XLR_BLOCK_ID_DATA_SHORT, 72 bytes
_INFO = b"\x70\x00"  # XLOG_RESTORE_POINT of the resource manager XLOG


class Step(t.NamedTuple):
    """A timeline as far as a history follows it; ``end`` is where the next one begins, None for the last."""

    timeline: int
    end: int | None


def parse(text: str) -> list[tuple[int, int]]:
    """Ancestors of a timeline and where each was left, from its history file; raises ``ValueError``."""
    found = []
    for line in text.splitlines():
        content = line.split("#")[0].strip()
        if content:
            match = _LINE.fullmatch(line)
            if match is None:
                raise ValueError(f"{line!r} is no line of a timeline's history")
            found.append((int(match.group(1)), wal.lsn(match.group(2))))
    return found


class History:
    """The timelines that lead to one; ``size`` of a segment in bytes."""

    def __init__(self, timeline: int, ancestors: t.Sequence[tuple[int, int]], size: int) -> None:
        self.timeline = timeline
        self.steps = (*(Step(*each) for each in ancestors), Step(timeline, None))
        self._size = size

    def _count(self, file: str) -> int:
        return wal.position(file, self._size) // self._size

    def _ends(self) -> dict[int, int | None]:
        """By timeline, the number of the segment from which on its successor's counts."""
        return {step.timeline: None if step.end is None else step.end // self._size for step in self.steps}

    def has(self, file: str) -> bool:
        """Whether a segment leads to the timeline. Where a timeline was left, the next one has the whole segment."""
        ends, timeline = self._ends(), int(file[:8], 16)
        if timeline not in ends:
            return False
        end = ends[timeline]
        return end is None or self._count(file) < end

    def leads_through(self, timeline: int, position: int) -> bool:
        """Whether a position of a timeline is on the way."""
        return any(step.timeline == timeline and (step.end is None or position <= step.end) for step in self.steps)

    def after(self, file: str, others: t.Iterable[str]) -> str | None:
        """The next of the others that would follow a segment; with one, that the segment is missing is a gap."""
        timeline, count = int(file[:8], 16), self._count(file)
        later = [
            (self._count(each), -int(each[:8], 16), each)
            for each in others
            if wal.is_segment(each) and self.has(each) and int(each[:8], 16) >= timeline and self._count(each) > count
        ]
        return min(later)[-1] if later else None

    def newest_first(self, files: t.Iterable[str]) -> list[str]:
        """The segments that lead there."""
        ours = [each for each in files if wal.is_segment(each) and self.has(each)]
        return sorted(ours, key=lambda each: (self._count(each), each), reverse=True)

    def last(self, files: t.Iterable[str], first: str) -> str | None:
        """The last segment that leads there, not before ``first``."""
        ours = self.newest_first(files)
        return ours[0] if ours and self._count(ours[0]) >= self._count(first) else None


def newest(timeline: int, position: int, histories: t.Mapping[int, t.Sequence[tuple[int, int]]], size: int) -> History:
    """That of the newest timeline to which a backup leads: made on ``timeline``, it ended at ``position``."""
    possible = [History(each, ancestors, size) for each, ancestors in histories.items()]
    leading = [each for each in possible if each.timeline >= timeline and each.leads_through(timeline, position)]
    return max(leading, key=lambda each: each.timeline) if leading else History(timeline, (), size)


def records_of(segment: bytes | bytearray) -> bytes:
    """What a segment holds, without the headers of its pages."""
    first, others = _HEADERS
    pages = [segment[start + others : start + _PAGE] for start in range(_PAGE, len(segment), _PAGE)]
    return b"".join([segment[first:_PAGE], *pages])


def find_point(records: bytes, name: str) -> int | None:
    """Where the record of the newest restore point of a name ends among the records of a segment, in bytes of these."""
    wanted = name.encode() + b"\0"
    at = records.rfind(wanted)
    while at >= 0:
        begin = at - 8 - len(_DATA) - 24
        if begin >= 0 and _is_point(records[begin : begin + 26]):
            return at + 64
        at = records.rfind(wanted, 0, at)
    return None


def _is_point(header: bytes) -> bool:
    """Length, kind and form of a record, in its header (access/xlogrecord.h)."""
    return header.startswith(_RECORD) and header[16:18] == _INFO and header.endswith(_DATA)


def offset_of(index: int) -> int:
    """In a segment, of a byte among its records."""
    first, others = _HEADERS
    if index < _PAGE - first:
        return index + first
    pages, within = divmod(index - (_PAGE - first), _PAGE - others)
    return _PAGE * (pages + 1) + others + within
