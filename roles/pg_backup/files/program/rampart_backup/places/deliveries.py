# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a run puts a backup: several places at once. One that fails is given up, and the others go on."""

from __future__ import annotations

import functools
import json
import os
import typing as t

from ..definition import Directory
from ..definition import Rclone
from ..definition import Vault
from . import wire
from .directories import refuse_absent
from .remote import ToRemote
from .several import Several
from .several import refuse_other
from .ssh import Conversation
from .store import Store

if t.TYPE_CHECKING:
    from ..definition import Job
    from ..definition import Place
    from ..streams.pump import Carried

__all__ = ["Delivery", "Deliveries", "Parcel"]


class Delivery(t.Protocol):
    """A backup on its way to one place."""

    def begin(self, name: str) -> None:
        """A part begins."""

    def write(self, data: memoryview) -> None:
        """Bytes of it."""

    def accept(self) -> Carried:
        """It is whole; returns what the place has of it."""

    def drop(self) -> None:
        """It will never be whole."""

    def commit(self, entry: t.Mapping[str, t.Any]) -> None:
        """The backup is whole."""

    def abandon(self) -> None:
        """Leave nothing of it. Does nothing after ``commit``."""


class _ToDirectory:
    def __init__(self, place: Directory, job: str, identifier: str) -> None:
        refuse_absent(place.path)
        store = Store(os.path.join(place.path, job))
        store.prepare()
        self._incoming = store.begin(identifier)
        self._name = ""
        self._file: t.Any = None

    def begin(self, name: str) -> None:
        self._name, self._file = name, self._incoming.part(name)

    def write(self, data: memoryview) -> None:
        self._file.write(data)

    def accept(self) -> Carried:
        return self._incoming.accept(self._name, self._file)

    def drop(self) -> None:
        self._file.drop()

    def commit(self, entry: t.Mapping[str, t.Any]) -> None:
        self._incoming.commit(entry)

    def abandon(self) -> None:
        self._incoming.abandon()


class _ToVault:
    def __init__(self, place: Vault, job: str, identifier: str) -> None:
        self._vault = Conversation(place, "put", job, identifier)
        try:
            self._vault.begin()
        except BaseException:
            self._vault.close()
            raise

    def begin(self, name: str) -> None:
        self._vault.send(wire.PART, name.encode())

    def write(self, data: memoryview) -> None:
        self._vault.send(wire.DATA, data)

    def accept(self) -> Carried:
        return self._vault.accept()

    def drop(self) -> None:
        self._vault.send(wire.DROP)

    def commit(self, entry: t.Mapping[str, t.Any]) -> None:
        self._vault.commit(json.dumps(entry, sort_keys=True).encode())

    def abandon(self) -> None:
        self._vault.close()


class Deliveries(Several[Delivery]):
    """All places of a run."""

    def open_all(self, job: Job, identifier: str) -> None:
        """Begin; raises when no place takes anything."""
        for place in job.places:
            self.begin(place.name, functools.partial(_deliver, place, job, identifier))
        self._refuse_none()

    def part(self, name: str) -> Parcel:
        """Begin a part everywhere."""
        self.everywhere(lambda delivery: delivery.begin(name))
        return Parcel(self)

    def write(self, data: memoryview) -> None:
        """Bytes of the part, to everybody."""
        self.everywhere(lambda delivery: delivery.write(data))

    def accept(self, expected: Carried) -> None:
        """The part is whole; a place that has something else is given up."""
        self.everywhere(lambda delivery: refuse_other(delivery.accept(), expected))

    def drop(self) -> None:
        """The part will never be whole."""
        self.everywhere(lambda delivery: delivery.drop())

    def commit(self, entry: t.Mapping[str, t.Any]) -> list[str]:
        """The backup is whole; returns the names of the places that have it."""
        self.everywhere(lambda delivery: delivery.commit(entry))
        return sorted(self.open)

    def everywhere(self, act: t.Callable[[Delivery], object]) -> None:
        """Do it at every place that is left; raises when none is."""
        super().everywhere(act)
        self._refuse_none()

    def _refuse_none(self) -> None:
        if not self.open:
            self.refuse_failed("no place is left: ")


class Parcel:
    """A part as a sink. Its end is none: ``accept`` or ``drop`` of the deliveries is."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def write(self, data: memoryview) -> None:
        """To everybody."""
        self._deliveries.write(data)

    def end(self) -> None:
        """Whether it is whole is known later, when every program has ended well."""


def _deliver(place: Place, job: Job, identifier: str) -> Delivery:
    if isinstance(place, Directory):
        return _ToDirectory(place, job.name, identifier)
    if isinstance(place, Rclone):
        return ToRemote(place, job, identifier)
    return _ToVault(place, job.name, identifier)
