# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replaying: a base backup, and what an archive has of the WAL after it, to a moment that is reached or is a failure."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import datetime
import hashlib
import os
import shlex
import sys
import typing as t

from ..faults import ArchiveFault
from ..faults import DefinitionFault
from ..faults import Fault
from ..faults import RestoreFault
from ..faults import VerificationFault
from ..places.shelves import choose as choose_named
from ..streams.unsealing import Collected
from . import timelines
from . import wal
from .archive_store import is_system_identifier
from .broker import Broker
from .until import choose as choose_before
from .until import physical
from .wal_shelves import wal_shelf

if t.TYPE_CHECKING:
    from ..clusters.sandbox import Sandbox
    from ..clusters.scratch import Scratch
    from ..definition import Place
    from ..places.catalogue import Record
    from ..streams.pump import Sink
    from ..streams.unsealing import Unsealing
    from .until import Until
    from .wal_shelves import WalShelf

__all__ = ["Replay", "Source", "choose", "segments_of"]

_LEAST = 100  # of what has to be as large as on the source, which may have grown since the backup
_CONTROL: t.Final = {
    "max_prepared_transactions": "max_prepared_xacts setting",
    "max_locks_per_transaction": "max_locks_per_xact setting",
}


@dataclasses.dataclass(frozen=True)
class Source:
    """Where everything comes from: a physical job, and the job of the kind wal that archives the same cluster."""

    place: Place
    job: str
    archive: str
    sandbox: Sandbox


class Supply:
    """The archive as one replay sees it: only what leads to its timeline, and each file checked before it counts."""

    def __init__(self, shelf: WalShelf, unsealing: Unsealing, sandbox: Sandbox, name: str) -> None:
        self.name = name
        self._sandbox = sandbox
        self._shelf = shelf
        self._unsealing = unsealing
        self._listed: dict[str, dict[str, wal.Stored]] = {}
        self._history: timelines.History | None = None
        self._own: frozenset[str] = frozenset()
        self.given: set[str] = set()

    def follow(self, history: timelines.History, own: t.Iterable[str]) -> None:
        """Give what belongs to a history; ``own`` are the segments that the backup itself has."""
        self._history, self._own = history, frozenset(own)

    def had(self, file: str) -> bool:
        """Whether the server had a file to replay."""
        return file in self.given or file in self._own

    def names(self, directory: str, *, fresh: bool = False) -> dict[str, wal.Stored]:
        """What a directory of the archive has."""
        if fresh or directory not in self._listed:
            self._listed[directory] = {stored.file: stored for stored in self._shelf.names(directory)}
        return self._listed[directory]

    def find(self, file: str) -> wal.Stored | None:
        """A file, which may have come in just now."""
        directory = wal.directory(file)
        return self.names(directory).get(file) or self.names(directory, fresh=True).get(file)

    def give(self, file: str, sink: Sink) -> bool:
        """Whether the archive has it, with its bytes to the sink; raises when it has to have it, or has another one."""
        if not wal.is_file(file):
            raise ArchiveFault(f"the server asked for {file!r}, which is no file of WAL")
        if self._history is not None and wal.is_segment(file) and not self._history.has(file):
            return False
        stored = self.find(file)
        if stored is None:
            self._refuse_gap(file)
            return False
        self.pour(stored, sink)
        self.given.add(file)
        return True

    def _refuse_gap(self, file: str) -> None:
        if self._history is None or not wal.is_segment(file) or file in self._own:
            return
        following = self._history.after(file, self.segments(file, fresh=True))
        if following is not None:
            raise ArchiveFault(
                f"{file} is missing in the archive, which has {following} after it: nothing after the gap can be replayed"
            )

    def segments(self, first: str, *, fresh: bool = False) -> t.Iterator[str]:
        """Those of all timelines, from a directory on."""
        for directory in self._shelf.directories():
            if directory != "history" and directory[8:] >= first[8:16]:
                yield from self.names(directory, fresh=fresh)

    def pour(self, stored: wal.Stored, sink: Sink) -> None:
        """A file, decrypted and unpacked; raises ``ArchiveFault`` unless both of its checksums are right."""
        checked = _Checked(sink)
        try:
            self._unsealing.pour_wal(self._shelf, stored, checked, self._sandbox)
        except VerificationFault as fault:
            raise ArchiveFault(str(fault)) from None
        if checked.digest.hexdigest() != stored.plain:
            raise ArchiveFault(f"{stored.name} holds another content than was archived: its checksum is wrong")

    def collect(self, file: str) -> bytearray:
        """A file that is there, as a whole."""
        stored = self.find(file)
        if stored is None:
            raise ArchiveFault(f"{file} is gone")
        collected = Collected()
        self.pour(stored, collected)
        return collected.data

    def histories(self) -> dict[int, list[tuple[int, int]]]:
        """The ancestors of all timelines that have any."""
        found = {}
        for file in sorted(self.names("history")):
            try:
                found[int(file[:8], 16)] = timelines.parse(self.collect(file).decode("utf-8", "replace"))
            except ValueError as error:
                raise ArchiveFault(f"{file}: {error}") from None
        return found


