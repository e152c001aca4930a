# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes taken from every role that is not allowed to have them; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ManagedElsewhere
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Effect
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleLoses
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._roles import limits
from ansible_collections.rampart.postgresql.plugins.module_utils._roles import state as _state
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants import memberships
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants import parameters
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.near import near_superusers
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.judge import Judge
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.judge import Stripping
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords import planning as passwords
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import BOOTSTRAP_OID
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Dependent
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Keyword
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["MANAGER_ROLES", "RoleAttributes"]

MANAGER_ROLES: t.Mapping[str, frozenset[str]] = {
    "patroni": frozenset({"replicator", "rewind_user"}),  # as its sample configurations name them
    "repmgr": frozenset({"repmgr"}),
    "pg_auto_failover": frozenset({"autoctl_node", "pgautofailover_replicator", "pgautofailover_monitor"}),
}
"""Roles that a manager logs in with, by its documentation."""


_NAMED = 5  # things of one kind in a warning
_CONSEQUENCES = {
    "event trigger": "it fires as before, but its owner can no longer change it",
    "SECURITY DEFINER function": "it works with less power, so what it does may be refused",
    "user mapping without a password": "its use is refused until it has a password",
}


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
            judge = Judge(self._desired, state)
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
        judge = Judge(self._desired, state)
        strippings, left = self._strippings(state, judge)
        changes = limits.becoming(state, self._desired.roles)
        parts = [part.planned(self.name, self._desired, state, judge) for part in (memberships, parameters)]
        wanted, option = self._desired.passwords, self._option("passwords")
        parts.append(passwords.planned(self.name, wanted, state.passwords, _iterations(offered), option))
        steps = (
            *map(self._step, strippings),
            *limits.steps(self.name, changes),
            *(step for part in parts for step in part.steps),
        )
        left += [item for part in parts for item in part.left_alone]
        warnings = self._unknown(state)
        standing: dict[str, t.Any] = {"near_superusers": near_superusers(state)}
        if state.passwords is not None:
            standing["password_state"] = passwords.reported(state.passwords, state.md5_rules)
        if not steps:
            return Planned(left_alone=tuple(left), warnings=tuple(warnings), standing=standing)
        if state.in_recovery:
            return dataclasses.replace(self._on_standby(steps, left, warnings), standing=standing)
        self._refuse(state, strippings, steps)
        if strippings:
            warnings += [*_told(state.dependents, strippings), *_unseen(state)]
        effects: list[Effect] = [RoleLoses(s.role.name, attribute) for s in strippings for attribute in s.attributes]
        effects += [*limits.effects(changes), *(effect for part in parts for effect in part.effects)]
        return Planned(
            steps=steps,
            left_alone=tuple(left),
            warnings=(*warnings, *(warning for part in parts for warning in part.warnings)),
            effects=tuple(effects),
            standing=standing,
        )

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Nothing to make up."""
        return planned

    def unproven(self, state: State) -> list[str]:
        """The catalogue is what is in force: an empty plan proves it."""
        return []

    def _strippings(self, state: State, judge: Judge) -> tuple[list[Stripping], list[LeftAlone]]:
        strippings, left, needed = [], [], []
        for role in state.roles:
            unwanted = judge.loses(role)
            uses = state.replicating.get(role.oid, ())
            need = _replicates_with(role)
            if uses and need in unwanted:
                unwanted = tuple(name for name in unwanted if name != need)
                left.append(self._left(role, f"{need} is in use for replication now: {', '.join(uses)}"))
                needed.append((role, need, uses))
            known = state.recognised.get(role.oid, ())
            if known and unwanted and not judge.is_listed(role):
                left.append(self._left(role, f"has {' '.join(unwanted)}, and {', '.join(known)}"))
                needed.append((role, " ".join(unwanted), known))
                unwanted = ()
            if unwanted:
                strippings.append(Stripping(role, unwanted))
        if needed and self._desired.in_use == "fail" and not state.in_recovery:
            self._refuse_used(needed)
        return strippings, [*left, *self._exempt(state, judge), *self._silent(state)]

    def _refuse_used(self, needed: t.Sequence[tuple[Role, str, tuple[str, ...]]]) -> None:
        """Roles that something works with have to be allowed what they work with, by the operator."""
        listed = "; ".join(f"{_subject(role)} needs {need}: {', '.join(uses)}" for role, need, uses in needed)
        raise RampartError(
            f"roles are in use with what they may not have, so nothing was changed: {listed};"
            f" put {'it' if len(needed) == 1 else 'them'} into {self._option('allow')}, or leave what is in use"
            f" as it is with {self._option('in_use')}=keep",
            roles=[role.name for role, _need, _uses in needed],
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
        return LeftAlone(component=self.name, subject=_subject(role), reason=reason)

    def _unknown(self, state: State) -> list[str]:
        present = {role.name for role in state.roles}
        named = [(entry.option, entry.role or entry.member_of) for entry in self._desired.allow or ()]
        named += [*(self._desired.strip or ()), *((values.option, values.role) for values in self._desired.roles)]
        named += [(self._option("passwords"), password.role) for password in self._desired.passwords]
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

    def _refuse(self, state: State, strippings: list[Stripping], steps: t.Sequence[Step]) -> None:
        """Everything that speaks against it, before anything is changed."""
        self._refuse_managers(state, strippings)
        self._refuse_subscriptions(state, strippings)
        self._refuse_last_superuser(state, strippings)
        if not state.superuser:
            names = ", ".join(dict.fromkeys(step.subject for step in steps if step.told))
            raise Unsupported(
                f"the login {state.login!r} is not a superuser, and only one can change {names}; nothing was changed"
            )

    def _refuse_managers(self, state: State, strippings: list[Stripping]) -> None:
        for manager in state.managers:
            used = [s.role for s in strippings if s.role.name in MANAGER_ROLES.get(manager, ())]
            if used:
                raise ManagedElsewhere(
                    f"{manager} runs this cluster and uses {', '.join(map(_subject, used))}, so nothing was changed:"
                    f" put {'it' if len(used) == 1 else 'them'} into {self._option('allow')} with the attributes needed",
                    managed_by=manager,
                    roles=[role.name for role in used],
                )

    def _refuse_subscriptions(self, state: State, strippings: list[Stripping]) -> None:
        owners = {s.role.oid: s.role for s in strippings if "SUPERUSER" in s.attributes}
        found = [d for d in state.dependents if d.kind == "subscription" and d.owner in owners]
        if found:
            listed = "; ".join(f"{_describe(item)} of {_subject(owners[item.owner])}" for item in found)
            raise RampartError(
                f"logical replication would stop without an error if its owner lost SUPERUSER, so nothing was changed:"
                f" {listed}; give the subscription to another owner or put the role into {self._option('allow')}",
                subscriptions=[dataclasses.asdict(item) for item in found],
            )

    def _refuse_last_superuser(self, state: State, strippings: list[Stripping]) -> None:
        if not self._desired.require_other_superuser:
            return
        losing = {s.role.oid for s in strippings if "SUPERUSER" in s.attributes}
        others = {
            role.oid
            for role in state.roles
            if "SUPERUSER" in role.attributes and role.login and role.oid != BOOTSTRAP_OID
        }
        if losing & others and not others - losing:
            names = ", ".join(_subject(role) for role in state.roles if role.oid in losing & others)
            raise RampartError(
                f"{self._option('require_other_superuser')}: no superuser that can log in would be left beside the"
                f" bootstrap superuser without {names}; nothing was changed"
            )

    def _on_standby(self, steps: t.Sequence[Step], left: list[LeftAlone], warnings: list[str]) -> Planned:
        names = ", ".join(dict.fromkeys(step.subject for step in steps if step.told))
        if self._desired.on_standby == "fail":
            raise Unsupported(f"this is a standby, which takes no writes: {names} can be changed on the primary only")
        skipped = [
            LeftAlone(self.name, step.subject, f"{step.description}: a standby takes no writes, so run on the primary")
            for step in steps
            if step.told
        ]
        return Planned(left_alone=(*left, *skipped), warnings=tuple(warnings))

    def _step(self, stripping: Stripping) -> Step:
        role = stripping.role
        statement = _alter(role, [f"NO{name}" for name in stripping.attributes])
        return Step(
            component=self.name,
            subject=_subject(role),
            description=f"take away {' '.join(stripping.attributes)}",
            before=_line(role, role.attributes),
            after=_line(role, stripping.remaining),
            operation=RunSql(statement=statement, undo=_alter(role, list(stripping.attributes))),
            statement=statement,
        )

    def _option(self, name: str) -> str:
        return self._desired.path(name)


def _iterations(offered: t.Any) -> int | None:
    """The value that this run gives scram_iterations, where it does."""
    for values in (offered or {}).values():
        if "scram_iterations" in values:
            return int(values["scram_iterations"])
    return None


def _alter(role: Role, words: list[str]) -> str:
    return compose("ALTER ROLE {role} {words}", role=Identifier(role.name), words=Keyword(" ".join(words)))


def _line(role: Role, attributes: tuple[str, ...]) -> str:
    return " ".join([*attributes, "LOGIN" if role.login else "NOLOGIN"])


def _replicates_with(role: Role) -> str:
    """The attribute that lets a role replicate: a superuser may do so without REPLICATION."""
    return "REPLICATION" if "REPLICATION" in role.attributes else "SUPERUSER"


def _subject(role: Role) -> str:
    return f"role {Identifier(role.name)}"


def _describe(item: Dependent) -> str:
    return f"{item.kind} {Identifier(item.name)} in database {Identifier(item.database)}"


def _told(dependents: tuple[Dependent, ...], strippings: list[Stripping]) -> list[str]:
    """What goes on without its owner being superuser, and may surprise."""
    losing = {s.role.oid: s.role for s in strippings if "SUPERUSER" in s.attributes}
    groups: dict[tuple[int, str, str], list[Dependent]] = {}
    for item in dependents:
        if item.owner in losing:
            groups.setdefault((item.owner, item.kind, item.database), []).append(item)
    found = []
    for (owner, kind, _database), items in groups.items():
        more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
        named = ", ".join(_describe(item) for item in items[:_NAMED])
        found.append(f"{_subject(losing[owner])} loses SUPERUSER and owns {named}{more}: {_CONSEQUENCES.get(kind, '')}")
    return found


def _unseen(state: State) -> list[str]:
    if not state.unseen:
        return []
    return [
        f"no session could be had with database {', '.join(state.unseen)}, so what depends on owners there is unknown"
    ]
