# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent where privileges are not as they should be, and what speaks against it; pure, private to the collection."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ConnectBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import Change
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import Difference
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import PUBLIC
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.planning import Found
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.row_security import forcing
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.statements import ObjectTarget
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

__all__ = ["Changing"]

_NAMED = 10  # in a message


class Changing:
    """The plan of a run that has something to do or to say."""

    def __init__(self, component: str, desired: Desired, state: State) -> None:
        self._component = component
        self._desired = desired
        self._state = state
        self._names = {oid: name for name, oid in state.roles.items()}

    def planned(self, found: t.Sequence[Found], otherwise: Planned) -> Planned:
        """What differs; ``otherwise`` is the plan without any of it."""
        otherwise = dataclasses.replace(otherwise, left_alone=(*otherwise.left_alone, *self._owners_keep(found)))
        differing = [each for each in found if each.difference.changes or each.new_owner is not None]
        self._refuse_helpless(found)
        self._refuse_fallen(differing)
        steps = (*self._groups(), *self._steps(differing))
        if not steps:
            return otherwise
        if self._state.in_recovery:
            return self._on_standby(steps, otherwise)
        self._refuse_login()
        self._refuse_superuser_grantors(differing)
        return dataclasses.replace(
            otherwise,
            steps=steps,
            warnings=tuple(_falls(differing, self._names)),
            effects=tuple(_connecting(differing, self._names)),
        )

    def _steps(self, found: t.Sequence[Found]) -> list[Step]:
        """One statement each; a database's together, owners first, and columns around their tables."""
        numbered: list[tuple[tuple[t.Any, ...], Step]] = []
        for each in found:
            database = each.database or self._state.database
            place = (database != self._state.database, database)
            if each.new_owner is not None:
                numbered.append(((*place, 0), self._owner_step(each, database)))
            is_column = isinstance(each.target, ObjectTarget) and each.target.kind == "column"
            for change in each.difference.changes:
                phase = 2 if not is_column else 3 if change.grant else 1
                numbered.append(((*place, phase), self._step(each, change, database)))
        state = self._state
        for step in forcing(self._component, self._desired.forced, state.looked, state.databases, state.schemas):
            database = t.cast(RunSql, step.operation).database
            numbered.append(((database != self._state.database, database, 4), step))
        return [step for _rank, step in sorted(numbered, key=lambda pair: pair[0])]

    def _groups(self) -> list[Step]:
        """Roles that nobody logs in as, without any attribute."""
        return [
            Step(
                component=self._component,
                subject=f"role {Identifier(name)}",
                description="make a group",
                before="",
                after="NOLOGIN",
                operation=RunSql(
                    statement=statement,
                    undo=compose("DROP ROLE {role}", role=Identifier(name)),
                    database=self._state.database,
                ),
                statement=statement,
            )
            for name in self._state.missing
            for statement in [compose("CREATE ROLE {role} NOLOGIN", role=Identifier(name))]
        ]

    def _owner_step(self, found: Found, database: str) -> Step:
        target = t.cast(ObjectTarget, found.target)
        before = target.thing.owner
        statement = target.change_owner(t.cast(int, found.new_owner), self._names)
        back = [
            target.change_owner(before, self._names),
            *(each.operation(change, self._names) for each, change in found.parting),
        ]
        return Step(
            component=self._component,
            subject=_subject(found, database),
            description="change the owner",
            before=f"owner {self._names.get(before, before)}",
            after=f"owner {self._names[t.cast(int, found.new_owner)]}",
            operation=RunSql(statement=statement, undo="; ".join(back), database=database),
            statement=statement,
        )

    def _step(self, found: Found, change: Change, database: str) -> Step:
        pair = (change.grantor, change.grantee)
        items = [item for item in found.items if item[:2] == pair]
        held = {item.privilege: item.grantable for item in items}
        after = {key[2]: grantable for key, grantable in Difference((change,)).applied(items).items()}
        whom = _role(change.grantee, self._names)
        by = f"{whom}, granted by {_role(change.grantor, self._names)}: "
        return Step(
            component=self._component,
            subject=_subject(found, database),
            description=_describe(change, whom),
            before=f"{by}{_listed(held)}" if held else "",
            after=f"{by}{_listed(after)}" if after else "",
            operation=RunSql(
                statement=found.target.operation(change, self._names),
                undo="; ".join(found.target.operation(back, self._names) for back in _backwards(held, change)),
                database=database,
            ),
            statement=found.target.statement(change, self._names),
        )

    def _owners_keep(self, found: t.Iterable[Found]) -> list[LeftAlone]:
        """Where an entry takes from an owner: once for each owner, kind and database."""
        counts: collections.Counter[tuple[str, str, str]] = collections.Counter()
        for each in found:
            if each.difference.owner_keeps:
                kind, owner = each.target.kind, _role(each.difference.owner_keeps[0][0], self._names)
                counts[owner, kind, each.database] += 1
        return [
            self._left(
                f"role {owner}",
                f"owns {number} {kind.replace('_', ' ')}{'' if number == 1 else 's'}"
                + (f" in database {Identifier(database)}" if database else "")
                + " of which an entry takes privileges: what an owner has of its own stays",
            )
            for (owner, kind, database), number in sorted(counts.items())
        ]

    def _on_standby(self, steps: t.Sequence[Step], otherwise: Planned) -> Planned:
        if self._desired.on_standby == "fail":
            raise Unsupported(
                f"this is a standby, which takes no writes: {len(steps)} changes of privileges can be made on the"
                f" primary only, the first is: {steps[0].statement}"
            )
        skipped = [
            self._left(step.subject, f"would {step.description}, but a standby takes no writes: run on the primary")
            for step in steps
        ]
        return dataclasses.replace(otherwise, left_alone=(*otherwise.left_alone, *skipped))

    def _left(self, subject: str, reason: str) -> LeftAlone:
        return LeftAlone(component=self._component, subject=subject, reason=reason)

    def _refuse_login(self) -> None:
        if not self._state.superuser:
            raise Unsupported(
                f"the login {self._state.login!r} is not a superuser, so it cannot act for the owners of objects and those"
                " who granted on; nothing was changed"
            )

    def _refuse_helpless(self, found: t.Iterable[Found]) -> None:
        listed = [
            f"{item.privilege} of {_role(item.grantee, self._names)} on {_subject(each, each.database)},"
            f" granted by {_role(item.grantor, self._names)}"
            for each in found
            for item in each.difference.helpless
        ]
        if listed:
            raise Unsupported(
                "the grantor has no grant option any more, so that nobody can revoke what it granted; nothing was"
                f" changed. Give it the grant option back for the time of this run: {_some(listed)}"
            )

    def _refuse_fallen(self, found: t.Iterable[Found]) -> None:
        if self._desired.cascade:
            return
        for each in found:
            if each.difference.fallen:
                listed = [_falling(each, self._names, item) for item in each.difference.fallen]
                option = f"{self._desired.option}.cascade" if self._desired.option else "cascade"
                raise RampartError(
                    f"{', '.join(entry.option for entry in each.entries)}: others would lose what was granted to them by a role that loses its"
                    f" grant option, so nothing was changed: {_some(listed)}; name them in an entry, or set {option}",
                    falling=listed,
                )

    def _refuse_superuser_grantors(self, found: t.Iterable[Found]) -> None:
        for each in found:
            for change in each.difference.changes:
                owner = each.target.owner
                if not change.grant and change.grantor != owner and change.grantor in self._state.superusers:
                    raise Unsupported(
                        f"{_subject(each, each.database)}: {_role(change.grantor, self._names)} granted"
                        f" {', '.join(change.privileges)} to {_role(change.grantee, self._names)} before it became superuser,"
                        " and whatever a superuser revokes counts as revoked by the owner; nothing was changed. Take"
                        " SUPERUSER from it for the time of this run"
                    )


