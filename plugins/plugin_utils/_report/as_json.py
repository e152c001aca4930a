# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of a report as JSON, which ``before`` reads back; private to the collection."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import summary
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SCHEMA
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment

__all__ = ["render"]


def render(report: Report) -> str:
    """JSON in a stable order, with a line for each change and each cluster."""
    told = {"schema": SCHEMA, "title": report.title, "made_epoch": report.made_epoch, "summary": summary(report)}
    parts = [f" {json.dumps(name)}: {_line(value)}" for name, value in told.items()]
    parts.append(f' "changes": {_list([]) if report.comparison is None else _list(report.comparison.changes)}')
    parts.append(f' "assessments": {_list(report.assessments)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _list(values: t.Sequence[t.Any]) -> str:
    return "[" + ",".join(f"\n  {_line(value)}" for value in values) + "]"


def _line(value: t.Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_fields)


def _fields(value: t.Any) -> dict[str, t.Any]:
    return {"schema": SCHEMA, **vars(value)} if isinstance(value, Assessment) else vars(value)
