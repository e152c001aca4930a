# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a connection, as far as rules say; private to the collection."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import deciding
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import doubts
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.methods import SECRET_OPTIONS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = ["NO_MATCH", "Outcome", "Verdict", "outcome"]

_SHOWN = 8  # cases in a text

Doubts = frozenset[tuple[str, str]]


class Verdict(t.NamedTuple):
    """What one rule does with a connection; without a method: no rule matches, which refuses it."""

    method: str = ""
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, record: Record) -> Verdict:
        """What a record does."""
        return cls(record.method, tuple(sorted(record.options.items())))

    @property
    def admits(self) -> bool:
        """Whether a client can get in that way."""
        return self.method not in ("", "reject")

    def same_as(self, other: Verdict) -> bool:
        """Whether a client would notice no difference."""
        return self == other or not (self.admits or other.admits)

    def __str__(self) -> str:
        shown = [f"{name}={'********' if name in SECRET_OPTIONS else value}" for name, value in self.options]
        return " ".join([self.method or "no match", *shown])


NO_MATCH = Verdict()


class Outcome(t.NamedTuple):
    """A verdict, and before it those that depend on what only the server can tell."""

    cases: tuple[tuple[Doubts, Verdict], ...]
    last: Verdict

    @property
    def certainty(self) -> int:
        """2: admitted, 1: that depends, 0: refused."""
        admits = {verdict.admits for _doubts, verdict in self.cases} | {self.last.admits}
        return 1 if len(admits) > 1 else 2 * admits.pop()

    def same_as(self, other: Outcome) -> bool:
        """Whether no client would notice a difference."""
        return (
            len(self.cases) == len(other.cases)
            and self.last.same_as(other.last)
            and all(
                mine == theirs and verdict.same_as(their_verdict)
                for (mine, verdict), (theirs, their_verdict) in zip(self.cases, other.cases)
            )
        )

    def __str__(self) -> str:
        parts = [f"{verdict} if {_condition(case)}" for case, verdict in self.cases[:_SHOWN]]
        more = [f"what {len(self.cases) - _SHOWN} more rules say"] if len(self.cases) > _SHOWN else []
        return ", else ".join([*parts, *more, str(self.last)])


def outcome(records: t.Iterable[Record], attempt: Attempt, dialect: Dialect) -> Outcome:
    """What becomes of an attempt."""
    decision = deciding(records, attempt, dialect)
    certain = decision.records[-1:] if decision.closed else ()
    cases = [
        (doubts(record, attempt, dialect), Verdict.of(record))
        for record in decision.records[: len(decision.records) - len(certain)]
    ]
    return _simplest(cases, Verdict.of(certain[0]) if certain else NO_MATCH)


def _simplest(cases: list[tuple[Doubts, Verdict]], last: Verdict) -> Outcome:
    """Without cases that change nothing, and in an order that does not depend on the file's where that is all one."""
    first: dict[Doubts, Verdict] = {}
    for case, verdict in cases:
        first.setdefault(case, verdict)
    kept = list(first.items())
    while kept and kept[-1][1].same_as(last):
        kept.pop()
    ordered: list[tuple[Doubts, Verdict]] = []
    for _verdict, run in itertools.groupby(kept, key=lambda item: item[1] if item[1].admits else NO_MATCH):
        ordered += sorted(run, key=lambda item: sorted(item[0]))
    return Outcome(tuple(ordered), last)


def _condition(case: Doubts) -> str:
    fields: dict[str, list[str]] = {}
    for field, text in sorted(case):
        fields.setdefault(field, []).append(text)
    return " and ".join(f"{field} matches {' or '.join(texts)}" for field, texts in fields.items())
