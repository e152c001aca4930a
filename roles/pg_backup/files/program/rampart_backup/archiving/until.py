# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far WAL is replayed, and from which backup on."""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from .. import telling
from ..faults import DefinitionFault
from ..faults import RestoreFault
from . import wal

if t.TYPE_CHECKING:
    from ..places.catalogue import Record

__all__ = ["Until", "choose", "parse", "physical"]

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)  # RFC 3339, 5.6; the offset is looked for apart
_AGO = re.compile(r"(\d{1,5}) (minute|hour|day)s? ago", re.ASCII)
_POINT = re.compile(r"point (\S.*)")
_NAME_MOST = 63  # bytes of a restore point's name: MAXFNAMELEN less one, in access/xlog_internal.h
_EXPECTED = (
    "empty (the backup alone), 'end', a time as RFC 3339 has it (2026-05-04T03:02:01+02:00), 'N minutes ago', 'N hours ago',"
    " 'N days ago', a position in the WAL (16/B374D848), or 'point NAME'"
)


@dataclasses.dataclass(frozen=True)
class Until:
    """One of ``backup`` (nothing is replayed that it does not need), ``end``, ``time``, ``ago``, ``lsn``, ``point``."""

    kind: str
    moment: datetime.datetime = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)
    ago: datetime.timedelta = datetime.timedelta()
    lsn: int = 0
    name: str = ""

    @property
    def replays(self) -> bool:
        """Whether an archive is needed."""
        return self.kind != "backup"

    def at(self, now: datetime.datetime) -> Until:
        """With a moment of its own; ``now`` has an offset."""
        if self.kind != "ago":
            return self
        return Until("time", moment=(now - self.ago).astimezone(datetime.timezone.utc))

    def settings(self) -> dict[str, str]:
        """For the server: where it stops, which is an error where it does not come so far."""
        if self.kind == "time":
            return {"recovery_target_time": f"{self.moment:%Y-%m-%d %H:%M:%S.%f}+00"}
        if self.kind == "lsn":
            return {"recovery_target_lsn": wal.shown(self.lsn)}
        if self.kind == "backup":
            return {"recovery_target": "immediate"}
        return {"recovery_target_name": self.name} if self.kind == "point" else {}

    def __str__(self) -> str:
        if self.kind == "time":
            return f"{self.moment:%Y-%m-%dT%H:%M:%S.%f}Z"
        if self.kind == "lsn":
            return wal.shown(self.lsn)
        return f"point {self.name}" if self.kind == "point" else self.kind


def parse(key: str, text: str) -> Until:
    """Read it; raises ``DefinitionFault`` that names the key, and what is missing of a time."""
    if text in ("", "end"):
        return Until(text or "backup")
    for pattern, read in ((_TIME, _time), (_AGO, _ago), (_POINT, _point)):
        match = pattern.fullmatch(text)
        if match:
            return read(key, text, match)
    try:
        return Until("lsn", lsn=wal.lsn(text))
    except ValueError:
        raise DefinitionFault.of(key, text, _EXPECTED) from None


def _time(key: str, text: str, match: re.Match[str]) -> Until:
    year, month, day, hour, minute, second = (int(each) for each in match.groups()[:6])
    fraction, offset = match.groups()[6:]
    if offset is None:
        raise DefinitionFault(f"{key}: {text!r} is a time without an offset: add Z for UTC, or one such as +02:00")
    try:
        microsecond = int((fraction or "0").ljust(6, "0")[:6])
        moment = datetime.datetime(year, month, day, hour, minute, second, microsecond, tzinfo=datetime.timezone.utc)
        return Until("time", moment=moment - _offset(offset))
    except (ValueError, OverflowError) as error:
        raise DefinitionFault(f"{key}: {text!r} is no time: {error}") from None


def _offset(text: str) -> datetime.timedelta:
    if text in "Zz":
        return datetime.timedelta()
    hours, minutes = int(text[1:3]), int(text[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError(f"{text} is no offset")
    size = datetime.timedelta(hours=hours, minutes=minutes)
    return -size if text[0] == "-" else size


def _ago(_key: str, _text: str, match: re.Match[str]) -> Until:
    return Until("ago", ago=datetime.timedelta(**{f"{match.group(2)}s": int(match.group(1))}))


def _point(key: str, text: str, match: re.Match[str]) -> Until:
    name = match.group(1)
    if len(name.encode()) > _NAME_MOST:
        raise DefinitionFault.of(key, text, f"the name of a restore point ({_NAME_MOST} bytes at most)")
    return Until("point", name=name)


def choose(records: t.Sequence[Record], job: str, until: Until, *, point: int | None = None) -> Record:
    """The newest good physical backup that ended before; raises, naming the earliest target that there is, when none did.

    ``point``: where a restore point of somebody else's is, in the WAL of the newest backup's system.
    """
    good = sorted(physical(records, tell=True), key=lambda each: (each.finished, each.id))
    if not good:
        raise RestoreFault(f"job: {job!r} has no good physical backup in this place")
    if until.kind in ("backup", "end"):
        return good[-1]
    # Positions of one system say nothing of another one's.
    if until.kind != "time":
        system = good[-1].entry.get("system_identifier")
        good = [each for each in good if each.entry.get("system_identifier") == system]
    before = [each for each in good if _ended_before(each, until, point)]
    if not before:
        raise RestoreFault(
            f"until: no good backup of {job!r} ended before {until}: the earliest target is {_earliest(good, until)}"
        )
    return before[-1]


def physical(records: t.Iterable[Record], *, tell: bool = False) -> list[Record]:
    """Good physical backups. One whose entry says nonsense of its end must not keep others from being replayed."""
    found = []
    for record in records:
        if record.good and record.kind == "physical":
            problem = _problem(record)
            if not problem:
                found.append(record)
            elif tell:
                telling.log(f"the backup {record.id} is passed over: {problem}", level="warning")
    return found


def _problem(record: Record) -> str:
    """Why nothing can be replayed on it; empty when something can."""
    try:
        _end(record)
        wal.lsn(str(record.entry["stop_lsn"]))
        int(record.entry["timeline"])
        wal.checked_size(int(record.entry.get("wal_segment_size", wal.SEGMENT_SIZE)))
        str(record.entry["system_identifier"])
    except (DefinitionFault, KeyError, OverflowError, TypeError, ValueError) as error:
        return f"its entry is not what it has to be: {error!r}"
    return ""


def _ended_before(record: Record, until: Until, point: int | None) -> bool:
    if until.kind == "time":
        return _end(record) <= until.moment
    stop = wal.lsn(str(record.entry["stop_lsn"]))
    if until.kind == "lsn":
        return stop <= until.lsn
    return stop <= point if point is not None else record.entry.get("restore_point") == until.name


def _end(record: Record) -> datetime.datetime:
    """By the server's own clock where the entry has it; else the second after the one in which its run ended."""
    stopped = str(record.entry.get("stopped") or "")
    if stopped:
        return parse("stopped", stopped).moment
    return parse("finished", record.finished).moment + datetime.timedelta(seconds=1)


def _earliest(good: t.Sequence[Record], until: Until) -> str:
    if until.kind == "time":
        return str(Until("time", moment=min(_end(each) for each in good)))
    return wal.shown(min(wal.lsn(str(each.entry["stop_lsn"])) for each in good))
