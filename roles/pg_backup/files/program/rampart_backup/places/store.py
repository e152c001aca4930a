# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups in a directory: written under a name of their own, and renamed when whole; nothing is ever overwritten."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import typing as t

from .. import telling
from ..faults import PlaceFault
from ..faults import VerificationFault
from ..streams.pump import Carried
from ..streams.pump import carried
from ..streams.pump import write_all
from . import catalogue
from .directories import as_place_fault
from .directories import is_left
from .directories import locked
from .directories import make
from .directories import sync

__all__ = ["ENTRY", "Incoming", "Store", "is_identifier", "is_part"]

ENTRY: t.Final = "backup.json"
_PARTIAL = ".partial"
_IDENTIFIER = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.%~-]{0,240}")
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def is_identifier(text: str) -> bool:
    """Whether a backup may be called so."""
    return _IDENTIFIER.fullmatch(text) is not None


def is_part(text: str) -> bool:
    """Whether a part may be called so."""
    return _PART.fullmatch(text) is not None and text != ENTRY


class _File:
    """A part that is being written."""

    def __init__(self, directory: str, name: str) -> None:
        self._path = os.path.join(directory, name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self._path, flags, 0o600)
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: memoryview) -> None:
        """Take bytes."""
        write_all(self._descriptor, data)
        self._digest.update(data)
        self._size += len(data)

    def accept(self) -> Carried:
        """See it to the disk; returns what was written."""
        os.fsync(self._descriptor)
        os.close(self._descriptor)
        return Carried(self._size, self._digest.hexdigest())

    def drop(self) -> None:
        """It is not whole: take it away."""
        os.close(self._descriptor)
        os.unlink(self._path)


class Incoming:
    """A backup that is on its way in. End it by ``commit`` or ``abandon``."""

    def __init__(self, store: Store, identifier: str) -> None:
        self._store = store
        self.identifier = identifier
        self._path = os.path.join(store.path, f".{identifier}{_PARTIAL}")
        self._accepted: dict[str, Carried] = {}
        with as_place_fault(store.path):
            if os.path.lexists(store.backup(identifier)):
                raise PlaceFault(f"{store.path} has a backup {identifier} already")
            os.mkdir(self._path, 0o700)
            self._lock = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def part(self, name: str) -> _File:
        """Begin a part."""
        if not is_part(name):
            raise PlaceFault(f"{name!r} is no name for a part of a backup")
        with as_place_fault(self._path):
            return _File(self._path, name)

    def accept(self, name: str, part: _File) -> Carried:
        """The part is whole."""
        with as_place_fault(self._path):
            carried = self._accepted[name] = part.accept()
        return carried

    def commit(self, entry: t.Mapping[str, t.Any], *, arrived: str = "") -> None:
        """Give the backup its final name; raises unless the entry names just the parts that are here.

        ``arrived`` is the moment that retention counts, where it is not the present one.
        """
        record = _record(entry)
        if record.id != self.identifier:
            raise PlaceFault(f"the entry is of {record.id}, not of {self.identifier}")
        if not _STAMP.fullmatch(record.finished) or not record.parts:
            raise PlaceFault("the entry says not when it was made, or names no parts")
        named = {part.name: Carried(part.size, part.sha256) for part in record.parts}
        if named != self._accepted:
            raise VerificationFault(f"{self._store.path}: {_difference(named, self._accepted)}")
        with as_place_fault(self._path):
            self._write_entry(entry)
            os.fsync(self._lock)
            self._store.keep(self._path, entry, at=arrived or telling.now())
            self._unlock()

    def _unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _write_entry(self, entry: t.Mapping[str, t.Any]) -> None:
        file = _File(self._path, ENTRY)
        file.write(memoryview(json.dumps(entry, sort_keys=True, indent=1).encode() + b"\n"))
        file.accept()

    def abandon(self) -> None:
        """Take away what came in."""
        shutil.rmtree(self._path, ignore_errors=True)
        self._unlock()


