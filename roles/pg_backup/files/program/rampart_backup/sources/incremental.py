# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chains of base backups: what the next one may be built upon, whose manifest is kept in the state of the job.

A manifest has names, sizes and checksums of files, and nothing of what is in them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import typing as t

from .. import telling
from ..faults import DefinitionFault
from ..faults import Fault
from ..places.shelves import shelf

if t.TYPE_CHECKING:
    from ..definition import Job
    from .server import About
    from .server import Server

__all__ = ["Link", "Manifests", "absent", "refuse_impossible", "unfit"]

_SUFFIX = ".manifest"
_SINCE = 170000  # PostgreSQL 17 release notes: pg_basebackup --incremental
_SUMMARIZE = """
SELECT pg_catalog.json_build_object('on', pg_catalog.current_setting('summarize_wal', true) = 'on')
"""


@dataclasses.dataclass(frozen=True)
class Link:
    """A backup to build upon. ``chain``: itself, and before it all that it needs, the full one first."""

    id: str
    chain: tuple[str, ...]
    system_identifier: str
    timeline: int
    checksums: bool
    keys: tuple[str, ...]  # to whom it is encrypted

    @classmethod
    def of(cls, values: t.Mapping[str, t.Any]) -> Link | None:
        """Read it; None when it is none."""
        try:
            return cls(
                id=str(values["id"]),
                chain=tuple(str(each) for each in values["chain"]),
                system_identifier=str(values["system_identifier"]),
                timeline=int(values["timeline"]),
                checksums=bool(values["checksums"]),
                keys=tuple(str(each) for each in values["keys"]),
            )
        except (KeyError, TypeError, ValueError):
            return None


def unfit(link: Link | None, about: About, job: Job) -> str:
    """Why the next backup cannot be built upon that one; empty when it can."""
    if link is None:
        return "there is no manifest of a backup before it"
    if len(link.chain) >= job.physical.full_every:
        return f"the chain has {len(link.chain)} backups (full_every)"
    if link.system_identifier != about.system_identifier:
        return "the backup before it is of another cluster"
    if link.timeline != about.timeline:
        return f"the backup before it is of the timeline {link.timeline}, and the server is on {about.timeline}"
    if link.checksums != about.checksums:
        return "page checksums were switched since the backup before it"
    if link.keys != job.encryption.recipients:
        return "the recipients are others than those of the backup before it"  # no chain takes two keys to be read
    return ""


def absent(job: Job, link: Link) -> str:
    """Why a chain cannot be used as some place has not all of it any more; empty when all have."""
    for place in job.places:
        try:
            good = {record.id for record in shelf(place, job.name).records() if record.good}
        except Fault as fault:
            return f"{place.name} does not say what it has: {fault}"
        lost = [each for each in link.chain if each not in good]
        if lost:
            return f"{place.name} has no good backup {lost[0]} any more"
    return ""


def refuse_impossible(server: Server, about: About) -> None:
    """Raise where the version or the server's configuration has no incremental backups."""
    if about.number < _SINCE:
        raise DefinitionFault(
            f"physical.incremental: PostgreSQL {about.version} makes full backups only, incremental ones came with 17"
        )
    if not server.ask(_SUMMARIZE)["on"]:
        raise DefinitionFault(
            "physical.incremental: the server has summarize_wal = off, so that nobody knows what changed: switch it on"
        )


class Manifests:
    """The manifest of the last backup that all places took, and the one of the backup that is being made."""

    def __init__(self, job: Job, identifier: str) -> None:
        self._directory = os.path.join(job.state, "incremental", job.name)
        self._identifier = identifier

    @property
    def _description(self) -> str:
        return os.path.join(self._directory, "last.json")

    def path(self, identifier: str) -> str:
        """Where the manifest of a backup is."""
        return os.path.join(self._directory, f"{identifier}{_SUFFIX}")

    def last(self) -> Link | None:
        """The last one, if its manifest is here."""
        link = Link.of(telling.read_json(self._description))
        return link if link is not None and os.path.exists(self.path(link.id)) else None

    def begin(self) -> t.IO[bytes]:
        """A file for the manifest of this backup."""
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        return open(self.path(self._identifier), "wb", buffering=0)

    def keep(self, link: Link) -> None:
        """This backup is what the next one is built upon; manifests of others go."""
        with open(self.path(link.id), "rb") as stream:
            os.fsync(stream.fileno())
        telling.replace(self._description, json.dumps(dataclasses.asdict(link)) + "\n", mode=0o600)
        self._sweep(link)

    def abandon(self) -> None:
        """Of a run that came to nothing, or was killed, no manifest stays."""
        self._sweep(Link.of(telling.read_json(self._description)))

    def _sweep(self, kept: Link | None) -> None:
        names: list[str] = []
        with contextlib.suppress(OSError):
            names = os.listdir(self._directory)
        keep = os.path.basename(self.path(kept.id)) if kept else ""
        for name in names:
            if name.endswith(_SUFFIX) and name != keep:
                os.unlink(os.path.join(self._directory, name))
