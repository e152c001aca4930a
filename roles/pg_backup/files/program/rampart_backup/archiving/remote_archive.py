# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An archive of WAL where rclone reaches: ``REMOTE/JOB/SYSTEM_IDENTIFIER``, with the names of one in a directory.

Nothing is renamed there, as buckets cannot. A file is in memory, encrypted, until its name is known, and is sent under that; one
that a killed run sent in part is told by its name, which has its checksum, and is sent again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import typing as t

from ..places.remote import RemoteStore
from ..places.remote import refuse_readable
from ..streams.pump import Carried
from ..streams.pump import write_all
from . import wal
from .archive_store import is_directory
from .archive_store import refuse_another

if t.TYPE_CHECKING:
    from ..definition import Rclone

__all__ = ["RemoteArchive"]

_CHUNK = 2**20


class RemoteArchive:
    """The WAL of one cluster."""

    def __init__(self, place: Rclone, job: str, system_identifier: str) -> None:
        refuse_readable(place)
        self.store = RemoteStore(place, job)
        self._path = f"{self.store.path}/{system_identifier}"

    def file(self, stored: wal.Stored) -> str:
        """Where a file is."""
        return f"{self._path}/{wal.directory(stored.file)}/{stored.name}"

    def directories(self) -> list[str]:
        """What it is divided into."""
        return [name for name in self.store.names(self._path, directories=True) if is_directory(name)]

    def names(self, directory: str) -> list[wal.Stored]:
        """The files of one of its directories."""
        found = [wal.Stored.of(name) for name in self.store.names(f"{self._path}/{directory}")]
        return [each for each in found if each is not None and wal.directory(each.file) == directory]

    def open(self, stored: wal.Stored) -> contextlib.AbstractContextManager[t.IO[bytes]]:
        """Read a file as it is stored."""
        return self.store.reading(self.file(stored))

    def begin(self, file: str, plain: str, suffix: str) -> _Arriving | None:
        """Let a file come in; None when it is there, whole. Raises when it is there with another content."""
        found = next((each for each in self.names(wal.directory(file)) if each.file == file), None)
        if found is None:
            return _Arriving(self, file, plain, suffix)
        refuse_another(self._path, found, plain)
        path = self.file(found)
        if self.store.read_back(path).sha256 == found.sealed:
            return None
        self.store.delete(path)
        return _Arriving(self, file, plain, suffix)


class _Arriving:
    """A file that is on its way in. End it by ``commit`` or ``abandon``."""

    def __init__(self, archive: RemoteArchive, file: str, plain: str, suffix: str) -> None:
        self._archive = archive
        self._named = (file, plain, suffix)
        self._memory = os.memfd_create("rampart-backup")
        self._digest = hashlib.sha256()
        self._sent = ""

    def write(self, data: memoryview) -> None:
        """Take bytes."""
        write_all(self._memory, data)
        self._digest.update(data)

    def accept(self) -> Carried:
        """Send it; returns what is there."""
        file, plain, suffix = self._named
        self._sent = self._archive.file(wal.Stored(file, plain, self._digest.hexdigest(), suffix))
        store = self._archive.store
        upload = store.upload(self._sent, hashes := store.hashes())
        try:
            position = 0
            while data := os.pread(self._memory, _CHUNK, position):
                upload.write(memoryview(data))
                position += len(data)
            sent, digests = upload.finish()
        finally:
            upload.close()
        return store.arrived(self._sent, sent, {name: digests[name] for name in hashes})

    def commit(self) -> None:
        """It is what was sent, and has its name."""
        self._sent = ""
        self.abandon()

    def abandon(self) -> None:
        """Take away what is not whole. Does nothing after ``commit``."""
        if self._sent:
            self._archive.store.discard(self._sent)
        with contextlib.suppress(OSError):
            os.close(self._memory)
        self._sent, self._memory = "", -1