class _Checked:
    """A sink that hashes on the way."""

    def __init__(self, sink: Sink) -> None:
        self.digest = hashlib.sha256()
        self._sink = sink

    def write(self, data: memoryview) -> None:
        self.digest.update(data)
        self._sink.write(data)

    def end(self) -> None:
        self._sink.end()


class Giving(t.Protocol):
    """What a server replays from."""

    name: str

    def give(self, file: str, sink: Sink) -> bool:
        """Whether a file is there, with its bytes to the sink; raises when it has to be there, or is another one."""

    def had(self, file: str) -> bool:
        """Whether the server had a file to replay."""


class Replay(abc.ABC):
    """One backup, one target, and what is replayed from the one to the other."""

    def __init__(self, supply: Giving, record: Record, until: Until) -> None:
        self._supply = supply
        self.record = record
        self._until = until

    @property
    def plan(self) -> dict[str, t.Any]:
        """For a person."""
        return {"until": str(self._until), "archive": self._supply.name}

    @abc.abstractmethod
    def prepare(self, scratch: Scratch) -> tuple[int, str]:
        """Look where the backup leads; returns the timeline, and its last segment, which the end is not before."""

    def is_past_end(self, reached: str) -> bool:
        """Whether a position is at or after what the job wrote into the WAL when the backup had ended."""
        point = str(self.record.entry.get("restore_point_lsn") or "")
        return bool(point) and bool(reached) and wal.lsn(reached) >= wal.lsn(point)

    @contextlib.contextmanager
    def running(self, scratch: Scratch) -> t.Iterator[dict[str, t.Any]]:
        """The server, once it has replayed and is promoted, and where it is then."""
        timeline, last = self.prepare(scratch)
        with Broker(os.path.join(scratch.sockets, "archive"), self._supply.give) as broker:
            scratch.recover(self._settings(scratch, broker.path, timeline))
            try:
                scratch.start()
            except Fault as fault:
                if broker.fault is not None:
                    raise type(broker.fault)(f"{broker.fault}. {fault}") from None
                raise
        try:
            if broker.fault is not None:
                raise broker.fault
            if self._until.kind == "end" and last and not self._supply.had(last):
                raise RestoreFault(f"the server ended recovery before {last}, the last segment of the archive")
            yield scratch.reached()
        finally:
            scratch.stop()

    def _settings(self, scratch: Scratch, path: str, timeline: int) -> dict[str, str]:
        control = scratch.control()
        larger = {name: str(max(_LEAST, int(control.get(words, "0")))) for name, words in _CONTROL.items()}
        return {
            **larger,
            **self._until.settings(),
            "restore_command": _command(path),
            "recovery_target_timeline": str(timeline),
            "recovery_target_action": "promote",
            "hot_standby": "off",
        }


