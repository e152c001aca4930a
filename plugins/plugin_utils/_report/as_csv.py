# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A line for each finding as CSV (RFC 4180); private to the collection."""

from __future__ import annotations

import csv
import io
import re

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Finding
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import one_line
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import words

__all__ = ["COLUMNS", "render"]

COLUMNS = (
    *("host", "cluster", "version", "profile", "control", "title", "area", "severity", "status", "change"),
    *("item_count", "items", "evidence", "reason", "waivers", "fix", "references"),
)
_FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
    "\t",
    "\r",
    "\n",
)  # some take wide signs for them, too
_CELL_OF_ITS_OWN = re.compile(r"(;[\s\"']*)(?=[=+@\uff1d\uff0b\uff20-])")


def render(report: Report) -> str:
    """All findings, in the order of hosts and controls; what is about the fleet has no host."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in report.everything:
        for finding in one.findings:
            change = "" if report.comparison is None else report.comparison.of(*one.key, finding.control)
            writer.writerow([_cell(value) for value in _row(one, finding, change)])
    return out.getvalue()


def _row(one: Assessment, finding: Finding, change: str) -> tuple[str, ...]:
    return (
        *(one.host, one.cluster, one.version, one.profile),
        *(finding.control, finding.title, finding.area, finding.severity, finding.status, change),
        str(finding.item_count),
        "; ".join(map(words, finding.items)),
        finding.evidence,
        finding.reason,
        "; ".join(f"{words(waived.item)}: {waived.justification}" for waived in finding.waived),
        "" if finding.fix is None else finding.fix.line,
        "; ".join(map(str, finding.references)),
    )


def _cell(value: str) -> str:
    """A spreadsheet would take some texts as formulas, behind blanks too, and run them; where it divides at semicolons, also
    what is behind one."""
    shown = _CELL_OF_ITS_OWN.sub(r"\1'", one_line(value))
    return f"'{shown}" if value.lstrip().startswith(_FORMULA) or value.startswith(_FORMULA) else shown
