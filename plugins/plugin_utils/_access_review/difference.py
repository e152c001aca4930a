# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed since the review that was signed off, to the single privilege on the single object; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._access_review.rows import UNKNOWN
from ansible_collections.rampart.postgresql.plugins.plugin_utils._access_review.rows import Review
from ansible_collections.rampart.postgresql.plugins.plugin_utils._access_review.rows import Values

__all__ = ["Difference", "compared"]

_HOW: t.Final = ("host", "cluster", "role", "set_role", "kind", "database", "schema", "grantable", "ways", "missing")
Part = tuple[str, str, str]  # object, column, privilege
Fact = tuple[t.Hashable, Part]


@dataclasses.dataclass(frozen=True)
class Difference:
    """Rows by what became of them."""

    added: list[Values]
    removed: list[Values]
    same: list[Values]
    unknown: list[Values]  # signed off, and not looked at now

    def values(self) -> dict[str, list[Values]]:
        """As a playbook gets it."""
        return dataclasses.asdict(self)


def compared(review: Review, signed: t.Sequence[Values]) -> Difference:
    """The rows of now and of then, taken apart where only some of a row is there on the other side."""
    now = [row for row in review.rows if row["kind"] != UNKNOWN]
    facts_now, facts_then = _facts(now), _facts(signed)
    gone = _parts(signed, lambda fact: fact not in facts_now)
    return Difference(
        added=_parts(now, lambda fact: fact not in facts_then),
        removed=[row for row in gone if review.knows(row)],
        same=_parts(now, lambda fact: fact in facts_then),
        unknown=[row for row in gone if not review.knows(row)],
    )


def _facts(rows: t.Iterable[Values]) -> set[Fact]:
    return {fact for row in rows for fact in _of(row)}


def _of(row: Values) -> t.Iterator[Fact]:
    """Each by itself; many objects that are not named count as one, however many they are when it is all of them."""
    how = tuple(tuple(row[name]) if isinstance(row[name], list) else row[name] for name in _HOW)
    unnamed = not row["objects"]
    whole = (*how, unnamed and row["count"] > 0, row["digest"])
    for name in row["objects"] or [""]:
        for column in row["columns"] or [""]:
            for privilege in row["privileges"]:
                yield whole, (name, column, privilege)


def _parts(rows: t.Iterable[Values], chosen: t.Callable[[Fact], bool]) -> list[Values]:
    return [part for row in rows for part in _part(row, [fact[1] for fact in _of(row) if chosen(fact)])]


def _part(row: Values, parts: t.Sequence[Part]) -> t.Iterator[Values]:
    """The row with these objects, columns and privileges only; more than one where that is no rectangle."""
    by_object: dict[str, dict[str, list[str]]] = {}
    for name, column, privilege in parts:
        by_object.setdefault(name, {}).setdefault(privilege, []).append(column)
    together: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for name, by_privilege in by_object.items():
        by_columns: dict[tuple[str, ...], list[str]] = {}
        for privilege, columns in by_privilege.items():
            by_columns.setdefault(tuple(columns), []).append(privilege)
        for of_columns, privileges in by_columns.items():
            together.setdefault((of_columns, tuple(privileges)), []).append(name)
    for (of_columns, of_privileges), names in together.items():
        named = names if row["objects"] else []
        yield {
            **row,
            "objects": named,
            "columns": list(of_columns) if row["columns"] else [],
            "privileges": list(of_privileges),
            "count": len(named) or row["count"],
        }
