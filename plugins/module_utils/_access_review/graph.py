# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memberships of roles, and whose privileges somebody has by them: pure; private to the collection."""

from __future__ import annotations

import collections
import dataclasses
import functools
import typing as t

__all__ = ["PUBLIC", "PUBLIC_NAME", "Graph", "Membership", "Role"]

PUBLIC = 0  # among the oids of grantees
PUBLIC_NAME = "public"  # which no role can be called

Path = tuple[int, ...]  # the roles between a member and what it belongs to


@dataclasses.dataclass(frozen=True)
class Role:
    """One role with what it can do by itself, such as SUPERUSER."""

    oid: int
    name: str
    attributes: tuple[str, ...] = ()
    inherits: bool = True  # until PostgreSQL 15; later each membership says it

    @property
    def superuser(self) -> bool:
        """Whether nothing binds it."""
        return "SUPERUSER" in self.attributes


class Membership(t.NamedTuple):
    """One membership; until PostgreSQL 15 whether it inherits is said by the member, and everybody may SET ROLE."""

    role: int
    member: int
    inherits: bool = True
    sets: bool = True
    administers: bool = False


class Graph:
    """All memberships of a cluster, as they are in one database."""

    def __init__(self, roles: t.Iterable[Role], memberships: t.Iterable[Membership]) -> None:
        self.roles = {role.oid: role for role in roles}
        self._memberships = tuple(memberships)
        self._inherited = functools.lru_cache(maxsize=None)(self._find_inherited)

    def owned_by(self, owner: int | None) -> Graph:
        """The same in a database: its owner belongs to pg_database_owner there."""
        owners = next((oid for oid, role in self.roles.items() if role.name == "pg_database_owner"), None)
        if owner is None or owner not in self.roles or owners is None:
            return self
        return Graph(self.roles.values(), (*self._memberships, Membership(owners, owner, self.roles[owner].inherits)))

    def inherited(self, oid: int) -> t.Mapping[int, Path]:
        """The roles whose privileges a role has at once, without itself, with the shortest way to each."""
        return self._inherited(oid)

    def settable(self, oid: int) -> t.Mapping[int, Path]:
        """The roles that it may become with SET ROLE."""
        return _above(oid, self._setting)

    def administered(self, oid: int) -> t.Mapping[int, Path]:
        """The roles that it may grant, by a membership of any kind of its own or of a role that it belongs to."""
        found: dict[int, Path] = {}
        for member, path in ((oid, ()), *_above(oid, self._belonging).items()):
            between = () if member == oid else (*path, member)
            for role in self._administering.get(member, ()):
                if role not in found or (len(between), between) < (len(found[role]), found[role]):
                    found[role] = between
        return found

    def becomes(self, oid: int) -> list[int]:
        """The roles that give more after SET ROLE than what is inherited, without those that another one inherits."""
        inherited = self.inherited(oid)
        more = [role for role in self.settable(oid) if role not in inherited and not self.roles[role].superuser]
        return sorted(role for role in more if not any(role in self.inherited(other) for other in more))

    def _find_inherited(self, oid: int) -> t.Mapping[int, Path]:
        return _above(oid, self._inheriting)

    @functools.cached_property
    def _belonging(self) -> t.Mapping[int, t.Sequence[int]]:
        return self._by_member(lambda membership: True)

    @functools.cached_property
    def _inheriting(self) -> t.Mapping[int, t.Sequence[int]]:
        return self._by_member(lambda membership: membership.inherits)

    @functools.cached_property
    def _setting(self) -> t.Mapping[int, t.Sequence[int]]:
        return self._by_member(lambda membership: membership.sets)

    @functools.cached_property
    def _administering(self) -> t.Mapping[int, t.Sequence[int]]:
        return self._by_member(lambda membership: membership.administers)

    def _by_member(self, chosen: t.Callable[[Membership], bool]) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for membership in self._memberships:
            if chosen(membership):
                found.setdefault(membership.member, []).append(membership.role)
        return found


def _above(oid: int, parents: t.Mapping[int, t.Sequence[int]]) -> dict[int, Path]:
    """What a role belongs to, the nearest first."""
    found: dict[int, Path] = {}
    waiting: collections.deque[tuple[int, Path]] = collections.deque([(oid, ())])
    while waiting:
        member, between = waiting.popleft()
        for role in sorted(parents.get(member, ())):
            if role != oid and role not in found:
                found[role] = between
                waiting.append((role, (*between, role)))
    return found
