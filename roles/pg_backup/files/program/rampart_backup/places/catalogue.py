# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue of a job: lines of JSON beside its backups, each an event, only ever added to.

A line that was cut off by a crash is no line; a backup is what its own directory holds, the catalogue is what happened
to it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from ..streams.pump import write_all

__all__ = ["NAME", "Event", "Part", "Record", "append", "drilled", "fold", "read"]

NAME: t.Final = "catalogue.jsonl"
_MODE = 0o600
_DRILL = "drill"

Event = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Part:
    """One file of a backup. ``size`` and ``plain_size`` in bytes; ``sha256`` is that of the file as it is stored."""

    name: str
    size: int
    sha256: str
    plain_size: int
    database: str | None = None

    @classmethod
    def of(cls, values: object) -> Part:
        """Read it; raises ``KeyError``, ``TypeError`` or ``ValueError`` when it is none."""
        if not isinstance(values, dict):
            raise TypeError(f"{values!r} is no part of a backup")
        names = {field.name for field in dataclasses.fields(cls)}
        part = cls(**{name: value for name, value in values.items() if name in names})
        texts = (part.name, part.sha256, "" if part.database is None else part.database)
        if not all(isinstance(each, str) for each in texts):
            raise TypeError(f"the part {part.name!r} has something else for a text")
        if not all(_is_size(each) for each in (part.size, part.plain_size)):
            raise TypeError(f"the part {part.name!r} has something else for a size")
        return part


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


@dataclasses.dataclass(frozen=True)
class Record:
    """A backup and what became of it. Times are UTC, as in RFC 3339."""

    id: str
    job: str
    kind: str
    finished: str
    complete: bool
    parts: tuple[Part, ...]
    entry: t.Mapping[str, t.Any]
    verified: str = ""
    restored: str = ""
    damaged: str = ""  # what is wrong with its bytes
    refuted: str = ""  # why it could not be restored, whatever its bytes are
    removed: str = ""
    broken: str = ""  # what is wrong with one that it is built upon
    arrived: str = ""  # by the clock of the place

    @property
    def moment(self) -> str:
        """When it came to be where it is. What a host says of its own time is only its word."""
        return self.arrived or self.finished

    @property
    def good(self) -> bool:
        """Whether it is worth keeping the last one of its kind."""
        return self.complete and not self.wrong and not self.removed

    @property
    def wrong(self) -> str:
        """What is wrong with it, or with what it is built upon; empty when nothing is."""
        return self.damaged or self.refuted or self.broken

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the backups that it is built upon, the full one first."""
        return tuple(str(each) for each in self.entry.get("chain") or ())

    @property
    def size(self) -> int:
        """Of all parts together, in bytes."""
        return sum(part.size for part in self.parts)

    @classmethod
    def of(cls, entry: object) -> Record:
        """Read an entry; raises ``KeyError``, ``TypeError`` or ``ValueError`` when it is none."""
        if not isinstance(entry, dict) or not isinstance(entry.get("parts"), (list, tuple)):
            raise TypeError("it is no object with parts")
        if not isinstance(entry.get("chain") or [], (list, tuple)):
            raise TypeError("its chain is no list")
        return cls(
            id=str(entry["id"]),
            job=str(entry["job"]),
            kind=str(entry["kind"]),
            finished=str(entry["finished"]),
            complete=bool(entry["complete"]),
            parts=tuple(Part.of(each) for each in entry["parts"]),
            entry=entry,
            verified=str(entry.get("verified", "")),
        )

    @classmethod
    def from_json(cls, values: t.Mapping[str, t.Any]) -> Record:
        """What ``dataclasses.asdict`` made of one; raises as ``of`` does."""
        return dataclasses.replace(
            cls.of(values["entry"]),
            verified=str(values["verified"]),
            restored=str(values["restored"]),
            damaged=str(values["damaged"]),
            refuted=str(values.get("refuted", "")),
            removed=str(values["removed"]),
            broken=str(values.get("broken", "")),
            arrived=str(values.get("arrived", "")),
        )


def drilled(identifier: str, event: str, what: str, *, at: str) -> Event:
    """What restoring found, which is apart from what reading the bytes finds."""
    return {"event": event, "id": identifier, "at": at, "what": what, "by": _DRILL}


def append(directory: str, event: Event) -> None:
    """Add a line and see it to the disk. A line that a crash cut off is closed first."""
    path = os.path.join(directory, NAME)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        line = json.dumps(event, sort_keys=True, ensure_ascii=True).encode() + b"\n"
        write_all(descriptor, memoryview((b"\n" if torn else b"") + line))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(directory: str) -> list[Event]:
    """All events, in the order in which they happened. Of backups that were removed no parts: a year of them has many."""
    events: list[Event] = []
    made: dict[str, Event] = {}
    try:
        with open(os.path.join(directory, NAME), "rb") as stream:
            for event in filter(None, map(_parse, stream)):
                events.append(event)
                backup = event.get("backup")
                if event["event"] == "made" and isinstance(backup, dict):
                    made.setdefault(str(backup.get("id")), backup)
                elif event["event"] == "removed" and str(event.get("id")) in made:
                    made[str(event["id"])]["parts"] = []
    except FileNotFoundError:
        return []
    return events


def _parse(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def fold(events: t.Iterable[Event]) -> list[Record]:
    """What the backups are after all that happened, in the order in which they were made."""
    records: dict[str, Record] = {}
    for event in events:
        if event["event"] == "made":
            try:
                record = dataclasses.replace(Record.of(event["backup"]), arrived=str(event.get("at", "")))
            except (KeyError, TypeError, ValueError):
                continue
            records.setdefault(record.id, record)
        elif isinstance(event.get("id"), str) and event["id"] in records:
            identifier = str(event["id"])
            records[identifier] = _changed(records[identifier], event)
    return [_linked(record, records) for record in records.values()]


def _linked(record: Record, records: t.Mapping[str, Record]) -> Record:
    """One that is built upon others is as good as these are."""
    for each in record.needs:
        found = records.get(each)
        if found is None or not found.good:
            state = "missing" if found is None else "removed" if found.removed else "damaged"
            return dataclasses.replace(record, broken=f"{each}, which it is built upon, is {state}")
    return record


def _changed(record: Record, event: Event) -> Record:
    at = str(event.get("at", ""))
    if event["event"] == "verified":
        return dataclasses.replace(record, verified=at, damaged="")
    if event["event"] == "restored":
        return dataclasses.replace(record, restored=at, refuted="")
    if event["event"] == "damaged":
        what = str(event.get("what", "")) or "damaged"
        # Bytes may be those that were stored, and yet no backup: reading them again does not change that.
        if event.get("by") == _DRILL:
            return dataclasses.replace(record, refuted=what)
        return dataclasses.replace(record, damaged=what)
    if event["event"] == "removed":
        return dataclasses.replace(record, removed=at or "removed")
    return record
