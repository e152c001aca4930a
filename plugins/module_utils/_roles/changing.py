# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent where roles are not as they should be, and what speaks against it; pure, private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

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
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.judge import Stripping
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.part import Part
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import BOOTSTRAP_OID
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Dependent
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Keyword
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

__all__ = ["MANAGER_ROLES", "Changing"]

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


class Changing:
    """The plan of a run that has something to do."""

    def __init__(self, component: str, desired: Desired, state: State) -> None:
        self._component = component
        self._desired = desired
        self._state = state

    def planned(
        self,
        strippings: list[Stripping],
        changes: t.Sequence[tuple[Role, Role]],
        parts: t.Sequence[Part],
        otherwise: Planned,
    ) -> Planned:
        """What roles lose, what they become, and their other rights; ``otherwise`` is the plan without any of it."""
        steps = (
            *map(self._step, strippings),
            *limits.steps(self._component, changes),
            *(step for part in parts for step in part.steps),
        )
        if self._state.in_recovery:
            return self._on_standby(steps, otherwise)
        self._refuse(strippings, changes, steps)
        warnings = otherwise.warnings
        if strippings:
            warnings += (*_told(self._state.dependents, strippings), *_unseen(self._state))
        effects: list[Effect] = [RoleLoses(s.role.name, attribute) for s in strippings for attribute in s.attributes]
        effects += [*limits.effects(changes), *(effect for part in parts for effect in part.effects)]
        return dataclasses.replace(
            otherwise,
            steps=steps,
            warnings=(*warnings, *(warning for part in parts for warning in part.warnings)),
            effects=tuple(effects),
        )

    def _refuse(
        self, strippings: list[Stripping], changes: t.Sequence[tuple[Role, Role]], steps: t.Sequence[Step]
    ) -> None:
        """Everything that speaks against it, before anything is changed."""
        losing = {now.oid: (now, "LOGIN") for now, then in changes if now.login and not then.login}
        losing.update((s.role.oid, (s.role, "SUPERUSER")) for s in strippings if "SUPERUSER" in s.attributes)
        self._refuse_managers(strippings)
        self._refuse_subscriptions(losing)
        self._refuse_last_superuser(losing)
        if not self._state.superuser:
            names = ", ".join(dict.fromkeys(step.subject for step in steps if step.told))
            raise Unsupported(
                f"the login {self._state.login!r} is not a superuser, and only one can change {names}; nothing was changed"
            )

    def _refuse_managers(self, strippings: list[Stripping]) -> None:
        for manager in self._state.managers:
            used = [s.role for s in strippings if s.role.name in MANAGER_ROLES.get(manager, ())]
            if used:
                raise ManagedElsewhere(
                    f"{manager} runs this cluster and uses {', '.join(role.subject for role in used)}, so nothing was changed:"
                    f" put {'it' if len(used) == 1 else 'them'} into {self._desired.path('allow')} with the attributes needed",
                    managed_by=manager,
                    roles=[role.name for role in used],
                )

    def _refuse_subscriptions(self, losing: t.Mapping[int, tuple[Role, str]]) -> None:
        found = [d for d in self._state.dependents if d.kind == "subscription" and d.owner in losing]
        if found:
            listed = "; ".join(
                f"{_describe(item)} of {role.subject}, which would lose {attribute}"
                for item in found
                for role, attribute in [losing[item.owner]]
            )
            raise RampartError(
                f"logical replication would stop without an error, so nothing was changed: {listed}; give the subscription"
                f" to another owner, or leave the role what it has with {self._desired.path('allow')} and"
                f" {self._desired.path('roles')}",
                subscriptions=[dataclasses.asdict(item) for item in found],
            )

    def _refuse_last_superuser(self, losing: t.Mapping[int, tuple[Role, str]]) -> None:
        if not self._desired.require_other_superuser:
            return
        others = [
            role
            for role in self._state.roles
            if "SUPERUSER" in role.attributes and role.login and role.oid != BOOTSTRAP_OID
        ]
        if others and all(role.oid in losing for role in others):
            names = ", ".join(role.subject for role in others)
            raise RampartError(
                f"{self._desired.path('require_other_superuser')}: no superuser that can log in would be left beside the"
                f" bootstrap superuser without {names}; nothing was changed"
            )

    def _on_standby(self, steps: t.Sequence[Step], otherwise: Planned) -> Planned:
        names = ", ".join(dict.fromkeys(step.subject for step in steps if step.told))
        if self._desired.on_standby == "fail":
            raise Unsupported(f"this is a standby, which takes no writes: {names} can be changed on the primary only")
        skipped = [
            LeftAlone(
                self._component, step.subject, f"{step.description}: a standby takes no writes, so run on the primary"
            )
            for step in steps
            if step.told
        ]
        return dataclasses.replace(otherwise, left_alone=(*otherwise.left_alone, *skipped))

    def _step(self, stripping: Stripping) -> Step:
        role = stripping.role
        statement = _alter(role, [f"NO{name}" for name in stripping.attributes])
        return Step(
            component=self._component,
            subject=role.subject,
            description=f"take away {' '.join(stripping.attributes)}",
            before=_line(role, role.attributes),
            after=_line(role, stripping.remaining),
            operation=RunSql(statement=statement, undo=_alter(role, list(stripping.attributes))),
            statement=statement,
        )


def _alter(role: Role, words: list[str]) -> str:
    return compose("ALTER ROLE {role} {words}", role=Identifier(role.name), words=Keyword(" ".join(words)))


def _line(role: Role, attributes: tuple[str, ...]) -> str:
    return " ".join([*attributes, "LOGIN" if role.login else "NOLOGIN"])


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
        found.append(f"{losing[owner].subject} loses SUPERUSER and owns {named}{more}: {_CONSEQUENCES.get(kind, '')}")
    return found


def _unseen(state: State) -> list[str]:
    if not state.unseen:
        return []
    return [
        f"no session could be had with database {', '.join(state.unseen)}, so what depends on owners there is unknown"
    ]
