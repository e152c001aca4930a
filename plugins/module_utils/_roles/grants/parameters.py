# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Grants on parameters that nobody allowed are taken away; pure, private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.order import Doomed
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.order import doomed_in_order
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.order import helpless
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.judge import Judge
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.part import Part
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import BOOTSTRAP_OID
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import ParameterGrant
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import DottedName
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Keyword
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

__all__ = ["planned"]

_PUBLIC = 0


def planned(component: str, desired: Desired, state: State, judge: Judge) -> Part:
    """What becomes of the grants on parameters, of which 15 and newer have some."""
    if not state.parameter_grants:
        return Part()
    return _Planning(component, desired, state, judge).part()


class _Planning:
    def __init__(self, component: str, desired: Desired, state: State, judge: Judge) -> None:
        self._component = component
        self._desired = desired
        self._state = state
        self._judge = judge
        self._roles = {role.oid: role for role in state.roles}

    def part(self) -> Part:
        """Revocations, dependants first."""
        doomed: list[Doomed[ParameterGrant]] = []
        left: list[LeftAlone] = []
        needed: list[tuple[Role, str]] = []
        for grant in self._state.parameter_grants:
            if grant.parameter not in self._desired.parameters or self._is_exempt(grant):
                continue
            if not self._is_governed(grant):
                reason = f"has {self._line(grant)}, and no allow-list says whether it may"
                left.append(LeftAlone(self._component, self._subject(grant), reason))
            elif self._is_allowed(grant):
                continue
            elif grant.grantee != _PUBLIC and self._judge.works_through(self._roles[grant.grantee]):
                role = self._roles[grant.grantee]
                reason = f"has {self._line(grant)}, and {', '.join(self._judge.works_through(role))}"
                left.append(LeftAlone(self._component, self._subject(grant), reason))
                needed.append((role, f"{grant.privilege} on parameter {grant.parameter}"))
            else:
                doomed.append(Doomed(grant))
        going = doomed_in_order(self._state.parameter_grants, doomed)
        if not self._state.in_recovery:
            self._refuse_superuser_grantors(going)
            self._refuse_helpless(going)
        falling = [f"{self._subject(item.held)}, {self._line(item.held)}" for item in going if item.falls]
        if falling and not self._desired.cascade and not self._state.in_recovery:
            raise RampartError(
                "grants on parameters hang on ones that are not allowed, so nothing was changed:"
                f" {'; '.join(falling)}; let them fall with {self._desired.path('cascade')}",
                dependents=falling,
            )
        warnings = tuple(f"{said}: it falls, as its grantor may not pass it on any more" for said in falling)
        return Part(
            steps=tuple(map(self._step, going)), left_alone=tuple(left), warnings=warnings, needed=tuple(needed)
        )

    def _refuse_superuser_grantors(self, going: t.Iterable[Doomed[ParameterGrant]]) -> None:
        """Whatever a superuser revokes counts as revoked by the owner of all parameters."""
        for item in going:
            grantor = self._roles[item.held.grantor]
            if grantor.oid != BOOTSTRAP_OID and self._judge.keeps_superuser(grantor):
                raise Unsupported(
                    f"role {Identifier(grantor.name)} granted {self._subject(item.held)} {item.held.privilege} on"
                    f" parameter {item.held.parameter} before it became superuser, and whatever a superuser revokes"
                    " counts as revoked by the bootstrap superuser; nothing was changed. Take SUPERUSER from it for the"
                    " time of this run"
                )

    def _refuse_helpless(self, going: t.Sequence[Doomed[ParameterGrant]]) -> None:
        """Who has a grant option through another role only cannot revoke what it granted with one of its own."""
        found = helpless(self._state.parameter_grants, going, BOOTSTRAP_OID)
        if found:
            listed = "; ".join(f"{self._subject(grant)}, {self._line(grant)}" for grant in found)
            raise Unsupported(
                "the grantor has no grant option any more, so that nobody can revoke what it granted; nothing was changed."
                f" Give it the grant option back for the time of this run: {listed}"
            )

    def _is_exempt(self, grant: ParameterGrant) -> bool:
        if grant.grantee == _PUBLIC:
            return False
        role = self._roles.get(grant.grantee)
        return role is None or self._judge.is_exempt(role) or self._judge.keeps_superuser(role)

    def _is_governed(self, grant: ParameterGrant) -> bool:
        if grant.grantee == _PUBLIC:
            return self._desired.allow is not None
        return self._judge.is_governed(self._roles[grant.grantee])

    def _is_allowed(self, grant: ParameterGrant) -> bool:
        if grant.grantee == _PUBLIC:
            return False
        return grant.parameter in self._judge.allowance(self._roles[grant.grantee]).parameters

    def _step(self, doomed: Doomed[ParameterGrant]) -> Step:
        grant = doomed.held
        statement = self._as_grantor(grant, "REVOKE {privilege} ON PARAMETER {parameter} FROM {grantee}")
        option = " WITH GRANT OPTION" if grant.grantable else ""
        undo = self._as_grantor(grant, "GRANT {privilege} ON PARAMETER {parameter} TO {grantee}" + option)
        return Step(
            component=self._component,
            subject=self._subject(grant),
            description=f"take away {grant.privilege} on parameter {grant.parameter}"
            + (", which falls" if doomed.falls else ""),
            before=self._line(grant),
            after="",
            operation=RunSql(statement=statement, undo=undo),
            statement=statement,
        )

    def _as_grantor(self, grant: ParameterGrant, template: str) -> str:
        """A superuser acts for the bootstrap superuser; for any other grantor it has to become that role."""
        public = grant.grantee == _PUBLIC
        statement = compose(
            template,
            privilege=Keyword(grant.privilege),
            parameter=DottedName(grant.parameter),
            grantee=Keyword("PUBLIC") if public else Identifier(self._state.names[grant.grantee]),
        )
        if grant.grantor == BOOTSTRAP_OID:
            return statement
        grantor = Identifier(self._state.names[grant.grantor])
        return f"{compose('SET LOCAL ROLE {grantor}', grantor=grantor)}; {statement}; RESET ROLE"

    def _subject(self, grant: ParameterGrant) -> str:
        return "PUBLIC" if grant.grantee == _PUBLIC else f"role {Identifier(self._state.names[grant.grantee])}"

    def _line(self, grant: ParameterGrant) -> str:
        option = " WITH GRANT OPTION" if grant.grantable else ""
        grantor = self._state.names.get(grant.grantor, str(grant.grantor))
        return f"{grant.privilege} on parameter {grant.parameter}{option}, granted by {grantor}"
