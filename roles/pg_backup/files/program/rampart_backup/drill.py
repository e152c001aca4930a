# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restoring for practice: the newest good backup into a cluster that is thrown away, and what is asked there."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import typing as t

from . import definition
from . import marker
from .conclusion import Conclusion
from .conclusion import locked
from .faults import DefinitionFault
from .faults import RestoreFault
from .faults import SourceFault
from .faults import VerificationFault
from .fields import Fields
from .restoring import Restoring
from .sandbox import Sandbox
from .scratch import Programs
from .scratch import Scratch
from .shelves import choose
from .shelves import shelf
from .unpacking import Unpacking
from .unsealing import Unsealing

if t.TYPE_CHECKING:
    from .catalogue import Record

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

    ``scratch`` is a directory with room for it, ``network`` whether the restored server may use the network.
    """

    name: str
    job: str
    place: definition.Place
    identity: str
    bindir: str
    scratch: str
    network: bool
    settings: t.Mapping[str, str]
    checks: tuple[Check, ...]
    notify: definition.Notify
    state: str
    metrics: str

    def sandbox(self, bindir: str) -> Sandbox:
        """Where what is restored by programs in ``bindir`` runs."""
        keys = [self.identity, self.place.key if isinstance(self.place, definition.Vault) else ""]
        return Sandbox(keys=keys, programs=[bindir] if bindir else [], open_to_all=self.network)


def parse(text: str) -> Drill:
    """Read a definition; raises ``DefinitionFault`` that names the key, its value and what it may be."""
    fields = Fields.of_json(text)
    return fields.close(
        Drill(
            name=definition.checked_name("name", fields.text("name")),
            job="/".join(definition.checked_name("job", each) for each in fields.text("job").split("/")),
            place=definition.place(fields.inner("place")),
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


def read(path: str) -> Drill:
    """Read the definition in a file."""
    return definition.read_with(path, parse)


def run(drill: Drill) -> int:
    """Restore, ask, note it in the catalogue, and leave nothing; returns the exit status."""
    os.umask(0o077)
    with locked(drill.state, drill.name):
        conclusion = Conclusion(drill.name, drill.state, drill.metrics, drill.notify)
        with conclusion.judged():
            conclusion.values.update(_drilled(drill))
        return conclusion.tell()


def _drilled(drill: Drill) -> dict[str, t.Any]:
    found = shelf(drill.place, drill.job)
    record = choose(found.records(), drill.job)
    try:
        values = _restored(drill, record)
    except VerificationFault as fault:
        found.note(fault.backup or record.id, "damaged", str(fault))
        raise
    found.note(record.id, "restored", f"by the drill {drill.name}")
    return {"id": record.id, **values}


def _restored(drill: Drill, record: Record) -> dict[str, t.Any]:
    if record.kind == "logs":
        with _holder(drill) as directory:
            unpacking = Unpacking(shelf(drill.place, drill.job), record, Unsealing(drill.identity), drill.sandbox(""))
            return {"logs": unpacking.unpack_logs(os.path.join(directory, "logs"))}
    bindir = Programs(drill.bindir).of(str(record.entry["server_version"]))
    with _holder(drill) as directory:
        data = os.path.join(directory, "data")
        settings = {"fsync": "off", "autovacuum": "off", **drill.settings}
        superuser = str(record.entry["bootstrap"])
        scratch = Scratch(
            bindir=bindir, directory=data, superuser=superuser, settings=settings, sandbox=drill.sandbox(bindir)
        )
        try:
            values = _RESTORE[record.kind](drill, record, scratch, bindir)
        finally:
            scratch.remove()
    return {**values, "checks": len(drill.checks)}


def _holder(drill: Drill) -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="drill-", dir=drill.scratch)
    except OSError as error:
        raise DefinitionFault(f"scratch: {drill.scratch}: {error.strerror}") from None


def _logical(drill: Drill, record: Record, scratch: Scratch, _bindir: str) -> dict[str, t.Any]:
    scratch.initialise(checksums=bool(record.entry["checksums"]))
    with scratch:
        restoring = Restoring(shelf(drill.place, drill.job), record, Unsealing(drill.identity), scratch)
        restoring.restore()
        tables = restoring.compare_counts()
        _ask_all(drill, scratch)
    return {"tables": tables}


def _physical(drill: Drill, record: Record, scratch: Scratch, bindir: str) -> dict[str, t.Any]:
    sandbox = drill.sandbox(bindir)
    unpacking = Unpacking(shelf(drill.place, drill.job), record, Unsealing(drill.identity), sandbox)
    unpacking.unpack(scratch.directory, bindir=bindir)
    scratch.adopt()
    with scratch:
        marked = marker.check(scratch.server, record, past_end=False)
        indexes = sum(_check_indexes(scratch, name) for name in scratch.server.databases())
        _ask_all(drill, scratch)
    if record.entry["checksums"]:
        scratch.check_pages()
    return {"indexes": indexes, "pages": bool(record.entry["checksums"]), "marker": marked}


_RESTORE: t.Final = {"logical": _logical, "physical": _physical}


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
