# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SARIF 2.1.0, for tools that collect findings; private to the collection.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import json
import time
import typing as t
import urllib.parse

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Finding
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Waived
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import place
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import visible
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import words

__all__ = ["render"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
_SECURITY_SEVERITY = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}
_KINDS = {"fail": "fail", "unknown": "open", "manual": "review"}  # others have results for their waived items only
_STATES = {"new": "new", "still": "unchanged", "": "unchanged"}  # anything else: updated
_FINGERPRINT = "rampartFinding/v1"

Values = dict[str, t.Any]


def render(report: Report) -> str:
    """The log, with one run."""
    rules: dict[str, Finding] = {}
    for one in report.everything:
        for finding in one.findings:
            rules.setdefault(finding.control, finding)
    controls = sorted(rules)
    index = {control: number for number, control in enumerate(controls)}
    run = {
        "tool": {"driver": {"name": "rampart.postgresql", "rules": [_rule(rules[control]) for control in controls]}},
        "automationDetails": {"id": "rampart.postgresql/"},
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": list(_results(report, index)),
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False) + "\n"


def _rule(finding: Finding) -> Values:
    title, rationale = visible(finding.title) or finding.control, visible(finding.rationale)
    references = "\n".join(f"{reference} {reference.title} ({reference.source})" for reference in finding.references)
    return {
        "id": finding.control,
        "shortDescription": {"text": title},
        "fullDescription": {"text": rationale or title},
        "help": {"text": "\n\n".join(part for part in (rationale or title, visible(references)) if part)},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {
            "tags": ["security", finding.area],
            "security-severity": _SECURITY_SEVERITY[finding.severity],
            "severity": finding.severity,
        },
    }


def _invocation(report: Report) -> Values:
    failed = [one for one in report.assessments if one.error]
    ended = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(report.made_epoch))
    notifications = [
        {"level": "error", "message": {"text": visible(f"{one.name} could not be assessed: {one.error}")}}
        for one in failed
    ]
    return {"executionSuccessful": not failed, "endTimeUtc": ended, "toolExecutionNotifications": notifications}


def _results(report: Report, index: dict[str, int]) -> t.Iterator[Values]:
    for one in report.everything:
        for finding in one.findings:
            yield from _of_finding(report, one, finding, index[finding.control])


def _of_finding(report: Report, one: Assessment, finding: Finding, rule: int) -> t.Iterator[Values]:
    """A result for what became of the control, and one for each of its items that is waived."""
    state = {}
    if report.comparison is not None:
        state["baselineState"] = _STATES.get(report.comparison.of(*one.key, finding.control), "updated")
    if finding.status in _KINDS:
        result = _result(one, finding, rule, finding.items)
        yield {**result, **state}
    for waived in finding.waived:
        suppressed = _result(one, finding, rule, [waived.item], waived=True)
        yield {**suppressed, **state, "suppressions": [_suppression(waived)]}


def _result(one: Assessment, finding: Finding, rule: int, items: t.Sequence[t.Any], *, waived: bool = False) -> Values:
    kind = "fail" if waived else _KINDS[finding.status]
    result: Values = {
        "ruleId": finding.control,
        "ruleIndex": rule,
        "kind": kind,
        "level": _LEVELS[finding.severity] if kind == "fail" else "none",
        "message": {"text": _message(one, finding, items)},
        "locations": _locations(one, items),
        "partialFingerprints": {_FINGERPRINT: _fingerprint(one, finding, items if waived else [])},
        "properties": {"host": one.host, "cluster": one.cluster, "status": "waived" if waived else finding.status},
    }
    if finding.fix is not None and kind == "fail":
        result["properties"]["fix"] = finding.fix.line
    return result


def _message(one: Assessment, finding: Finding, items: t.Sequence[t.Any]) -> str:
    lines = [f"{one.name}: {finding.evidence or finding.reason or finding.title or finding.control}"]
    lines += [f"- {words(item)}" for item in items]
    return visible("\n".join(lines))


def _locations(one: Assessment, items: t.Sequence[t.Any]) -> list[Values]:
    """The cluster, and with it each file that an item is about."""
    cluster = {
        "name": one.cluster or "postgresql",
        "fullyQualifiedName": "/".join(part for part in (one.host, one.cluster) if part) or "unnamed",
        "kind": "namespace",
    }
    files = dict.fromkeys(found for found in map(place, items) if found is not None)
    return [{"physicalLocation": _physical(*found), "logicalLocations": [cluster]} for found in files] or [
        {"logicalLocations": [cluster]}
    ]


def _physical(file: str, line: int | None) -> Values:
    # Two slashes at the beginning would make the first name a host.
    path = f"/{file.lstrip('/')}" if file.startswith("/") else file
    where: Values = {"artifactLocation": {"uri": urllib.parse.quote(path)}}
    return where if line is None else {**where, "region": {"startLine": line}}


def _fingerprint(one: Assessment, finding: Finding, items: t.Sequence[t.Any]) -> str:
    """The same in every run for the same control of the same cluster, whatever its items have become."""
    parts = [one.host, one.cluster, finding.control, list(items)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _suppression(waived: Waived) -> Values:
    return {"kind": "external", "status": "accepted", "justification": visible(waived.justification)}
