# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sums over clusters; private to the collection."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import AREAS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import OVERALL
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import STATUSES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment

__all__ = ["percent", "severities", "statuses", "summary"]


def statuses(assessments: t.Iterable[Assessment]) -> dict[str, int]:
    """How many findings have which status."""
    found = collections.Counter(finding.status for one in assessments for finding in one.findings)
    return {status: found[status] for status in STATUSES}


def severities(assessments: t.Iterable[Assessment]) -> dict[str, int]:
    """How many failures have which severity."""
    findings = (finding for one in assessments for finding in one.findings)
    found = collections.Counter(finding.severity for finding in findings if finding.status == "fail")
    return {severity: found[severity] for severity in SEVERITIES}


def percent(assessments: t.Iterable[Assessment], area: str = OVERALL) -> int | None:
    """The mean score of the clusters that have one, rounded down, so that 100 means all."""
    known = [value for value in (one.score[area].percent for one in assessments) if value is not None]
    return sum(known) // len(known) if known else None


def summary(report: Report) -> dict[str, t.Any]:
    """The report in a few numbers."""
    return {
        "clusters": len(report.assessments),
        "hosts": len({one.host for one in report.assessments}),
        "not_assessed": sum(bool(one.error) for one in report.assessments),
        "statuses": statuses(report.assessments),
        "failures": severities(report.assessments),
        "score": {area: percent(report.assessments, area) for area in (*AREAS, OVERALL)},
        "changes": None if report.comparison is None else report.comparison.counts,
    }
