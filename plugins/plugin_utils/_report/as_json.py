# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of a report as JSON, which ``before`` reads back; private to the collection."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.alike import once_each
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import summary
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SCHEMA
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Finding

__all__ = ["pieces", "render"]


def render(report: Report) -> str:
    """JSON in a stable order, with a line for each change and each cluster."""
    return "".join(pieces(report))


def pieces(report: Report) -> t.Iterator[str]:
    """The same bit by bit: of a large fleet nobody has to hold the whole."""
    told = {"schema": SCHEMA, "title": report.title, "made_epoch": report.made_epoch, "summary": summary(report)}
    yield "{\n" + "".join(f" {json.dumps(name)}: {_line(value)},\n" for name, value in told.items())
    yield from _list("changes", map(_line, [] if report.comparison is None else report.comparison.changes))
    yield ",\n"
    if report.fleet is not None:
        yield from _list("fleet", map(_line, report.fleet.findings))
        yield ",\n"
    finding = once_each(_line)
    yield from _list("assessments", (_assessment(one, finding) for one in report.assessments))
    yield "\n}\n"


def _list(name: str, lines: t.Iterable[str]) -> t.Iterator[str]:
    yield f' "{name}": ['
    for number, line in enumerate(lines):
        yield f"{',' if number else ''}\n  {line}"
    yield "]"


def _assessment(one: Assessment, finding: t.Callable[[Finding], str]) -> str:
    """Its line, with the findings as they are told."""
    findings = f"[{', '.join(map(finding, one.findings))}]"
    parts = (
        f"{json.dumps(name)}: {findings if name == 'findings' else _line(value)}"
        for name, value in {"schema": SCHEMA, **_fields(one)}.items()
    )
    return f"{{{', '.join(parts)}}}"


def _line(value: t.Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_fields)


def _fields(value: t.Any) -> dict[str, t.Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
