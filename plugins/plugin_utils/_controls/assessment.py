# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all controls say about clusters, and the score of each; pure, private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import FOLLOWS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.gathering import Cluster
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.given import Given
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.judging import judge
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.judging import unknown
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import AREAS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.support import release
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.unread import Known
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.waivers import OWN_CONTROLS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.waivers import Waivers

__all__ = ["assessment"]

_SCHEMA: t.Final = 1
_COUNTED: t.Final[t.Mapping[str, str]] = {
    "pass": "passed",
    "fail": "failed",
    "unknown": "unknown",
    "manual": "manual",
    "waived": "waived",
    "not_applicable": "not_applicable",
}


def assessment(cluster: Cluster, given: Given) -> dict[str, t.Any]:
    """The assessment of one cluster, as plain values."""
    waivers = Waivers(given.waivers, host=cluster.host, now=given.by.now)
    if cluster.facts is None:
        findings = [unknown(control, given.by.profile, cluster.error) for control in given.controls]
        return _told(cluster, {}, given, findings, waivers.values()) | {"error": cluster.error}
    known = Known(cluster.facts, given.by)
    known.values["waivers"] = {}
    ordered = sorted(given.controls, key=lambda control: control.id.startswith(OWN_CONTROLS))
    findings = []
    for control in ordered:
        if control.id.startswith(OWN_CONTROLS):
            known.values["waivers"] = waivers.remarks()
        findings.append(judge(control, known, waivers, given.by.profile))
    return _told(cluster, cluster.facts, given, findings, waivers.values())


def _told(
    cluster: Cluster,
    facts: t.Mapping[str, t.Any],
    given: Given,
    findings: list[dict[str, t.Any]],
    waivers: list[dict[str, t.Any]],
) -> dict[str, t.Any]:
    return {
        "schema": _SCHEMA,
        "host": cluster.host,
        "cluster": cluster.name,
        "major": facts.get("major"),
        "version": release(facts["version"]) if facts else "",
        "profile": given.by.profile,
        "follows": [dict(each) for each in FOLLOWS[given.by.profile]],
        "gathered_epoch": _if(facts.get("gathered_epoch"), int),
        "assessed_epoch": given.by.now,
        "in_recovery": _if(facts.get("in_recovery"), bool),
        "managed_by": [each["name"] for each in facts.get("managed_by") or []],
        "score": _score(findings),
        "findings": findings,
        "waivers": waivers,
        "views": {
            "hba": facts.get("hba"),
            "certificates": facts.get("certificates") or [],
            "backups": facts.get("backups"),
        },
    }


def _if(value: t.Any, kind: type) -> t.Any:
    """The value where it is one, for nobody makes a report of a fleet from what a single host should not have sent."""
    is_one = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
    return value if is_one else None


def _score(findings: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, dict[str, int | None]]:
    """Per area and over all. Only what passed counts; what is unknown counts against it, what is waived for nothing."""
    counts: dict[str, dict[str, int]] = {name: dict.fromkeys(_COUNTED.values(), 0) for name in (*AREAS, "overall")}
    for finding in findings:
        for name in (finding["area"], "overall"):
            counts[name][_COUNTED[finding["status"]]] += 1
    return {name: {**count, "percent": _percent(count)} for name, count in counts.items()}


def _percent(count: t.Mapping[str, int]) -> int | None:
    judged = count["passed"] + count["failed"] + count["unknown"]
    return count["passed"] * 100 // judged if judged else None
