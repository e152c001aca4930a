# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Would this client get in, and which line or attribute says no? Private to the collection."""

from __future__ import annotations

import dataclasses

from ansible_collections.rampart.postgresql.plugins.module_utils._admission import attributes
from ansible_collections.rampart.postgresql.plugins.module_utils._admission import authentication
from ansible_collections.rampart.postgresql.plugins.module_utils._admission import trust
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import Answer
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import Outcome
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import first_no
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import refused
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import unknown
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import unproven
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.authentication import NOTHING
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.authentication import Shown
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.doors import answers
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Side
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import doubts
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = ["Outcome", "Verdict", "compared", "verdict"]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The answer. ``str()`` of it is a sentence for messages, without secrets."""

    outcome: Outcome
    reason: str  # what decides, in words
    where: str = ""  # "path:line: rule" without secrets, or "role app: NOLOGIN"; of several, joined by "; "
    records: tuple[Record, ...] = ()  # the rules that decide, or may
    was_refused: bool = False  # refused before the change too

    def __str__(self) -> str:
        return f"{self.outcome}: {self.reason}" + (f" ({self.where})" if self.where else "")


def verdict(side: Side, client: Client) -> Verdict:
    """Whether the client gets in as things are on this side. Total: raises nothing."""
    cases = _Cases.of(side, client)
    return _verdict(first_no([*_transport(side, client), cases.answer(), attributes.answer(side, client)]), cases)


def compared(before: Side, after: Side, client: Client) -> Verdict:
    """Whether the client gets in after a change. Total: raises nothing.

    What a client shows today it can show tomorrow: one that gives its password now is not asked for anything new by
    another rule that asks for the same password. One that gets in by trust, peer or ident and will have to show a
    secret is ``unproven``.
    """
    found = _compared(before, after, client, client)
    if client.attempt.address is None or client.attempt.gss or before.parameters.ssl == after.parameters.ssl:
        return found
    return _by_another_way(before, after, client, found)


@dataclasses.dataclass(frozen=True)
class _Cases:
    """Every rule that may decide, and what it says; None stands for that no rule matches."""

    records: tuple[Record | None, ...]
    answers: tuple[Answer, ...]
    doubts: tuple[frozenset[tuple[str, str]], ...]

    @classmethod
    def of(cls, side: Side, client: Client, known: Shown = NOTHING) -> _Cases:
        """What the rules of a side say."""
        roles = attributes.member_of(side, client)
        attempt: Attempt = dataclasses.replace(client.attempt, member_of=roles)
        decision = side.deciding(attempt)
        records = (*decision.records, *(() if decision.closed else (None,)))
        return cls(
            records=records,
            answers=tuple(authentication.answer(record, side, client, roles, known) for record in records),
            doubts=tuple(
                frozenset() if record is None else doubts(record, attempt, side.dialect) for record in records
            ),
        )

    def answer(self) -> Answer:
        """What they say together: where they do not agree, only the server can tell."""
        answers = list(dict.fromkeys(self.answers))
        if len(answers) == 1:
            return answers[0]
        reason = ", or ".join(dict.fromkeys(answer.reason for answer in answers))
        where = "; ".join(dict.fromkeys(answer.where for answer in answers if answer.where))
        if len({answer.outcome for answer in answers}) == 1:
            return Answer(answers[0].outcome, reason, where)
        return unknown(f"which rule decides only the server can tell: {reason}", where)

    def let_in(self) -> tuple[int, ...]:
        """Which of them do not refuse."""
        return tuple(index for index, answer in enumerate(self.answers) if answer.outcome != "refused")

    def only(self, indexes: tuple[int, ...]) -> _Cases:
        """Without those that cannot be."""
        return _Cases(
            tuple(self.records[index] for index in indexes),
            tuple(self.answers[index] for index in indexes),
            tuple(self.doubts[index] for index in indexes),
        )


def _verdict(answer: Answer, cases: _Cases) -> Verdict:
    records = tuple(record for record in cases.records if record is not None)
    return Verdict(answer.outcome, answer.reason, answer.where, records)


def _compared(before: Side, after: Side, client: Client, later: Client) -> Verdict:
    """The client as it comes today, and as it comes later."""
    today = _Cases.of(before, client)
    let_in = today.let_in()
    known = authentication.shown(
        [record for index in let_in for record in [today.records[index]] if record is not None],
        before,
        client.attempt.user,
    )
    tomorrow = _Cases.of(after, later, known)
    if client.connected and let_in and today.doubts == tomorrow.doubts:
        tomorrow = tomorrow.only(let_in)  # what it hangs on went the client's way
    attributes_before, attributes_after = attributes.answer(before, client), attributes.answer(after, later)
    unchanged = client.seated and attributes_after.outcome == "unknown" and attributes_after == attributes_before
    doors = (before.parameters.door, after.parameters.door)
    parts = [
        *_transport(after, later),
        *answers(*doors, later, client.account or known.account),
        tomorrow.answer(),
        *trust.answers(before.parameters, after.parameters, later),
        *_secrets(before, after, client, known),
    ]
    decided = first_no(parts if unchanged else [*parts, attributes_after])
    was_refused = first_no([*_transport(before, client), today.answer(), attributes_before]).outcome == "refused"
    was_refused = was_refused or trust.refuses(before.parameters, client)
    return dataclasses.replace(_verdict(decided, tomorrow), was_refused=was_refused)


def _secrets(before: Side, after: Side, client: Client, known: Shown) -> list[Answer]:
    """A password that may not be right any more although the client shows it today."""
    found = []
    user = client.attempt.user
    verifiers = {side.roles[user].verifier for side in (before, after) if side.roles is not None and user in side.roles}
    becoming = after.roles[user].password if after.roles is not None and user in after.roles else ""
    other = becoming == "renewed" or (not becoming and len(verifiers - {"none", "unknown"}) > 1)
    if known.password and client.has_password is None and other:
        found.append(unproven("the role's password is set anew", f"role {user}: verifier"))
    return found


def _by_another_way(before: Side, after: Side, client: Client, found: Verdict) -> Verdict:
    """A client that leaves it to the server whether there is TLS comes the other way when the server turns it on or off."""
    tls = after.parameters.ssl
    if client.attempt.tls == tls:
        return found
    attempt = dataclasses.replace(client.attempt, tls=tls)
    later = dataclasses.replace(client, attempt=attempt, may_have_certificate=tls)
    other = _compared(before, after, client, later)
    if found.outcome == other.outcome or found.outcome in ("unproven", "unknown"):
        return found
    if found.outcome == "admitted" and other.outcome == "refused":
        return found  # refused with TLS, such a client tries without
    turned = "turned on" if tls else "turned off"
    reason = other.reason if found.outcome == "admitted" else f"{found.reason}; else {other.reason}"
    return dataclasses.replace(
        other,
        outcome="unproven",
        reason=f"TLS is {turned}, and whether the client then comes {'with' if tls else 'without'} it is not known: {reason}",
    )


def _transport(side: Side, client: Client) -> list[Answer]:
    if client.attempt.tls and not side.parameters.ssl:
        return [refused("the server does not speak TLS", "parameter ssl: off")]
    return []
