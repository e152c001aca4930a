# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured, as tables and as one line for each bar."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.tests.bench import parameters as _parameters
from ansible_collections.rampart.postgresql.tests.bench.comparison import Comparison
from ansible_collections.rampart.postgresql.tests.bench.comparison import Series
from ansible_collections.rampart.postgresql.tests.bench.rules import Timing

__all__ = ["Bar", "comparisons", "parameters", "rules"]

SHARE: t.Final = {1: 1 / 5, 3: 1 / 6}
"""Hosts to the share of the peer's wall time that a run without a change may take."""

SHARE_OF_CALLS: t.Final = 1 / 15
"""The share of the time of forty calls that one call with forty parameters may take."""


@dataclasses.dataclass(frozen=True)
class Bar:
    """What was asked for and what was found."""

    text: str
    found: float
    limit: float
    digits: int = 2

    def __str__(self) -> str:
        verdict = "met" if self.found <= self.limit else "MISSED"
        return f"bar: {self.text}: {self.found:.{self.digits}f}, at most {self.limit:.{self.digits}f}: {verdict}"


def table(head: t.Sequence[str], rows: t.Sequence[t.Sequence[str]]) -> str:
    """A table in Markdown, in columns, so that it can be read as it is and pasted into a page."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: t.Sequence[str]) -> str:
        padded = [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:]))]
        return f"| {' | '.join(padded)} |"

    rule = "|".join(["", "-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:]), ""])
    return "\n".join([line(head), rule, *map(line, rows)])


def comparisons(found: t.Sequence[Comparison]) -> str:
    """Wall times of the hardening."""
    rows = []
    for one in found:
        where = "1 host" if one.hosts == 1 else f"{one.hosts} hosts"
        rows.append(
            [
                f"{where}, first run",
                _seconds(one.ours.first),
                _seconds(one.peer.first),
                _share(one.ours.first, one.peer.first),
            ]
        )
        rows.append([f"{where}, no change", _spread(one.ours), _spread(one.peer), f"1/{1 / one.ratio:.1f}"])
        if not one.shipped:
            continue
        batches = Series(first=0, unchanged=one.shipped)
        rows.append([f"{where}, no change, in batches", _spread(batches), "", _share(batches.median, one.peer.median)])
    return table(["hardening", "rampart.postgresql", "peer", "ratio"], rows)


def rules(count: int, timings: t.Sequence[Timing]) -> str:
    """Times of single modules."""
    rows = [[timing.module, f"{timing.main:.3f} s", f"{timing.task:.2f} s"] for timing in timings]
    return table([f"{count} rules, no change", "module time", "task time"], rows)


def parameters(timing: _parameters.Timing) -> str:
    """One call with all parameters beside one call for each."""
    ours, peer = Series(first=0, unchanged=timing.ours), Series(first=0, unchanged=timing.peer)
    count = len(_parameters.PARAMETERS)
    rows = [
        ["rampart.postgresql.settings", "1", f"{timing.main:.3f} s", _spread(ours), f"1/{1 / timing.share:.1f}"],
        ["community.postgresql.postgresql_set", str(count), "", _spread(peer), ""],
    ]
    return table([f"{count} parameters, no change", "executions", "module time", "task time", "ratio"], rows)


def _seconds(value: float) -> str:
    return f"{value:.1f} s"


def _spread(series: Series) -> str:
    return f"{series.median:.1f} s ({min(series.unchanged):.1f}-{max(series.unchanged):.1f})"


def _share(ours: float, peer: float) -> str:
    return f"1/{peer / ours:.1f}"
