# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An archive of WAL in a directory: ``PLACE/JOB/SYSTEM_IDENTIFIER``, the files of one cluster.

A file is written under a name of its own, and gets its final one when it is on the disk; nothing is ever overwritten.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import typing as t

from ..faults import PlaceFault
from ..faults import VerificationFault
from ..places.directories import as_place_fault
from ..places.directories import is_left
from ..places.directories import locked
from ..places.directories import make
from ..places.directories import sync
from ..streams.pump import Carried
from ..streams.pump import carried
from ..streams.pump import write_all
from . import wal

__all__ = ["Archive", "Arriving", "archives", "is_directory", "is_system_identifier", "refuse_another"]

_PARTIAL = ".partial"
_SYSTEM = re.compile(r"[0-9]{1,20}")
_DIRECTORY = re.compile(r"[0-9A-F]{16}|history")


def is_system_identifier(text: str) -> bool:
    """Whether a cluster may be identified so."""
    return _SYSTEM.fullmatch(text) is not None


def is_directory(text: str) -> bool:
    """Whether a part of an archive may be called so."""
    return _DIRECTORY.fullmatch(text) is not None


def refuse_another(path: str, found: wal.Stored, plain: str) -> None:
    """Raise where an archive has a file with another content than this one."""
    if found.plain != plain:
        raise PlaceFault(
            f"{path} has a {found.file} already, whose content is another one: its SHA-256 is {found.plain},"
            f" not {plain}. Nothing is overwritten: do two clusters archive here, or was one restored?"
        )


def archives(path: str) -> list[Archive]:
    """Those of a job whose directory this is."""
    with as_place_fault(path):
        names = sorted(_listed(path))
    return [Archive(os.path.join(path, name)) for name in names if is_system_identifier(name)]


