# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memberships that nobody allowed are taken away, and the options of those that are allowed; pure, private."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Effect
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import MembershipBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import AllowedMembership
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.known import BUILT_IN
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.known import READS_VERIFIERS
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.order import Doomed
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.order import doomed_in_order
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.judge import Judge
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.part import Part
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import BOOTSTRAP_OID
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Grant
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Keyword
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

__all__ = ["judging", "planned"]


def planned(component: str, desired: Desired, state: State, judge: Judge) -> Part:
    """What becomes of memberships."""
    return _Planning(component, desired, state, judge).part()


def judging(desired: Desired, state: State) -> Judge:
    """The judge for whom memberships that this run ends make nobody a member; each that ends may end others."""
    ending: frozenset[Grant] = frozenset()
    while True:
        judge = Judge(desired, state, ending=ending)
        found = _Planning("", desired, state, judge).ending()
        if found <= ending:
            return judge
        ending |= found


class _Verdicts(t.NamedTuple):
    """About all memberships."""

    doomed: list[Doomed[Grant]]  # they may not be
    becoming: list[tuple[Grant, Grant]]  # now, and with the options that they are to have
    left: list[LeftAlone]
    needed: list[tuple[Role, str]]  # by the operator's leave only, as a tool works with them


class _Planning:
    def __init__(self, component: str, desired: Desired, state: State, judge: Judge) -> None:
        self._component = component
        self._desired = desired
        self._state = state
        self._judge = judge
        self._roles = {role.oid: role for role in state.roles}
        self._governed = {
            role.oid
            for role in state.roles
            if role.name in desired.memberships
            and (role.name != READS_VERIFIERS or (state.md5_remains and not state.md5_came))
        }

    def ending(self) -> frozenset[Grant]:
        """The memberships that end, whatever else speaks against it."""
        return frozenset(item.held for item in self._going(self._verdicts().doomed) if not item.only_option)

    def part(self) -> Part:
        """Revocations with dependants first, then options."""
        found = self._verdicts()
        going = self._in_order(found.doomed)
        gone = {item.held for item in going if not item.only_option}
        changes = [(now, then) for now, then in found.becoming if now not in gone]
        self._refuse_orphans(changes, {item.held for item in going})
        return Part(
            steps=(*map(self._revocation, going), *(self._change(now, then) for now, then in changes)),
            effects=tuple(self._effects(gone, dict(changes))),
            left_alone=tuple(found.left),
            warnings=tuple(self._falling(going)),
            needed=tuple(found.needed),
        )

    def _verdicts(self) -> _Verdicts:
        doomed: list[Doomed[Grant]] = []
        becoming: list[tuple[Grant, Grant]] = []
        left: list[LeftAlone] = []
        needed: list[tuple[Role, str]] = []
        for grant in self._state.grants:
            member = self._roles[grant.member]
            if grant.role not in self._governed:
                continue
            if self._judge.is_exempt(member) or self._judge.keeps_superuser(member) or self._is_built_in(grant):
                continue
            if not self._judge.is_governed(member):
                left.append(self._left(grant, "and no allow-list says whether it may"))
                continue
            allowed = self._judge.allowance(member).memberships.get(self._name(grant.role))
            if allowed is None and self._judge.works_through(member):
                left.append(self._left(grant, f"and {', '.join(self._judge.works_through(member))}"))
                needed.append((member, f"membership in {self._name(grant.role)}"))
                continue
            if allowed is None:
                doomed.append(Doomed(grant))
                continue
            if grant.admin and not allowed.admin:
                doomed.append(Doomed(grant, only_option=True))
            becoming += self._with_options(grant, allowed, left)
        return _Verdicts(doomed, becoming, left, needed)

    def _is_built_in(self, grant: Grant) -> bool:
        """Whether PostgreSQL itself made it."""
        return grant.grantor == BOOTSTRAP_OID and self._name(grant.role) in BUILT_IN.get(self._name(grant.member), ())

    def _with_options(
        self, grant: Grant, allowed: AllowedMembership, left: list[LeftAlone]
    ) -> list[tuple[Grant, Grant]]:
        inherit = grant.inherit if allowed.inherit is None else allowed.inherit
        may_set = grant.set if allowed.set is None else allowed.set
        if (inherit, may_set) == (grant.inherit, grant.set):
            return []
        if grant.inherit is None:
            left.append(self._left(grant, "whose INHERIT and SET only PostgreSQL 16 and newer have"))
            return []
        return [(grant, dataclasses.replace(grant, inherit=inherit, set=may_set))]

    def _refuse_orphans(self, changes: t.Sequence[tuple[Grant, Grant]], going: t.Container[Grant]) -> None:
        """GRANT ... WITH ADMIN FALSE takes ADMIN from who has granted on, and leaves that; nobody can change its options."""
        passing = {(it.role, it.member) for it in self._state.grants if it.admin and it not in going}
        orphans = [
            now for now, _then in changes if now.grantor != BOOTSTRAP_OID and (now.role, now.grantor) not in passing
        ]
        if orphans and not self._state.in_recovery:
            raise Unsupported(
                "the grantor has no ADMIN option any more, so that nobody can set the options of what it granted; nothing"
                f" was changed. Give it ADMIN back, or grant the membership anew: {'; '.join(map(self._said, orphans))}"
            )

    def _going(self, doomed: list[Doomed[Grant]]) -> list[Doomed[Grant]]:
        tracked = [grant for grant in self._state.grants if grant.inherit is not None]
        return doomed_in_order(tracked, doomed) if tracked else doomed  # until 15 nobody keeps account of dependants

    def _in_order(self, doomed: list[Doomed[Grant]]) -> list[Doomed[Grant]]:
        going = self._going(doomed)
        falling = [item.held for item in going if item.falls]
        if falling and not self._desired.cascade and not self._state.in_recovery:
            listed = "; ".join(map(self._said, falling))
            raise RampartError(
                "memberships that are allowed, or that nothing is said about, hang on ones that are not, so nothing was"
                f" changed: {listed}; let another role grant them, allow their grantor to pass them on, or let them fall"
                f" with {self._desired.path('cascade')}",
                dependents=[self._said(grant) for grant in falling],
            )
        return going

    def _falling(self, going: t.Iterable[Doomed[Grant]]) -> list[str]:
        return [
            f"{self._said(item.held)}: it falls, as its grantor may not pass it on any more"
            for item in going
            if item.falls
        ]

    def _effects(self, gone: t.Container[Grant], changes: t.Mapping[Grant, Grant]) -> t.Iterator[Effect]:
        """What is left of every membership that is touched."""
        touched: dict[tuple[int, int], list[Grant]] = {}
        pairs = {(it.role, it.member) for it in self._state.grants if it in gone or it in changes}
        for grant in self._state.grants:
            if (grant.role, grant.member) in pairs:
                kept = touched.setdefault((grant.role, grant.member), [])
                if grant not in gone:
                    kept.append(changes.get(grant, grant))
        for (role, member), kept in touched.items():
            inherits = any(it.inherit is not False for it in kept) if kept else None
            yield MembershipBecomes(self._name(member), self._name(role), inherits)

    def _revocation(self, doomed: Doomed[Grant]) -> Step:
        grant = doomed.held
        what = "REVOKE ADMIN OPTION FOR" if doomed.only_option else "REVOKE"
        statement = self._sql(f"{what} {{role}} FROM {{member}}", grant, by=grant.inherit is not None)
        then = dataclasses.replace(grant, admin=False)
        words = "take away the ADMIN option of" if doomed.only_option else "end"
        return Step(
            component=self._component,
            subject=self._subject(grant),
            description=f"{words} membership in {self._name(grant.role)}" + (", which falls" if doomed.falls else ""),
            before=self._line(grant),
            after=self._line(then) if doomed.only_option else "",
            operation=RunSql(statement=statement, undo=self._granting(grant)),
            statement=statement,
        )

    def _change(self, now: Grant, then: Grant) -> Step:
        statement = self._options(now, then)
        return Step(
            component=self._component,
            subject=self._subject(now),
            description=f"set the options of membership in {self._name(now.role)}",
            before=self._line(now),
            after=self._line(then),
            operation=RunSql(statement=statement, undo=self._options(then, now)),
            statement=statement,
        )

    def _options(self, start: Grant, end: Grant) -> str:
        """Only those that differ: ADMIN is not touched."""
        words = [
            f"{name} {'TRUE' if after else 'FALSE'}"
            for name, before, after in (("INHERIT", start.inherit, end.inherit), ("SET", start.set, end.set))
            if before != after
        ]
        return self._sql(f"GRANT {{role}} TO {{member}} WITH {', '.join(words)}", start, by=True)

    def _granting(self, grant: Grant) -> str:
        """The membership as it was."""
        if grant.inherit is None:
            option = " WITH ADMIN OPTION" if grant.admin else ""
            known = grant.grantor in self._roles
            return self._sql(f"GRANT {{role}} TO {{member}}{option}", grant, by=known)
        options = (("ADMIN", grant.admin), ("INHERIT", grant.inherit), ("SET", grant.set))
        words = ", ".join(f"{name} {'TRUE' if value else 'FALSE'}" for name, value in options)
        return self._sql(f"GRANT {{role}} TO {{member}} WITH {words}", grant, by=True)

    def _sql(self, template: str, grant: Grant, *, by: bool) -> str:
        names = {"role": Identifier(self._name(grant.role)), "member": Identifier(self._name(grant.member))}
        if not by:
            return compose(template, **names)
        grantor = Identifier(self._name(grant.grantor))
        return compose(template + " {by} {grantor}", by=Keyword("GRANTED BY"), grantor=grantor, **names)

    def _name(self, oid: int) -> str:
        return self._state.names.get(oid, str(oid))

    def _subject(self, grant: Grant) -> str:
        return f"role {Identifier(self._name(grant.member))}"

    def _line(self, grant: Grant) -> str:
        words = [
            name for name, held in (("ADMIN", grant.admin), ("INHERIT", grant.inherit), ("SET", grant.set)) if held
        ]
        options = f" WITH {', '.join(words)}" if words else ""
        return f"member of {self._name(grant.role)}{options}, granted by {self._name(grant.grantor)}"

    def _said(self, grant: Grant) -> str:
        return f"{self._subject(grant)}, {self._line(grant)}"

    def _left(self, grant: Grant, why: str) -> LeftAlone:
        return LeftAlone(self._component, self._subject(grant), f"is {self._line(grant)}, {why}")
