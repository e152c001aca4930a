# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The component: pg_hba.conf as it should be; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ManagedElsewhere
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerRefused
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import access
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import document
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import dialect_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import completed
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import newline_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.masking import without_secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.proof import prove
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import render_rules
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.review import Policy
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.review import Review
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.review import as_it_will_be
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.review import compare
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.review import review
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Include
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Written
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import managing
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import sentinel_in
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import with_sentinel
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import without_sentinel
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.state import observe
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Enforcement
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Evidence
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.ruling import Ruling
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Desired", "Hba"]


@dataclasses.dataclass(frozen=True)
class Desired(document.Management):
    """What the operator wants of pg_hba.conf."""

    rules: tuple[Rule | Include, ...] | None = None  # None: hands off
    path: str | None = None  # None: the server's hba_file
    sentinel: bool = True
    policy: Policy = dataclasses.field(default_factory=Policy)
    enforcement: Enforcement | None = None  # whether rules are to become rules for TLS
    option: str = ""  # where the operator wrote it: a prefix of option names

    @property
    def hands_off(self) -> bool:
        """Whether nothing is to be written."""
        return self.present and self.rules is None

    def at(self, name: str) -> str:
        """The full name of an option."""
        return f"{self.option}.{name}" if self.option else name


class Hba:
    """Keeps pg_hba.conf, or a block of it, as desired; only looks at it when no rules are given."""

    name = "hba"
    order = 40  # last: what rules rely on (certificate, ssl, roles) exists by then

    def __init__(self, desired: Desired) -> None:
        self.desired = desired
        self._rendered: tuple[int, list[Written]] | None = None
        self._evidence: Evidence | None = None  # asked for once a run: it may take long

    def observe(self, server: Server) -> State:
        """Read the file, what it names and what the server says of it."""
        more = "".join([written.text for written in self._lines(server.major)])
        found = observe(server, path=self.desired.path, more=more)
        name = sentinel_in(found.text or "", self._management(found), found.dialect) if found.used else None
        found = dataclasses.replace(found, proof=prove(server, path=found.path, sentinel=name))
        return (
            found if self.desired.enforcement is None else self._with_evidence(found, server, self.desired.enforcement)
        )

    def offers(self, state: State) -> dict[str, dict[str, str]]:
        """No parameters."""
        return {}

    def plan(self, state: State, offered: t.Any = None) -> Planned:
        """One written file, one reload, or nothing."""
        ruling = self._ruling(state, offered)
        state = as_it_will_be(state, offered)
        if self.desired.hands_off and (ruling is None or not ruling.concerns(state)):
            planned = self._proposals(state, ruling)
            # What a run that was killed has turned is not loaded yet.
            finishes = ruling is not None and ruling.turns and not state.rejected
            return dataclasses.replace(planned, steps=self._reloads(state)) if finishes else planned
        if document.is_written_by_patroni(state.text or ""):
            raise ManagedElsewhere(
                f"{state.path} is generated by Patroni, so nothing was changed: the rules belong into"
                " postgresql.pg_hba of patroni.yml on every member, or of the dynamic configuration"
                " (patronictl edit-config)",
                managed_by="patroni",
            )
        if self.desired.hands_off and ruling is not None and not ruling.turns:
            return self._proposals(state, ruling)
        return self._writing(state, ruling)

    def _writing(self, state: State, ruling: Ruling | None) -> Planned:
        text = self._candidate(state, ruling)
        records = state.records(text)
        self._refuse_what_does_not_load(state, records)
        found = self._review(state, text, records)
        findings, standing = _unasked(state), _in_force(state)
        if text == state.text:
            planned = Planned(
                steps=self._reloads(state), findings=findings, facts=access.facts(), standing=standing, review=found
            )
        else:
            planned = dataclasses.replace(
                compare(state, records),
                steps=(self._write(state, text),),
                findings=findings,
                standing=standing,
                review=found,
            )
        return planned if ruling is None else ruling.added_to(planned, records, state.path)

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Nothing to make up."""
        return planned

    def unproven(self, state: State) -> list[str]:
        """Lines that the server itself refuses: with any of them it goes on with the rules it had. And other proof."""
        if self.desired.hands_off and not self._has_turned(state):
            return []
        denied = [f"{state.path} is not in force: {state.proof.how}"] if state.proof.in_force is False else []
        return [f"the server refuses {rejected}" for rejected in state.rejected] + denied

    def _review(self, state: State, text: str, records: list[Record]) -> Review:
        return review(state, text, records, self.desired.policy, option=self.desired.at("fail_on"))

    def _lines(self, major: int) -> list[Written]:
        if self._rendered is None or self._rendered[0] != major:
            lines = render_rules(self.desired.rules or (), dialect_of(major), option=self.desired.at("rules"))
            self._rendered = (major, lines)
        return self._rendered[1]

    def _with_evidence(self, state: State, server: Server, asked: Enforcement) -> State:
        """The state with what is known about clients without TLS, where that makes a difference."""
        from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.gathering import gather
        from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.ruling import needs_evidence

        if not (state.used and needs_evidence(state, asked)):
            return state
        if self._evidence is None:
            self._evidence = gather(server, asked)
        return dataclasses.replace(state, evidence=self._evidence)

    def _ruling(self, state: State, offered: t.Any) -> Ruling | None:
        if self.desired.enforcement is None:
            return None
        from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.ruling import rule_on

        will_be_on = as_it_will_be(state, offered).ssl
        option = self.desired.at("enforce_tls")
        return rule_on(state, self.desired.enforcement, state.evidence, will_be_on=will_be_on, option=option)

    def _has_turned(self, state: State) -> bool:
        """Whether this run made rules for TLS in a file of which it was given no rules."""
        asked = self.desired.enforcement
        return asked is not None and asked.turns and self._evidence is not None and state.evidence is None

    def _management(self, state: State) -> document.Management:
        """Which part of the file the rule that tells which version is loaded belongs to."""
        if self.desired.enforcement is None or not self.desired.hands_off:
            return self.desired
        return managing(state.text or "", state.dialect) or self.desired

    def _candidate(self, state: State, ruling: Ruling | None = None) -> str:
        management = self._management(state)
        before = without_sentinel(state.text or "", management, state.dialect)
        lines = self._lines(state.major)
        if ruling is not None:
            begin, end = document.own_part(before, self.desired, state.dialect) or (0, 0)
            lines = ruling.wanted(lines, before[begin:end], state)
            before = ruling.before(before, state)
        if self.desired.hands_off:
            has_sentinel = sentinel_in(state.text or "", management, state.dialect) is not None
            return with_sentinel(before, management, state.dialect) if has_sentinel else before
        text = self.desired.applied(before, lines, state.reading)
        ended = completed(text, state.dialect, newline_of(text)) if text and self.desired.manage == "file" else text
        if self.desired.sentinel and state.used:
            return with_sentinel(ended, self.desired, state.dialect)
        return text if text == state.text else ended

    def _reloads(self, state: State) -> tuple[Step, ...]:
        """A file that the server has not loaded, or would not, is not in force although it is as desired."""
        if state.rejected:
            why = "the server refuses it"
        elif state.proof.in_force is False:
            why = f"it is not in force: {state.proof.how}"
        elif state.is_stale:
            why = "it was written after the server last read its files"
        else:
            return ()
        return (
            Step(
                component=self.name,
                subject=state.path,
                description=f"reload: {why}",
                before="as loaded by the server",
                after="as on disk",
                operation=Reload(),
                statement="SELECT pg_catalog.pg_reload_conf()",
                reload=True,
            ),
        )

    def _write(self, state: State, text: str) -> Step:
        return Step(
            component=self.name,
            subject=state.path,
            description=self._description(state),
            before=without_secrets(state.text or ""),
            after=without_secrets(text),
            operation=WriteFile(
                path=state.path, before=state.content, after=text.encode("utf-8", "surrogateescape"), mode=None
            ),
            reload=True,
        )

    def _description(self, state: State) -> str:
        if self.desired.hands_off:
            return "make rules for TLS (hostssl) of those for every connection (host)"
        return self.desired.description(exists=state.text is not None, what="the rules")

    def _refuse_what_does_not_load(self, state: State, records: list[Record]) -> None:
        """Our own rules were judged before: what is refused here stands elsewhere in the file, or is missing."""
        refused = [record for record in records if not record.accepted]
        if refused:
            # A line that is at fault already is named by where it stands now.
            if self.desired.manage == "block":
                refused = [record for record in state.records(state.text or "") if not record.accepted] or refused
            lines = [f"{record.path}:{record.line}: {record.refusal}" for record in refused]
            raise ServerRefused(
                "the server would refuse the file, so nothing was changed: " + "; ".join(lines[:20]), lines=lines
            )
        if not records:
            raise RampartError(f"{state.path} would hold no rule at all, which the server refuses: nothing was changed")

    def _proposals(self, state: State, ruling: Ruling | None) -> Planned:
        """Silence means hands off: look, report, propose."""
        text = state.text or ""
        records = state.records(text)
        found = self._review(state, text, records)
        reasons = [f"no rules were given; {finding}" for finding in found.findings()] or ["no rules were given"]
        left_alone = tuple(LeftAlone(self.name, state.path, reason) for reason in reasons)
        standing = {**_in_force(state), **found.standing()}
        planned = Planned(left_alone=left_alone, facts=access.facts(), standing=standing)
        return planned if ruling is None else ruling.added_to(planned, records, state.path)


def _in_force(state: State) -> dict[str, t.Any]:
    """Whether the file on disk, as it stands, is what the server works with."""
    verdict, how = {True: "proven", False: "no", None: "assumed"}[state.proof.in_force], state.proof.how
    if state.proof.in_force is not False and (state.rejected or state.is_stale):
        verdict = "no"
        how = f"the server refuses {state.rejected[0]}" if state.rejected else "it was written after the last reload"
    return {"in_force": {"verdict": verdict, "how": how or "the server read its files after it was written"}}


def _unasked(state: State) -> tuple[str, ...]:
    if state.judged:
        return ()
    return ("the login is no superuser, so the server was not asked what it makes of its files (pg_hba_file_rules)",)
