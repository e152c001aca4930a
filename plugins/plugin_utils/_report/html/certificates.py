# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When certificates and revocation lists of the fleet run out, the most urgent first; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import DAY
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import LIMIT
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import Axis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import moment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import one_line

__all__ = ["CertificateRow", "CertificateTimeline", "certificate_timeline"]

_AXIS = Axis(0.5, 1500, (("1 day", 1), ("1 week", 7), ("1 month", 30), ("3 months", 90), ("1 year", 365)))
_BANDS = (("expired", 0), ("within a week", 7), ("within a month", 30), ("within three months", 90))


@dataclasses.dataclass(frozen=True)
class CertificateRow:
    """One certificate or list."""

    host: str
    cluster: str
    what: str
    subject: str
    until: str
    days: int | None
    state: str
    end: float
    reason: str


@dataclasses.dataclass(frozen=True)
class CertificateTimeline:
    """The most urgent ones, and how many there are of which urgency."""

    axis: Axis
    rows: tuple[CertificateRow, ...]
    bands: tuple[tuple[str, int], ...]
    total: int


def certificate_timeline(report: Report) -> CertificateTimeline:
    """Of the whole fleet. What nobody knows comes first."""
    rows = sorted(_rows(report), key=lambda row: (row.days is not None, row.days or 0, row.host, row.cluster))
    return CertificateTimeline(_AXIS, tuple(rows[:LIMIT]), tuple(_bands(rows)), len(rows))


def _rows(report: Report) -> t.Iterator[CertificateRow]:
    for one in report.assessments:
        entries = one.views.get("certificates")
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and entry.get("state") != "superseded":
                yield _row(one.host, one.cluster, entry, report.made_epoch)


def _row(host: str, cluster: str, entry: dict[str, t.Any], now: int) -> CertificateRow:
    after = entry.get("not_after_epoch")
    known = isinstance(after, int)
    days = (after - now) // DAY if isinstance(after, int) else None
    state = str(entry.get("state") or "unknown")
    return CertificateRow(
        host=one_line(host),
        cluster=one_line(cluster),
        what=one_line(str(entry.get("role") or "certificate").replace("_", " ")),
        subject=one_line(str(entry.get("subject") or entry.get("issuer") or entry.get("path") or "")),
        until=f"{moment(after)} UTC" if known else "not known",
        days=days,
        state="expired" if days is not None and days < 0 and state in ("ok", "soon") else state,
        end=0 if days is None or days < 0 else _AXIS.position(max(days, 0.5)),
        reason=one_line(str(entry.get("reason") or "")),
    )


def _bands(rows: list[CertificateRow]) -> t.Iterator[tuple[str, int]]:
    """Each row in the first band that it falls into."""
    left = [row.days for row in rows if row.days is not None]
    yield "not known", len(rows) - len(left)
    for name, limit in _BANDS:
        yield name, sum(days < limit for days in left)
        left = [days for days in left if days >= limit]
    yield "later", len(left)
