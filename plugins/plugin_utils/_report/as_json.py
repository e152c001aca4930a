# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of a report as JSON, which ``before`` reads back; private to the collection."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import summary
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SCHEMA
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment

__all__ = ["pieces", "render"]


def render(report: Report) -> str:
    """JSON in a stable order, with a line for each change and each cluster."""
    return "".join(pieces(report))


def pieces(report: Report) -> t.Iterator[str]:
    """The same bit by bit: of a large fleet nobody has to hold the whole."""
    told = {"schema": SCHEMA, "title": report.title, "made_epoch": report.made_epoch, "summary": summary(report)}
    yield "{\n" + "".join(f" {json.dumps(name)}: {_line(value)},\n" for name, value in told.items())
    yield from _list("changes", [] if report.comparison is None else report.comparison.changes)
    yield ",\n"
    yield from _list("assessments", report.assessments)
    yield "\n}\n"


def _list(name: str, values: t.Sequence[t.Any]) -> t.Iterator[str]:
    yield f' "{name}": ['
    for number, value in enumerate(values):
        yield f"{',' if number else ''}\n  {_line(value)}"
    yield "]"


def _line(value: t.Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_fields)


def _fields(value: t.Any) -> dict[str, t.Any]:
    found = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {"schema": SCHEMA, **found} if isinstance(value, Assessment) else found
