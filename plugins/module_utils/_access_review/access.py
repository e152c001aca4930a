# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who can do what on which object, and in which way: pure; private to the collection."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import PUBLIC
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import PUBLIC_NAME
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import Graph
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import IN_SCHEMAS
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Group
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Item
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Place
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.rows import LISTED
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.rows import Entry
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.rows import Rows

__all__ = ["CLOSED", "review"]

CLOSED = "closed"
_DIRECT = "direct"
_CONNECT, _USAGE = "CONNECT", "USAGE"
_LOGIN = "LOGIN"
_COLUMN = "column"

Values = list[dict[str, t.Any]]


@dataclasses.dataclass
class _Held:
    """The ways to one privilege."""

    ways: set[str] = dataclasses.field(default_factory=set)
    grantable: bool = False


class _Actor:
    """Somebody who acts as a role, and as what that inherits; as PUBLIC, where there is no role."""

    def __init__(self, graph: Graph, oid: int = PUBLIC, set_role: str = "") -> None:
        self.set_role = set_role
        self.reach = {PUBLIC: PUBLIC_NAME}
        if oid != PUBLIC:
            self.reach[oid] = _DIRECT
            self.reach.update({role: _way(graph, role, path) for role, path in graph.inherited(oid).items()})

    def held(self, items: t.Iterable[Item], owner: int | None) -> dict[str, _Held]:
        """The privileges that it has, by any way."""
        found: dict[str, _Held] = {}
        for item in items:
            reached = self.reach.get(item.grantee)
            if reached is not None:
                held = found.setdefault(item.privilege, _Held())
                held.ways.add(_as_owner(reached) if item.grantee == owner else reached)
                held.grantable = held.grantable or item.grantable
        return found

    def has(self, group: Group, privilege: str) -> bool:
        """Whether it has a privilege."""
        return privilege in self.held(group.items, group.owner)


def _way(graph: Graph, role: int, path: t.Sequence[int]) -> str:
    """How somebody has what a role has."""
    return f"member of {_quoted(graph.roles[role].name)}{_through(graph, path)}"


def _through(graph: Graph, path: t.Sequence[int]) -> str:
    names = [_quoted(graph.roles[oid].name) for oid in path]
    return f" through {', '.join(names)}" if names else ""


def _as_owner(reached: str) -> str:
    return "owner" if reached == _DIRECT else f"owner: {reached}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def review(graph: Graph, reviewed: t.Iterable[Role], places: t.Iterable[Place], listed: int = LISTED) -> Values:
    """The rows of PUBLIC, and of each of these roles what it can do beyond that."""
    stages = [_Stage(graph.owned_by(place.owner), place) for place in places]
    rows = Rows(PUBLIC_NAME, listed)
    for stage in stages:
        stage.tell(rows, None)
    found = rows.values()
    for role in reviewed:
        rows = Rows(role.name, listed)
        _tell_attributes(rows, role, graph)
        if not role.superuser:  # who can do everything
            _tell_roles(rows, role, graph)
            for stage in stages:
                stage.tell(rows, role)
        found += rows.values()
    return found


def _tell_attributes(rows: Rows, role: Role, graph: Graph) -> None:
    """What a role can do by itself, and what after SET ROLE: nobody inherits that."""
    add = functools.partial(rows.add, kind="cluster", names=(), total=0)
    if role.attributes:
        add(Entry(role.attributes, ways=(_DIRECT,)))
    for oid in () if role.superuser else graph.settable(role.oid):
        other = graph.roles[oid]
        more = tuple(name for name in other.attributes if name != _LOGIN and name not in role.attributes)
        if more:
            add(Entry(more, set_role=other.name, ways=(_DIRECT,)))


def _tell_roles(rows: Rows, role: Role, graph: Graph) -> None:
    """What a role belongs to."""
    kinds = {
        "INHERIT": graph.inherited(role.oid),
        "SET": graph.settable(role.oid),
        "ADMIN": graph.administered(role.oid),
    }
    for oid in sorted({oid for found in kinds.values() for oid in found}):
        ways: dict[str, list[str]] = {}
        for privilege, found in kinds.items():
            if oid in found:
                path = found[oid]
                ways.setdefault(_through(graph, path).strip() or _DIRECT, []).append(privilege)
        for how, privileges in ways.items():
            entry = Entry(tuple(privileges), ways=(how,))
            rows.add(entry, kind="role", names=(graph.roles[oid].name,), total=0)


