# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controls as a page of the documentation; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import EDITIONS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import FOLLOWS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import NOT_APPLICABLE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import RECOMMENDATIONS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.benchmarks import Edition
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.controls import CONTROLS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import AREAS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Applies
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Reference
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES

__all__ = ["coverage", "page"]

_HEAD = """\
..
  Copyright (c) 2026, the rampart.postgresql contributors
  GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
  SPDX-License-Identifier: GPL-3.0-or-later
  Written by scripts/controls.py from plugins/plugin_utils/_controls. Do not edit by hand.

.. _ansible_collections.rampart.postgresql.docsite.controls:

Controls
========

The filter ``rampart.postgresql.assess`` judges what the module ``cluster_info`` tells of a cluster by these controls. Their ids
stay. What could not be read is ``unknown`` and never passes.

Controls about a parameter compare it with the profile that is chosen, by what it means: a stricter value is as good where the
control says so. A parameter that the profile leaves alone is not applicable.

What the site adds
------------------

``controls`` of the filter are the site's own, of the same shape and with ids of their own. ``severities`` changes how bad the
site finds a control. ``waivers`` are what it has accepted, with a reason, who approved it, and the last day that it holds:

.. code-block:: yaml

   - control: RPG-ACC-101
     hosts: "db*.example.org"
     when: role == 'dba'
     reason: The administrators' role until they are all in the directory.
     approved_by: security@example.org
     expires: "2027-06-30"

``when`` is JMESPath and is asked of each item of the finding. What it fits is shown as waived and does not count, neither as
passed nor as failed. A waiver that has expired waives nothing and is a finding itself, and so is one that covers nothing, where
``hosts`` is the name of that one host. One for several hosts may be of use on another of them; the assessment of each host
says how often it was used, and reports judge it over the fleet.

Recommendations of benchmarks
-----------------------------

Numbers move between editions of a benchmark, so each one is given with the edition and the source that it was seen in, and no
other is written. *Automated* means that a control judges it, *manual* that a person has to, and the control says what to look
at. *Not applicable* comes with a reason. *Unmapped* is what was not seen: it does not say that there is no control for it.
"""


def page() -> str:
    """The whole file, as it must stand in docs/docsite/rst/controls.rst."""
    parts = [_HEAD, _summary(), *map(_edition, EDITIONS), _contradictions(), *map(_area, AREAS)]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts if part)


def coverage(recommendation: Reference) -> str:
    """How it is dealt with: automated, manual, not applicable or unmapped."""
    controls = _about(recommendation)
    if any(not control.manual for control in controls):
        return "automated"
    if controls:
        return "manual"
    return "not applicable" if _reason(recommendation) else "unmapped"


def _about(recommendation: Reference) -> list[Control]:
    return [control for control in CONTROLS if recommendation in control.references]


def _reason(recommendation: Reference) -> str:
    return NOT_APPLICABLE.get((recommendation.edition, recommendation.number), "")


def _of(edition: Edition) -> list[Reference]:
    return [each for each in RECOMMENDATIONS if (each.benchmark, each.edition) == (edition.benchmark, edition.name)]


def _table(header: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (header, *rows):
        lines += [f"   {'*' if number == 0 else ' '} - {cell}" for number, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def _summary() -> str:
    ways = ("automated", "manual", "not applicable")
    rows = []
    for edition in EDITIONS:
        found = [coverage(each) for each in _of(edition)]
        counts = [str(found.count(way)) for way in ways]
        rows.append((f"{edition.benchmark} {edition.name}", *counts, edition.seen))
    return _table(("edition", *ways, "what was seen of it"), rows)


def _edition(edition: Edition) -> str:
    recommendations = _of(edition)
    if not recommendations:
        return ""
    title = f"{edition.benchmark} {edition.name}"
    rows = [
        (each.number, each.title, coverage(each), ", ".join(control.id for control in _about(each)) or _reason(each))
        for each in recommendations
    ]
    sources = ", ".join(dict.fromkeys(each.source for each in recommendations))
    table = _table(("number", "title", "how", "controls, or the reason"), rows)
    return "\n".join([title, "^" * len(title), "", f"Seen in {sources}.", "", table])


def _contradictions() -> str:
    title = "Where benchmarks contradict each other"
    rows = [
        (profile, each["topic"], each["benchmark"], each["says"]) for profile in PROFILES for each in FOLLOWS[profile]
    ]
    return "\n".join([title, "-" * len(title), "", _table(("profile", "topic", "it follows", "which says"), rows)])


def _area(area: str) -> str:
    title = f"Controls of {area}"
    lines = [title, "-" * len(title), ""]
    for control in CONTROLS:
        if control.area == area:
            lines += _control(control)
    return "\n".join(lines)


def _control(control: Control) -> list[str]:
    lines = [f"``{control.id}`` {control.title}", f"  {control.rationale}", "", f"  :severity: {control.severity}"]
    if control.manual:
        lines.append(f"  :look at: {control.manual}")
    if control.parameter:
        lines.append(f"  :parameter: ``{control.parameter}``")
    lines += [f"  :about: {about}" for about in _applies(control)]
    if control.fix is not None:
        line = f"{control.fix.variable}: {control.fix.value}".replace("{profile}", "PROFILE")
        lines.append(f"  :fix: role ``{control.fix.role}``, ``{line}``")
    named = ", ".join(f"{each.benchmark} {each.edition}, {each.number}" for each in control.references)
    return [*lines, f"  :benchmark: {named or '*unmapped*'}", ""]


def _applies(control: Control) -> t.Iterator[str]:
    applies = control.applies
    if applies.first != Applies.first:
        yield f"PostgreSQL {applies.first} and newer"
    if applies.last != Applies.last:
        yield f"PostgreSQL up to {applies.last}"
    if applies.condition and not control.parameter:
        yield f"not applicable where: {applies.reason}"
