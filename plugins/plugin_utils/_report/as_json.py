# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of a report as JSON, which ``before`` reads back; private to the collection."""

from __future__ import annotations

import dataclasses
import json

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import summary
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SCHEMA

__all__ = ["render"]


def render(report: Report) -> str:
    """JSON in a stable order."""
    changes = None
    if report.comparison is not None:
        changes = [dataclasses.asdict(change) for change in report.comparison.changes]
    values = {
        "schema": SCHEMA,
        "title": report.title,
        "made_epoch": report.made_epoch,
        "summary": summary(report),
        "changes": changes,
        "assessments": [one.values() for one in report.assessments],
    }
    return json.dumps(values, indent=1, ensure_ascii=False) + "\n"