class Store:
    """The backups of one job in one directory, which is made when it is missing."""

    def __init__(self, path: str) -> None:
        self.path = path

    def prepare(self) -> None:
        """Make the directory, and take away what killed runs left."""
        self.make()
        self.sweep()

    def make(self) -> None:
        """Make the directory."""
        with as_place_fault(self.path):
            make(self.path)

    def sweep(self) -> None:
        """Take away what killed runs left, where there is something."""
        with as_place_fault(self.path), contextlib.suppress(FileNotFoundError), locked(self.path):
            self._sweep()
            self._recover()

    def _sweep(self) -> None:
        names = (name for name in os.listdir(self.path) if name.startswith(".") and name.endswith(_PARTIAL))
        left = [name for name in names if is_left(os.path.join(self.path, name))]
        present = {each.id for each in catalogue.fold(catalogue.read(self.path)) if not each.removed} if left else set()
        for name in left:
            # What was whole once was being removed.
            for identifier in {name[1 : -len(_PARTIAL)]} & present - self._there():
                catalogue.append(self.path, _removed(identifier, at=telling.now()))
            shutil.rmtree(os.path.join(self.path, name), ignore_errors=True)

    def _recover(self) -> None:
        """Take into the catalogue what a run that was killed had made, before anything newer comes."""
        for event in self._lost(catalogue.fold(catalogue.read(self.path))):
            catalogue.append(self.path, event)

    def _lost(self, known: t.Iterable[catalogue.Record]) -> list[catalogue.Event]:
        names = sorted(self._there() - {each.id for each in known})
        found = [(name, self._entry(name)) for name in names]
        return [
            {"event": "made", "backup": entry, "at": self._named_at(name)} for name, entry in found if entry is not None
        ]

    def _named_at(self, identifier: str) -> str:
        """When it was whole, by this host's clock and not by what its entry says."""
        return telling.stamp_of(os.stat(self.backup(identifier)).st_mtime)

    def _there(self) -> set[str]:
        """Names of the backups that are here."""
        return {name for name in os.listdir(self.path) if is_identifier(name)}

    def backup(self, identifier: str) -> str:
        """Where a backup is."""
        if not is_identifier(identifier):
            raise PlaceFault(f"{identifier!r} is no name of a backup")
        return os.path.join(self.path, identifier)

    def begin(self, identifier: str) -> Incoming:
        """Let a backup come in. A sweep must not find it before it is locked."""
        with as_place_fault(self.path), locked(self.path):
            return Incoming(self, identifier)

    def keep(self, path: str, entry: t.Mapping[str, t.Any], *, at: str) -> None:
        """Give a whole backup its name, and note it before anybody else finds it: the moment is that of this host's clock."""
        with locked(self.path):
            os.rename(path, self.backup(str(entry["id"])))
            sync(self.path)
            catalogue.append(self.path, {"event": "made", "backup": dict(entry), "at": at})

    def add(self, event: catalogue.Event) -> None:
        """Note in the catalogue what happened."""
        with as_place_fault(self.path), locked(self.path):
            catalogue.append(self.path, event)

    def records(self) -> list[catalogue.Record]:
        """All backups that are or were here; one that the catalogue lost is found in its own directory.

        One of the catalogue that is gone without having been removed is damaged.
        """
        with as_place_fault(self.path):
            if not os.path.isdir(self.path) and os.path.isdir(os.path.dirname(self.path)):
                return []  # of a job that has not run yet
            with locked(self.path):
                events = catalogue.read(self.path)
                found = catalogue.fold(events)
                lost = self._lost(found)
                there = self._there()
        gone = [
            {"event": "damaged", "id": each.id, "what": "its directory is gone"}
            for each in found
            if not each.removed and each.id not in there
        ]
        return catalogue.fold([*events, *lost, *gone]) if lost or gone else found

    def _entry(self, identifier: str) -> dict[str, t.Any] | None:
        try:
            with open(os.path.join(self.backup(identifier), ENTRY), encoding="utf-8") as stream:
                entry = json.load(stream)
            return entry if isinstance(entry, dict) and entry.get("id") == identifier else None
        except (OSError, ValueError, RecursionError):
            return None

    def open(self, identifier: str, part: str) -> t.IO[bytes]:
        """Read a part of a backup, or its entry."""
        if part != ENTRY and not is_part(part):
            raise PlaceFault(f"{part!r} is no name for a part of a backup")
        with as_place_fault(self.path):
            return open(os.path.join(self.backup(identifier), part), "rb")

    def verify(self, record: catalogue.Record) -> None:
        """Read every byte of a backup again; raises what is wrong with it."""
        directory = self.backup(record.id)
        if self._entry(record.id) != record.entry:
            raise VerificationFault(f"{directory}/{ENTRY} is missing, or is not what the catalogue says")
        for part in record.parts:
            path = os.path.join(directory, part.name)
            try:
                with open(path, "rb", buffering=0) as stream:
                    found = carried(stream)
            except OSError as error:
                raise VerificationFault(f"{path}: {error.strerror}") from None
            if found != Carried(part.size, part.sha256):
                raise VerificationFault(
                    f"{path} has {found.size} bytes and the checksum {found.sha256}, not those it was stored with"
                )

    def remove(self, record: catalogue.Record, *, at: str) -> None:
        """Take a backup away: first its name, then its bytes, so that no half of one is ever found."""
        doomed = os.path.join(self.path, f".{record.id}{_PARTIAL}")
        event = _removed(record.id, at=at)
        with as_place_fault(self.path):
            with locked(self.path):
                with contextlib.suppress(FileNotFoundError):
                    os.rename(self.backup(record.id), doomed)
                sync(self.path)
                try:
                    catalogue.append(self.path, event)
                except OSError:  # a disk that is full has room for a line when the bytes are gone
                    shutil.rmtree(doomed, ignore_errors=True)
                    catalogue.append(self.path, event)
            shutil.rmtree(doomed, ignore_errors=True)


def _removed(identifier: str, *, at: str) -> catalogue.Event:
    return {"event": "removed", "id": identifier, "at": at}


def _record(entry: t.Mapping[str, t.Any]) -> catalogue.Record:
    try:
        return catalogue.Record.of(entry)
    except (KeyError, TypeError, ValueError) as error:
        raise PlaceFault(f"this is no entry of a backup: {error!r}") from None


def _difference(named: t.Mapping[str, Carried], found: t.Mapping[str, Carried]) -> str:
    names = sorted(name for name in {*named, *found} if named.get(name) != found.get(name))
    return f"what arrived is not what was sent: {', '.join(names)}"
