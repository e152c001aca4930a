# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The numbers of the first page; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.comparing import CHANGES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import percent
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import severities
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import statuses
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import AREAS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import OVERALL
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment

__all__ = ["Figure", "Figures", "Followed", "Share", "figures"]


@dataclasses.dataclass(frozen=True)
class Share:
    """A part of a bar, in thousandths."""

    name: str
    count: int
    start: float
    width: float


@dataclasses.dataclass(frozen=True)
class Figure:
    """A number, and what it was."""

    name: str
    now: int | None
    before: int | None = None

    @property
    def change(self) -> int | None:
        """By how much it rose."""
        return None if self.now is None or self.before is None else self.now - self.before


@dataclasses.dataclass(frozen=True)
class Followed:
    """Which benchmark some profiles follow where they contradict each other."""

    topic: str
    benchmark: str
    says: str
    profiles: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Figures:
    """All of them."""

    score: Figure
    areas: tuple[Figure, ...]
    failures: tuple[Figure, ...]
    shares: tuple[Share, ...]
    changes: tuple[Figure, ...]
    hosts: int
    failed: int
    """Clusters that could not be assessed."""
    follows: tuple[Followed, ...]


def figures(report: Report) -> Figures:
    """Of the fleet."""
    now, comparison = report.assessments, report.comparison
    before = comparison.before if comparison is not None else ()
    failures = severities(now)
    failures_before = severities(before) if comparison is not None else {}
    changes = comparison.counts if comparison is not None else {}
    return Figures(
        score=Figure(OVERALL, percent(now), percent(before)),
        areas=tuple(Figure(area, percent(now, area), percent(before, area)) for area in AREAS),
        failures=tuple(Figure(name, failures[name], failures_before.get(name)) for name in SEVERITIES),
        shares=_shares(statuses(now)),
        changes=tuple(Figure(name, changes[name]) for name in CHANGES if name in changes),
        hosts=len({one.host for one in now}),
        failed=sum(bool(one.error) for one in now),
        follows=tuple(_follows(now)),
    )


def _follows(assessments: t.Sequence[Assessment]) -> t.Iterator[Followed]:
    profiles: dict[tuple[str, str, str], set[str]] = {}
    for cluster in assessments:
        for one in cluster.follows:
            profiles.setdefault((one.topic, one.benchmark, one.says), set()).add(cluster.profile)
    for told in sorted(profiles):
        yield Followed(*told, tuple(sorted(profiles[told])))


def _shares(counts: dict[str, int]) -> tuple[Share, ...]:
    total = sum(counts.values()) or 1
    shares, start = [], 0.0
    for name, count in counts.items():
        width = 1000 * count / total
        shares.append(Share(name, count, round(start, 2), round(width, 2)))
        start += width
    return tuple(shares)
