# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replaying what pgBackRest has archived: a backup of its needs some of that in any case.

pgBackRest reads it outside the sandbox, with the network and the key, and the broker hands it to the server.
"""

from __future__ import annotations

import datetime
import os
import shutil
import typing as t

from ..faults import ArchiveFault
from ..faults import DefinitionFault
from ..faults import RestoreFault
from ..places.repository import beside
from ..places.shelves import choose as choose_named
from . import timelines
from . import wal
from .replay import Replay
from .replay import segments_of
from .until import choose as choose_before

if t.TYPE_CHECKING:
    from ..clusters.sandbox import Sandbox
    from ..clusters.scratch import Scratch
    from ..places.catalogue import Record
    from ..places.repository import BackrestShelf
    from ..streams.pump import Sink
    from .until import Until

__all__ = ["choose"]

_CHUNK = 2**20
_OF_CLUSTER = (os.path.join("global", "pg_control"), "backup_label")  # the first is not whole without the other


class _Supply:
    """The archive as one replay sees it: only what leads to its timeline."""

    def __init__(self, shelf: BackrestShelf, sandbox: Sandbox) -> None:
        self.name = shelf.name
        self._shelf = shelf
        self._sandbox = sandbox
        self._room = ""
        self._history: timelines.History | None = None
        self._had: set[str] = set()

    def enter(self, directory: str) -> None:
        """Take from a data directory, before a server runs there, what tells pgBackRest of which cluster it is."""
        self._room = beside(directory)
        os.makedirs(os.path.join(self._room, "global"), mode=0o700, exist_ok=True)
        for name in _OF_CLUSTER:
            source = os.path.join(directory, name)
            if not os.path.lexists(source):  # the label, when no server ran while it was backed up
                continue
            if os.path.realpath(source) != os.path.join(os.path.realpath(directory), name):
                raise RestoreFault(f"{source} leads out of the data directory")
            shutil.copyfile(source, os.path.join(self._room, name))
        self._had.update(segments_of(directory))

    def follow(self, history: timelines.History) -> None:
        """Give what belongs to a history."""
        self._history = history

    def had(self, file: str) -> bool:
        """Whether the server had a file to replay."""
        return file in self._had

    def give(self, file: str, sink: Sink) -> bool:
        """Whether the archive has it, with its bytes to the sink."""
        if not wal.is_file(file):
            raise ArchiveFault(f"the server asked for {file!r}, which is no file of WAL")
        if self._history is not None and wal.is_segment(file) and not self._history.has(file):
            return False
        path = self._fetched(file)
        if not path:
            return False
        with open(path, "rb", buffering=0) as stream:
            for data in iter(lambda: stream.read(_CHUNK), b""):
                sink.write(memoryview(data))
        os.unlink(path)
        self._had.add(file)
        return True

    def _fetched(self, file: str) -> str:
        path = os.path.join(self._room, "wal")
        return path if self._shelf.fetch(file, path, control=self._room, sandbox=self._sandbox) else ""

    def histories(self, first: int) -> dict[int, list[tuple[int, int]]]:
        """The ancestors of the timelines from one on, as PostgreSQL looks for them: until a number has none."""
        found: dict[int, list[tuple[int, int]]] = {}
        for timeline in range(max(first, 2), 2**32):
            file = f"{timeline:08X}.history"
            path = self._fetched(file)
            if not path:
                break
            with open(path, encoding="utf-8", errors="replace") as stream:
                text = stream.read()
            os.unlink(path)
            try:
                found[timeline] = timelines.parse(text)
            except ValueError as error:
                raise ArchiveFault(f"{file}: {error}") from None
        return found


class _Replay(Replay):
    def __init__(self, shelf: BackrestShelf, record: Record, until: Until, sandbox: Sandbox) -> None:
        supply = _Supply(shelf, sandbox)
        super().__init__(supply, record, until)
        self._shelf = shelf
        self._archive = supply

    def prepare(self, scratch: Scratch) -> tuple[int, str]:
        self._archive.enter(scratch.directory)
        timeline, stop = int(self.record.entry["timeline"]), wal.lsn(str(self.record.entry["stop_lsn"]))
        try:
            size = wal.checked_size(int(scratch.control().get("Bytes per WAL segment", "0")))
        except ValueError as error:
            raise RestoreFault(f"pg_control: {error}") from None
        history = timelines.newest(timeline, stop, self._archive.histories(timeline), size)
        self._archive.follow(history)
        last = self._shelf.newest_segment(str(self.record.entry["system_identifier"]))
        return history.timeline, last if last and history.has(last) else ""


def choose(shelf: BackrestShelf, job: str, until: Until, sandbox: Sandbox, identifier: str = "") -> Replay:
    """The newest good backup that ended before the target, or the one that is named."""
    target = until.at(datetime.datetime.now(datetime.timezone.utc))
    records = shelf.records()
    if identifier:
        record = choose_named(records, job, identifier)
    elif target.kind == "point" and not any(each.entry.get("restore_point") == target.name for each in records):
        raise DefinitionFault(
            f"until: {target.name!r} is the restore point of no job's backup, so nobody knows which one is before it: name that"
            " (--backup), or give a time"
        )
    else:
        record = choose_before(records, job, target)
    return _Replay(shelf, record, target, sandbox)
