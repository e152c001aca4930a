# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which WAL of an archive is needed, and what is missing in it: pure, and by names only, as contents are encrypted."""

from __future__ import annotations

import typing as t

from . import wal

if t.TYPE_CHECKING:
    from ..places.catalogue import Record

__all__ = ["Base", "bases", "gaps", "segment_size", "superfluous"]

_LOG = 2**32  # bytes; which of them a segment is in is in its name, whatever the size of segments


class Base(t.NamedTuple):
    """A physical backup that is there. ``start`` is the position from which it needs WAL.

    ``segment_size`` is that of the server in bytes, 0 where that is not known.
    """

    start: int
    segment_size: int


def bases(records: t.Iterable[Record], system_identifier: str) -> list[Base]:
    """Those of a cluster, good or not; one that does not tell where it begins needs everything."""
    found = []
    for record in records:
        if record.kind == "physical" and not record.removed:
            entry = record.entry
            if str(entry.get("system_identifier", "")) in (system_identifier, ""):
                found.append(_base(entry))
    return found


def _base(entry: t.Mapping[str, t.Any]) -> Base:
    size = entry.get("wal_segment_size")
    known = isinstance(size, int) and 2**20 <= size <= 2**30 and size & (size - 1) == 0
    try:
        start = wal.lsn(str(entry.get("start_lsn", "")))
    except ValueError:
        start = 0
    return Base(start, size if known and isinstance(size, int) else 0)


def segment_size(backups: t.Sequence[Base]) -> int:
    """In bytes, 0 when they do not agree or do not say."""
    sizes = {each.segment_size for each in backups}
    return sizes.pop() if len(sizes) == 1 else 0


def superfluous(files: t.Iterable[wal.Stored], backups: t.Sequence[Base]) -> list[wal.Stored]:
    """What no backup needs: what lies before the segment in which the oldest of them begins, on whatever timeline.

    The oldest comes first, so that what is left has no gap wherever removing it ends. Histories of timelines stay, and
    without any backup everything does.
    """
    if not backups:
        return []
    start, size = min(each.start for each in backups), segment_size(backups)
    if size:
        first, counted = start // size * size, size
    else:
        # Right for every size, and keeps up to 4 GiB more.
        first, counted = start // _LOG * _LOG, 0
    candidates = (each for each in files if not each.file.endswith(".history"))
    gone = [each for each in candidates if wal.position(each.file, counted) < first]
    return sorted(gone, key=lambda each: (each.file[8:24], each.name))


class _Timeline:
    """The segments of a timeline, counted through."""

    def __init__(self) -> None:
        self.whole: set[int] = set()
        self.partial: set[int] = set()

    def followed(self) -> set[int]:
        """What has to be without holes: a segment that is not whole may only be the last one."""
        return self.whole | {each for each in self.partial if each > max(self.whole)}

    def leads_to(self, number: int) -> bool:
        """Whether another timeline may go on from here with that segment."""
        return not {number - 1, number}.isdisjoint(self.whole) or number in self.partial


def gaps(files: t.Iterable[wal.Stored], size: int) -> list[str]:
    """What is missing between files that are there, said for a person; ``size`` of a segment in bytes.

    A timeline that begins later than the archive does has to go on from an older one.
    """
    timelines = _timelines(files, size)
    if not timelines:
        return []
    first = min(min(each.whole) for each in timelines.values() if each.whole)
    found = []
    for number, timeline in sorted(timelines.items()):
        if not timeline.whole:
            continue
        found += _holes(number, timeline.followed(), size)
        begin = min(timeline.whole)
        older = [each for other, each in timelines.items() if other < number]
        if begin > first and not any(each.leads_to(begin) for each in older):
            name = wal.segment(number, begin * size, size)
            found.append(f"nothing leads to {name}, with which its timeline begins")
    return found


def _timelines(files: t.Iterable[wal.Stored], size: int) -> dict[int, _Timeline]:
    timelines: dict[int, _Timeline] = {}
    for each in files:
        partial = each.file.endswith(".partial")
        if partial or wal.is_segment(each.file):
            timeline = timelines.setdefault(int(each.file[:8], 16), _Timeline())
            (timeline.partial if partial else timeline.whole).add(wal.position(each.file, size) // size)
    return timelines if any(each.whole for each in timelines.values()) else {}


def _holes(timeline: int, numbers: set[int], size: int) -> list[str]:
    found = []
    before = min(numbers)
    for number in sorted(numbers):
        if number > before + 1:
            first, last = (wal.segment(timeline, each * size, size) for each in (before + 1, number - 1))
            found.append(f"{first} is missing" if first == last else f"{first} to {last} are missing")
        before = number
    return found
