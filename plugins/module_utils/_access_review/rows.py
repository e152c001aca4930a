# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a review says, one row for all that somebody holds in the same way: pure; private to the collection."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

__all__ = ["LISTED", "Entry", "Rows"]

LISTED = 50
"""More objects than these are counted, not named, unless something else is asked for."""


class Entry(t.NamedTuple):
    """Privileges that are held in the same way."""

    privileges: tuple[str, ...]
    set_role: str = ""  # the role that somebody has to become first
    ways: tuple[str, ...] = ()
    grantable: bool = False
    missing: tuple[str, ...] = ()  # what else the use would need
    columns: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class _Where:
    kind: str
    database: str
    schema: str


class Rows:
    """The rows of one role, of which those about many objects become few."""

    def __init__(self, role: str, listed: int = LISTED) -> None:
        self._role = role
        self._listed = listed
        self._found: dict[tuple[_Where, Entry], list[str]] = {}
        self._totals: dict[_Where, int] = {}

    def add(
        self, entry: Entry, *, kind: str, names: t.Iterable[str], total: int, database: str = "", schema: str = ""
    ) -> None:
        """Somebody holds this on these objects, of ``total`` that there are."""
        where = _Where(kind, database, schema)
        self._found.setdefault((where, entry), []).extend(names)
        self._totals[where] = total

    def values(self) -> list[dict[str, t.Any]]:
        """As the module returns them, in stable order."""
        return [
            self._values(where, entry, sorted(names))
            for (where, entry), names in sorted(
                self._found.items(),
                key=lambda found: (dataclasses.astuple(found[0][0]), found[0][1].set_role, found[0][1]),
            )
        ]

    def _values(self, where: _Where, entry: Entry, names: t.Sequence[str]) -> dict[str, t.Any]:
        listed = len(names) <= self._listed
        is_all = len(names) == self._totals[where]
        return {
            "role": self._role,
            "set_role": entry.set_role,
            "kind": where.kind,
            "database": where.database,
            "schema": where.schema,
            "objects": list(names) if listed else [],
            "columns": list(entry.columns),
            "count": len(names),
            "total": self._totals[where],
            "digest": "" if listed or is_all else _digest(names),
            "privileges": list(entry.privileges),
            "grantable": entry.grantable,
            "ways": list(entry.ways),
            "missing": list(entry.missing),
        }


def _digest(names: t.Sequence[str]) -> str:
    """Tells one choice of many objects from another."""
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:32]
