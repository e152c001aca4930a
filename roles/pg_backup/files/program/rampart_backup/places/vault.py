# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vault's side: what ssh runs for a key, whatever the host at the other end wants to run.

A host's key may add backups and look at the catalogue, never change, read or remove anything; the key of a drill may
read, and note what it found. The other way round, a host offers its own directory to a vault that fetches: that key may read,
and note nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shlex
import shutil
import typing as t

from ..archiving.archive_store import Archive
from ..archiving.archive_store import is_system_identifier
from ..archiving.wal import Stored
from ..definition import NAME
from ..faults import DefinitionFault
from ..faults import Fault
from ..faults import PlaceFault
from ..telling import now
from . import catalogue
from . import wire
from .directories import refuse_absent
from .store import Store

if t.TYPE_CHECKING:
    from ..archiving.archive_store import Arriving
    from .store import Incoming

__all__ = ["SEALED", "Vault", "usage"]

_LEAST: t.Final = 4096  # bytes
_MADE: t.Final = 3  # directories and files of a transfer that has not begun
_ASKED: t.Final = 2**26  # bytes after which the room is asked for again
_NOTES = ("damaged", "restored")
SEALED: t.Final = (
    b"age-encryption.org/",
    b"-----BEGIN AGE",
    b"\x84",
    b"\x85",
    b"\xc1",
)  # RFC 4880, 4.2: packet of an encrypted session key


