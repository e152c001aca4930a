# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A line of children and pumps: it ends whole, or with the fault that began it, and nothing of it goes on running."""

from __future__ import annotations

import typing as t

from .process import Child
from .pump import Pump

if t.TYPE_CHECKING:
    import types

    from .pump import Carried
    from .pump import Sink

__all__ = ["Line"]


class Line:
    """A context: whatever it is left by, its children have ended afterwards."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._pumps: list[Pump] = []
        self._faults: list[BaseException] = []

    def child(self, words: t.Sequence[str], **options: t.Any) -> Child:
        """Start a program; options are those of ``Child``. Start them in the order of the bytes."""
        child = Child(words, **options)
        self._children.append(child)
        return child

    def pump(self, source: t.IO[bytes], sinks: t.Sequence[Sink], *, hashed: bool = True) -> Pump:
        """Let bytes flow; without ``hashed`` their checksum is left empty."""
        pump = Pump(source, sinks, self._stop, hashed=hashed)
        self._pumps.append(pump)
        return pump

    def _stop(self) -> None:
        for child in self._children:
            child.stop()

    def finish(self) -> list[Carried]:
        """Wait for all of it; raises the fault that made the others: a child's own end, in the order of the bytes."""
        for pump in self._pumps:
            pump.join()
        broken = [pump.error for pump in self._pumps if pump.error is not None]
        for child in self._children:
            child.finish()
        if broken:
            raise broken[0]
        return [pump.result() for pump in self._pumps]

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self._stop()
        for pump in self._pumps:
            pump.join()
        for child in self._children:
            child.close()
