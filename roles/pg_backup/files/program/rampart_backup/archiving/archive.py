# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""archive_command: one file of WAL into every place of a job. It is archived when all of them have it, not before."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import sys
import typing as t

from ..definition import Directory
from ..definition import Rclone
from ..faults import DefinitionFault
from ..faults import Fault
from ..faults import PlaceFault
from ..faults import SourceFault
from ..faults import VerificationFault
from ..places import wire
from ..places.deliveries import Conversation
from ..streams import packing
from ..streams.line import Line
from ..streams.pump import Carried
from ..streams.pump import ChildSink
from ..streams.sealing import Sealing
from . import wal
from .archive_store import Archive
from .remote_archive import RemoteArchive

if t.TYPE_CHECKING:
    from ..definition import Job
    from ..definition import Place
    from ..definition import Vault

__all__ = ["archive"]

_CHUNK = 2**20


def archive(job: Job, path: str) -> None:
    """Put a file into every place that lacks it; raises when one of them has not got it afterwards."""
    os.umask(0o077)
    file = os.path.basename(path)
    if job.kind != "wal":
        raise DefinitionFault(f"kind: {job.kind!r} archives no WAL, 'wal' does")
    if not wal.is_file(file):
        raise DefinitionFault(f"{path} is no file that PostgreSQL archives")
    with _reading(path), _Deliveries() as deliveries:
        plain = _hashed(path)
        suffix = packing.PACKED[job.compression.method] + Sealing.SUFFIX[job.encryption.method]
        system = _system_identifier(path)
        deliveries.begin(job, system, wal.Stored(file, plain, "", suffix))
        if deliveries.open:
            _send(job, path, plain, deliveries)
        deliveries.refuse_failed()


@contextlib.contextmanager
def _reading(path: str) -> t.Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceFault(f"{error.filename or path}: {error.strerror}") from None


def _hashed(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as stream:
        while True:
            data = stream.read(_CHUNK)
            if not data:
                return digest.hexdigest()
            digest.update(data)


def _system_identifier(path: str) -> str:
    """Of the cluster whose pg_wal, which may be a link, holds the file: SQL cannot be waited for here."""
    data_directory = os.path.dirname(os.path.dirname(os.path.abspath(path)))
    with open(os.path.join(data_directory, "global", "pg_control"), "rb") as stream:
        return str(int.from_bytes(stream.read(8), sys.byteorder))


def _send(job: Job, path: str, plain: str, deliveries: _Deliveries) -> None:
    words = packing.pack(job.compression)
    with open(path, "rb", buffering=0) as source, Line() as line, Sealing(job.encryption) as sealing:
        if words:
            packer = line.child(words, what=words[0], fault=SourceFault, reads=True, writes=True)
            first = line.pump(source, [ChildSink(packer)])
            _packed, sealed = sealing.seal(line, packer.stdout, (), [deliveries])
        else:
            first, sealed = sealing.seal(line, source, (), [deliveries])
        line.finish()
    if first.result().sha256 != plain:
        raise VerificationFault(f"{path} changed while it was read")
    deliveries.keep(sealed.result())


class _Delivery(t.Protocol):
    """A file on its way to one place."""

    def write(self, data: memoryview) -> None:
        """Bytes of it."""

    def accept(self) -> Carried:
        """It is whole; returns what the place has of it."""

    def commit(self) -> None:
        """It gets its name."""

    def abandon(self) -> None:
        """Leave nothing of it. Does nothing after ``commit``."""


class _ToVault:
    def __init__(self, vault: Conversation) -> None:
        self._vault = vault

    @classmethod
    def begin(cls, place: Vault, *words: str) -> _ToVault | None:
        """None when the vault has the file."""
        vault = Conversation(place, "wal-put", *map(shlex.quote, words))
        try:
            if "have" not in vault.answer():
                return cls(vault)
            vault.end()
        except BaseException:
            vault.close()
            raise
        vault.close()
        return None

    def write(self, data: memoryview) -> None:
        self._vault.send(wire.DATA, data)

    def accept(self) -> Carried:
        self._vault.send(wire.ACCEPT)
        values = self._vault.answer()
        return Carried(int(values["size"]), str(values["sha256"]))

    def commit(self) -> None:
        self._vault.send(wire.COMMIT)
        self._vault.answer()
        self._vault.end()
        self._vault.close()

    def abandon(self) -> None:
        self._vault.close()


class _Deliveries:
    """All places that lack the file: a context that leaves nothing half-done, and a sink. One that fails is given up."""

    def __init__(self) -> None:
        self.open: dict[str, _Delivery] = {}
        self._failed: dict[str, Fault] = {}

    def __enter__(self) -> _Deliveries:
        return self

    def __exit__(self, *_error: object) -> None:
        for delivery in self.open.values():
            delivery.abandon()

    def begin(self, job: Job, system_identifier: str, wanted: wal.Stored) -> None:
        """Ask every place."""
        for place in job.places:
            try:
                delivery = _begin(place, job.name, system_identifier, wanted)
            except Fault as fault:
                self._failed[place.name] = fault
                continue
            if delivery is not None:
                self.open[place.name] = delivery

    def write(self, data: memoryview) -> None:
        """To all of them."""
        self._everywhere(lambda delivery: delivery.write(data))
        if not self.open:
            self.refuse_failed()

    def end(self) -> None:
        """Whether it is whole is known later, when every program has ended well."""

    def keep(self, expected: Carried) -> None:
        """It is whole; a place that has something else is given up, the others give it its name."""

        def kept(delivery: _Delivery) -> None:
            found = delivery.accept()
            if found != expected:
                raise VerificationFault(f"{found.size} bytes arrived, with the checksum {found.sha256}, not {expected}")
            delivery.commit()

        self._everywhere(kept)

    def _everywhere(self, act: t.Callable[[_Delivery], object]) -> None:
        for name, delivery in list(self.open.items()):
            try:
                act(delivery)
            except (Fault, OSError) as error:
                self._failed[name] = error if isinstance(error, Fault) else PlaceFault(error.strerror or str(error))
                del self.open[name]
                delivery.abandon()

    def refuse_failed(self) -> None:
        """Raise why a place has not got the file, when there is one."""
        for fault in self._failed.values():
            raise type(fault)("; ".join(f"{name}: {why}" for name, why in self._failed.items()))


def _begin(place: Place, job: str, system_identifier: str, wanted: wal.Stored) -> _Delivery | None:
    if isinstance(place, Directory):
        store = Archive(os.path.join(place.path, job, system_identifier))
        return store.begin(wanted.file, wanted.plain, wanted.suffix)
    if isinstance(place, Rclone):
        return RemoteArchive(place, job, system_identifier).begin(wanted.file, wanted.plain, wanted.suffix)
    return _ToVault.begin(place, job, system_identifier, wanted.file, wanted.plain, wanted.suffix)
