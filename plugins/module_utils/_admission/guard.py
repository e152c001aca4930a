# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nobody is locked out unknowingly: the guard that asks for every client before anything is written; private."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission import left_behind
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.asking import Asked
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.asking import ask
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.asking import described
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.demands import Demands
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import ATTRIBUTES
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import PARAMETERS
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import Session
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import State
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import observe
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.words import refusal
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.words import sentence
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import CertificateReplaced
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ClientTrustBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ConnectBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Effect
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import MembershipBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ParameterBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleLoses
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literal
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Admission"]

_NAMED = 5  # clients in a warning
_FILES = ("hba", "ident")  # components whose steps decide who gets in

_SHOWN = """SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a
WHERE a.pid = {pid}::int AND a.backend_start = {started}::timestamptz"""
# A signal is no end yet: what follows looks whether the session is gone. It ends on its own or with statement_timeout.
_END = """DO $end$
BEGIN
  PERFORM pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a
  WHERE a.pid = {pid}::int AND a.backend_start = {started}::timestamptz;
  LOOP
    PERFORM pg_catalog.pg_stat_clear_snapshot();
    EXIT WHEN NOT EXISTS (SELECT 1 FROM pg_catalog.pg_stat_activity a
                          WHERE a.pid = {pid}::int AND a.backend_start = {started}::timestamptz);
    PERFORM pg_catalog.pg_sleep(0.02);
  END LOOP;
END $end$"""


class Admission:
    """Refuses a plan that locks somebody out; ends sessions on request."""

    name = "admission"

    def __init__(self, demands: Demands) -> None:
        self.demands = demands

    def concerned(self, plan: Plan) -> bool:
        """Whether the plan, or the operator, says something about who gets in."""
        demanded = bool(self.demands.must_admit) or self.demands.terminate
        return demanded or _decides(plan) or any(isinstance(effect, CertificateReplaced) for effect in plan.effects())

    def observe(self, server: Server, plan: Plan) -> State:
        """The world before and after, and everybody who is in."""
        return observe(server, plan)

    def judge(self, state: State, plan: Plan) -> Planned:
        """Refuse, warn, or end what is no longer admitted."""
        written = plan.files()
        not_in = [asked for asked in ask(state, self.demands) if not asked.admitted]
        ending = [asked for asked in not_in if self._is_to_end(asked, state, plan)]
        lost = [asked for asked in not_in if asked not in ending and self._is_lost(asked, state, plan)]
        fatal = [] if self.demands.allow_lockout else [asked for asked in lost if plan.changed or ending]
        if fatal:
            raise refusal(fatal, written)
        behind = left_behind.left_behind(state.before, state.after) if _rewrites(plan) else []
        if behind and not self.demands.allow_lockout:
            raise left_behind.refusal(behind)
        told = [asked for asked in not_in if asked in lost or (asked.refused and asked not in ending)]
        return Planned(
            steps=tuple(_end(asked, session) for asked in ending for session in asked.sessions),
            warnings=(
                *(sentence(asked, written) for asked in told),
                *_unasked(state, plan),
                *_who_verifies(state, plan, self.demands),
            ),
            facts={"sessions": _listed(not_in, ending)},
        )

    def _is_to_end(self, asked: Asked, state: State, plan: Plan) -> bool:
        """Whether sessions are ended; those of replication only where the operator gives their clients up."""
        if not self.demands.terminate or asked.demanded or not (asked.refused and asked.at_once):
            return False
        in_force = state.certain or plan.needs_reload
        return in_force and (self.demands.allow_lockout or not asked.replicates)

    def _is_lost(self, asked: Asked, state: State, plan: Plan) -> bool:
        """Whether this change is to blame, or the client has to get in whoever is."""
        if asked.demanded:
            return True
        if not _decides(plan):
            return False
        if asked.refused:
            return not (asked.verdict.was_refused and state.certain)
        return not self.demands.accepts(asked.client)


def _rewrites(plan: Plan) -> bool:
    return any(step.component == "hba" for step in plan.steps)


def _decides(plan: Plan) -> bool:
    return any(step.component in _FILES for step in plan.steps) or any(map(_is_relevant, plan.effects()))


def _is_relevant(effect: Effect) -> bool:
    if isinstance(effect, ParameterBecomes):
        return effect.name in PARAMETERS
    if isinstance(effect, (ClientTrustBecomes, ConnectBecomes, MembershipBecomes, RoleBecomes)):
        return True
    return isinstance(effect, RoleLoses) and effect.attribute in ATTRIBUTES


def _unasked(state: State, plan: Plan) -> list[str]:
    """Whom nobody could ask."""
    if not _decides(plan):
        return []
    told = [
        f"replication slot {slot.name} is inactive: its consumer was not asked whether it would still get in"
        for slot in state.slots
    ]
    if state.hidden:
        told.append(
            f"the login may not see where up to {state.hidden} sessions come from (it is no member of pg_read_all_stats),"
            " so they were not asked whether they would still get in"
        )
    if not state.certain:
        told.append(
            "the server does not work with the rules that are on disk: what clients show today was judged by those"
        )
    return told


def _who_verifies(state: State, plan: Plan, demands: Demands) -> list[str]:
    """The server's certificate is for its clients to refuse, and nothing tells the server which of them look at it."""
    paths = [effect.path for effect in plan.effects() if isinstance(effect, CertificateReplaced)]
    clients = (*demands.must_admit, *(session.client for session in state.sessions))
    over_tls = dict.fromkeys(str(dataclasses.replace(client, label="")) for client in clients if client.attempt.tls)
    if not paths or not over_tls:
        return []
    named = list(over_tls)[:_NAMED]
    more = f"; and {len(over_tls) - _NAMED} more" if len(over_tls) > _NAMED else ""
    return [
        f"{paths[0]} becomes another certificate: a client that verifies it (sslmode verify-ca or verify-full) does not"
        f" connect again until it is given that one; these come with TLS: {'; '.join(named)}{more}"
    ]


def _listed(not_in: t.Iterable[Asked], ending: t.Sequence[Asked]) -> list[dict[str, t.Any]]:
    """Sessions that the rules do not admit any more."""
    return [
        {
            "pid": session.pid,
            **described(session.client),
            "application_name": session.application,
            "reason": asked.verdict.reason,
            "where": asked.verdict.where,
            "action": "terminate" if asked in ending else "none",
        }
        for asked in not_in
        if asked.refused
        for session in asked.sessions
    ]


def _end(asked: Asked, session: Session) -> Step:
    parts = {"pid": Literal(str(session.pid)), "started": Literal(session.started)}
    return Step(
        component="sessions",
        subject=f"session {session.pid}",
        description="end it",
        before=f"{asked.client}; {asked.verdict}",
        after="",
        operation=RunSql(statement=compose(_END, **parts), undo=""),
        statement=compose(_SHOWN, **parts),
        late=True,
    )