@dataclasses.dataclass(frozen=True)
class Vault:
    """What a key may do below ``root``. ``quota`` in bytes, 0 for none.

    ``patience`` in seconds is what a host that sends is told: for how long it may be silent before ``source`` gives it up.
    """

    root: str
    patience: float
    may: str = "add"  # or read, or offer
    quota: int = 0
    sealed_only: bool = True

    def serve(self, command: str, source: t.IO[bytes], target: t.IO[bytes]) -> None:
        """Do what one command asks; what is refused is said to the other side, and raised."""
        verbs: dict[tuple[str, str], t.Callable[..., None]] = {
            ("add", "put"): self._put,
            ("add", "list"): self._list,
            ("read", "jobs"): self._jobs,
            ("read", "list"): self._list,
            ("read", "get"): self._get,
            ("read", "note"): self._note,
            ("offer", "jobs"): self._jobs,
            ("offer", "list"): self._list_present,
            ("offer", "get"): self._get,
            ("add", "wal-put"): self._wal_put,
            ("add", "wal-list"): self._wal_list,
            ("read", "wal-list"): self._wal_list,
            ("read", "wal-get"): self._wal_get,
        }
        try:
            words = shlex.split(command)
            verb = verbs.get((self.may, words[0] if words else ""))
            if verb is None:
                known = sorted(name for may, name in verbs if may == self.may)
                raise PlaceFault(f"{command!r} is not among what this key may do: {', '.join(known)}")
            refuse_absent(self.root)
            verb(words[1:], source, target)
        except Exception as error:  # whatever the other side sent
            with contextlib.suppress(OSError):
                wire.answer(target, refused=str(error))
            raise error if isinstance(error, Fault) else PlaceFault(str(error)) from None

    def _path(self, job: str) -> str:
        # A key that reads may have all hosts below its root, so that a job is HOST/JOB.
        names = job.split("/") if self.may == "read" else [job]
        if not all(NAME.fullmatch(each) for each in names):
            raise PlaceFault(f"{job!r} is no name of a job")
        return os.path.join(self.root, job)

    def _store(self, job: str) -> Store:
        return Store(self._path(job))

    def _archive(self, job: str, system_identifier: str) -> Archive:
        if not is_system_identifier(system_identifier):
            raise PlaceFault(f"{system_identifier!r} identifies no cluster")
        return Archive(os.path.join(self._path(job), system_identifier))

    def _put(self, words: t.Sequence[str], source: t.IO[bytes], target: t.IO[bytes]) -> None:
        job, identifier = _exactly(words, 2, "put JOB BACKUP")
        store = self._store(job)
        store.sweep()  # what is left of others is no part of the quota
        limits = self._limits()
        store.make()
        incoming = store.begin(identifier)
        try:
            self._begin(target)
            _Reception(incoming, limits).run(source, target)
        finally:
            incoming.abandon()

    def _limits(self) -> _Limits:
        """Raises where there is no room for what every transfer makes first, which is before it is made."""
        return _Limits((lambda: self.quota - usage(self.root)) if self.quota else None, self.sealed_only)

    def _begin(self, target: t.IO[bytes]) -> None:
        wire.answer(target, ready=True, patience=self.patience)

    def _list(self, words: t.Sequence[str], _source: t.IO[bytes], target: t.IO[bytes]) -> None:
        (job,) = _exactly(words, 1, "list JOB")
        _tell_all(self._store(job).records(), target)

    def _list_present(self, words: t.Sequence[str], _source: t.IO[bytes], target: t.IO[bytes]) -> None:
        """Whoever fetches takes a list of some size only, and all that ever was outgrows it."""
        (job,) = _exactly(words, 1, "list JOB")
        _tell_all((record for record in self._store(job).records() if not record.removed), target)

    def _jobs(self, words: t.Sequence[str], _source: t.IO[bytes], target: t.IO[bytes]) -> None:
        _exactly(words, 0, "jobs")
        wire.answer(target, jobs=sorted(self._names()))

    def _names(self) -> t.Iterator[str]:
        with os.scandir(self.root) as found:
            yield from (each.name for each in found if NAME.fullmatch(each.name) and each.is_dir(follow_symlinks=False))

    def _get(self, words: t.Sequence[str], _source: t.IO[bytes], target: t.IO[bytes]) -> None:
        job, identifier, part = _exactly(words, 3, "get JOB BACKUP PART")
        with self._store(job).open(identifier, part) as stream:
            shutil.copyfileobj(stream, target, 2**20)
        target.flush()

    def _note(self, words: t.Sequence[str], _source: t.IO[bytes], target: t.IO[bytes]) -> None:
        job, identifier, event, what = _exactly(words, 4, "note JOB BACKUP EVENT WORDS")
        store = self._store(job)
        if event not in _NOTES:
            raise DefinitionFault.of("the event", event, f"one of {', '.join(_NOTES)}")
        if not any(record.id == identifier for record in store.records()):
            raise PlaceFault(f"there is no backup {identifier} of {job}")
        store.add(catalogue.drilled(identifier, event, what, at=now()))
        wire.answer(target, noted=True)

    def _wal_put(self, words: t.Sequence[str], source: t.IO[bytes], target: t.IO[bytes]) -> None:
        job, system, file, plain, suffix = _exactly(
            words, 5, "wal-put JOB SYSTEM_IDENTIFIER FILE SHA256_OF_CONTENT SUFFIX"
        )
        archive = self._archive(job, system)
        archive.sweep()
        limits = self._limits()
        arriving = archive.begin(file, plain, suffix)
        if arriving is None:
            wire.answer(target, have=True)
            return
        try:
            self._begin(target)
            _receive(arriving, limits, source, target)
        finally:
            arriving.abandon()

    def _wal_list(self, words: t.Sequence[str], _source: t.IO[bytes], target: t.IO[bytes]) -> None:
        asked = words if len(words) == 3 else [*_exactly(words, 2, "wal-list JOB SYSTEM_IDENTIFIER [DIRECTORY]"), ""]
        job, system, directory = asked
        archive = self._archive(job, system)
        if directory:
            for stored in archive.names(directory):
                wire.answer(target, name=stored.name)
        else:
            for name in archive.directories():
                wire.answer(target, directory=name)
        wire.answer(target, end=True)

    def _wal_get(self, words: t.Sequence[str], _source: t.IO[bytes], target: t.IO[bytes]) -> None:
        job, system, name = _exactly(words, 3, "wal-get JOB SYSTEM_IDENTIFIER STORED_NAME")
        stored = Stored.of(name)
        if stored is None:
            raise PlaceFault(f"{name!r} is no name of a file in an archive")
        with self._archive(job, system).open(stored) as stream:
            shutil.copyfileobj(stream, target, 2**20)
        target.flush()


def _tell_all(records: t.Iterable[catalogue.Record], target: t.IO[bytes]) -> None:
    for record in records:
        # The entry has the parts.
        wire.answer(target, record={name: value for name, value in vars(record).items() if name != "parts"})
    wire.answer(target, end=True)


