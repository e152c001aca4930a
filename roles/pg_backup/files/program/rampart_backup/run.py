# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a job, from its lock to its status."""

from __future__ import annotations

import datetime
import functools
import json
import os
import secrets
import socket
import typing as t

from . import logical
from . import telling
from .catalogue import Part
from .conclusion import Conclusion
from .conclusion import locked
from .definition import Directory
from .definition import Job
from .faults import Fault
from .faults import Incomplete
from .faults import SourceFault
from .line import Line
from .places import Deliveries
from .retention import decide
from .sealing import Sealing
from .server import Server
from .store import Store
from .unsealing import in_memory

if t.TYPE_CHECKING:
    from .pump import Sink
    from .server import About

__all__ = ["run"]

_COUNTS = "row-counts.json"


def run(job: Job) -> int:
    """Make a backup; returns the exit status. Whatever becomes of it is in the journal, the status and the metrics."""
    os.umask(0o077)
    with locked(job.state, job.name):
        conclusion = Conclusion(job.name, job.state, job.metrics, job.notify)
        started = _Run(job, conclusion.began)
        try:
            started.make()
        except Fault as fault:
            conclusion.fault = fault
        conclusion.values.update(started.values())
        return conclusion.tell()


class _Run:
    def __init__(self, job: Job, began: datetime.datetime) -> None:
        self._job = job
        self._server = Server(job.cluster)
        self._began = began
        self._identifier = f"{self._began:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self._parts: list[Part] = []
        self._missing: dict[str, str] = {}
        self._counts: dict[str, list[list[t.Any]]] = {}
        self._stored: list[str] = []
        self._failed: dict[str, str] = {}
        self._removed: list[str] = []

    def make(self) -> None:
        """All of it; raises what makes this run a failure, after whatever could be kept was kept."""
        about = self._server.about()
        logical.refuse_impossible(self._job, about)
        databases = logical.databases(self._job, self._server)
        with Sealing(self._job.encryption) as sealing:
            fingerprints = sealing.fingerprints()
            with Deliveries(self._job, self._identifier) as deliveries:
                self._collect(databases, sealing, deliveries)
                self._stored = deliveries.commit(self._entry(about, fingerprints))
                self._failed = {name: str(fault) for name, fault in deliveries.failed.items()}
                lost = next(iter(deliveries.failed.values()), None)
        if self._missing:
            raise Incomplete("; ".join(f"{name}: {why}" for name, why in sorted(self._missing.items())))
        if lost is not None:
            raise type(lost)("; ".join(f"{name}: {why}" for name, why in sorted(self._failed.items())))
        self._retain()

    def _collect(self, databases: t.Sequence[str], sealing: Sealing, deliveries: Deliveries) -> None:
        for what in ("roles", "tablespaces"):
            dump = functools.partial(logical.dump_globals, self._server, what, sealing)
            self._part(f"{what}.sql", None, sealing, deliveries, dump)
        faults = [fault for fault in (self._database(name, sealing, deliveries) for name in databases) if fault]
        if len(faults) == len(databases):
            raise faults[0]  # what is left is no backup
        if self._counts:
            text = json.dumps(self._counts, sort_keys=True, ensure_ascii=True).encode()
            self._part(_COUNTS, None, sealing, deliveries, functools.partial(_seal_text, text, sealing))

    def _database(self, name: str, sealing: Sealing, deliveries: Deliveries) -> Fault | None:
        """One that cannot be dumped must not keep the others from it; returns why it cannot."""
        dump = functools.partial(logical.dump_database, self._job, self._server, name, sealing)
        try:
            dumped = self._part(logical.part_name(name), name, sealing, deliveries, dump)
        except SourceFault as fault:
            self._missing[name] = str(fault)
            telling.log(f"the database {name} is not in this backup: {fault}", level="error", job=self._job.name)
            return fault
        if dumped.counts is not None:
            self._counts[name] = [list(each) for each in dumped.counts]
        return None

    def _part(
        self,
        name: str,
        database: str | None,
        sealing: Sealing,
        deliveries: Deliveries,
        dump: t.Callable[[list[Sink]], logical.Dumped],
    ) -> logical.Dumped:
        name += sealing.suffix
        parcel = deliveries.part(name)
        try:
            dumped = dump([parcel])
        except Fault:
            deliveries.drop()
            raise
        deliveries.accept(dumped.sealed)
        self._parts.append(
            Part(name, dumped.sealed.size, dumped.sealed.sha256, plain_size=dumped.plain.size, database=database)
        )
        return dumped

    def _entry(self, about: About, fingerprints: t.Sequence[str]) -> dict[str, t.Any]:
        job, finished = self._job, telling.now()
        return {
            "id": self._identifier,
            "job": job.name,
            "kind": job.kind,
            "host": socket.getfqdn(),
            "cluster": job.cluster.label,
            "server_version": about.version,
            "system_identifier": about.system_identifier,
            "bootstrap": about.bootstrap,
            "checksums": about.checksums,
            "timeline": about.timeline,
            "start_lsn": about.lsn,
            "stop_lsn": self._server.about().lsn,
            "started": telling.stamp(self._began),
            "finished": finished,
            "verified": "" if self._missing else finished,
            "complete": not self._missing,
            "missing": sorted(self._missing),
            "compression": {"method": job.compression.method, "level": job.compression.level},
            "encryption": {"method": job.encryption.method, "recipients": list(fingerprints)},
            "parts": [vars(part) for part in self._parts],
        }

    def _retain(self) -> None:
        """Where backups lie on this host, this program removes them; a vault does that itself."""
        for place in self._job.places:
            if isinstance(place, Directory):
                store = Store(os.path.join(place.path, self._job.name))
                for decision in decide(store.records(), self._job.retention):
                    if not decision.keep:
                        store.remove(decision.record, at=telling.now())
                        self._removed.append(decision.record.id)

    def values(self) -> dict[str, t.Any]:
        """What the status says of it."""
        return {
            "id": self._identifier if self._stored else "",
            "size": sum(part.size for part in self._parts) if self._stored else 0,
            "stored": self._stored,
            "failed": self._failed,
            "missing": self._missing,
            "removed": self._removed,
        }


def _seal_text(text: bytes, sealing: Sealing, sinks: t.Sequence[Sink]) -> logical.Dumped:
    with in_memory(text) as source, Line() as line:
        plain, sealed = sealing.seal(line, source, (), sinks)
        line.finish()
        return logical.Dumped(plain.result(), sealed.result())
