# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator wants of privileges, as typed values; private to the collection."""

from __future__ import annotations

import dataclasses
import re

__all__ = ["EVERYTHING", "Desired", "Entry", "Names", "Ownership", "Scope"]


@dataclasses.dataclass(frozen=True)
class Names:
    """Names as they are, patterns that have to match a whole name, or everything."""

    literal: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    everything: bool = False

    def matches(self, name: str) -> bool:
        """Whether a name is meant."""
        return self.everything or name in self.literal or any(p.fullmatch(name) for p in self.patterns)

    def means_role(self, name: str) -> bool:
        """The same for a role; those that PostgreSQL made itself have to be named."""
        return name in self.literal or (not name.startswith("pg_") and self.matches(name))


EVERYTHING = Names(everything=True)


@dataclasses.dataclass(frozen=True)
class Scope:
    """The objects that an entry is about."""

    option: str  # where the operator wrote it
    kind: str  # of the objects
    databases: Names = EVERYTHING
    schemas: Names = EVERYTHING
    objects: Names = EVERYTHING
    columns: Names = EVERYTHING


@dataclasses.dataclass(frozen=True)
class Entry(Scope):
    """Who has which privileges on them."""

    for_roles: Names = EVERYTHING  # default privileges: of whose objects
    future: tuple[str, ...] = ()  # default privileges: kinds of these objects
    is_global: bool = False  # default privileges: in every schema
    roles: Names = Names()
    public: bool = False  # PUBLIC is among the roles
    privileges: tuple[str, ...] = ()  # empty: ALL
    all_privileges: bool = False
    grant_option: bool = False
    state: str = "present"
    keep_current_owners: bool = False  # who owns objects there keeps what PUBLIC loses


@dataclasses.dataclass(frozen=True)
class Ownership(Scope):
    """Who owns them."""

    owner: str = ""


@dataclasses.dataclass(frozen=True)
class Desired:
    """Everything that the operator wants."""

    grants: tuple[Entry, ...] = ()
    owners: tuple[Ownership, ...] = ()
    groups: tuple[tuple[str, str], ...] = ()  # where the operator wrote it, and a role that has to be there
    forced: tuple[Scope, ...] = ()  # tables where row-level security is for their owners too
    report: bool = False  # look for what privileges alone do not show
    cascade: bool = False
    on_standby: str = "skip"
    option: str = ""

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Of all entries."""
        return (*self.grants, *self.owners)
