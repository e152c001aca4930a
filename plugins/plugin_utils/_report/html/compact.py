# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet's findings as data for the page: what many clusters share is in it once; private to the collection."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.alike import once_each
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.comparing import CHANGES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.axis import Axis
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.backups import BACKUP_AXIS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.backups import backup_rows
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.backups import tools_of
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.certificates import CERTIFICATE_AXIS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.certificates import certificate_rows
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import AREAS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import STATUSES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Finding
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import one_line
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import visible
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.waivers import SiteWaiver

__all__ = ["details", "embedded", "overview"]

_ABSENT = "-"
_EXACT = 2**53  # up to which a browser knows whole numbers
_LONGEST = 20_000
"""Characters of a value on the page; the other formats have all."""
_RULE = ("number", "file", "line", "text", "method", "reachable", "shadowed_by")
_CERTIFICATE = ("what", "subject", "path", "until", "left", "state", "start", "end", "reason")
_REMARK = ("file", "line", "severity", "message")
_WAIVER = ("control", "hosts", "when", "reason", "approved_by", "expires")
_WHO = ("from", "type", "databases", "users", "method")

Values = dict[str, t.Any]


class _Pool:
    """Values that are stored once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.values: list[t.Any] = []

    def number(self, value: t.Any) -> int:
        """Where it is."""
        key = json.dumps(value)
        if key not in self._numbers:
            self._numbers[key] = len(self.values)
            self.values.append(value)
        return self._numbers[key]


def overview(report: Report) -> Values:
    """What every view needs, which is read when the page opens."""
    controls = _controls(report)
    order = {control: number for number, control in enumerate(controls)}
    before = {} if report.comparison is None else {one.key: one.percent for one in report.comparison.before}
    changes = [] if report.comparison is None else report.comparison.changes
    return {
        "made": report.made_epoch,
        "areas": AREAS,
        "severities": SEVERITIES,
        "statuses": STATUSES,
        "changeNames": CHANGES,
        "axes": {"certificates": _axis(CERTIFICATE_AXIS), "backups": _axis(BACKUP_AXIS)},
        "compared": report.comparison is not None,
        "controls": [_control(finding) for finding in controls.values()],
        "clusters": [_cluster(one, order, controls, before.get(one.key)) for one in report.assessments],
        "waivers": _waivers(report),
        "drift": _drift(report),
        "changes": [
            [
                CHANGES.index(one.change),
                SEVERITIES.index(one.severity),
                *(one_line(one.host), one_line(one.cluster), one.control, one.title),
                *(one.items_added, one.items_removed),
            ]
            for one in changes
        ],
    }


def details(report: Report) -> Values:
    """What only the page of a cluster needs, which is read when the first one is opened."""
    controls = _controls(report)
    findings, views = _Pool(), _Pool()
    numbered = once_each(lambda finding: findings.number(_finding(finding)))
    clusters = []
    for one in report.assessments:
        of_cluster = {finding.control: numbered(finding) for finding in one.findings}
        numbers = [of_cluster.get(control, -1) for control in controls]
        made = report.made_epoch
        shown = (_hba(one), _certificates(one, made), _backups(one, made), _follows(one))
        clusters.append([numbers, *map(views.number, shown)])
    drift = [] if report.drift is None else [[row.statement, row.before, row.after] for row in report.drift.rows]
    return {"findings": findings.values, "views": views.values, "clusters": clusters, "drift": drift}


def embedded(value: t.Any) -> str:
    """JSON that can stand between the tags of a script, whatever is in it."""
    text = json.dumps(_shown(value), ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _axis(axis: Axis) -> list[list[t.Any]]:
    return [[tick.label, tick.position] for tick in axis.ticks]


def _controls(report: Report) -> dict[str, Finding]:
    """Every control by area and name, with the first of the gravest findings that tell of it."""
    found: dict[str, Finding] = {}
    for one in report.assessments:
        for finding in one.findings:
            known = found.setdefault(finding.control, finding)
            if finding.severity != known.severity and _severity(finding) < _severity(known):
                found[finding.control] = finding
    return {finding.control: finding for finding in sorted(found.values(), key=_by_area)}


def _severity(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity)


def _by_area(finding: Finding) -> tuple[int, str]:
    return (AREAS.index(finding.area) if finding.area in AREAS else len(AREAS), finding.control)


def _control(finding: Finding) -> list[t.Any]:
    references = [[str(one), one.title, one.source] for one in finding.references]
    return [finding.control, finding.title, finding.area, _severity(finding), finding.rationale, references]


def _cluster(one: Assessment, order: dict[str, int], controls: dict[str, Finding], before: int | None) -> Values:
    statuses = [_ABSENT] * len(order)
    own = {}  # severities that are others here
    for finding in one.findings:
        statuses[order[finding.control]] = str(STATUSES.index(finding.status))
        if finding.severity != controls[finding.control].severity:
            own[str(order[finding.control])] = _severity(finding)
    return {
        **({"own": own} if own else {}),
        "host": one_line(one.host),
        "cluster": one_line(one.cluster),
        "version": one.version,
        "profile": one.profile,
        "gathered": one.gathered_epoch,
        "recovery": one.in_recovery,
        "managed": one.managed_by,
        "error": one.error,
        "percent": one.percent,
        "before": before,
        "areas": [one.score[area].percent for area in AREAS],
        "statuses": "".join(statuses),
    }


def _finding(finding: Finding) -> list[t.Any]:
    fix = None if finding.fix is None else [finding.fix.role, finding.fix.line]
    waived = [[one.item, one.justification] for one in finding.waived]
    return [_severity(finding), finding.evidence, finding.reason, finding.items, finding.item_count, waived, fix]


def _waivers(report: Report) -> list[list[t.Any]]:
    """Each waiver once, with how many items it covers in the fleet, what that makes of it, and how grave that is."""
    return [[*(one.values[name] for name in _WAIVER), one.used, *_state(one)] for one in report.waivers]


def _state(one: SiteWaiver) -> tuple[str, str]:
    if one.expired:
        return (f"expired, {one.idle}" if one.idle else "expired"), "expired"
    if one.idle:
        return one.idle, "soon"
    if not one.here:
        return "for other hosts", "superseded"
    return ("in force", "") if one.used else ("unused", "soon")


def _drift(report: Report) -> Values | None:
    """What a hardening would change, in words; both sides of it are among the details."""
    if report.drift is None:
        return None
    return {
        "generated": report.drift.generated_epoch,
        "hosts": len(report.drift.hosts),
        "rows": [
            [
                SEVERITIES.index(row.severity),
                *(one_line(row.host), one_line(row.cluster), row.component, row.subject, row.description),
            ]
            for row in report.drift.rows
        ],
    }


def _hba(one: Assessment) -> t.Any:
    view = one.views.get("hba")
    if not isinstance(view, dict):
        return None
    told = {"rules": _RULE, "who": _WHO, "findings": _REMARK}
    return {name: _rows(view.get(name), columns) for name, columns in told.items()}


def _certificates(one: Assessment, made: int) -> t.Any:
    rows = certificate_rows(one, made)
    return None if rows is None else [[getattr(row, name) for name in _CERTIFICATE] for row in rows]


def _backups(one: Assessment, made: int) -> t.Any:
    rows = backup_rows(one, made)
    if rows is None:
        return None
    jobs = [[row.job, row.failed, row.facts, [[mark.position, mark.ago] for mark in row.marks]] for row in rows]
    return [jobs, tools_of(one)]


def _follows(one: Assessment) -> t.Any:
    return [[follows.topic, follows.benchmark, follows.says] for follows in one.follows]


def _rows(rows: t.Any, columns: t.Sequence[str]) -> t.Any:
    if not isinstance(rows, list):
        return None
    return [[row.get(column) for column in columns] for row in rows if isinstance(row, dict)]


def _shown(value: t.Any) -> t.Any:
    """With what cannot be seen written out, what nobody reads to its end cut, and numbers that a browser would round as text."""
    if isinstance(value, str):
        told = visible(value[:_LONGEST])
        return told if len(value) <= _LONGEST else f"{told}… and {len(value) - _LONGEST} more characters"
    if isinstance(value, int) and abs(value) >= _EXACT:
        return str(value)
    if isinstance(value, dict):
        return {_shown(key): _shown(one) for key, one in value.items()}
    return [_shown(one) for one in value] if isinstance(value, (list, tuple)) else value