class Arriving:
    """A file that is on its way in. End it by ``commit`` or ``abandon``."""

    def __init__(self, archive: Archive, file: str, plain: str, suffix: str) -> None:
        self._archive = archive
        self._file, self._plain, self._suffix = file, plain, suffix
        self._path = os.path.join(archive.path, f".{file}-{secrets.token_hex(4)}{_PARTIAL}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self._path, flags, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: memoryview) -> None:
        """Take bytes."""
        with as_place_fault(self._path):
            write_all(self._descriptor, data)
        self._digest.update(data)
        self._size += len(data)

    def accept(self) -> Carried:
        """See it to the disk; returns what was written."""
        with as_place_fault(self._path):
            os.fsync(self._descriptor)
        return Carried(self._size, self._digest.hexdigest())

    def commit(self) -> None:
        """Give it its final name, unless somebody else brought the same; raises when that has another content."""
        stored = wal.Stored(self._file, self._plain, self._digest.hexdigest(), self._suffix)
        with as_place_fault(self._path), locked(self._archive.path):
            if not self._archive.has(self._file, self._plain):
                path = self._archive.file(stored)
                make(os.path.dirname(path))
                os.rename(self._path, path)
                sync(os.path.dirname(path))
        self.abandon()

    def abandon(self) -> None:
        """Take away what came in, if it has not got its final name."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -1


class Archive:
    """The WAL of one cluster. The directory is made when a file comes in."""

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def system_identifier(self) -> str:
        """Of the cluster."""
        return os.path.basename(self.path)

    def file(self, stored: wal.Stored) -> str:
        """Where a file is."""
        return os.path.join(self.path, wal.directory(stored.file), stored.name)

    def size(self, stored: wal.Stored) -> int:
        """Of a file, in bytes; 0 when it is gone."""
        status = self._status(stored)
        return status.st_size if status is not None else 0

    def newest(self) -> float:
        """When the newest file came in: seconds since 1970, 0 when there is none."""
        return max((status.st_mtime for status in map(self._status, self.files()) if status is not None), default=0)

    def _status(self, stored: wal.Stored) -> os.stat_result | None:
        with as_place_fault(self.path), contextlib.suppress(FileNotFoundError):
            return os.stat(self.file(stored))
        return None

    def directories(self) -> list[str]:
        """What it is divided into."""
        with as_place_fault(self.path):
            return sorted(name for name in _listed(self.path) if _DIRECTORY.fullmatch(name))

    def names(self, directory: str) -> list[wal.Stored]:
        """The files of one of its directories."""
        if not _DIRECTORY.fullmatch(directory):
            raise PlaceFault(f"{directory!r} is no directory of an archive")
        if not os.path.isdir(self.path):
            # Who reads must not take a wrong name, or a disk that is not mounted, for the end of the WAL.
            raise PlaceFault(f"{self.path} is not there: no WAL of that cluster was archived so")
        with as_place_fault(self.path):
            found = [wal.Stored.of(name) for name in sorted(_listed(os.path.join(self.path, directory)))]
        return [each for each in found if each is not None and wal.directory(each.file) == directory]

    def files(self) -> list[wal.Stored]:
        """All of them."""
        return [stored for directory in self.directories() for stored in self.names(directory)]

    def find(self, file: str) -> wal.Stored | None:
        """The file of that name."""
        if not wal.is_file(file):
            raise PlaceFault(f"{file!r} is no file of WAL")
        found = (each for each in self.names(wal.directory(file)) if each.file == file)
        return next(found, None)

    def has(self, file: str, plain: str) -> bool:
        """Whether it is there with that content; raises when it is there with another one."""
        found = self.find(file)
        if found is None:
            return False
        refuse_another(self.path, found, plain)
        return True

    def begin(self, file: str, plain: str, suffix: str) -> Arriving | None:
        """Let a file come in; None when it is there. What killed programs left is taken away."""
        if wal.Stored.of(wal.Stored(file, plain, "0" * 64, suffix).name) is None:
            raise PlaceFault(f"{file!r}, {plain!r} and {suffix!r} are not what a file of WAL is called by")
        directory = os.path.join(self.path, wal.directory(file))
        with as_place_fault(self.path):
            make(directory)
            with locked(self.path):
                self._sweep()
                if self.has(file, plain):
                    # Whoever brought it may have died before its name was on the disk.
                    sync(directory)
                    return None
                return Arriving(self, file, plain, suffix)

    def sweep(self) -> None:
        """Take away what killed programs left, where there is something."""
        with as_place_fault(self.path), contextlib.suppress(FileNotFoundError), locked(self.path):
            self._sweep()

    def _sweep(self) -> None:
        for name in os.listdir(self.path):
            if name.startswith(".") and name.endswith(_PARTIAL):
                path = os.path.join(self.path, name)
                with contextlib.suppress(FileNotFoundError):  # whoever brought it has just taken it away
                    if is_left(path):
                        os.unlink(path)

    def open(self, stored: wal.Stored) -> t.IO[bytes]:
        """Read a file."""
        with as_place_fault(self.path):
            return open(self.file(stored), "rb", buffering=0)

    def verify(self, stored: wal.Stored) -> None:
        """Read every byte of a file again; raises what is wrong with it."""
        path = self.file(stored)
        try:
            with open(path, "rb", buffering=0) as stream:
                found = carried(stream)
        except OSError as error:
            raise VerificationFault(f"{path}: {error.strerror}") from None
        if found.sha256 != stored.sealed:
            raise VerificationFault(
                f"{path} has {found.size} bytes and the checksum {found.sha256}, not the one that it was stored with"
            )

    def remove(self, files: t.Sequence[wal.Stored]) -> None:
        """Take files away, and directories that are empty afterwards."""
        if not files:
            return
        with as_place_fault(self.path), locked(self.path):
            for stored in files:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.file(stored))
            for directory in sorted({wal.directory(stored.file) for stored in files}):
                with contextlib.suppress(OSError):  # not empty
                    os.rmdir(os.path.join(self.path, directory))
            sync(self.path)


def _listed(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except (FileNotFoundError, NotADirectoryError):
        return []
