# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where backups are read from: a directory, or a vault whose key may read."""

from __future__ import annotations

import os
import typing as t

from ..definition import Directory
from ..definition import Rclone
from ..faults import RestoreFault
from ..telling import now
from . import catalogue
from . import wire
from .remote import RemoteStore
from .remote import refuse_impossible
from .ssh import asked
from .ssh import listed
from .ssh import understood
from .store import Store

if t.TYPE_CHECKING:
    import contextlib

    from ..definition import Job
    from ..definition import Place
    from ..definition import Vault
    from .catalogue import Event
    from .catalogue import Record

__all__ = ["Kept", "Shelf", "choose", "kept", "shelf"]


class Shelf(t.Protocol):
    """The backups of one job in one place."""

    def records(self) -> list[Record]:
        """All that are or were there."""

    def open(self, identifier: str, part: str) -> contextlib.AbstractContextManager[t.IO[bytes]]:
        """The bytes of a part. Leaving the context without an error raises what the transfer failed with."""

    def note(self, identifier: str, event: str, what: str) -> None:
        """Write into the catalogue what restoring found: ``restored`` or ``damaged``."""


class _StoreShelf:
    def __init__(self, store: Store | RemoteStore) -> None:
        self._store = store

    def records(self) -> list[Record]:
        return self._store.records()

    def open(self, identifier: str, part: str) -> contextlib.AbstractContextManager[t.IO[bytes]]:
        return self._store.open(identifier, part)

    def note(self, identifier: str, event: str, what: str) -> None:
        self._store.add(catalogue.drilled(identifier, event, what, at=now()))


class _VaultShelf:
    def __init__(self, place: Vault, job: str) -> None:
        self._place = place
        self._job = job

    def records(self) -> list[Record]:
        with understood(self._place.name):
            return [catalogue.Record.from_json(answer["record"]) for answer in listed(self._place, "list", self._job)]

    def open(self, identifier: str, part: str) -> contextlib.AbstractContextManager[t.IO[bytes]]:
        return asked(self._place, "get", self._job, identifier, part)

    def note(self, identifier: str, event: str, what: str) -> None:
        # What is noted is one word of a command line that the vault splits as a shell does.
        words = "".join(each if each.isalnum() or each in " .,:;=/_-" else "?" for each in what)
        with asked(self._place, "note", self._job, identifier, event, f"'{words}'") as stream:
            wire.read_answer(stream.readline())


def shelf(place: Place, job: str) -> Shelf:
    """The shelf at a place."""
    if isinstance(place, Directory):
        return _StoreShelf(Store(os.path.join(place.path, job)))
    if isinstance(place, Rclone):
        refuse_impossible(place)
        return _StoreShelf(RemoteStore(place, job))
    return _VaultShelf(place, job)


class Kept(t.Protocol):
    """The backups of a job in a place that this host looks after itself, unlike a vault."""

    path: str

    def records(self) -> list[Record]:
        """All that are or were there."""

    def verify(self, record: Record) -> None:
        """Read every byte of one again; raises what is wrong with it."""

    def remove(self, record: Record, *, at: str) -> None:
        """Take one away."""

    def add(self, event: Event) -> None:
        """Note in the catalogue what happened."""


def kept(job: Job, *, removing: bool = False) -> list[Kept]:
    """Where this host looks after the backups of a job; ``removing``: only where it lets them go, too."""
    found: list[Kept] = []
    for place in job.places:
        if isinstance(place, Directory):
            found.append(Store(os.path.join(place.path, job.name)))
        elif isinstance(place, Rclone) and (place.retain or not removing):
            refuse_impossible(place)
            found.append(RemoteStore(place, job.name))
    return found


def choose(records: t.Sequence[Record], job: str, identifier: str = "") -> Record:
    """The backup of that name, or the newest good one; raises when there is none."""
    found = (
        [each for each in records if each.id == identifier] if identifier else [each for each in records if each.good]
    )
    if not found:
        raise RestoreFault(
            f"job: {job!r} has no {f'backup {identifier}' if identifier else 'good backup'} in this place"
        )
    chosen = found[-1]  # the last that came, whatever clocks said
    if chosen.removed:
        raise RestoreFault(f"job: the backup {chosen.id} of {job!r} was removed at {chosen.removed}")
    return chosen
