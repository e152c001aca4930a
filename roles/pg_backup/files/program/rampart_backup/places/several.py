# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same to several places at once: one that fails is given up, and the others go on."""

from __future__ import annotations

import contextlib
import typing as t

from ..faults import Fault
from ..faults import PlaceFault
from ..faults import VerificationFault

if t.TYPE_CHECKING:
    from ..streams.pump import Carried

__all__ = ["Several", "refuse_other"]


class _Delivery(t.Protocol):
    def abandon(self) -> None:
        """Leave nothing of it."""


D = t.TypeVar("D", bound=_Delivery)
S = t.TypeVar("S")


class Several(t.Generic[D]):
    """A context that leaves nothing half-done. ``open`` are deliveries, ``failed`` reasons, both by name of place."""

    def __init__(self) -> None:
        self.open: dict[str, D] = {}
        self.failed: dict[str, Fault] = {}

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, *_error: object) -> None:
        for delivery in self.open.values():
            delivery.abandon()

    def begin(self, name: str, begin: t.Callable[[], D | None]) -> None:
        """Add a place, unless it needs nothing."""
        with self._judged(name):
            delivery = begin()
            if delivery is not None:
                self.open[name] = delivery

    def everywhere(self, act: t.Callable[[D], object]) -> None:
        """Do it at every place that is left."""
        for name, delivery in list(self.open.items()):
            with self._judged(name):
                act(delivery)

    @contextlib.contextmanager
    def _judged(self, name: str) -> t.Iterator[None]:
        try:
            yield
        except (Fault, OSError) as error:
            self.failed[name] = error if isinstance(error, Fault) else PlaceFault(error.strerror or str(error))
            if name in self.open:
                self.open.pop(name).abandon()

    def refuse_failed(self, words: str = "") -> None:
        """Raise why places failed, as the first of them did, if any has."""
        for fault in self.failed.values():
            raise type(fault)(words + "; ".join(f"{name}: {why}" for name, why in self.failed.items()))


def refuse_other(found: Carried, expected: Carried) -> None:
    """Raise unless what a place has is what was sent."""
    if found != expected:
        raise VerificationFault(f"{found.size} bytes arrived, with the checksum {found.sha256}, not {expected}")
