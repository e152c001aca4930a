# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restoring for practice: the newest good backup into a cluster that is thrown away, and what is asked there."""

from __future__ import annotations

import dataclasses
import functools
import os
import typing as t

from . import definition
from .archiving import until
from .archiving.replay import Source
from .archiving.replay import choose as choose_for_replay
from .archiving.repository_replay import choose as choose_from_repository
from .archiving.until import Until
from .clusters.restoring import Restoring
from .clusters.sandbox import Sandbox
from .clusters.scratch import Programs
from .clusters.scratch import Scratch
from .clusters.unpacking import FromRepository
from .clusters.unpacking import Unpacking
from .clusters.workplace import SOCKETS
from .clusters.workplace import workplace
from .conclusion import concluding
from .faults import DefinitionFault
from .faults import RestoreFault
from .faults import SourceFault
from .faults import VerificationFault
from .fields import Fields
from .places.repository import BackrestShelf
from .places.shelves import choose
from .places.shelves import shelf
from .sources import marker
from .streams.unsealing import Unsealing

if t.TYPE_CHECKING:
    from .archiving.replay import Replay
    from .places.catalogue import Record
    from .places.shelves import Shelf

__all__ = ["Check", "Drill", "parse", "read", "run"]


_HAS_AMCHECK = """
SELECT pg_catalog.to_json(EXISTS (SELECT FROM pg_catalog.pg_available_extensions AS e WHERE e.name = 'amcheck'))
"""
_AMCHECK = """
SET client_min_messages = error;
CREATE SCHEMA rampart_amcheck;
CREATE EXTENSION amcheck SCHEMA rampart_amcheck;
SELECT pg_catalog.count(rampart_amcheck.bt_index_check(i.indexrelid, heapallindexed => true))
FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am AS a ON a.oid = c.relam
WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence = 'p' AND i.indisvalid
"""


@dataclasses.dataclass(frozen=True)
class Check:
    """A query of the operator's. Its answer, lines of values with ``|`` between them, has to be ``expected``."""

    database: str
    query: str
    expected: str

    @classmethod
    def of(cls, fields: Fields) -> Check:
        """Read it."""
        return fields.close(
            cls(
                database=fields.text("database", "postgres"),
                query=fields.text("query"),
                expected=fields.text("expected", "t"),
            )
        )


@dataclasses.dataclass(frozen=True)
class Drill:
    """What is restored, from where, with which key.

    ``archive`` is the job whose WAL is replayed ``until`` a moment; without one the backup alone is restored.
    ``scratch`` is a directory with room for it, ``network`` whether the restored server may use the network.
    """

    name: str
    job: str
    place: definition.Place | definition.Repository
    identity: str
    bindir: str
    scratch: str
    network: bool
    settings: t.Mapping[str, str]
    checks: tuple[Check, ...]
    notify: definition.Notify
    state: str
    metrics: str
    archive: str = ""
    until: Until = Until("backup")

    def sandbox(self, *bindirs: str) -> Sandbox:
        """Where what is restored by programs in these directories runs."""
        keys = [self.identity, *definition.secrets(self.place)]
        keys += self.found.keys() if isinstance(self.found, BackrestShelf) else []
        return Sandbox(keys=keys, programs=bindirs, open_to_all=self.network)

    @functools.cached_property
    def found(self) -> Shelf:
        """The backups that it restores from."""
        if isinstance(self.place, definition.Repository):
            return BackrestShelf(self.place, self.job, self.verdicts)
        return shelf(self.place, self.job)

    @property
    def has_repository(self) -> bool:
        """Whether it is one of pgBackRest, which tells less of its backups."""
        return isinstance(self.place, definition.Repository)

    @property
    def verdicts(self) -> str:
        """The directory for what is found of backups that have no place for it."""
        return os.path.join(self.state, "verdicts", self.name)

    def replay(self, target: Until, identifier: str = "") -> Replay | None:
        """What is replayed to a target; None for a backup that needs no more than it has itself."""
        if isinstance(self.found, BackrestShelf):
            return choose_from_repository(self.found, self.job, target, self.sandbox(), identifier)
        if not target.replays or isinstance(self.place, definition.Repository):
            return None
        source = Source(self.place, self.job, self.archive, self.sandbox())
        return choose_for_replay(self.found.records(), target, source, Unsealing(self.identity), identifier)

    def unpacking(self, record: Record, *bindirs: str) -> Unpacking | FromRepository:
        """How a backup becomes a data directory, with programs in these directories."""
        if isinstance(self.found, BackrestShelf):
            return FromRepository(self.found, record, self.sandbox(*bindirs))
        return Unpacking(self.found, record, Unsealing(self.identity), self.sandbox(*bindirs))


