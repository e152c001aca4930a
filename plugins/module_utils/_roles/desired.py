# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator wants of roles, as values; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.known import MEMBERSHIPS
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.known import PARAMETERS
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import ATTRIBUTES

__all__ = ["Allowance", "Allowed", "AllowedMembership", "Desired", "Password", "Values", "allowance"]


@dataclasses.dataclass(frozen=True)
class AllowedMembership:
    """A membership that a role may have, and the options that it is to have; None is left as it is."""

    role: str
    admin: bool = False
    inherit: bool | None = None
    set: bool | None = None


@dataclasses.dataclass(frozen=True)
class Allowed:
    """What some roles may have: the one of a name, those whose whole name fits, or those that are members of another."""

    role: str | None = None
    attributes: tuple[str, ...] = ()
    option: str = "allow"  # where the operator wrote it
    pattern: t.Pattern[str] | None = None
    member_of: str | None = None
    memberships: tuple[AllowedMembership, ...] = ()
    parameters: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it allows nothing."""
        return not (self.attributes or self.memberships or self.parameters)

    def fits(self, name: str, belongs_to: t.Container[str]) -> bool:
        """Whether it is about the role of this name, which is a member of these."""
        if self.role is not None:
            return self.role == name
        if self.pattern is not None:
            return self.pattern.fullmatch(name) is not None
        return self.member_of != name and self.member_of in belongs_to


@dataclasses.dataclass(frozen=True)
class Values:
    """What one role is to have; None is left as it is."""

    role: str
    option: str
    login: bool | None = None
    connection_limit: int | None = None
    valid_until: float | None = None  # seconds since the epoch; infinity is for ever


@dataclasses.dataclass(frozen=True)
class Password:
    """The password that one role is to have."""

    role: str
    secret: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Desired:
    """What the operator wants. ``allow`` and ``strip`` both None: nothing is taken, everything reported."""

    allow: tuple[Allowed, ...] | None = None
    strip: tuple[tuple[str, str], ...] | None = None  # option path and name
    attributes: tuple[str, ...] = ATTRIBUTES
    memberships: tuple[str, ...] = tuple(MEMBERSHIPS)
    parameters: tuple[str, ...] = PARAMETERS
    cascade: bool = False
    roles: tuple[Values, ...] = ()
    passwords: tuple[Password, ...] = ()
    require_other_superuser: bool = False
    in_use: str = "fail"
    on_standby: str = "skip"
    option: str = ""

    def path(self, name: str) -> str:
        """How the operator spells an option."""
        return f"{self.option}.{name}" if self.option else name


@dataclasses.dataclass(frozen=True)
class Allowance:
    """Everything that one role may have."""

    attributes: frozenset[str] = frozenset()
    memberships: t.Mapping[str, AllowedMembership] = dataclasses.field(default_factory=dict)
    parameters: frozenset[str] = frozenset()


def allowance(entries: t.Iterable[Allowed]) -> Allowance:
    """What entries allow together; the first that names a membership says its options."""
    found = tuple(entries)
    memberships: dict[str, AllowedMembership] = {}
    for entry in found:
        for membership in entry.memberships:
            memberships.setdefault(membership.role, membership)
    return Allowance(
        attributes=frozenset(name for entry in found for name in entry.attributes),
        memberships=memberships,
        parameters=frozenset(name for entry in found for name in entry.parameters),
    )
