# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives of WAL as they are read: in a directory, where rclone reaches, or in a vault whose key may read."""

from __future__ import annotations

import os
import typing as t

from ..definition import Directory
from ..definition import Rclone
from ..places.ssh import asked
from ..places.ssh import listed
from ..places.ssh import understood
from . import wal
from .archive_store import Archive
from .remote_archive import RemoteArchive

if t.TYPE_CHECKING:
    import contextlib

    from ..definition import Place
    from ..definition import Vault

__all__ = ["WalShelf", "wal_shelf"]


class WalShelf(t.Protocol):
    """The archive of one cluster in one place."""

    def directories(self) -> list[str]:
        """Its directories."""

    def names(self, directory: str) -> list[wal.Stored]:
        """All files of one of its directories (see ``wal.directory``), in the order of their names."""

    def open(self, stored: wal.Stored) -> contextlib.AbstractContextManager[t.IO[bytes]]:
        """The bytes as they are stored. Leaving the context without an error raises what the transfer failed with."""


class _VaultShelf:
    def __init__(self, place: Vault, job: str, system_identifier: str) -> None:
        self._place = place
        self._words = (job, system_identifier)

    def directories(self) -> list[str]:
        with understood(self._place.name):
            return [str(answer["directory"]) for answer in listed(self._place, "wal-list", *self._words)]

    def names(self, directory: str) -> list[wal.Stored]:
        with understood(self._place.name):
            answers = listed(self._place, "wal-list", *self._words, directory)
            found = [wal.Stored.of(str(answer["name"])) for answer in answers]
        return [each for each in found if each is not None]

    def open(self, stored: wal.Stored) -> contextlib.AbstractContextManager[t.IO[bytes]]:
        return asked(self._place, "wal-get", *self._words, stored.name)


def wal_shelf(place: Place, job: str, system_identifier: str) -> WalShelf:
    """The archive of a job (``HOST/JOB`` where a vault's key reads all hosts) and of a cluster."""
    if isinstance(place, Directory):
        return Archive(os.path.join(place.path, job, system_identifier))
    if isinstance(place, Rclone):
        return RemoteArchive(place, job, system_identifier)
    return _VaultShelf(place, job, system_identifier)
