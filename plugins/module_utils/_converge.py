# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""observe, plan, rehearse, apply, verify: the way every module takes; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import NotConverged
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._server import rehearsal as _rehearsal
from ansible_collections.rampart.postgresql.plugins.module_utils._server.apply import Changes

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Component", "Outcome", "Sections", "converge"]

Sections = t.Mapping[str, t.Mapping[str, str]]
"""Server parameters that one component wants set on its behalf: section to name to value."""


class Component(t.Protocol):
    """One domain of hardening. State is the component's own frozen dataclass."""

    name: str
    order: int  # certificate 10, settings 20, role_attributes 30, hba 40: what must exist first comes first

    def observe(self, server: Server) -> t.Any:
        """Read everything that planning needs; write nothing."""

    def offers(self, state: t.Any) -> Sections:
        """Parameters that follow from the state, for the settings component."""

    def plan(self, state: t.Any, offered: Sections) -> Planned:
        """Pure: no I/O, no clock. Raises RampartError for what must be refused."""

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Fill in what planning may not make up itself (a new private key); most return ``planned``."""

    def unproven(self, state: t.Any) -> t.Sequence[str]:
        """After apply and reload: what the server itself says is not in force, in words."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run found, did and left."""

    plan: Plan
    after: Plan | None  # the plan made from the state after applying; None in check mode and without changes
    facts: t.Mapping[str, t.Any]
    notes: tuple[str, ...] = ()

    def result(self) -> dict[str, t.Any]:
        """Return values of the module."""
        result = {**self.facts, **self.plan.result()}
        if self.after is not None:
            before, after = self.plan.findings(), self.after.findings()
            result["warnings"] = [text for text in result["warnings"] if text not in before] + after
            result["restart_required"] = self.after.result()["restart_required"]
        result["warnings"] += self.notes
        return result


def converge(*, server: Server, components: t.Sequence[Component], check_mode: bool) -> Outcome:
    """Bring one cluster to the desired state of all components, in one plan."""
    ordered = sorted(components, key=lambda component: component.order)
    with server.lock(shared=check_mode):
        plan = _plan(ordered, _observe(server, ordered))
        if not plan.changed:
            return Outcome(plan=plan, after=None, facts=server.facts())
        plan = _prepare(server, ordered, plan)
        notes = _rehearsal.rehearse(server, plan)
        after = None if check_mode else _apply_and_verify(server, ordered, plan)
        return Outcome(plan=plan, after=after, facts=server.facts(), notes=notes)


def _observe(server: Server, components: t.Sequence[Component]) -> list[t.Any]:
    return [component.observe(server) for component in components]


def _plan(components: t.Sequence[Component], states: t.Sequence[t.Any]) -> Plan:
    offered: dict[str, t.Mapping[str, str]] = {}
    for component, state in zip(components, states):
        offered.update(component.offers(state))
    return Plan(tuple(component.plan(state, offered) for component, state in zip(components, states)))


def _prepare(server: Server, components: t.Sequence[Component], plan: Plan) -> Plan:
    return Plan(tuple(component.prepare(part, server) for component, part in zip(components, plan.parts)))


def _apply_and_verify(server: Server, components: t.Sequence[Component], plan: Plan) -> Plan:
    changes = Changes(server)
    try:
        changes.make(plan.steps)
        if plan.needs_reload:
            server.reload()
        states = _observe(server, components)
        after = _plan(components, states)
        _verify(components, states, after)
    except BaseException as error:  # an interruption too must leave nothing half applied
        undone = changes.undo()
        if isinstance(error, RampartError):
            error.details["undone"] = undone
        raise
    return after


def _verify(components: t.Sequence[Component], states: t.Sequence[t.Any], after: Plan) -> None:
    remaining = [f"{step.component}: {step.subject}: {step.description}" for step in after.steps]
    for component, state in zip(components, states):
        remaining += [f"{component.name}: {problem}" for problem in component.unproven(state)]
    if remaining:
        raise NotConverged(
            "this was applied and is still not as desired, so everything was put back: " + "; ".join(remaining),
            remaining=remaining,
        )
