# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of the archives of WAL in one directory of backups: what no backup needs goes, what is missing is told.

The backups and the archives are those below one root: a directory of this host, or that of a host in a vault.
"""

from __future__ import annotations

import os
import typing as t

from ..definition import NAME
from ..definition import Directory
from ..faults import VerificationFault
from ..places.directories import as_place_fault
from ..places.store import Store
from . import wal_chain
from .archive_store import Archive
from .archive_store import archives

if t.TYPE_CHECKING:
    from ..definition import Job
    from .wal import Stored

__all__ = ["Keeping", "everything", "keepings", "of", "retain", "verify"]


class Keeping(t.NamedTuple):
    """One archive and what its root says of it. ``size`` of a segment in bytes, 0 where that is not known."""

    archive: Archive
    superfluous: list[Stored]
    size: int
    backups: int

    def remove(self) -> None:
        """Let go what no backup needs."""
        self.archive.remove(self.superfluous)

    def gaps(self, size: int = 0) -> list[str]:
        """What is missing between the files that stay. Somebody may be adding some, so it is looked at twice."""
        size = size or self.size
        if not size:
            return []
        found = self._gaps(size)
        return [each for each in self._gaps(size) if each in found] if found else []

    def _gaps(self, size: int) -> list[str]:
        gone = set(self.superfluous)
        return wal_chain.gaps((each for each in self.archive.files() if each not in gone), size)

    def shown(self) -> dict[str, t.Any]:
        """For a person: what goes, in short."""
        gone = self.superfluous
        return {
            "place": self.archive.path,
            "backups": self.backups,
            "removes": len(gone),
            "first": gone[0].file if gone else "",
            "last": gone[-1].file if gone else "",
            "why": "before the oldest physical backup" if gone else "all of it is needed",
        }


def keepings(root: str, without: t.Collection[str] = ()) -> list[Keeping]:
    """Judge all archives below; ``without`` are identifiers of backups that are as good as gone."""
    jobs = _jobs(root)
    found = [archive for job in jobs for archive in archives(job)]
    if not found:
        return []
    records = [each for job in jobs for each in Store(job).records() if each.id not in without]
    judged = []
    for archive in found:
        backups = wal_chain.bases(records, archive.system_identifier)
        gone = wal_chain.superfluous(archive.files(), backups)
        judged.append(Keeping(archive, gone, wal_chain.segment_size(backups), len(backups)))
    return judged


def retain(job: Job, without: t.Collection[str] = (), *, dry_run: bool = False) -> list[Keeping]:
    """Let go what no backup needs, beside the backups of a job in directories of this host; returns all archives there."""
    found = [each for root in _roots(job) for each in keepings(root, without)]
    for each in found:
        if not dry_run:
            each.remove()
    return found


def of(job: Job) -> list[Archive]:
    """The archives of a job in directories of this host."""
    return [archive for root in _roots(job) for archive in archives(os.path.join(root, job.name))]


def _roots(job: Job) -> list[str]:
    return [place.path for place in job.places if isinstance(place, Directory)]


def _jobs(root: str) -> list[str]:
    with as_place_fault(root):
        try:
            names = sorted(name for name in os.listdir(root) if NAME.fullmatch(name))
        except FileNotFoundError:
            return []
    return [path for path in (os.path.join(root, name) for name in names) if os.path.isdir(path) and _may_be_ours(path)]


def _may_be_ours(path: str) -> bool:
    """Whether it could be a job's: others may keep something beside them that is not for us to read."""
    return os.access(path, os.R_OK | os.X_OK) or os.stat(path).st_uid == os.geteuid()


def verify(archive: Archive) -> list[str]:
    """Read every byte of every file again; returns what is wrong."""
    wrong = []
    for stored in archive.files():
        try:
            archive.verify(stored)
        except VerificationFault as fault:
            # Retention may have taken it away meanwhile.
            if os.path.lexists(archive.file(stored)):
                wrong.append(str(fault))
    return wrong


def everything(archive: Archive) -> dict[str, t.Any]:
    """An archive in short, for a person."""
    files = archive.files()
    segments = sorted((each.file for each in files if not each.file.endswith(".history")), key=lambda file: file[8:])
    return {
        "archive": archive.path,
        "system_identifier": archive.system_identifier,
        "files": len(files),
        "bytes": sum(archive.size(each) for each in files),
        "first": segments[0] if segments else "",
        "last": segments[-1] if segments else "",
    }
