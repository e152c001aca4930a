# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects that the same roles own and hold alike, which are looked at once: pure; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

__all__ = ["IN_SCHEMAS", "OWNER", "Group", "Item", "Place", "Thing", "groups"]

OWNER = "OWNER"
"""Stands for what only an owner may: alter, drop, and grant."""

IN_SCHEMAS = frozenset({"type", "table", "column", "sequence", "function"})
"""Kinds whose objects nobody reaches without USAGE on their schema."""

_ALL_DATA: t.Mapping[str, t.Mapping[str, tuple[str, ...]]] = {
    "pg_read_all_data": {"table": ("SELECT",), "sequence": ("SELECT",), "schema": ("USAGE",)},
    "pg_write_all_data": {
        "table": ("INSERT", "UPDATE", "DELETE"),
        "sequence": ("UPDATE",),
        "schema": ("USAGE",),
    },
    "pg_maintain": {"table": ("MAINTAIN",)},
}
"""What the server gives to its own roles on every object of a kind, without an ACL that says so."""


class Item(t.NamedTuple):
    """One privilege that a role (0: PUBLIC) has."""

    grantee: int
    privilege: str
    grantable: bool = False


class Thing(t.NamedTuple):
    """One object. ``acl`` and those of its columns are keys of a mapping to items."""

    schema: str
    name: str
    owner: int
    acl: str
    columns: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class Group:
    """Objects of one kind in one schema that differ in nothing but their names."""

    kind: str
    schema: str
    owner: int | None  # None: such objects have no owner
    items: tuple[Item, ...]
    names: tuple[str, ...]
    columns: tuple[tuple[str, tuple[Item, ...]], ...] = ()
    every: bool = True  # whether the groups of this kind and schema have all objects that there are


@dataclasses.dataclass(frozen=True)
class Place:
    """A database with the objects in it, and with itself among them."""

    name: str  # empty: what belongs to the cluster, which has neither itself nor schemas
    groups: tuple[Group, ...]
    itself: Group | None = None
    schemas: t.Mapping[str, Group] = dataclasses.field(default_factory=dict)
    is_open: bool = True

    @property
    def owner(self) -> int | None:
        """Who owns the database."""
        return self.itself.owner if self.itself else None


def groups(
    kind: str,
    things: t.Iterable[Thing],
    acls: t.Mapping[str, tuple[Item, ...]],
    names: t.Mapping[str, int],
    *,
    owned: bool = True,
    every: bool = True,
) -> list[Group]:
    """The objects of one kind, those together that are alike; ``names`` are the oids of roles."""
    everywhere = tuple(
        Item(names[role], privilege)
        for role, kinds in _ALL_DATA.items()
        if role in names
        for privilege in kinds.get("table" if kind == "column" else kind, ())
    )
    alike: dict[tuple[t.Any, ...], list[str]] = {}
    for thing in things:
        alike.setdefault((thing.schema, thing.owner, thing.acl, thing.columns), []).append(thing.name)
    return [
        Group(
            kind=kind,
            schema=schema,
            owner=owner if owned else None,
            items=(*acls[acl], *((Item(owner, OWNER),) if owned else ()), *everywhere),
            names=tuple(sorted(called)),
            columns=tuple((column, acls[of_column]) for column, of_column in columns),
            every=every,
        )
        for (schema, owner, acl, columns), called in sorted(alike.items(), key=lambda entry: str(entry[0]))
    ]
