# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long ago backups succeeded, were verified and were restored, of a cluster and of the fleet; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import DAY
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import LIMIT
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import Axis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import brief
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import epoch
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import moment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import one_line

__all__ = ["BACKUP_AXIS", "BackupRow", "BackupTimeline", "Mark", "backup_rows", "backup_timeline", "tools_of"]

BACKUP_AXIS = Axis(
    1 / 24,
    900,
    (("6 hours", 0.25), ("day", 1), ("week", 7), ("month", 30), ("quarter", 90), ("year", 365)),
)
_MOMENTS = (("succeeded", "last_success_epoch"), ("verified", "verified_epoch"), ("restored", "restored_epoch"))
_QUALITIES = (
    ("encrypted", ("encrypted", "not encrypted", "encryption not known")),
    ("off_host", ("on another host", "on this host only", "place not known")),
)


@dataclasses.dataclass(frozen=True)
class Mark:
    """When one of the three happened last."""

    name: str
    position: float | None
    ago: str


@dataclasses.dataclass(frozen=True)
class BackupRow:
    """One job. ``facts`` are sentences about it; ``failed`` is what its last run came to, where that was not well."""

    host: str
    cluster: str
    job: str
    failed: str
    facts: tuple[str, ...]
    marks: tuple[Mark, ...]
    age: float


@dataclasses.dataclass(frozen=True)
class BackupTimeline:
    """The jobs whose last success is oldest, and the clusters that have none, with the other tools that they have."""

    axis: Axis
    rows: tuple[BackupRow, ...]
    total: int
    without: tuple[tuple[str, str, tuple[str, ...]], ...]


def backup_timeline(report: Report) -> BackupTimeline:
    """Of the whole fleet."""
    rows: list[BackupRow] = []
    without = []
    for one in report.assessments:
        found = backup_rows(one, report.made_epoch)
        rows += found or ()
        if not found:
            without.append((one_line(one.host), one_line(one.cluster), tools_of(one)))
    rows.sort(key=_urgency)
    return BackupTimeline(BACKUP_AXIS, tuple(rows[:LIMIT]), len(rows), tuple(without))


def backup_rows(one: Assessment, now: int) -> list[BackupRow] | None:
    """The jobs of a cluster, the oldest first; None where nobody could look at them."""
    view = one.views.get("backups")
    jobs = view.get("jobs") if isinstance(view, dict) else None
    if not isinstance(jobs, list):
        return None
    return sorted((_row(one.host, one.cluster, job, now) for job in jobs if isinstance(job, dict)), key=_urgency)


def tools_of(one: Assessment) -> tuple[str, ...]:
    """What else makes backups of a cluster, and what tells so."""
    view = one.views.get("backups")
    tools = view.get("tools") if isinstance(view, dict) else None
    found = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    return tuple(brief(f"{tool.get('name')} ({tool.get('evidence')})") for tool in found)


def _urgency(row: BackupRow) -> tuple[t.Any, ...]:
    return (-row.age, row.host, row.cluster, row.job)


def _row(host: str, cluster: str, job: dict[str, t.Any], now: int) -> BackupRow:
    last, outcome = epoch(job.get("last_success_epoch")), job.get("outcome")
    return BackupRow(
        host=one_line(host),
        cluster=one_line(cluster),
        job=brief(str(job.get("name") or "")),
        failed="" if outcome in (None, "", "ok") else brief(str(outcome)),
        facts=tuple(_facts(job)),
        marks=tuple(_mark(name, job.get(key), now) for name, key in _MOMENTS),
        age=float("inf") if last is None else float(now - last),
    )


def _facts(job: dict[str, t.Any]) -> t.Iterator[str]:
    if job.get("kind"):
        yield brief(str(job["kind"]))
    yield brief(str(job.get("schedule") or "no schedule known"))
    for key, (yes, no, unknown) in _QUALITIES:
        yield unknown if job.get(key) is None else yes if job[key] else no


def _mark(name: str, value: t.Any, now: int) -> Mark:
    seconds = epoch(value)
    if seconds is None:
        return Mark(name, None, "never")
    return Mark(name, BACKUP_AXIS.position(max((now - seconds) / DAY, BACKUP_AXIS.first)), moment(seconds))
