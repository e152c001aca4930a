# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What roles have and may not have, and who uses it; pure, private to the collection."""

from __future__ import annotations

import dataclasses

from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import Allowance
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import allowance
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import BOOTSTRAP_OID
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Grant
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import State

__all__ = ["Judge", "Stripping"]


@dataclasses.dataclass(frozen=True)
class Stripping:
    """One role that loses attributes."""

    role: Role
    attributes: tuple[str, ...]

    @property
    def remaining(self) -> tuple[str, ...]:
        """What it keeps."""
        return tuple(attribute for attribute in self.role.attributes if attribute not in self.attributes)


class Judge:
    """What the operator's lists say about the roles of one cluster."""

    def __init__(self, desired: Desired, state: State, *, ending: frozenset[Grant] = frozenset()) -> None:
        """Of memberships that are ``ending`` nobody is a member any more."""
        self._desired = desired
        self._state = state
        staying = (grant for grant in state.grants if grant not in ending)
        self._belongs_to = state.belongs_by(staying) if ending else state.belongs_to
        self._named = {name for _option, name in desired.strip or ()}
        self._by_name = {entry.role: entry for entry in desired.allow or () if entry.role is not None}
        self._by_kind = tuple(entry for entry in desired.allow or () if entry.role is None)

    def is_exempt(self, role: Role) -> bool:
        """Whether nothing that was granted to it is taken whatever the lists say."""
        return role.oid == BOOTSTRAP_OID or role.name == self._state.login

    def is_governed(self, role: Role) -> bool:
        """Whether the operator has said something about it."""
        return role.name in self._named or self._desired.allow is not None

    def allowance(self, role: Role) -> Allowance:
        """What it may have. A role that the operator wants stripped fits no pattern."""
        entries = [self._by_name[role.name]] if role.name in self._by_name else []
        if self._by_kind and role.name not in self._named:
            belongs_to = self._belongs_to.get(role.oid, frozenset())
            entries += [entry for entry in self._by_kind if entry.fits(role.name, belongs_to)]
        return allowance(entries)

    def is_listed(self, role: Role) -> bool:
        """Whether the operator has decided about it, be it that it may have nothing."""
        if role.name in self._named or role.name in self._by_name:
            return True
        belongs_to = self._belongs_to.get(role.oid, frozenset())
        return any(entry.fits(role.name, belongs_to) for entry in self._by_kind)

    def works_for(self, role: Role) -> tuple[str, ...]:
        """What a tool uses it for, while the operator has not decided about it: then the operator has to."""
        known = self._state.recognised.get(role.oid, ())
        return () if known and self.is_listed(role) else known

    def works_through(self, role: Role) -> tuple[str, ...]:
        """The same of what its members have through it too."""
        if not self._state.recognised or self.is_listed(role):
            return ()
        found = list(self.works_for(role))
        for user in self._state.roles:
            if user.oid in self._state.recognised and role.name in self._state.belongs_to.get(user.oid, ()):
                found += [f"{user.subject}, a member: {use}" for use in self.works_for(user)]
        return tuple(found)

    def loses(self, role: Role) -> tuple[str, ...]:
        """The attributes that it would lose, were nothing using them."""
        if role.predefined or self.is_exempt(role) or not self.is_governed(role):
            return ()
        return self.exceeds(role)

    def exceeds(self, role: Role) -> tuple[str, ...]:
        """The governed attributes that it has and may not have."""
        if not role.attributes:
            return ()
        allowed, governed = self.allowance(role).attributes, self._desired.attributes
        return tuple(name for name in role.attributes if name in governed and name not in allowed)

    def keeps_superuser(self, role: Role) -> bool:
        """Whether it is one after this run: then nothing else makes a difference."""
        if "SUPERUSER" not in self.loses(role):
            return "SUPERUSER" in role.attributes
        return role.oid in self._state.replicating and "REPLICATION" not in role.attributes
