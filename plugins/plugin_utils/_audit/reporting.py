# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reports of all hosts of an audit; private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import validated
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.directory import AuditDirectory
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.summary import NEVER
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.summary import failing
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.summary import screen
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.assessment import assessment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.gathering import Cluster
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.given import Given
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.given import read
from ansible_collections.rampart.postgresql.plugins.plugin_utils._history import History
from ansible_collections.rampart.postgresql.plugins.plugin_utils._history import Limits
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import gathered
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.rendering import pieces
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import valid
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.trend import Point
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.trend import read as read_score

__all__ = ["ReportOptions", "write_reports"]

_NAMES: t.Final = {
    "json": "report.json",
    "sarif": "report.sarif",
    "junit": "report.junit.xml",
    "markdown": "report.md",
    "csv": "report.csv",
    "prometheus": "report.prom",
    "html": "report.html",
}
_SPEC: t.Final[dict[str, dict[str, t.Any]]] = {
    "directory": {"type": "path", "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "fleet": {"type": "list", "elements": "str"},
    "formats": {"type": "list", "elements": "str", "choices": list(_NAMES), "default": ["json", "html"]},
    "profile": {"type": "str", "choices": list(PROFILES), "default": "baseline"},
    "title": {"type": "str", "default": "PostgreSQL audit"},
    "baseline": {"type": "path"},
    "history": {"type": "path"},
    "history_runs": {"type": "int"},
    "history_days": {"type": "int"},
    "drift": {"type": "path"},
    "fail_on": {"type": "str", "choices": [*SEVERITIES, NEVER], "default": NEVER},
    "only_new": {"type": "bool", "default": False},
    "now": {"type": "int"},
}


@dataclasses.dataclass(frozen=True)
class ReportOptions:
    """What is to be written, and when that is a failure."""

    directory: AuditDirectory
    hosts: list[str]
    fleet: list[str] | None
    formats: list[str]
    profile: str
    title: str
    baseline: str | None
    history: History | None
    limits: Limits
    drift: str | None
    fail_on: str
    only_new: bool
    now: int | None

    @classmethod
    def of(cls, arguments: t.Any) -> ReportOptions:
        """Read those of a task; RampartError names the one that cannot be used."""
        values = validated(arguments, _SPEC)
        limits = Limits.of(values.pop("history_runs"), values.pop("history_days"), prefix="history_")
        history = values.pop("history")
        if values["only_new"] and not values["baseline"] and not history:
            expected = "baseline names the report that is older, or history a directory with such"
            raise InputError(option="only_new", value=True, expected=expected)
        return cls(
            **{**values, "directory": AuditDirectory(values["directory"])},
            history=History(history, option="history") if history else None,
            limits=limits,
        )

    @property
    def older(self) -> tuple[str, str | None]:
        """The report that this one is compared with, and the option that it comes from."""
        if self.baseline is not None or self.history is None:
            return "baseline", self.baseline
        return "history", next(reversed(self.history.entries()), None)


def write_reports(options: ReportOptions, *, check_mode: bool) -> dict[str, t.Any]:
    """Write every format; raises after that where the audit is to fail, with what would have been returned."""
    now = int(time.time()) if options.now is None else options.now
    given = read(profile=options.profile, now=now, controls=None, severities=None, waivers=None, newest_minors=None)
    option, older = options.older
    report = gathered(
        (each for host in options.hosts for each in _assessed(options.directory, host, given)),
        before=_text(older, option, "a report as JSON of an earlier audit"),
        drift=_text(options.drift, "drift", "a document that harden --check has written"),
        title=options.title,
        fleet=options.fleet,
        now=now,
    )
    report = dataclasses.replace(report, trend=tuple(_scores(options.history)))
    told = {
        "changed": False,
        "files": {name: options.directory.write(_NAMES[name], pieces(report, name)) for name in options.formats},
        "summary": screen(report),
        **({} if report.comparison is None else {"comparison": report.comparison.counts, "compared_with": older}),
        **_kept(options, report, check_mode=check_mode),
    }
    reasons = failing(report, options.fail_on, only_new=options.only_new)
    if reasons:
        raise RampartError(f"the audit fails on {options.fail_on}: " + "; ".join(reasons), **told)
    return told


def _kept(options: ReportOptions, report: Report, *, check_mode: bool) -> dict[str, t.Any]:
    """Add the report to the history, if there is to be one; check mode has none."""
    if options.history is None or check_mode:
        return {}
    content = (piece.encode("utf-8", "surrogatepass") for piece in pieces(report, "json"))
    kept = options.history.keep(content, limits=options.limits, now=report.made_epoch, signed=options.baseline)
    return {"kept": kept}


def _scores(history: History | None) -> t.Iterator[Point]:
    """Those of the history. What tells none, such as a file that was put there, is nothing to fail for."""
    for path in [] if history is None else history.entries():
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as lines:
            score = read_score(lines)
            if score is not None:
                yield score


def _assessed(directory: AuditDirectory, host: str, given: Given) -> list[dict[str, t.Any]]:
    """Those of a host; one that says why there are none, for a host that was never reached."""
    try:
        return directory.assessments(host)
    except RampartError as error:
        return [assessment(Cluster(valid(host), "", None, valid(str(error))), given)]


def _text(path: str | None, option: str, expected: str) -> str | None:
    """What is in a file of the controller, if one is named."""
    if path is None:
        return None
    try:
        return pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(option=option, value=path, expected=f"{expected} ({error})") from None
