# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times on an axis that gives a day as much room as a year, for what is urgent is near; private to the collection."""

from __future__ import annotations

import dataclasses
import math
import typing as t

__all__ = ["DAY", "LIMIT", "WIDTH", "Axis", "Tick"]

DAY = 86_400
WIDTH = 600
"""Of the drawing, in its own units."""
LIMIT = 60
"""Rows of a timeline; the rest is counted."""


@dataclasses.dataclass(frozen=True)
class Tick:
    """A mark of the axis."""

    label: str
    position: float


@dataclasses.dataclass(frozen=True)
class Axis:
    """From ``first`` to ``last`` days away."""

    first: float
    last: float
    marks: tuple[tuple[str, float], ...]

    def position(self, days: float) -> float:
        """Where something is that is so many days away; at the ends what is beyond them."""
        within = min(max(days, self.first), self.last)
        share = math.log(within / self.first) / math.log(self.last / self.first)
        return round(share * WIDTH, 1)

    @property
    def ticks(self) -> t.Iterator[Tick]:
        """Its marks."""
        for label, days in self.marks:
            yield Tick(label, self.position(days))
