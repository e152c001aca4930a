# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""archive_command: one file of WAL into every place of a job. It is archived when all of them have it, not before."""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import sys
import typing as t

from ..definition import Directory
from ..definition import Rclone
from ..faults import DefinitionFault
from ..faults import SourceFault
from ..faults import VerificationFault
from ..places import wire
from ..places.directories import refuse_absent
from ..places.several import Several
from ..places.several import refuse_other
from ..places.ssh import Conversation
from ..streams import packing
from ..streams.line import Line
from ..streams.pump import ChildSink
from ..streams.pump import carried
from ..streams.sealing import Sealing
from . import wal
from .archive_store import Archive
from .remote_archive import RemoteArchive

if t.TYPE_CHECKING:
    from ..definition import Job
    from ..definition import Place
    from ..definition import Vault
    from ..streams.pump import Carried

__all__ = ["archive"]


def archive(job: Job, path: str) -> None:
    """Put a file into every place that lacks it; raises when one of them has not got it afterwards."""
    os.umask(0o077)
    file = os.path.basename(path)
    if job.kind != "wal":
        raise DefinitionFault(f"kind: {job.kind!r} archives no WAL, 'wal' does")
    if not wal.is_file(file):
        raise DefinitionFault(f"{path} is no file that PostgreSQL archives")
    with _reading(path), _Deliveries() as deliveries:
        with open(path, "rb", buffering=0) as source:
            plain = carried(source).sha256
        suffix = packing.PACKED[job.compression.method] + Sealing.SUFFIX[job.encryption.method]
        system = _system_identifier(path)
        wanted = wal.Stored(file, plain, "", suffix)
        for place in job.places:
            deliveries.begin(place.name, functools.partial(_begin, place, job.name, system, wanted))
        if deliveries.open:
            _send(job, path, plain, deliveries)
        deliveries.refuse_failed()


@contextlib.contextmanager
def _reading(path: str) -> t.Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceFault(f"{error.filename or path}: {error.strerror}") from None


def _system_identifier(path: str) -> str:
    """Of the cluster whose pg_wal, which may be a link, holds the file: SQL cannot be waited for here."""
    data_directory = os.path.dirname(os.path.dirname(os.path.abspath(path)))
    with open(os.path.join(data_directory, "global", "pg_control"), "rb") as stream:
        return str(int.from_bytes(stream.read(8), sys.byteorder))


def _send(job: Job, path: str, plain: str, deliveries: _Deliveries) -> None:
    words = packing.pack(job.compression)
    with open(path, "rb", buffering=0) as source, Line() as line, Sealing(job.encryption) as sealing:
        if words:
            packer = line.child(words, what=job.compression.method, fault=SourceFault, reads=True, writes=True)
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
            if "have" not in vault.begin():
                return cls(vault)
            vault.end()
        except BaseException:
            vault.close()
            raise
        return None

    def write(self, data: memoryview) -> None:
        self._vault.send(wire.DATA, data)

    def accept(self) -> Carried:
        return self._vault.accept()

    def commit(self) -> None:
        self._vault.commit()

    def abandon(self) -> None:
        self._vault.close()


class _Deliveries(Several[_Delivery]):
    """All places that lack the file, and a sink."""

    def write(self, data: memoryview) -> None:
        """To all of them."""
        self.everywhere(lambda delivery: delivery.write(data))
        if not self.open:
            self.refuse_failed()

    def end(self) -> None:
        """Whether it is whole is known later, when every program has ended well."""

    def keep(self, expected: Carried) -> None:
        """It is whole; a place that has something else is given up, the others give it its name."""

        def kept(delivery: _Delivery) -> None:
            refuse_other(delivery.accept(), expected)
            delivery.commit()

        self.everywhere(kept)


def _begin(place: Place, job: str, system_identifier: str, wanted: wal.Stored) -> _Delivery | None:
    if isinstance(place, Directory):
        refuse_absent(place.path)
        store = Archive(os.path.join(place.path, job, system_identifier))
        return store.begin(wanted.file, wanted.plain, wanted.suffix)
    if isinstance(place, Rclone):
        return RemoteArchive(place, job, system_identifier).begin(wanted.file, wanted.plain, wanted.suffix)
    return _ToVault.begin(place, job, system_identifier, wanted.file, wanted.plain, wanted.suffix)
