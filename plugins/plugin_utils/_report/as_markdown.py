# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report for people, in Markdown as merge requests show it; private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import percent
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import severities
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import statuses
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Finding
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import moment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import one_line
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import words

__all__ = ["render"]

_SPECIAL = re.compile(
    r"([\\`*_\[\]<>&|~@#!$^]|(?<=:)/(?=/)|(?<=www)\.)"
)  # what makes links and mentions of bare text too
_ITEMS = 10
"""Of a finding; the other formats have all."""
_FENCE = re.compile("`+")

Where = tuple[Assessment, Finding]


def render(report: Report) -> str:
    """The document."""
    blocks = [f"# {_plain(report.title)}", _headline(report)]
    if report.comparison is not None:
        counts = ", ".join(f"{count} {name}" for name, count in report.comparison.counts.items())
        others = report.comparison.held_to_others
        told = f" {others} had another profile or other controls then." if others else ""
        blocks.append(f"Since {moment(report.comparison.before_epoch)} UTC: {counts}.{told}")
    blocks.append(_table(report))
    failures = [(one, finding) for one in report.assessments for finding in one.with_status("fail")]
    for severity in SEVERITIES:
        blocks += _section(report, severity, [where for where in failures if where[1].severity == severity])
    return "\n\n".join([*blocks, *_of_fleet(report), *_contradictions(report)]) + "\n"


def _headline(report: Report) -> str:
    found = severities(report.assessments)
    score = percent(report.assessments)
    failed = ", ".join(f"{count} {severity}" for severity, count in found.items() if count)
    clusters = len(report.assessments)
    told = "no score" if score is None else f"score {score} %"
    several = "cluster" if clusters == 1 else "clusters"
    return f"{clusters} {several}, {told}; failures: {failed or 'none'}. Made {moment(report.made_epoch)} UTC."


def _of_fleet(report: Report) -> list[str]:
    """What fails for no single cluster."""
    if report.fleet is None or not report.fleet.findings:
        return []
    blocks = ["## Of the fleet as a whole"]
    for finding in report.fleet.with_status("fail"):
        blocks.append(f"### {_plain(finding.control)} {_plain(finding.title)} ({finding.severity})")
        blocks.append(_finding(report, report.fleet, finding))
    return blocks


def _contradictions(report: Report) -> list[str]:
    """Whom each profile follows where benchmarks say different things."""
    told = {(one.profile, each.topic, each.benchmark, each.says) for one in report.assessments for each in one.follows}
    lines = [f"- {_plain(f'{topic}, {profile}: follows {who}: {says}')}" for profile, topic, who, says in sorted(told)]
    return ["## Where benchmarks contradict each other", "\n".join(lines)] if lines else []


def _table(report: Report) -> str:
    head = ("cluster", "version", "profile", "score", *SEVERITIES, "unknown", "manual", "waived", "passed")
    lines = [_row(head), _row(["---"] * 3 + ["--:"] * (len(head) - 3))]
    for one in report.assessments:
        found, failed = statuses([one]), severities([one])
        counts = [*failed.values(), found["unknown"], found["manual"], found["waived"], found["pass"]]
        score = "-" if one.percent is None else f"{one.percent} %"
        name = f"{_plain(one.name)} (not assessed: {_plain(one.error)})" if one.error else _plain(one.name)
        lines.append(_row([name, _plain(one.version), _plain(one.profile), score, *map(str, counts)]))
    return "\n".join(lines)


def _row(cells: t.Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _section(report: Report, severity: str, found: list[Where]) -> list[str]:
    """The failures of one severity, those of a control together."""
    if not found:
        return []
    blocks = [f"## {severity.capitalize()}: {len(found)}"]
    controls: dict[str, list[Where]] = {}
    for one, finding in found:
        controls.setdefault(finding.control, []).append((one, finding))
    for control in sorted(controls):
        of_control = controls[control]
        blocks.append(f"### {_plain(control)} {_plain(of_control[0][1].title)}")
        blocks += [_finding(report, one, finding) for one, finding in of_control]
        blocks += _fixes(of_control)
    return blocks


def _finding(report: Report, one: Assessment, finding: Finding) -> str:
    change = "" if report.comparison is None else report.comparison.of(*one.key, finding.control)
    told = f" ({change})" if change else ""
    lines = [f"- **{_plain(one.name)}**{told}: {_plain(finding.evidence or 'fails')}"]
    lines += [f"  - {_code(words(item))}" for item in finding.items[:_ITEMS]]
    more = finding.item_count - len(finding.items[:_ITEMS])
    lines += [f"  - and {more} more"] if more > 0 else []
    return "\n".join(lines)


def _fixes(found: list[Where]) -> list[str]:
    """Each different line once."""
    lines = dict.fromkeys(finding.fix.line for _one, finding in found if finding.fix is not None)
    return [_block(line) for line in lines if line]


def _plain(text: str) -> str:
    """Text that nothing in it can turn into markup."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def _code(text: str) -> str:
    """Text between as many backticks as it needs."""
    fence = "`" * (1 + max((len(found) for found in _FENCE.findall(text)), default=0))
    return f"{fence} {text} {fence}"


def _block(text: str) -> str:
    fence = "`" * max(3, 1 + max((len(found) for found in _FENCE.findall(text)), default=0))
    lines = "\n".join(one_line(line) for line in text.splitlines())
    return f"{fence}yaml\n{lines}\n{fence}"
