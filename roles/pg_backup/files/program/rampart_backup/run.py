# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a job, from its lock to its status."""

from __future__ import annotations

import contextlib
import datetime
import os
import secrets
import socket
import typing as t

from . import telling
from .archiving import keeping
from .conclusion import concluding
from .definition import Job
from .faults import Ended
from .faults import Fault
from .faults import Incomplete
from .faults import SourceFault
from .faults import VerificationFault
from .places.catalogue import Part
from .places.deliveries import Deliveries
from .places.proofs import proofs
from .places.retention import decide
from .places.shelves import kept
from .sources import kinds
from .sources.server import Server
from .sources.source import Instead
from .sources.staging import Staging
from .streams.sealing import Sealing

if t.TYPE_CHECKING:
    from .sources.server import About
    from .sources.source import Source
    from .sources.source import Wanted

__all__ = ["run"]

_TOLD = ("full_because", "incremental_of", "left_out")  # what a source says for the catalogue and the status


def run(job: Job) -> int:
    """Make a backup; returns the exit status. Whatever becomes of it is in the journal, the status and the metrics."""
    os.umask(0o077)
    with concluding(job.name, job.state, job.metrics, job.notify) as conclusion:
        started = _Run(job, conclusion.began)
        with conclusion.judged():
            started.make()
        conclusion.values.update(started.values())
        if job.metrics and not isinstance(conclusion.fault, Ended):  # who ends a run does not wait for places
            conclusion.measures.update(proofs(job))
        return conclusion.tell()


class _Run:
    def __init__(self, job: Job, began: datetime.datetime) -> None:
        self._job = job
        self._server = Server(job.cluster)
        self._began = began
        self._identifier = f"{self._began:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self._parts: list[Part] = []
        self._missing: dict[str, str] = {}
        self._stored: list[str] = []
        self._failed: dict[str, str] = {}
        self._removed: list[str] = []
        self._told: dict[str, t.Any] = {}

    def make(self) -> None:
        """All of it; raises what makes this run a failure, after whatever could be kept was kept."""
        Staging(self._job.staging, self._job.name).sweep()
        about = self._server.about()
        source = kinds.source(self._job, self._server, about, self._identifier)
        source.refuse_impossible()
        if source.nothing_new():
            self._told = {"nothing_new": True}
            self._retain()
            return
        with contextlib.closing(source), Sealing(self._job.encryption) as sealing:
            fingerprints = sealing.fingerprints()
            with Deliveries() as deliveries:
                deliveries.open_all(self._job, self._identifier)
                self._collect(source, sealing, deliveries)
                facts = source.facts()
                self._told = {name: facts[name] for name in _TOLD if name in facts}
                self._stored = deliveries.commit(self._entry(about, facts, fingerprints))
                self._failed = {name: str(fault) for name, fault in deliveries.failed.items()}
            if not self._failed and not self._missing:
                source.stored()
        if self._missing:
            raise Incomplete("; ".join(f"{name}: {why}" for name, why in sorted(self._missing.items())))
        deliveries.refuse_failed()
        self._retain()

    def _collect(self, source: Source, sealing: Sealing, deliveries: Deliveries) -> None:
        """A database that cannot be dumped must not keep the others from it; without any there is no backup."""
        faults: list[Fault] = []
        for wanted in source.parts():
            try:
                self._part(wanted, sealing, deliveries)
            except Instead as fault:
                telling.log(str(fault), level="warning", job=self._job.name)
            except (SourceFault, VerificationFault) as fault:
                if wanted.database is None or not deliveries.open:
                    raise
                faults.append(fault)
                self._missing[wanted.database] = str(fault)
                telling.log(f"{wanted.database} is not in this backup: {fault}", level="error", job=self._job.name)
        if faults and not any(part.database for part in self._parts):
            raise faults[0]

    def _part(self, wanted: Wanted, sealing: Sealing, deliveries: Deliveries) -> None:
        name = wanted.name + sealing.suffix
        parcel = deliveries.part(name)
        try:
            dumped = wanted.make(sealing, [parcel])
        except Fault:
            deliveries.drop()
            raise
        deliveries.accept(dumped.sealed)
        sealed = dumped.sealed
        self._parts.append(
            Part(name, sealed.size, sealed.sha256, plain_size=dumped.plain.size, database=wanted.database)
        )

    def _entry(self, about: About, facts: t.Mapping[str, t.Any], fingerprints: t.Sequence[str]) -> dict[str, t.Any]:
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
            **facts,
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
        """Where this host looks after backups, this program removes them; a vault does that itself."""
        for store in kept(self._job, removing=True):
            for decision in decide(store.records(), self._job.retention):
                if not decision.keep:
                    store.remove(decision.record, at=telling.now())
                    self._removed.append(decision.record.id)
        keeping.retain(self._job)

    def values(self) -> dict[str, t.Any]:
        """What the status says of it."""
        return {
            "id": self._identifier if self._stored else "",
            "size": sum(part.size for part in self._parts) if self._stored else 0,
            "stored": self._stored,
            "failed": self._failed,
            "missing": self._missing,
            "removed": self._removed,
            **self._told,
        }