class _Stage:
    """A database, or what belongs to the cluster, where everybody is looked at in turn."""

    def __init__(self, graph: Graph, place: Place) -> None:
        self._graph = graph
        self._place = place
        self._public = _Actor(graph)
        self._public_missing = {schema: self._missing(self._public, schema) for schema in ("", *place.schemas)}
        self._totals: dict[tuple[str, str], int] = {}
        self._of_grantee: dict[int, list[int]] = {}  # the numbers of groups
        for number, group in enumerate(place.groups):
            key = (group.kind, group.schema)
            self._totals[key] = self._totals.get(key, 0) + (len(group.names) if group.every else 0)
            items = [item for _column, items in group.columns for item in items] or group.items
            for grantee in {item.grantee for item in items}:
                self._of_grantee.setdefault(grantee, []).append(number)

    def tell(self, rows: Rows, role: Role | None) -> None:
        """Add what a role holds here, but for what PUBLIC has as well; or what PUBLIC holds."""
        if role is None:
            actors = [self._public]
        else:
            becomes = [(oid, self._graph.roles[oid].name) for oid in self._graph.becomes(role.oid)]
            actors = [_Actor(self._graph, oid, name) for oid, name in ((role.oid, ""), *becomes)]
        missing: dict[str, list[tuple[str, ...]]] = {}
        for group in self._concerned(actors, public=role is None):
            schema = _needed(group)
            if schema not in missing:
                missing[schema] = [self._missing(actor, schema, login=actors[0]) for actor in actors]
            for entry in self._entries(group, actors, missing[schema], role is None):
                rows.add(
                    entry,
                    kind=group.kind,
                    names=group.names,
                    total=self._totals[group.kind, group.schema],
                    database=self._place.name,
                    schema=group.schema,
                )

    def _concerned(self, actors: t.Iterable[_Actor], *, public: bool) -> list[Group]:
        """The groups of which somebody holds anything; what PUBLIC holds and uses concerns nobody else."""
        groups = self._place.groups
        found = {n for actor in actors for oid in actor.reach if oid != PUBLIC for n in self._of_grantee.get(oid, ())}
        for number in self._of_grantee.get(PUBLIC, ()):
            if public or self._public_missing[_needed(groups[number])]:
                found.add(number)
        return [groups[number] for number in sorted(found)]

    def _missing(self, actor: _Actor, schema: str, login: _Actor | None = None) -> tuple[str, ...]:
        """What keeps an actor from all that is here, or in a schema; only who logs in needs CONNECT."""
        found = []
        if self._place.itself is not None:
            if not self._place.is_open:
                found.append(CLOSED)
            if not (login or actor).has(self._place.itself, _CONNECT):
                found.append(_CONNECT)
        if schema and not actor.has(self._place.schemas[schema], _USAGE):
            found.append(_USAGE)
        return tuple(found)

    def _entries(
        self,
        group: Group,
        actors: t.Sequence[_Actor],
        missing: t.Sequence[tuple[str, ...]],
        public: bool,
    ) -> t.Iterator[Entry]:
        told = functools.partial(_told, public_missing=self._public_missing[_needed(group)], public=public)
        if group.kind != _COLUMN:
            held = [actor.held(group.items, group.owner) for actor in actors]
            for number, actor in enumerate(actors):
                for (ways, grantable), names in told(held, number, missing).items():
                    yield Entry(names, actor.set_role, ways, grantable, missing[number])
            return
        columns: dict[Entry, list[str]] = {}
        whole = [set(actor.held(group.items, group.owner)) for actor in actors]
        for column, items in group.columns:
            held = [actor.held(items, group.owner) for actor in actors]
            for number, actor in enumerate(actors):
                for (ways, grantable), names in told(held, number, missing, whole=whole).items():
                    entry = Entry(names, actor.set_role, ways, grantable, missing[number])
                    columns.setdefault(entry, []).append(column)
        for entry, called in columns.items():
            yield entry._replace(columns=tuple(sorted(called)))


def _needed(group: Group) -> str:
    """The schema that nobody reaches it without, if any."""
    return group.schema if group.kind in IN_SCHEMAS else ""


_Ways = tuple[tuple[str, ...], bool]


def _told(
    held: t.Sequence[t.Mapping[str, _Held]],
    number: int,
    missing: t.Sequence[tuple[str, ...]],
    *,
    public_missing: tuple[str, ...],
    public: bool,
    whole: t.Sequence[t.Container[str]] | None = None,
) -> dict[_Ways, tuple[str, ...]]:
    """Privileges of an actor by the ways to them.

    Not told is what the whole table gives, what the login has at once (the first actor), unless only this actor can use
    it, and what comes from PUBLIC, unless PUBLIC itself cannot use it.
    """
    lacks = missing[number]
    at_once = number > 0 and not (missing[0] and not lacks)
    by_public = public or not (lacks or not public_missing)
    found: dict[_Ways, list[str]] = {}
    for privilege, ways in sorted(held[number].items()):
        if whole is not None and privilege in whole[number]:
            continue
        if at_once and (privilege in held[0] or (whole is not None and privilege in whole[0])):
            continue
        shown = ways.ways if by_public else ways.ways - {PUBLIC_NAME}
        if shown:
            found.setdefault((tuple(sorted(shown)), ways.grantable), []).append(privilege)
    return {key: tuple(privileges) for key, privileges in found.items()}
