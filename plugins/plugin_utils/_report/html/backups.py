# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long ago backups succeeded, were verified and were restored, the oldest first; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import DAY
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import LIMIT
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import Axis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import moment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import one_line

__all__ = ["BackupRow", "BackupTimeline", "Mark", "backup_timeline"]

_AXIS = Axis(
    1 / 24,
    900,
    (("6 hours", 0.25), ("1 day", 1), ("1 week", 7), ("1 month", 30), ("3 months", 90), ("1 year", 365)),
)
_MOMENTS = (("succeeded", "last_success_epoch"), ("verified", "verified_epoch"), ("restored", "restored_epoch"))


@dataclasses.dataclass(frozen=True)
class Mark:
    """When one of the three happened last."""

    name: str
    position: float | None
    ago: str


@dataclasses.dataclass(frozen=True)
class BackupRow:
    """One job."""

    host: str
    cluster: str
    job: str
    kind: str
    marks: tuple[Mark, ...]
    age: float


@dataclasses.dataclass(frozen=True)
class BackupTimeline:
    """The jobs whose last success is oldest, and the clusters that have none."""

    axis: Axis
    rows: tuple[BackupRow, ...]
    total: int
    without: tuple[tuple[str, str], ...]


def backup_timeline(report: Report) -> BackupTimeline:
    """Of the whole fleet."""
    rows: list[BackupRow] = []
    without = []
    for one in report.assessments:
        view = one.views.get("backups")
        jobs = view.get("jobs") if isinstance(view, dict) else None
        found = [job for job in jobs if isinstance(job, dict)] if isinstance(jobs, list) else []
        rows += [_row(one.host, one.cluster, job, report.made_epoch) for job in found]
        if not found:
            without.append((one_line(one.host), one_line(one.cluster)))
    rows.sort(key=lambda row: (-row.age, row.host, row.cluster, row.job))
    return BackupTimeline(_AXIS, tuple(rows[:LIMIT]), len(rows), tuple(without))


def _row(host: str, cluster: str, job: dict[str, t.Any], now: int) -> BackupRow:
    marks = tuple(_mark(name, job.get(key), now) for name, key in _MOMENTS)
    last = job.get("last_success_epoch")
    return BackupRow(
        host=one_line(host),
        cluster=one_line(cluster),
        job=one_line(str(job.get("name") or "")),
        kind=one_line(str(job.get("kind") or "")),
        marks=marks,
        age=float(now - last) if isinstance(last, int) else float("inf"),
    )


def _mark(name: str, epoch: t.Any, now: int) -> Mark:
    if not isinstance(epoch, int):
        return Mark(name, None, "never")
    return Mark(name, _AXIS.position(max((now - epoch) / DAY, _AXIS.first)), moment(epoch))
