# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Regions while they are being found: classes of names, joined step by step; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.axis import Axis
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.outcomes import Outcome
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Area
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Names

__all__ = ["EVERYBODY", "NOBODY", "Change", "Row", "Some", "completed", "joined", "names", "together"]

Change = tuple[Outcome, Outcome]


class Some(t.NamedTuple):
    """Classes of an axis, and strings for what is none; or all but those."""

    members: frozenset[t.Any]
    negated: bool = False


NOBODY = Some(frozenset())
EVERYBODY = Some(frozenset(), True)


class Row(t.NamedTuple):
    """What a region is made of; fields are joined one after the other."""

    users: Some
    databases: Some
    replication: bool
    transports: tuple[str, ...]
    area: Area
    change: Change | None  # None: not compared


def joined(rows: t.Iterable[Row], field: str, join: t.Callable[[list[t.Any]], t.Any]) -> list[Row]:
    """Rows that differ in one field only become one."""
    found: dict[Row, list[t.Any]] = {}
    for row in rows:
        found.setdefault(_with(row, field, None), []).append(getattr(row, field))
    return [_with(key, field, values[0] if len(values) == 1 else join(values)) for key, values in found.items()]


def _with(row: Row, field: str, value: t.Any) -> Row:
    changes: dict[str, t.Any] = {field: value}
    return row._replace(**changes)


def together(parts: t.Iterable[Some]) -> Some:
    """All of them."""
    meant: set[t.Any] = set()
    unmeant: frozenset[t.Any] | None = None
    for part in parts:
        if part.negated:
            unmeant = part.members if unmeant is None else unmeant & part.members
        else:
            meant |= part.members
    return Some(frozenset(meant)) if unmeant is None else Some(unmeant - meant, True)


def completed(some: Some, axis: Axis, other: str, beside: frozenset[str] = frozenset()) -> Some:
    """Said as all but some, where those are meant that nobody has named."""
    if some.negated or not any(other in axis.classes[index].names for index in some.members if isinstance(index, int)):
        return some
    return Some((frozenset(range(len(axis.classes))) | beside) - some.members, True)


def names(axis: Axis, some: Some, beside: frozenset[str] = frozenset()) -> Names:
    """Names instead of classes, said in the shorter way."""
    meant = _names_of(axis, some.members)
    if not some.negated or not meant:
        return Names(meant, some.negated)
    others = _names_of(axis, frozenset(range(len(axis.classes))) | beside) - meant
    return Names(others) if len(others) < len(meant) else Names(meant, True)


def _names_of(axis: Axis, members: t.Iterable[t.Any]) -> frozenset[str]:
    found: set[str] = set()
    for member in members:
        found.update((member,) if isinstance(member, str) else axis.classes[member].names)
    return frozenset(found)