def parse(text: str) -> Drill:
    """Read a definition; raises ``DefinitionFault`` that names the key, its value and what it may be."""
    fields = Fields.of_json(text)
    archive, target = fields.text("archive", ""), until.parse("until", fields.text("until", ""))
    place = definition.source(fields.inner("place"))
    if isinstance(place, definition.Repository):
        if archive:
            raise DefinitionFault(
                f"archive: {archive!r} does not go with a repository of pgBackRest, which has its own"
            )
    elif target.replays and not archive:
        raise DefinitionFault("archive is missing: until needs the job of the kind wal whose files are replayed")
    return fields.close(
        Drill(
            name=definition.checked_name("name", fields.text("name")),
            job=_job("job", fields.text("job")),
            archive=_job("archive", archive) if archive else "",
            until=target,
            place=place,
            identity=fields.text("identity", ""),
            bindir=fields.text("bindir", "/usr/lib/postgresql/{major}/bin"),
            scratch=fields.text("scratch"),
            network=fields.truth("network", False),
            settings=fields.mapping("settings"),
            checks=tuple(Check.of(each) for each in fields.inners("checks")),
            notify=definition.Notify.of(fields.inner("notify")),
            state=fields.text("state", "/var/lib/rampart-backup"),
            metrics=fields.text("metrics", ""),
        )
    )


def _job(key: str, text: str) -> str:
    """A job, or in a vault HOST/JOB."""
    return "/".join(definition.checked_name(key, each) for each in text.split("/"))


def read(path: str) -> Drill:
    """Read the definition in a file."""
    return definition.read_with(path, parse)


def run(drill: Drill) -> int:
    """Restore, ask, note it in the catalogue, and leave nothing; returns the exit status."""
    os.umask(0o077)
    with concluding(drill.name, drill.state, drill.metrics, drill.notify) as conclusion:
        with conclusion.judged():
            conclusion.values.update(_drilled(drill))
        return conclusion.tell()


def _drilled(drill: Drill) -> dict[str, t.Any]:
    found = drill.found
    replay = drill.replay(drill.until)
    record = choose(found.records(), drill.job) if replay is None else replay.record
    try:
        values = _restored(drill, record, replay)
    except VerificationFault as fault:
        found.note(fault.backup or record.id, "damaged", str(fault))
        raise
    found.note(record.id, "restored", f"by the drill {drill.name}")
    return {"id": record.id, **values}


def _restored(drill: Drill, record: Record, replay: Replay | None) -> dict[str, t.Any]:
    if record.kind == "logs":
        with workplace(drill.scratch) as directory:
            unpacking = Unpacking(drill.found, record, Unsealing(drill.identity), drill.sandbox())
            return {"logs": unpacking.unpack_logs(os.path.join(directory, "logs"))}
    bindir = Programs(drill.bindir).of(str(record.entry["server_version"]))
    with workplace(drill.scratch) as directory:
        data = os.path.join(directory, "data")
        settings = {"fsync": "off", "autovacuum": "off", **drill.settings}
        superuser = str(record.entry["bootstrap"])
        scratch = Scratch(
            bindir=bindir, directory=data, superuser=superuser, settings=settings, sandbox=drill.sandbox(bindir)
        )
        try:
            os.symlink(scratch.sockets, os.path.join(directory, SOCKETS))
            values = (
                _logical(drill, record, scratch)
                if record.kind == "logical"
                else _physical(drill, record, scratch, replay)
            )
        finally:
            scratch.remove()
    return {**values, "checks": len(drill.checks)}


def _logical(drill: Drill, record: Record, scratch: Scratch) -> dict[str, t.Any]:
    scratch.initialise(checksums=bool(record.entry["checksums"]))
    with scratch:
        restoring = Restoring(drill.found, record, Unsealing(drill.identity), scratch)
        restoring.restore()
        tables = restoring.compare_counts()
        _ask_all(drill, scratch)
    return {"tables": tables}


def _physical(drill: Drill, record: Record, scratch: Scratch, replay: Replay | None) -> dict[str, t.Any]:
    bindir = scratch.cluster.bindir
    drill.unpacking(record, bindir).unpack(scratch.directory, bindir=bindir)
    scratch.adopt()
    if replay is None:
        with scratch:
            values = {"marker": marker.check(scratch.server, record, past_end=False), **_examined(drill, scratch)}
    else:
        with replay.running(scratch) as reached:
            marked = marker.check(scratch.server, record, past_end=replay.is_past_end(reached["lsn"]))
            values = {**replay.plan, "reached": reached, "marker": marked, **_examined(drill, scratch)}
    checksums = scratch.has_checksums() if drill.has_repository else bool(record.entry["checksums"])
    if checksums:
        scratch.check_pages()
    return {**values, "pages": checksums}


def _examined(drill: Drill, scratch: Scratch) -> dict[str, t.Any]:
    indexes = sum(_check_indexes(scratch, name) for name in scratch.server.databases())
    _ask_all(drill, scratch)
    return {"indexes": indexes}


def _check_indexes(scratch: Scratch, database: str) -> int:
    """amcheck on every B-tree of a database, with what it indexes; returns how many, 0 where amcheck is not installed."""
    if not scratch.server.ask(_HAS_AMCHECK, database=database):
        return 0
    try:
        return int(scratch.server.answer(_AMCHECK, database=database))
    except SourceFault as fault:
        raise RestoreFault(f"{database}: {fault}") from None


def _ask_all(drill: Drill, scratch: Scratch) -> None:
    for check in drill.checks:
        _ask(scratch, check)


def _ask(scratch: Scratch, check: Check) -> None:
    try:
        answer = scratch.server.answer(check.query, database=check.database, ours=False)
    except SourceFault as fault:
        raise RestoreFault(f"{check.database}: {check.query!r}: {fault}") from None
    if answer != check.expected:
        raise RestoreFault(f"{check.database}: {check.query!r} gave {answer[:500]!r} instead of {check.expected!r}")
