# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scores of earlier reports, of which only the first lines are read; pure and private to the collection."""

from __future__ import annotations

import dataclasses
import itertools
import json
import typing as t

__all__ = ["Point", "read"]

_LINES = 5  # of a report as JSON, which end with its summary


@dataclasses.dataclass(frozen=True)
class Point:
    """The score of a fleet, in percent, at some time."""

    epoch: int
    percent: int


def read(lines: t.Iterable[str]) -> Point | None:
    """The score of a report as JSON; None where its first lines do not tell one, as of a fleet that nobody reached."""
    head = "".join(itertools.islice(lines, _LINES)).rstrip().removesuffix(",")
    try:
        told = json.loads(f"{head}}}")
        point = Point(told["made_epoch"], told["summary"]["score"]["overall"])
    except (KeyError, TypeError, ValueError):
        return None
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in (point.epoch, point.percent))
    return point if whole and point.epoch >= 0 and 0 <= point.percent <= 100 else None
