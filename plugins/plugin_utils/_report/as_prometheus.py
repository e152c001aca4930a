# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts and scores in Prometheus' text format; private to the collection.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import STATUSES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment

__all__ = ["render"]

_PREFIX = "rampart_postgresql_assessment_"
_HELP = {
    "findings": "Controls by what became of them and by their severity.",
    "score_percent": "Share of the controls of an area that passed; the area overall has all of them.",
    "facts_age_seconds": "Time between when the host was looked at and when the report was made.",
    "assessed": "1 where the cluster could be assessed, 0 where it could not.",
    "made_timestamp_seconds": "When the report was made, in seconds since 1970.",
    "idle_waivers": "Waivers that cover nothing on any cluster, or are for no host of the fleet.",
    "changes": "Controls that fail, or failed in the earlier report, by what became of them.",
}

Sample = tuple[str, dict[str, str], int]


def render(report: Report) -> str:
    """All samples, those of a metric together."""
    found: dict[str, list[str]] = {name: [] for name in _HELP}
    for name, labels, value in _samples(report):
        found[name].append(f"{_PREFIX}{name}{_labels(labels)} {value}")
    return "".join(_family(name, lines) for name, lines in found.items() if lines)


def _family(name: str, lines: list[str]) -> str:
    return "\n".join([f"# HELP {_PREFIX}{name} {_HELP[name]}", f"# TYPE {_PREFIX}{name} gauge", *lines]) + "\n"


def _samples(report: Report) -> t.Iterator[Sample]:
    yield "made_timestamp_seconds", {}, report.made_epoch
    if report.comparison is not None:
        for change, count in report.comparison.counts.items():
            yield "changes", {"change": change}, count
    if report.fleet is not None:
        yield "idle_waivers", {}, sum(finding.item_count for finding in report.fleet.findings)
    for one in report.assessments:
        yield from _of_cluster(one, report.made_epoch)


def _of_cluster(one: Assessment, now: int) -> t.Iterator[Sample]:
    which = {"host": one.host, "cluster": one.cluster}
    yield "assessed", which, 0 if one.error else 1
    if one.gathered_epoch is not None:
        yield "facts_age_seconds", which, now - one.gathered_epoch
    counts = collections.Counter((finding.status, finding.severity) for finding in one.findings)
    for status in STATUSES:
        for severity in SEVERITIES:
            yield "findings", {**which, "status": status, "severity": severity}, counts[status, severity]
    for area, score in one.score.items():
        if score.percent is not None:
            yield "score_percent", {**which, "area": area}, score.percent


def _labels(labels: dict[str, str]) -> str:
    """Prometheus takes an empty label and one that is not there as the same."""
    written = [f'{name}="{_escaped(value)}"' for name, value in labels.items() if value]
    return f"{{{','.join(written)}}}" if written else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
