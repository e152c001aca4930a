# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The score over the audits of a history; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import percent
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.trend import Point

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report

__all__ = ["HEIGHT", "WIDTH", "Scores", "scores"]

WIDTH = 600
HEIGHT = 100
"""Of the drawing, in its own units; a percent is one of them."""


@dataclasses.dataclass(frozen=True)
class Scores:
    """Audits in the order of their times, and where each is on the drawing."""

    points: tuple[Point, ...]
    places: tuple[tuple[float, float], ...]

    @property
    def line(self) -> str:
        """The points of a polyline."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.places)


def scores(report: Report) -> Scores | None:
    """The present score after those of the history; None where there is no other one to compare with."""
    now = percent(report.assessments)
    points = sorted(
        (*report.trend, *([] if now is None else [Point(report.made_epoch, now)])), key=lambda point: point.epoch
    )
    if len(points) < 2:
        return None
    first, length = points[0].epoch, max(points[-1].epoch - points[0].epoch, 1)
    places = ((round(WIDTH * (point.epoch - first) / length, 1), float(HEIGHT - point.percent)) for point in points)
    return Scores(tuple(points), tuple(places))
