# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every kind of job gives to a run: parts, one after the other, and what the catalogue says of them."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..faults import SourceFault

if t.TYPE_CHECKING:
    from ..streams.pump import Carried
    from ..streams.pump import Sink
    from ..streams.sealing import Sealing

__all__ = ["Dumped", "Instead", "Source", "Wanted", "refuse_warnings"]

_WARNING = re.compile(r"^[^\n]*\bwarning: [^\n]*", re.MULTILINE | re.IGNORECASE)


class Instead(SourceFault):
    """A part cannot be made, and the source gives another one in its place."""


class Dumped(t.NamedTuple):
    """A part as it went through."""

    plain: Carried
    sealed: Carried


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A part that is not made yet. One of a database may be missing, and the backup is kept without it."""

    name: str
    make: t.Callable[[Sealing, t.Sequence[Sink]], Dumped]
    database: str | None = None


class Source(t.Protocol):
    """Where the bytes of a kind of job come from."""

    def refuse_impossible(self) -> None:
        """Raise what speaks against this job on this server, before anything is made."""

    def nothing_new(self) -> bool:
        """Whether a backup would hold nothing, so that none is made."""

    def parts(self) -> t.Iterator[Wanted]:
        """In the order in which they are made; what a part brings to light is there for the next one."""

    def facts(self) -> dict[str, t.Any]:
        """For the catalogue, when all parts are made."""

    def plan(self) -> dict[str, t.Any]:
        """What would be made, for a person."""

    def stored(self) -> None:
        """Every place took the backup."""

    def close(self) -> None:
        """Leave nothing on this host."""


def refuse_warnings(what: str, said: str) -> None:
    """A program that leaves something out says so in a warning, and ends with 0."""
    warnings = _WARNING.findall(said)
    if warnings:
        raise SourceFault(f"{what} warned: {' | '.join(warnings[:5])}")
