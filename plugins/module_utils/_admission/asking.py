# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everybody who is in or has to get in, each asked once; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.demands import Demands
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import Session
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import State
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import Verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import compared
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import show_address

__all__ = ["Asked", "ask"]

_NAMED = 3  # processes that a label names


@dataclasses.dataclass(frozen=True)
class Asked:
    """One client, or several sessions that are alike, and what comes of them."""

    client: Client
    verdict: Verdict
    sessions: tuple[Session, ...] = ()  # none: this run's own connection, or one that must be admitted
    at_once: bool = True  # whether no restart is needed for that

    @property
    def demanded(self) -> bool:
        """Whether it has to get in whatever happens."""
        return not self.sessions

    @property
    def replicates(self) -> bool:
        """Whether replication hangs on it."""
        return any(session.walsender for session in self.sessions)

    @property
    def admitted(self) -> bool:
        """Whether it gets in."""
        return self.verdict.outcome == "admitted"

    @property
    def refused(self) -> bool:
        """Whether it certainly does not get in."""
        return self.verdict.outcome == "refused"

    def result(self) -> dict[str, t.Any]:
        """For the return values."""
        return {
            "client": self.client.label,
            "pids": [session.pid for session in self.sessions],
            **described(self.client),
            "reason": self.verdict.reason,
            "where": self.verdict.where,
        }


def described(client: Client) -> dict[str, t.Any]:
    """Who a client is, for the return values."""
    attempt = client.attempt
    return {
        "user": attempt.user,
        "database": None if attempt.replication else attempt.database,
        "address": None if attempt.address is None else show_address(attempt.address),
    }


def ask(state: State, demands: Demands) -> list[Asked]:
    """Own connection first, then what must be admitted, then whoever is in."""
    alike: dict[Client, list[Session]] = {}
    for session in state.sessions:
        alike.setdefault(session.client, []).append(session)
    demanded = (state.own, *(_joined(client, alike) for client in demands.must_admit))
    asked = [Asked(client, compared(state.before, state.after, client)) for client in demanded]
    for client, sessions in alike.items():
        labelled = dataclasses.replace(client, label=_label(sessions))
        found = compared(state.before, state.after, client)
        at_once = state.reloaded is None or compared(state.before, state.reloaded, client).outcome == found.outcome
        asked.append(Asked(labelled, found, tuple(sessions), at_once))
    return asked


def _joined(client: Client, others: t.Iterable[Client]) -> Client:
    """One that is among those who are in already takes no more places than it has."""

    def what(each: Client) -> tuple[t.Any, ...]:
        return (each.attempt.user, each.attempt.database, each.attempt.address, each.is_walsender)

    return dataclasses.replace(client, joined=any(what(other) == what(client) for other in others))


def _label(sessions: list[Session]) -> str:
    pids = ", ".join(str(session.pid) for session in sessions[:_NAMED])
    names = sorted({session.application for session in sessions if session.application})[:_NAMED]
    kind = "replication client" if sessions[0].walsender else "session"
    called = f" ({', '.join(names)})" if names else ""
    if len(sessions) == 1:
        return f"{kind} {pids}{called}"
    more = "" if len(sessions) <= _NAMED else ", ..."
    return f"{len(sessions)} {kind}s {pids}{more}{called}"