def _subject(found: Found, database: str) -> str:
    inside = not (
        isinstance(found.target, ObjectTarget) and found.target.kind in ("database", "parameter", "tablespace")
    )
    return found.target.subject + (f" in database {Identifier(database)}" if inside and database else "")


def _role(oid: int, names: t.Mapping[int, str]) -> str:
    return "PUBLIC" if oid == PUBLIC else str(Identifier(names.get(oid, str(oid))))


def _describe(change: Change, whom: str) -> str:
    privileges = ", ".join(change.privileges)
    if change.grant:
        return f"grant {privileges} to {whom}" + " with grant option" * change.option
    return f"revoke {'the grant option for ' * change.option}{privileges} from {whom}"


def _listed(held: t.Mapping[str, bool]) -> str:
    return ", ".join(f"{name} WITH GRANT OPTION" if grantable else name for name, grantable in sorted(held.items()))


def _backwards(held: t.Mapping[str, bool], change: Change) -> list[Change]:
    """What takes a change back."""
    groups: dict[bool, list[str]] = {}
    for privilege in change.privileges:
        only_option = privilege in held if change.grant else held.get(privilege, False)
        groups.setdefault(only_option, []).append(privilege)
    return [
        Change(not change.grant, change.grantor, change.grantee, tuple(names), option)
        for option, names in groups.items()
    ]


def _falls(found: t.Iterable[Found], names: t.Mapping[int, str]) -> list[str]:
    return [
        f"{_falling(each, names, item)} falls, as the grantor loses its grant option"
        for each in found
        for item in each.difference.fallen
    ]


def _falling(found: Found, names: t.Mapping[int, str], item: t.Any) -> str:
    return (
        f"{item.privilege} of {_role(item.grantee, names)} on {_subject(found, found.database)},"
        f" granted by {_role(item.grantor, names)}"
    )


def _connecting(found: t.Iterable[Found], names: t.Mapping[int, str]) -> list[ConnectBecomes]:
    """Who may connect afterwards, where a database has another owner or takes CONNECT from somebody."""
    effects = []
    for each in found:
        target = each.target
        if not isinstance(target, ObjectTarget) or target.kind != "database":
            continue
        after = each.difference.applied(each.items)
        allowed = {grantee for (_grantor, grantee, privilege) in after if privilege == "CONNECT"}
        before = {item.grantee for item in each.items if item.privilege == "CONNECT"}
        if each.new_owner is not None or not before <= allowed:
            grantees = frozenset("" if oid == PUBLIC else names[oid] for oid in allowed)
            effects.append(ConnectBecomes(target.thing.name, names.get(target.owner, ""), grantees))
    return effects


def _some(listed: t.Sequence[str]) -> str:
    more = f"; and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return "; ".join(listed[:_NAMED]) + more
