# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When certificates and revocation lists run out, of a cluster and of the fleet; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import DAY
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import LIMIT
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import WIDTH
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import Axis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import brief
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import epoch
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import moment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import one_line

__all__ = ["CERTIFICATE_AXIS", "CertificateRow", "CertificateTimeline", "certificate_rows", "certificate_timeline"]

CERTIFICATE_AXIS = Axis(0.5, 1500, (("day", 1), ("week", 7), ("month", 30), ("quarter", 90), ("year", 365)))
_BANDS = (("expired", 0), ("within a week", 7), ("within a month", 30), ("within three months", 90))
_LEAST = 6  # of the drawing, so that what ends within hours is seen
_SAID_BY_STATE = ("expired", "expires_soon")  # problems


@dataclasses.dataclass(frozen=True)
class CertificateRow:
    """One certificate or list. ``start`` and ``end`` are where it is valid on the axis."""

    host: str
    cluster: str
    what: str
    subject: str
    path: str
    until: str
    left: str
    days: int | None
    state: str
    start: float
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
    """Of the whole fleet."""
    found = [row for one in report.assessments for row in certificate_rows(one, report.made_epoch) or ()]
    rows = [row for row in found if row.state != "superseded"]
    rows.sort(key=_urgency)
    return CertificateTimeline(CERTIFICATE_AXIS, tuple(rows[:LIMIT]), tuple(_bands(rows)), len(rows))


def certificate_rows(one: Assessment, now: int) -> list[CertificateRow] | None:
    """Of a cluster, the most urgent first; None where nobody could look at them."""
    entries = one.views.get("certificates")
    if not isinstance(entries, list):
        return None
    rows = [_row(one.host, one.cluster, entry, now) for entry in entries if isinstance(entry, dict)]
    return sorted(rows, key=_urgency)


def _urgency(row: CertificateRow) -> tuple[t.Any, ...]:
    """What nobody knows comes first, what was replaced and what lasts for ever last."""
    lasting = row.days is None and row.state != "unknown"
    return (row.state == "superseded", lasting, row.days is not None, row.days or 0, row.host, row.cluster)


def _row(host: str, cluster: str, entry: dict[str, t.Any], now: int) -> CertificateRow:
    after, before = epoch(entry.get("not_after_epoch")), epoch(entry.get("not_before_epoch"))
    days = None if after is None else (after - now) // DAY
    state = str(entry.get("state") or "unknown")
    return CertificateRow(
        host=one_line(host),
        cluster=one_line(cluster),
        what=brief(str(entry.get("role") or "certificate").replace("_", " ")),
        subject=brief(str(entry.get("subject") or entry.get("issuer") or "")),
        path=brief(str(entry.get("path") or "")),
        until=("not known" if state == "unknown" else "without an end") if after is None else f"{moment(after)} UTC",
        left=_left(days),
        days=days,
        state="expired" if days is not None and days < 0 and state in ("ok", "soon") else state,
        start=0 if before is None or before <= now else _position(before, now),
        end=_end(after, now, known=state != "unknown"),
        reason=_reason(entry),
    )


def _position(moment_of: int, now: int) -> float:
    return CERTIFICATE_AXIS.position(max((moment_of - now) / DAY, CERTIFICATE_AXIS.first))


def _end(after: int | None, now: int, *, known: bool) -> float:
    if after is None:
        return WIDTH if known else 0
    return 0 if after < now else max(_position(after, now), _LEAST)


def _left(days: int | None) -> str:
    """Whole days until the end, or since then."""
    if days is None:
        return ""
    whole, words = (days, "left") if days >= 0 else (-days - 1, "ago")
    return f"less than a day {words}" if not whole else f"{whole} day{'' if whole == 1 else 's'} {words}"


def _reason(entry: dict[str, t.Any]) -> str:
    """Why it is unknown, and what else is wrong with it."""
    problems = entry.get("problems")
    told = [entry.get("reason")]
    for one in problems if isinstance(problems, list) else []:
        if not isinstance(one, dict):
            told.append(one)
        elif one.get("code") not in _SAID_BY_STATE:
            told.append(one.get("message") or one.get("code"))
    return brief("; ".join(dict.fromkeys(str(each) for each in told if each)))


def _bands(rows: list[CertificateRow]) -> t.Iterator[tuple[str, int]]:
    """Each row in the first band that it falls into."""
    left = [row.days for row in rows if row.days is not None]
    unknown = sum(row.days is None and row.state == "unknown" for row in rows)
    yield "not known", unknown
    for name, limit in _BANDS:
        yield name, sum(days < limit for days in left)
        left = [days for days in left if days >= limit]
    yield "later", len(rows) - unknown - sum(row.days is not None and row.days < _BANDS[-1][1] for row in rows)
