# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""observe, plan, rehearse, apply, verify: the way every module takes; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import NotConverged
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ParameterBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Question
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.apply import Changes
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Component", "Guard", "Outcome", "Sections", "converge"]

Sections = t.Mapping[str, t.Mapping[str, str]]
"""Server parameters that one component wants set on its behalf: section to name to value."""


class Component(t.Protocol):
    """One domain of hardening. State is the component's own frozen dataclass."""

    name: str
    order: int  # from certificate 10 and settings 20 to hba 40: what must exist first comes first

    def observe(self, server: Server) -> t.Any:
        """Read everything that planning needs; write nothing."""

    def offers(self, state: t.Any) -> Sections:
        """Parameters that follow from the state, for the settings component."""

    def plan(self, state: t.Any, offered: Sections) -> Planned:
        """Pure: no I/O, no clock. Raises RampartError for what must be refused.

        ``offered`` also holds what the components before this one are going to set, by their names.
        """

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Fill in what planning may not make up itself (a new private key); most return ``planned``."""

    def unproven(self, state: t.Any) -> t.Sequence[str]:
        """After apply and reload: what the server itself says is not in force, in words."""


class Guard(t.Protocol):
    """What looks at the plan of all components together, before anything is written."""

    name: str

    def concerned(self, plan: Plan) -> bool:
        """Whether it has to look at all; if not, nothing is observed."""

    def observe(self, server: Server, plan: Plan) -> t.Any:
        """Read everything that judging this plan needs; write nothing."""

    def judge(self, state: t.Any, plan: Plan) -> Planned:
        """Pure. Raises RampartError for what must be refused; steps of its own come last."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run found, did and left."""

    plan: Plan
    after: Plan | None  # the plan made from the state after applying; None in check mode and without changes
    facts: t.Mapping[str, t.Any]
    notes: tuple[str, ...] = ()

    def result(self) -> dict[str, t.Any]:
        """Return values of the module."""
        result = {**self.facts, **self.plan.result(self.after)}
        result["warnings"] += self.notes
        return result


def converge(
    *, server: Server, components: t.Sequence[Component], guards: t.Sequence[Guard] = (), check_mode: bool
) -> Outcome:
    """Bring one cluster to the desired state of all components, in one plan that the guards let pass."""
    run = _Run(server, sorted(components, key=lambda component: component.order), guards)
    with server.lock(shared=check_mode):
        _states, plan = run.planned()
        if not plan.changed:
            return Outcome(plan=plan, after=None, facts=server.facts())
        # Here and not above: runs that change nothing are spared the time to import what rehearses and applies.
        from ansible_collections.rampart.postgresql.plugins.module_utils._server.apply import Changes
        from ansible_collections.rampart.postgresql.plugins.module_utils._server.rehearsal import rehearse

        plan, changes = run.prepared(plan), Changes(server)
        changes.check(plan.steps)
        if plan.question and not check_mode:
            return run.asking(plan.question, changes)
        notes = rehearse(server, plan)
        after = None if check_mode else run.applied(plan, changes)
        return Outcome(plan=plan, after=after, facts=server.facts(), notes=notes)


@dataclasses.dataclass(frozen=True)
class _Run:
    server: Server
    components: t.Sequence[Component]  # in the order of their steps
    guards: t.Sequence[Guard]

    def planned(self) -> tuple[list[t.Any], Plan]:
        """What the components observe, and the plan for it."""
        states = [component.observe(self.server) for component in self.components]
        offered: dict[str, t.Mapping[str, str]] = {}
        for component, state in zip(self.components, states):
            offered.update(component.offers(state))
        parts = []
        for component, state in zip(self.components, states):
            parts.append(component.plan(state, offered))
            offered = {**offered, **_becoming(component.name, parts[-1], offered)}
        plan = Plan(tuple(parts))
        for guard in self.guards:
            if guard.concerned(plan):
                plan = plan.joined(guard.judge(guard.observe(self.server, plan), plan))
        return states, plan

    def prepared(self, plan: Plan) -> Plan:
        """The plan with what planning may not make up."""
        own = [component.prepare(part, self.server) for component, part in zip(self.components, plan.parts)]
        return Plan((*own, *plan.parts[len(own) :]))

    def asking(self, question: Question, changes: Changes) -> Outcome:
        """Make the steps that the question needs; whoever runs the module has the answer."""
        changes.check(question.steps)
        changes.make(question.steps)
        return Outcome(plan=Plan((Planned(facts=question.facts),)), after=None, facts=self.server.facts())

    def applied(self, plan: Plan, changes: Changes) -> Plan:
        """Make the steps and prove them; the plan for what is there afterwards."""
        if any(isinstance(step.operation, RunSql) for step in plan.steps):
            self.server.session.require_transactions()
        try:
            changes.make([step for step in plan.steps if not step.late])
            if plan.needs_reload:
                self.server.reload()
            changes.make([step for step in plan.steps if step.late])
            states, after = self.planned()
            _verify(self.components, states, after)
        except BaseException as error:  # an interruption too must leave nothing half applied
            undone = changes.undo()
            if isinstance(error, RampartError):
                error.details["undone"] = undone
            raise
        return after


def _becoming(name: str, part: Planned, offered: Sections) -> Sections:
    """What a component is going to set, for those that come after it."""
    values = {effect.name: effect.value for effect in part.effects if isinstance(effect, ParameterBecomes)}
    return {name: {**offered.get(name, {}), **values}} if values else {}


def _verify(components: t.Sequence[Component], states: t.Sequence[t.Any], after: Plan) -> None:
    remaining = [f"{step.component}: {step.subject}: {step.description}" for step in after.steps]
    for component, state in zip(components, states):
        remaining += [f"{component.name}: {problem}" for problem in component.unproven(state)]
    if remaining:
        raise NotConverged(
            "this was applied and is still not as desired, so everything was put back: " + "; ".join(remaining),
            remaining=remaining,
        )