class _Archived(Replay):
    """From an archive that a job of the kind wal keeps."""

    def __init__(self, supply: Supply, record: Record, until: Until) -> None:
        super().__init__(supply, record, until)
        self._archive = supply
        self._history = _history(supply, record)
        # The segment in which the backup ends is archived before it counts as made.
        first = wal.segment(int(record.entry["timeline"]), max(0, _stop(record) - 1), _segment_size(record))
        last = self._history.last(supply.segments(first), first)
        if last is None:
            raise RestoreFault(
                f"archive: {supply.name} has nothing from {first} on, in which the backup {record.id} ends"
            )
        self._last = last

    @property
    def plan(self) -> dict[str, t.Any]:
        return {**super().plan, "timeline": self._history.timeline}

    def prepare(self, scratch: Scratch) -> tuple[int, str]:
        self._archive.follow(self._history, segments_of(scratch.directory))
        return self._history.timeline, self._last


def _command(path: str) -> str:
    """The server runs it by a shell, in its data directory; a percent sign of ours would mean something to it."""
    words = [sys.executable, "-I", os.path.abspath(sys.argv[0]), "fetch", path]
    return " ".join(shlex.quote(each) for each in words).replace("%", "%%") + " %f %p"


def segments_of(directory: str) -> list[str]:
    """Those that a data directory has itself."""
    return [name for name in os.listdir(os.path.join(directory, "pg_wal")) if wal.is_segment(name)]


def _segment_size(record: Record) -> int:
    return wal.checked_size(int(record.entry.get("wal_segment_size", wal.SEGMENT_SIZE)))


def choose(
    records: t.Sequence[Record], until: Until, source: Source, unsealing: Unsealing, identifier: str = ""
) -> Replay:
    """The newest good backup that ended before the target, or the one that is named, and what leads from it there."""
    try:
        return _chosen(records, until, source, unsealing, identifier)
    except (KeyError, TypeError, ValueError) as error:
        raise RestoreFault(f"an entry in the catalogue of {source.job!r} is not what it has to be: {error!r}") from None


def _chosen(records: t.Sequence[Record], until: Until, source: Source, unsealing: Unsealing, identifier: str) -> Replay:
    target = until.at(datetime.datetime.now(datetime.timezone.utc))
    if identifier:
        record = choose_named(records, source.job, identifier)
    else:
        point = _find_point(records, target, source, unsealing) if target.kind == "point" else None
        record = choose_before(records, source.job, target, point=point)
    if record.kind != "physical":
        raise DefinitionFault(f"until: {source.job!r} is a {record.kind} job, whose backups no WAL can be replayed on")
    return _Archived(_supply(source, record, unsealing), record, target)


def _supply(source: Source, record: Record, unsealing: Unsealing) -> Supply:
    if not source.archive:
        raise DefinitionFault("archive is missing: it has to be the job of the kind wal whose files are replayed")
    system = str(record.entry["system_identifier"])
    if not is_system_identifier(system):  # it becomes part of a path
        raise RestoreFault(f"the backup {record.id} is of no cluster: {system!r}")
    return Supply(
        wal_shelf(source.place, source.archive, system), unsealing, source.sandbox, f"{source.archive} ({system})"
    )


def _find_point(records: t.Sequence[Record], until: Until, source: Source, unsealing: Unsealing) -> int | None:
    """Where a restore point is that no job made; None for one that is in an entry. The newest of several."""
    if any(each.entry.get("restore_point") == until.name for each in records):
        return None
    good = physical(records)
    if not good:
        return None
    record = max(good, key=lambda each: (each.finished, each.id))
    supply, size = _supply(source, record, unsealing), _segment_size(record)
    system = record.entry["system_identifier"]
    least = min(_stop(each) for each in good if each.entry["system_identifier"] == system) // size * size
    history = _history(supply, record)
    following = b""
    for file in history.newest_first(supply.segments(wal.segment(1, least, size))):
        if wal.position(file, size) < least:
            break
        held = timelines.records_of(supply.collect(file))
        found = timelines.find_point(held + following, until.name)
        if found is not None:
            return wal.position(file, size) + timelines.offset_of(found)
        following = held[: timelines.RECORD_SIZE]
    raise RestoreFault(f"until: no restore point {until.name!r} is in the archive {supply.name}")


def _stop(record: Record) -> int:
    return wal.lsn(str(record.entry["stop_lsn"]))


def _history(supply: Supply, record: Record) -> timelines.History:
    timeline = int(record.entry["timeline"])
    return timelines.newest(timeline, _stop(record), supply.histories(), _segment_size(record))
