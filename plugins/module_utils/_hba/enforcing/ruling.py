# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether rules become rules for TLS in this run, and what is said about it; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import closure
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.attempts import attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Enforcement
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Evidence
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Sighting
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import moment
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import obstacles
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import sentence
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.turning import PLAIN
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.turning import admits_plainly
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.turning import kept_turned
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.turning import turnable
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.turning import turned
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.turning import turned_rules
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.marks import AUTO_FAILOVER_TAG
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import deciding
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Written
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned

__all__ = ["Ruling", "needs_evidence", "rule_on"]

_LISTED = 500  # clients in the result
_TAG = AUTO_FAILOVER_TAG.strip("# ")


def needs_evidence(state: State, asked: Enforcement) -> bool:
    """Whether log and sessions have to be asked. What is done already needs no reason."""
    return not asked.turns or bool(turnable(state.text or "", state.reading))


@dataclasses.dataclass(frozen=True)
class Ruling:
    """What is decided."""

    asked: Enforcement
    verdict: t.Literal["enforced", "ready", "not yet"]
    reasons: tuple[str, ...] = ()  # why not yet
    evidence: Evidence | None = None  # None: not asked for
    in_the_way: tuple[Sighting, ...] = ()  # who would be refused

    @property
    def turns(self) -> bool:
        """Whether rules are made rules for TLS, those that come anew included."""
        return self.asked.turns and self.verdict != "not yet"

    def concerns(self, state: State) -> bool:
        """Whether there is anything in the file to be turned, now or later."""
        return self.asked.turns and bool(turnable(state.text or "", state.reading))

    def before(self, text: str, state: State) -> str:
        """The text of the file as the rules that are given find it."""
        return turned(text, state.reading) if self.turns else text

    def wanted(self, rules: list[Written], text: str, state: State) -> list[Written]:
        """The rules that are given, as they shall be. What was turned once stays so until the option goes.

        ``text`` is the part of the file in which they are, or will be.
        """
        if not self.asked.turns:
            return rules
        return turned_rules(rules, state.reading) if self.turns else kept_turned(text, rules, state.reading)

    def added_to(self, planned: Planned, records: t.Sequence[Record], path: str) -> Planned:
        """The plan with what is to be said. ``records`` are those of the file as it will be."""
        left = [LeftAlone("hba", f"{each.path}:{each.line}", reason) for each, reason in self._leftovers(records, path)]
        return dataclasses.replace(
            planned,
            left_alone=(*planned.left_alone, *left),
            findings=(*planned.findings, *self._findings()),
            standing={**planned.standing, "tls_enforcement": self._as_dict()},
        )

    def _findings(self) -> list[str]:
        if self.asked.turns:
            return [f"rules do not become hostssl yet: {'. '.join(self.reasons)}"] if self.reasons else []
        seen = () if self.evidence is None else self.evidence.sightings
        found = [f"clients connect without TLS: {sentence(seen)}"] if seen else []
        doubts = () if self.evidence is None else self.evidence.doubts
        return found + [f"who connects without TLS is not known: {'. '.join(doubts)}"] * bool(doubts)

    def _leftovers(self, records: t.Sequence[Record], path: str) -> t.Iterator[tuple[Record, str]]:
        """Rules that let in without encryption and are not turned."""
        for record in records:
            if not admits_plainly(record) or (record.type == "host" and not self.turns):
                continue
            if record.path != path:
                yield record, f"{record.type} in a file that is included admits clients without TLS: change it there"
            elif record.type != "host":
                yield record, f"{record.type} admits clients without TLS, which somebody asked for: change it by hand"
            elif (record.comment or "").strip().endswith(_TAG):
                yield record, "pg_auto_failover keeps this rule, which admits clients without TLS: change it there"
            else:
                yield record, "this line is not spelled so that it can be made hostssl: change it by hand"

    def _as_dict(self) -> dict[str, t.Any]:
        found = self.evidence or Evidence(now=0.0)
        refused = set(self.in_the_way)
        return {
            "mode": self.asked.mode,
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "window": self.asked.window,
            "since": None if found.since is None else moment(found.since),
            "clients": [{**each.as_dict(), "refused": each in refused} for each in found.sightings[:_LISTED]],
            "clients_left_out": max(0, len(found.sightings) - _LISTED),
            "unnamed": found.unnamed,
            "log_files": found.files,
            "log_bytes": found.read,
        }


def rule_on(state: State, asked: Enforcement, evidence: Evidence | None, *, will_be_on: bool, option: str) -> Ruling:
    """Decide. ``will_be_on`` is whether the server has TLS after this run; ``option`` is where it was asked for."""
    if not state.used:
        raise InputError(
            option=option, value=state.path, expected="only together with the file that the server reads (hba_file)"
        )
    if asked.turns and not will_be_on:
        raise RampartError(
            f"{option} is on, and the server has no TLS (ssl is off): rules for TLS would let nobody in, so nothing was"
            " changed"
        )
    if evidence is None:
        if needs_evidence(state, asked):
            return Ruling(asked, "not yet", ("nobody asked the log and the sessions",))
        return Ruling(asked, "enforced")
    lost = _would_be_refused(evidence.sightings, state)
    reasons = obstacles(evidence, lost, asked.window)
    if not state.ssl:
        reasons = ("ssl is off so far", *reasons)
    return Ruling(asked, "not yet" if reasons else "ready", reasons, evidence, lost)


def _would_be_refused(sightings: tuple[Sighting, ...], state: State) -> tuple[Sighting, ...]:
    """Those of whom it is not certain that a rule which nobody turns lets them in: hostnossl for example."""
    text = state.text or ""
    if not any(word in text for word in (*PLAIN[1:], "hostgssenc", "include", "@", _TAG)):
        return sightings  # as nearly always; the rest takes a while
    records = state.records(turned(text, state.reading))
    return tuple([each for each in sightings if not _is_admitted(each.client, records, state)])


def _is_admitted(client: Client, records: t.Sequence[Record], state: State) -> bool:
    try:
        tried = attempt(
            user=client.user,
            database=client.database or None,
            address=client.address,
            gss=client.encryption == "gss",
            replication=client.replication and not client.database,
            member_of=sorted(closure(client.user, state.population.roles)),
        )
    except InputError:  # a name of a host
        return False
    decision = deciding(records, tried, state.dialect)
    return decision.closed and all(record.method != "reject" for record in decision.records)
