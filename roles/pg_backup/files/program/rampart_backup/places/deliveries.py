# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a run puts a backup: several places at once. One that fails is given up, and the others go on."""

from __future__ import annotations

import json
import os
import select
import typing as t

from ..definition import Directory
from ..definition import Job
from ..definition import Place
from ..definition import Rclone
from ..definition import Vault
from ..faults import Fault
from ..faults import PlaceFault
from ..faults import VerificationFault
from ..streams.process import Child
from ..streams.pump import Carried
from . import wire
from .remote import ToRemote
from .store import Store

__all__ = ["Conversation", "Delivery", "Deliveries", "Parcel", "ssh_words"]

_ANSWER: t.Final = 10  # times the timeout of a vault


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


def ssh_words(place: Vault, *words: str) -> list[str]:
    """ssh as it has to be for a program: no questions, no configuration of others, no host that is not known."""
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": str(place.timeout),
        "ServerAliveInterval": str(max(1, place.timeout // 3)),
        "ServerAliveCountMax": "3",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": place.known_hosts,
        "GlobalKnownHostsFile": "/dev/null",
        "IdentitiesOnly": "yes",
        "IdentityFile": place.key,
        "PasswordAuthentication": "no",
        "ControlPath": "none",
    }
    given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return ["ssh", "-F", "none", "-T", *given, "-p", str(place.port), "-l", place.account, "--", place.host, *words]


class Conversation:
    """One command of a vault, by ssh: frames there, answers back. ``close`` it, whatever became of it."""

    def __init__(self, place: Vault, *words: str) -> None:
        self._child = Child(
            ssh_words(place, *words), what=f"ssh to {place.name}", fault=PlaceFault, reads=True, writes=True
        )
        self._patience = place.timeout
        os.set_blocking(self._child.stdin.fileno(), False)

    def send(self, kind: bytes, data: memoryview | bytes = b"") -> None:
        """Say something; raises why it was refused, if that was said."""
        try:
            wire.write_frame(self._child.stdin.fileno(), kind, data, patience=self._patience)
        except BrokenPipeError:
            self.answer()
            raise PlaceFault(f"{self._child.what} was cut off") from None
        except TimeoutError as error:
            raise PlaceFault(f"{self._child.what} stalls: {error}") from None

    def answer(self) -> dict[str, t.Any]:
        """What the vault says next; raises when that is a refusal or nothing."""
        # What it answers may wait for a disk to have all of it.
        if not select.select((self._child.stdout,), (), (), _ANSWER * self._patience)[0]:
            raise PlaceFault(f"{self._child.what} stalls: it did not answer in {_ANSWER * self._patience} seconds")
        line = self._child.stdout.readline()
        if not line:
            self._child.end_input()
            self._child.finish()
            raise PlaceFault(f"{self._child.what} ended without an answer")
        return wire.read_answer(line)

    def end(self) -> None:
        """All was said; raises when the other side failed all the same."""
        self._child.end_input()
        self._child.finish()

    def close(self) -> None:
        """End it."""
        self._child.close()


class _ToVault:
    def __init__(self, place: Vault, job: str, identifier: str) -> None:
        self._vault = Conversation(place, "put", job, identifier)
        self._committed = False
        try:
            self._vault.answer()
        except BaseException:
            self._vault.close()
            raise

    def begin(self, name: str) -> None:
        self._vault.send(wire.PART, name.encode())

    def write(self, data: memoryview) -> None:
        self._vault.send(wire.DATA, data)

    def accept(self) -> Carried:
        self._vault.send(wire.ACCEPT)
        values = self._vault.answer()
        return Carried(int(values["size"]), str(values["sha256"]))

    def drop(self) -> None:
        self._vault.send(wire.DROP)

    def commit(self, entry: t.Mapping[str, t.Any]) -> None:
        self._vault.send(wire.COMMIT, _encoded(entry))
        self._vault.answer()
        self._vault.end()
        self._vault.close()
        self._committed = True

    def abandon(self) -> None:
        if not self._committed:
            self._vault.close()


def _encoded(entry: t.Mapping[str, t.Any]) -> bytes:
    return json.dumps(entry, sort_keys=True).encode()


class Deliveries:
    """All places of a run: a context that leaves nothing half-done behind. ``failed`` are reasons by name of place."""

    def __init__(self, job: Job, identifier: str) -> None:
        self._open: dict[str, Delivery] = {}
        self.failed: dict[str, Fault] = {}
        for place in job.places:
            try:
                self._open[place.name] = _deliver(place, job, identifier)
            except Fault as fault:
                self.failed[place.name] = fault
        self._refuse_none()

    def __enter__(self) -> Deliveries:
        return self

    def __exit__(self, *_error: object) -> None:
        for delivery in self._open.values():
            delivery.abandon()

    def part(self, name: str) -> Parcel:
        """Begin a part everywhere."""
        self._everywhere(lambda delivery: delivery.begin(name))
        return Parcel(self)

    def write(self, data: memoryview) -> None:
        """Bytes of the part, to everybody."""
        self._everywhere(lambda delivery: delivery.write(data))

    def accept(self, expected: Carried) -> None:
        """The part is whole; a place that has something else is given up."""

        def compare(delivery: Delivery) -> None:
            found = delivery.accept()
            if found != expected:
                raise VerificationFault(f"{found.size} bytes arrived, with the checksum {found.sha256}, not {expected}")

        self._everywhere(compare)

    def drop(self) -> None:
        """The part will never be whole."""
        self._everywhere(lambda delivery: delivery.drop())

    def commit(self, entry: t.Mapping[str, t.Any]) -> list[str]:
        """The backup is whole; returns the names of the places that have it."""
        self._everywhere(lambda delivery: delivery.commit(entry))
        return sorted(self._open)

    def _everywhere(self, act: t.Callable[[Delivery], object]) -> None:
        for name, delivery in list(self._open.items()):
            try:
                act(delivery)
            except (Fault, OSError) as error:
                self.failed[name] = error if isinstance(error, Fault) else PlaceFault(error.strerror or str(error))
                del self._open[name]
                delivery.abandon()
        self._refuse_none()

    def _refuse_none(self) -> None:
        if not self._open:
            reasons = "; ".join(f"{name}: {fault}" for name, fault in self.failed.items())
            fault = next(iter(self.failed.values()), None)
            kind = type(fault) if fault is not None else PlaceFault
            raise kind(f"no place is left: {reasons}")


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
