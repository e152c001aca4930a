# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives of WAL as they are read: in a directory, where rclone reaches, or in a vault whose key may read."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..definition import Directory
from ..definition import Rclone
from ..faults import PlaceFault
from ..places import wire
from ..places.deliveries import ssh_words
from ..streams.process import Child
from . import wal
from .archive_store import Archive
from .remote_archive import RemoteArchive

if t.TYPE_CHECKING:
    from ..definition import Place
    from ..definition import Vault

__all__ = ["WalShelf", "wal_shelf"]


class WalShelf(t.Protocol):
    """The archive of one cluster in one place."""

    def find(self, file: str) -> wal.Stored | None:
        """The file of that name (of a segment, or of a history), None when it is really not there."""

    def directories(self) -> list[str]:
        """Its directories."""

    def names(self, directory: str) -> list[wal.Stored]:
        """All files of one of its directories (see ``wal.directory``), in the order of their names."""

    def open(self, stored: wal.Stored) -> contextlib.AbstractContextManager[t.IO[bytes]]:
        """The bytes as they are stored. Leaving the context without an error raises what the transfer failed with."""


class _VaultShelf:
    """Remembers what it was told of a directory, as a replay asks for one file of it after the other."""

    def __init__(self, place: Vault, job: str, system_identifier: str) -> None:
        self._place = place
        self._words = (job, system_identifier)
        self._known: dict[str, list[wal.Stored]] = {}

    @contextlib.contextmanager
    def _asked(self, *words: str) -> t.Iterator[t.IO[bytes]]:
        child = Child(ssh_words(self._place, *words), what=f"ssh to {self._place.name}", fault=PlaceFault, writes=True)
        try:
            yield child.stdout
            child.finish()
        finally:
            child.close()

    def directories(self) -> list[str]:
        return [str(answer["directory"]) for answer in self._listed()]

    def _listed(self, *words: str) -> list[dict[str, t.Any]]:
        with self._asked("wal-list", *self._words, *words) as stream:
            answers = [wire.read_answer(line) for line in stream]
        if not answers or "end" not in answers.pop():
            raise PlaceFault(f"the list of {self._place.name} was cut off")
        return answers

    def names(self, directory: str) -> list[wal.Stored]:
        answers = self._listed(directory)
        found = [wal.Stored.of(str(answer["name"])) for answer in answers]
        self._known[directory] = [each for each in found if each is not None]
        return self._known[directory]

    def find(self, file: str) -> wal.Stored | None:
        directory = wal.directory(file)
        return _named(self._known.get(directory, ()), file) or _named(self.names(directory), file)

    def open(self, stored: wal.Stored) -> contextlib.AbstractContextManager[t.IO[bytes]]:
        return self._asked("wal-get", *self._words, stored.name)


def _named(files: t.Iterable[wal.Stored], file: str) -> wal.Stored | None:
    return next((each for each in files if each.file == file), None)


def wal_shelf(place: Place, job: str, system_identifier: str) -> WalShelf:
    """The archive of a job (``HOST/JOB`` where a vault's key reads all hosts) and of a cluster."""
    if isinstance(place, Directory):
        return Archive(os.path.join(place.path, job, system_identifier))
    if isinstance(place, Rclone):
        return RemoteArchive(place, job, system_identifier)
    return _VaultShelf(place, job, system_identifier)
