# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed since an earlier report; private to the collection."""

from __future__ import annotations

import collections
import dataclasses
import functools
import json
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Finding

__all__ = ["CHANGES", "Change", "Comparison", "compared"]

CHANGES = ("new", "still", "unproven", "waived", "fixed")
"""What wants attention first. ``unproven`` failed before, and nobody knows now."""

_OF_STATUS = {"pass": "fixed", "not_applicable": "fixed", "waived": "waived"}

Key = tuple[str, str, str]  # host, cluster, control


@dataclasses.dataclass(frozen=True)
class Change:
    """One control of one cluster that fails, or failed before."""

    change: str
    host: str
    cluster: str
    control: str
    title: str
    severity: str
    items_added: int = 0
    items_removed: int = 0

    @property
    def order(self) -> tuple[t.Any, ...]:
        """What wants attention first."""
        severity = SEVERITIES.index(self.severity)
        return (CHANGES.index(self.change), severity, self.host, self.cluster, self.control)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two reports side by side."""

    before: tuple[Assessment, ...]
    changes: tuple[Change, ...]
    held_to_others: int = 0
    """Clusters that had another profile, or other controls, in the earlier report."""
    of_fleet: tuple[Change, ...] = ()
    """What is about no cluster, and not among the counts."""

    @property
    def before_epoch(self) -> int | None:
        """When the earlier one was assessed."""
        return max((one.assessed_epoch or 0 for one in self.before), default=0) or None

    @property
    def counts(self) -> dict[str, int]:
        """How many of each change."""
        found = collections.Counter(change.change for change in self.changes)
        return {name: found[name] for name in CHANGES}

    def of(self, host: str, cluster: str, control: str) -> str:
        """What became of one control; empty where it neither fails nor failed."""
        return self._by_key.get((host, cluster, control), "")

    @functools.cached_property
    def _by_key(self) -> dict[Key, str]:
        every = (*self.changes, *self.of_fleet)
        return {(change.host, change.cluster, change.control): change.change for change in every}


def compared(now: t.Sequence[Assessment], before: t.Sequence[Assessment]) -> Comparison:
    """Each control that fails now or failed before."""
    present, past = _findings(now), _findings(before)
    concerned = {key for found in (present, past) for key, finding in found.items() if finding.status == "fail"}
    changes = (
        _change(key, present[key] if key in present else past[key], present.get(key), past.get(key))
        for key in concerned
    )
    ordered = tuple(sorted(changes, key=lambda change: change.order))
    return Comparison(tuple(before), ordered, sum(_held_to_others(now, before)))


def _held_to_others(now: t.Sequence[Assessment], before: t.Sequence[Assessment]) -> t.Iterator[bool]:
    earlier = {one.key: one for one in before}
    for one in now:
        past = earlier.get(one.key)
        if past is not None:
            names, names_before = ({finding.control for finding in each.findings} for each in (one, past))
            yield one.profile != past.profile or names != names_before


def _findings(assessments: t.Sequence[Assessment]) -> dict[Key, Finding]:
    return {(*one.key, finding.control): finding for one in assessments for finding in one.findings}


def _change(key: Key, told: Finding, present: Finding | None, past: Finding | None) -> Change:
    items = [] if present is None else _counted(present)
    items_before = [] if past is None else _counted(past)
    return Change(
        _named(present, past),
        *key,
        title=told.title,
        severity=told.severity,
        items_added=sum((collections.Counter(items) - collections.Counter(items_before)).values()),
        items_removed=sum((collections.Counter(items_before) - collections.Counter(items)).values()),
    )


def _named(present: Finding | None, past: Finding | None) -> str:
    if present is not None and present.status == "fail":
        return "still" if past is not None and past.status == "fail" else "new"
    return "unproven" if present is None else _OF_STATUS.get(present.status, "unproven")


def _counted(finding: Finding) -> list[str]:
    return [json.dumps(item, sort_keys=True) for item in finding.items]
