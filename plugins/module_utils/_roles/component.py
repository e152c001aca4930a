# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes taken from every role that is not allowed to have them; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._roles import state as _state
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.known import MEMBERSHIPS
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.near import near_superusers
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.judge import Judge
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.judge import Stripping
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords.state import reported
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import BOOTSTRAP_OID
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import State

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._roles.part import Part
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["RoleAttributes"]


class RoleAttributes:
    """The component."""

    name = "role_attributes"
    order = 30

    def __init__(self, desired: Desired) -> None:
        self._desired = desired
        self._found_md5: bool | None = None  # when this run began

    def observe(self, server: Server) -> State:
        """Read everything that planning needs."""

        def superusers_may_lose(state: State) -> bool:
            judge = self._judge(state)
            return any("SUPERUSER" in judge.loses(role) for role in state.roles if "SUPERUSER" in role.attributes)

        names = [password.role for password in self._desired.passwords]
        state = _state.observe(server, superusers_may_lose=superusers_may_lose, passwords=names)
        if self._found_md5 is None:
            self._found_md5 = state.md5_remains
        return dataclasses.replace(state, md5_came=not self._found_md5)

    def offers(self, state: State) -> dict[str, dict[str, str]]:
        """No parameters."""
        return {}

    def plan(self, state: State, offered: t.Any = None) -> Planned:
        """One statement for each role that has what it should not have, or not what it should."""
        self._refuse_exempt(state)
        judge = self._judge(state)
        strippings, left, needed = self._strippings(state, judge)
        changes, parts = self._values(state), self._rights(state, judge, offered)
        needed += [(role, need, judge.works_through(role)) for part in parts for role, need in part.needed]
        if needed and self._desired.in_use == "fail" and not state.in_recovery:
            self._refuse_used(needed)
        left += [item for part in parts for item in part.left_alone]
        warnings = (*self._unknown(state), *state.unread)
        nothing = Planned(left_alone=tuple(left), warnings=warnings, standing=self._standing(state))
        if not (strippings or changes or any(part.steps for part in parts)):
            return nothing
        # Here and below: what only some runs need is imported by them.
        from ansible_collections.rampart.postgresql.plugins.module_utils._roles.changing import Changing

        return Changing(self.name, self._desired, state).planned(strippings, changes, parts, nothing)

    def _values(self, state: State) -> list[tuple[Role, Role]]:
        """Roles that have not the values that were given for them, and what they become."""
        if not self._desired.roles:
            return []
        from ansible_collections.rampart.postgresql.plugins.module_utils._roles import limits

        return limits.becoming(state, self._desired.roles)

    def _judge(self, state: State) -> Judge:
        if all(entry.member_of is None for entry in self._desired.allow or ()):
            return Judge(self._desired, state)
        from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants import memberships

        return memberships.judging(self._desired, state)

    def _rights(self, state: State, judge: Judge, offered: t.Any) -> list[Part]:
        """What becomes of memberships, parameters and passwords, where there is one to look at."""
        found = []
        if any(state.names[grant.role] in self._desired.memberships for grant in state.grants):
            from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants import memberships

            found.append(memberships.planned(self.name, self._desired, state, judge))
        if any(grant.parameter in self._desired.parameters for grant in state.parameter_grants):
            from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants import parameters

            found.append(parameters.planned(self.name, self._desired, state, judge))
        if self._desired.passwords:
            from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords import planning

            option, iterations = self._option("passwords"), _iterations(offered)
            found.append(planning.planned(self.name, self._desired.passwords, state.passwords, iterations, option))
        return found

    def _standing(self, state: State) -> dict[str, t.Any]:
        standing: dict[str, t.Any] = {"near_superusers": near_superusers(state), "roles_in_use": _in_use(state)}
        if state.passwords is not None:
            standing["password_state"] = reported(state.passwords, state.md5_rules)
        return standing

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Nothing to make up."""
        return planned

    def unproven(self, state: State) -> list[str]:
        """The catalogue is what is in force: an empty plan proves it."""
        return []

    def _strippings(
        self, state: State, judge: Judge
    ) -> tuple[list[Stripping], list[LeftAlone], list[tuple[Role, str, tuple[str, ...]]]]:
        strippings, left, needed = [], [], []
        for role in state.roles:
            unwanted = judge.loses(role)
            uses = state.replicating.get(role.oid, ())
            need = _replicates_with(role)
            if uses and need in unwanted:
                unwanted = tuple(name for name in unwanted if name != need)
                left.append(self._left(role, f"{need} is in use for replication now: {', '.join(uses)}"))
                needed.append((role, need, uses))
            known = judge.works_for(role)
            if known and unwanted:
                left.append(self._left(role, f"has {' '.join(unwanted)}, and {', '.join(known)}"))
                needed.append((role, " ".join(unwanted), known))
                unwanted = ()
            if unwanted:
                strippings.append(Stripping(role, unwanted))
        return strippings, [*left, *self._exempt(state, judge), *self._silent(state)], needed

    def _refuse_used(self, needed: t.Sequence[tuple[Role, str, tuple[str, ...]]]) -> None:
        """Roles that something works with have to be allowed what they work with, by the operator."""
        listed = "; ".join(f"{role.subject} needs {need}: {', '.join(uses)}" for role, need, uses in needed)
        raise RampartError(
            f"roles are in use with what they may not have, so nothing was changed: {listed};"
            f" put {'it' if len(needed) == 1 else 'them'} into {self._option('allow')}, or leave what is in use"
            f" as it is with {self._option('in_use')}=keep",
            roles=list(dict.fromkeys(role.name for role, _need, _uses in needed)),
        )

    def _exempt(self, state: State, judge: Judge) -> list[LeftAlone]:
        """The login of this run, when it has what another role would lose."""
        return [
            self._left(role, f"has {' '.join(unwanted)}, but it is the login of this run")
            for role in state.roles
            if role.name == state.login and role.oid != BOOTSTRAP_OID and self._desired.allow is not None
            for unwanted in [judge.exceeds(role)]
            if unwanted
        ]

    def _silent(self, state: State) -> list[LeftAlone]:
        """Roles that have attributes while nobody said who may."""
        if self._desired.allow is not None:
            return []
        named = {name for _option, name in self._desired.strip or ()}
        return [
            self._left(role, f"has {' '.join(held)}, and no allow-list says whether it may")
            for role in state.roles
            if role.oid != BOOTSTRAP_OID and role.name not in named
            for held in [[name for name in role.attributes if name in self._desired.attributes]]
            if held
        ]

    def _left(self, role: Role, reason: str) -> LeftAlone:
        return LeftAlone(component=self.name, subject=role.subject, reason=reason)

    def _unknown(self, state: State) -> list[str]:
        present = {role.name for role in state.roles}
        named = [(entry.option, entry.role or entry.member_of) for entry in self._desired.allow or ()]
        named += [*(self._desired.strip or ()), *((values.option, values.role) for values in self._desired.roles)]
        named += [(self._option("passwords"), password.role) for password in self._desired.passwords]
        # Not every version has all that are governed by default.
        named += [(self._option("memberships"), name) for name in self._desired.memberships if name not in MEMBERSHIPS]
        return [
            f"{option}: this cluster has no role {name!r}" for option, name in named if name not in {*present, None}
        ]

    def _refuse_exempt(self, state: State) -> None:
        """Nobody can ask for the bootstrap superuser or the login in use to be stripped."""
        bootstrap = next((role.name for role in state.roles if role.oid == BOOTSTRAP_OID), None)
        superusers = {role.name for role in state.roles if "SUPERUSER" in role.attributes}
        may_be_superuser = "SUPERUSER" not in self._desired.attributes
        named = list(self._desired.strip or ())
        for entry in self._desired.allow or ():
            if entry.role is None:
                continue
            # For a superuser the other attributes make no difference.
            enough = may_be_superuser or "SUPERUSER" in entry.attributes or entry.role not in superusers
            if not (entry.attributes and enough):
                named.append((entry.option, entry.role))
        for option, name in named:
            if name == bootstrap:
                raise InputError(option=option, value=name, expected="a role that is not the bootstrap superuser")
            if name == state.login:
                raise InputError(option=option, value=name, expected="a role that is not the login of this run")

    def _option(self, name: str) -> str:
        return self._desired.path(name)


def _iterations(offered: t.Any) -> int | None:
    """The value that this run gives scram_iterations, where it does."""
    for values in (offered or {}).values():
        if "scram_iterations" in values:
            return int(values["scram_iterations"])
    return None


def _replicates_with(role: Role) -> str:
    """The attribute that lets a role replicate: a superuser may do so without REPLICATION."""
    return "REPLICATION" if "REPLICATION" in role.attributes else "SUPERUSER"


def _in_use(state: State) -> list[dict[str, t.Any]]:
    """Whom something works as, and how that is known."""
    found = [
        (role.name, (*state.replicating.get(role.oid, ()), *state.recognised.get(role.oid, ()))) for role in state.roles
    ]
    return [{"role": name, "uses": list(uses)} for name, uses in found if uses]
