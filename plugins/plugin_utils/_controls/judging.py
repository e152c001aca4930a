# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one control says about one cluster; pure, private to the collection."""

from __future__ import annotations

import dataclasses
import functools
import json
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.expressions import reads
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.expressions import search
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import Control
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.unread import Known
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.waivers import Waivers

__all__ = ["MOST_ITEMS", "judge", "unknown"]

MOST_ITEMS: t.Final = 100
"""So many items of a finding are kept; the others are counted."""

_NOTHING: t.Final[tuple[t.Any, ...]] = (None, False, [], {}, "")


def judge(control: Control, known: Known, waivers: Waivers, profile: str) -> dict[str, t.Any]:
    """The finding."""
    verdict = _verdict(control, known)
    remaining: list[t.Any] = verdict.items
    waived: list[t.Any] = []
    if verdict.status == "fail":
        remaining, waived = waivers.split(control.id, verdict.items)
        if not remaining:
            verdict = dataclasses.replace(verdict, status="waived")
    waivers.judged(control.id, verdict.status)
    return _told(
        control,
        profile,
        status=verdict.status,
        reason=verdict.reason,
        items=remaining[:MOST_ITEMS],
        item_count=len(remaining),
        waived=waived[:MOST_ITEMS],
        evidence=verdict.evidence,
    )


def unknown(control: Control, profile: str, reason: str) -> dict[str, t.Any]:
    """The finding about a cluster of which nothing is known."""
    return _told(control, profile, status="unknown", reason=reason, items=[], item_count=0, waived=[], evidence="")


@dataclasses.dataclass(frozen=True)
class _Verdict:
    status: str
    reason: str = ""
    items: list[t.Any] = dataclasses.field(default_factory=list)
    evidence: str = ""


def _verdict(control: Control, known: Known) -> _Verdict:
    applies = control.applies
    if not applies.first <= known.values["major"] <= applies.last:
        return _Verdict("not_applicable", applies.reason or _versions(control))
    gaps = known.gaps([applies.condition], control.needs)
    if gaps.whole:
        return _Verdict("unknown", gaps.whole)
    try:
        if applies.condition and search(applies.condition, known.values) in _NOTHING:
            return _Verdict("unknown", gaps.part) if gaps.part else _Verdict("not_applicable", applies.reason)
        return _answer(control, known)
    except ValueError as error:
        return _Verdict("unknown", f"the facts cannot be understood: {error}")


def _answer(control: Control, known: Known) -> _Verdict:
    gaps = known.gaps([control.expression, control.evidence, control.unclear], control.needs)
    if control.manual:
        items = [] if gaps.whole or not control.expression else _items(search(control.expression, known.values))
        return _Verdict("manual", control.manual, items, _evidence(control, known, items))
    if gaps.whole:
        return _Verdict("unknown", gaps.whole)
    items = _items(search(control.expression, known.values))
    missing = "; ".join(filter(None, (gaps.part, *_unclear(control, known))))
    if not items and missing:
        return _Verdict("unknown", missing)
    return _Verdict("fail" if items else "pass", missing, items, _evidence(control, known, items))


def _unclear(control: Control, known: Known) -> list[str]:
    """What of it could not be looked at, each thing once."""
    if not control.unclear:
        return []
    return list(dict.fromkeys(map(_text, _items(search(control.unclear, known.values)))))


def _items(found: t.Any) -> list[t.Any]:
    if isinstance(found, list):
        return [each for each in found if each is not None]
    return [] if found in _NOTHING else [found]


def _evidence(control: Control, known: Known, items: list[t.Any]) -> str:
    if control.evidence:
        return _text(search(control.evidence, known.values))
    if not control.expression:
        return ""
    sections = sorted({".".join(path) for path in reads(control.expression)})
    return f"{', '.join(sections)}: {len(items) or 'nothing'} found"


def _text(value: t.Any) -> str:
    """A value for people: the parts of a dictionary with their names."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_text(each)}" for name, each in value.items())
    if isinstance(value, list):
        return "; ".join(map(_text, value)) or "none"
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value)


def _versions(control: Control) -> str:
    applies = control.applies
    if applies.last == type(applies)().last:
        return f"it is about PostgreSQL {applies.first} and newer"
    return f"it is about PostgreSQL up to {applies.last}"


def _told(control: Control, profile: str, **verdict: t.Any) -> dict[str, t.Any]:
    return {**_of_control(control, profile), **verdict}


@functools.cache
def _of_control(control: Control, profile: str) -> dict[str, t.Any]:
    """What every finding of the control has."""
    return {
        "control": control.id,
        "title": control.title,
        "area": control.area,
        "severity": control.severity,
        "rationale": control.rationale,
        "fix": None if control.fix is None else control.fix.told(profile),
        "references": [dict(vars(reference)) for reference in control.references],
    }