def _exactly(words: t.Sequence[str], number: int, usage: str) -> t.Sequence[str]:
    if len(words) != number:
        raise PlaceFault(f"this is said so: {usage}")
    return words


def usage(root: str) -> int:
    """Bytes of all files below, and what a file or a directory takes by being there: a disk has only so many."""
    total = 0
    for directory, names, files in os.walk(root):
        total += _LEAST * (len(names) + len(files))
        for name in files:
            with contextlib.suppress(OSError):  # removed meanwhile
                total += os.lstat(os.path.join(directory, name)).st_size
    return total


class _Limits:
    """What may come in: ``room`` gives bytes, None for any number; ``sealed_only``: nothing that is not encrypted."""

    def __init__(self, room: t.Callable[[], int] | None, sealed_only: bool) -> None:
        self._room = room
        self._left = 0
        self._unasked = _ASKED  # bytes since the room was asked for
        self._sealed_only = sealed_only
        self.take(_MADE * _LEAST)

    def take(self, size: int) -> None:
        """Raise unless so many bytes may come in. Other connections of the host fill the same room meanwhile."""
        if self._room is None:
            return
        self._left -= size
        self._unasked += size
        if self._unasked >= _ASKED:
            self._left, self._unasked = self._room() - size, 0
        if self._left < 0:
            raise PlaceFault("the quota of this host is used up")

    def check(self, name: str, data: bytes, *, first: bool) -> None:
        """Raise unless these bytes may come in; ``first`` are those that something begins with."""
        self.take(len(data))
        if first and self._sealed_only and not data.startswith(SEALED):
            raise PlaceFault(f"{name} is not encrypted, and this vault takes nothing else")


def _receive(arriving: Arriving, limits: _Limits, source: t.IO[bytes], target: t.IO[bytes]) -> None:
    """A file of WAL, until it is whole; raises when it never will be."""
    first, accepted = True, False
    while True:
        kind, data = wire.read_frame(source)
        if kind == wire.DATA and not accepted:
            limits.check("the file", data, first=first)
            first = False
            arriving.write(memoryview(data))
        elif kind == wire.ACCEPT and not accepted and not first:
            carried, accepted = arriving.accept(), True
            wire.answer(target, size=carried.size, sha256=carried.sha256)
        elif kind == wire.COMMIT and accepted:
            arriving.commit()
            wire.answer(target, committed=True)
            return
        else:
            raise PlaceFault(f"a frame of the kind {kind!r} does not belong here")


class _Reception:
    """One backup on its way in."""

    def __init__(self, incoming: Incoming, limits: _Limits) -> None:
        self._incoming = incoming
        self._limits = limits
        self._name = ""
        self._file: t.Any = None
        self._begun = False

    def run(self, source: t.IO[bytes], target: t.IO[bytes]) -> None:
        """Until the backup is whole; raises when it never will be."""
        while True:
            kind, data = wire.read_frame(source)
            if kind == wire.DATA:
                self._take(data)
            elif kind == wire.PART:
                self._begin(data.decode())
            elif kind == wire.ACCEPT:
                carried = self._incoming.accept(self._name, self._current())
                self._file = None
                wire.answer(target, size=carried.size, sha256=carried.sha256)
            elif kind == wire.DROP:
                self._current().drop()
                self._file = None
            elif kind == wire.COMMIT:
                self._limits.take(2 * len(data))  # the catalogue has it, too
                self._incoming.commit(json.loads(data))
                wire.answer(target, committed=True)
                return
            else:
                raise PlaceFault(f"a frame of the kind {kind!r} is not known")

    def _begin(self, name: str) -> None:
        if self._file is not None:
            raise PlaceFault(f"the part {self._name} has not ended")
        self._limits.take(_LEAST)
        self._name, self._file, self._begun = name, self._incoming.part(name), False

    def _current(self) -> t.Any:
        if self._file is None:
            raise PlaceFault("no part has begun")
        return self._file

    def _take(self, data: bytes) -> None:
        self._limits.check(self._name, data, first=not self._begun)
        self._begun = True
        self._current().write(memoryview(data))
