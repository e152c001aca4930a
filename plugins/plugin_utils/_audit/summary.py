# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit says on one screen, and whether it is to fail; pure and private to the collection."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import STATUSES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import one_line

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment

__all__ = ["NEVER", "brief", "failing", "screen"]

NEVER: t.Final = "never"
_SHOWN = 13  # controls on the screen: what is left of one with the rest of the summary
_ERRORS = 4  # hosts that could not be assessed, likewise
_WAIVERS = 3  # of use nowhere, likewise
_WIDTH = 110  # characters of a line


def brief(assessment: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What the result of a task tells of a cluster: no items and no facts, which are in the files."""
    failed, unknown = (
        [each for each in assessment["findings"] if each["status"] == status] for status in ("fail", "unknown")
    )
    return {
        "cluster": assessment["cluster"],
        "error": assessment.get("error", ""),
        "statuses": dict(collections.Counter(each["status"] for each in assessment["findings"])),
        "failed": {
            severity: [each["control"] for each in failed if each["severity"] == severity] for severity in SEVERITIES
        },
        "unknown": [each["control"] for each in unknown],
    }


def failing(report: Report, fail_on: str, *, only_new: bool = False) -> list[str]:
    """Why an audit fails, a reason for each cluster and one for the fleet. Who could not be looked at has not passed."""
    if fail_on == NEVER:
        return []
    counted = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    found = [(one, _failed(report, one, counted, only_new=only_new)) for one in report.everything]
    return [
        f"{one.name}: {f'could not be assessed: {one.error}' if one.error else ', '.join(controls)}"
        for one, controls in found
        if one.error or controls
    ]


def _failed(report: Report, one: Assessment, severities: t.Sequence[str], *, only_new: bool) -> list[str]:
    failed = [finding.control for finding in one.with_status("fail") if finding.severity in severities]
    if not only_new or report.comparison is None:
        return failed
    grown = (
        {change.control for change in report.comparison.of_fleet if change.items_added} if one is report.fleet else ()
    )
    return [each for each in failed if each in grown or report.comparison.of(*one.key, each) == "new"]


def screen(report: Report) -> list[str]:
    """The lines of a summary: how many of what, and the controls that fail, the gravest and most frequent first."""
    statuses = collections.Counter(finding.status for one in report.assessments for finding in one.findings)
    errors = [one for one in report.assessments if one.error]
    hosts = {one.host for one in report.assessments}
    lines = [
        f"{len(report.assessments)} clusters on {len(hosts)} hosts; {len(errors)} could not be assessed",
        "  ".join(f"{name} {statuses[name]}" for name in STATUSES),
    ]
    if report.comparison is not None:
        lines.append("since the baseline: " + "  ".join(f"{name} {n}" for name, n in report.comparison.counts.items()))
    lines += [f"not assessed: {one.name}: {one.error}"[:_WIDTH] for one in errors[:_ERRORS]]
    return [*lines, *_of_fleet(report)[:_WAIVERS], *_controls(report)]


def _of_fleet(report: Report) -> list[str]:
    """Waivers of which the whole fleet has no use."""
    items = [item for finding in (report.fleet.findings if report.fleet else ()) for item in finding.items]
    return [one_line(_idle(item))[:_WIDTH] for item in items]


def _idle(item: t.Mapping[str, t.Any]) -> str:
    condition = f" when {item['when']}" if item["when"] else ""
    return f"{item['why']}: the waiver of {item['control']} for {_hosts(item['hosts'])}{condition}"


def _hosts(given: t.Any) -> str:
    return ", ".join(map(str, given)) if isinstance(given, list) else str(given)


def _controls(report: Report) -> list[str]:
    where: dict[tuple[str, str, str], set[str]] = collections.defaultdict(set)
    for one in report.assessments:
        for finding in one.with_status("fail"):
            where[(finding.severity, finding.control, finding.title)].add(one.host)
    ordered = sorted(where.items(), key=lambda entry: (SEVERITIES.index(entry[0][0]), -len(entry[1]), entry[0][1]))
    lines = [
        f"{severity:<9} {control:<12} {_on(hosts):<20} {title}"[:_WIDTH]
        for (severity, control, title), hosts in ordered[:_SHOWN]
    ]
    more = len(ordered) - len(lines)
    return [*lines, f"and {more} more controls, in the reports"] if more else lines


def _on(hosts: set[str]) -> str:
    """The host, or how many they are."""
    name = f"{len(hosts)} hosts" if len(hosts) > 1 else next(iter(hosts))
    return name if len(name) <= 20 else f"{name[:19]}…"
