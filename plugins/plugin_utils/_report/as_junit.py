# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A test suite for each cluster and a case for each control as JUnit XML; private to the collection."""

from __future__ import annotations

import time
import typing as t
from xml.etree import ElementTree

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import statuses
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Finding
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import visible
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import words

__all__ = ["render"]

_SKIPPED = ("unknown", "manual", "waived", "not_applicable")


def render(report: Report) -> str:
    """The document."""
    root = ElementTree.Element("testsuites", _visible(name=report.title, **_counts(report.everything)))
    for one in report.everything:
        root.append(_suite(one))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _counts(assessments: t.Sequence[Assessment]) -> dict[str, str]:
    found = statuses(assessments)
    errors = sum(bool(one.error) for one in assessments)
    return {"tests": str(sum(found.values()) + errors), "failures": str(found["fail"]), "errors": str(errors)}


def _suite(one: Assessment) -> ElementTree.Element:
    found = statuses([one])
    told = _visible(name=one.name, hostname=one.host, **_counts([one]))
    told["skipped"] = str(sum(found[status] for status in _SKIPPED))
    if one.assessed_epoch is not None:
        told["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(one.assessed_epoch))
    suite = ElementTree.Element("testsuite", told)
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("version", one.version), ("profile", one.profile)):
        if value:
            ElementTree.SubElement(properties, "property", _visible(name=name, value=value))
    if one.error:
        suite.append(_unassessed(one))
    for finding in one.findings:
        suite.append(_case(one, finding))
    return suite


def _unassessed(one: Assessment) -> ElementTree.Element:
    """A CI that looks at nothing else must not take a cluster that is away for one on which nothing fails."""
    case = ElementTree.Element("testcase", _visible(name="the cluster is assessed", classname=one.name, time="0"))
    ElementTree.SubElement(case, "error", _visible(type="not assessed", message=one.error))
    return case


def _case(one: Assessment, finding: Finding) -> ElementTree.Element:
    told = _visible(name=f"{finding.control} {finding.title}", classname=f"{one.name}.{finding.area}", time="0")
    case = ElementTree.Element("testcase", told)
    if finding.status == "fail":
        message = finding.evidence or finding.title
        failure = ElementTree.SubElement(case, "failure", _visible(type=finding.severity, message=message))
        failure.text = "\n".join(_body(finding))
    elif finding.status in _SKIPPED:
        ElementTree.SubElement(case, "skipped", _visible(type=finding.status, message=_why(finding)))
    return case


def _body(finding: Finding) -> list[str]:
    lines = [words(item) for item in finding.items]
    if finding.item_count > len(finding.items):
        lines.append(f"and {finding.item_count - len(finding.items)} more")
    if finding.fix is not None:
        lines.append(f"fix: {visible(finding.fix.line)}")
    return lines


def _why(finding: Finding) -> str:
    waivers = "; ".join(f"{words(waived.item)}: {waived.justification}" for waived in finding.waived)
    return finding.reason or waivers or finding.status


def _visible(**attributes: str) -> dict[str, str]:
    return {name: visible(value) for name, value in attributes.items()}
