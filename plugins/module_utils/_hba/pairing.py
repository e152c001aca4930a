# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which present rules are which of those wanted, to change as few bytes as can be; private to the collection."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.comments import same_comment
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import Item
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import Meaning
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import Reading
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import SourceLine
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import split_fields
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.marks import AUTO_FAILOVER_TAG
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Written
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.subsequence import common

__all__ = ["Match", "Source", "meaning_of"]

_TAG = AUTO_FAILOVER_TAG.strip("# ")
_FEW = 4000  # rules that are all looked at closely; beyond that only those that are not spelled as wanted


class Source(t.NamedTuple):
    """Where the text of a wanted rule comes from."""

    rule: int  # of the present ones
    same: bool  # or else only its identity is


class Match:
    """Which of the present rules are which of those wanted. Lines with the same tokens need no closer look."""

    def __init__(self, rules: t.Sequence[Item], wanted: t.Sequence[Written], reading: Reading) -> None:
        self.rules = rules
        self.wanted = wanted
        self.reading = reading
        self._of_rules: dict[int, Meaning | None] = {}
        self._of_wanted: dict[int, Meaning | None] = {}
        self.left: list[t.Hashable] = []
        self.right: list[t.Hashable] = []
        self._known: dict[str, t.Hashable] = {}
        self.same = self._in_step()
        self.is_perfect = bool(self.same) and len(self.same) == len(rules)
        if not self.same:
            self.left, self.right = self._values()
            self._known = dict(zip([rule.spelled for rule in rules], self.left))
            self.same = self._alike()
        identities = (self._identity_of_rule, self._identity_of_wanted)
        self.anchors = sorted([*self.same, *self._between(self.same, *identities)])
        self.sources = {number: Source(rule, True) for rule, number in self.same}
        for rule, number in self.anchors:
            self.sources.setdefault(number, Source(rule, False))
        self.used = {source.rule for source in self.sources.values()}
        self._add_moved()

    def meaning_of_rule(self, at: int) -> Meaning | None:
        """What a present rule means."""
        if at not in self._of_rules:
            line = self.rules[at].unit.line
            self._of_rules[at] = None if line is None else self.reading.meaning(line)
        return self._of_rules[at]

    def meaning_of_wanted(self, number: int) -> Meaning | None:
        """What a wanted rule means."""
        if number not in self._of_wanted:
            self._of_wanted[number] = meaning_of(self.wanted[number].line, self.reading)
        return self._of_wanted[number]

    def is_met(self, item: Item, number: int) -> bool:
        """Whether a rule of a text is this wanted one."""
        wanted = self.wanted[number]
        if wanted.comment is not None and not same_comment(wanted.comment, item.comment):
            return False
        if item.bare == wanted.line:
            return True
        spelled = item.spelled
        if spelled == wanted.line or (spelled in self._known and self._known[spelled] == self.right[number]):
            return True
        found = None if item.unit.line is None else self.reading.meaning(item.unit.line)
        meaning = self.meaning_of_wanted(number)
        return found is not None and meaning is not None and found.whole == meaning.whole

    def _values(self) -> tuple[list[t.Hashable], list[t.Hashable]]:
        """What stands for each rule in a comparison: what it means, or its tokens."""
        spelled = [rule.spelled for rule in self.rules]
        there = set(spelled)
        asked = {wanted.line for wanted in self.wanted}
        few = len(self.rules) + len(self.wanted) <= _FEW
        left: list[t.Hashable] = []
        for at, rule in enumerate(self.rules):
            value: t.Hashable = spelled[at] if not few and spelled[at] in asked else _whole(self.meaning_of_rule(at))
            left.append((value, _TAG) if rule.is_tagged else value)
        tagged = {value for value, rule in zip(left, self.rules) if rule.is_tagged}
        right: list[t.Hashable] = []
        for number, wanted in enumerate(self.wanted):
            value = wanted.line if not few and wanted.line in there else _whole(self.meaning_of_wanted(number))
            is_tagged = (wanted.comment or "").endswith(_TAG) and (value, _TAG) in tagged
            right.append((value, _TAG) if is_tagged else value)
        return left, right

    def _in_step(self) -> list[tuple[int, int]]:
        """All pairs where the rules are as wanted already, one after the other."""
        more = len(self.rules) - len(self.wanted)
        if more < 0 or not all(rule.is_tagged for rule in self.rules[:more]):
            return []
        met = all(self.is_met(rule, number) for number, rule in enumerate(self.rules[more:]))
        return [(number + more, number) for number in range(len(self.wanted))] if met else []

    def _alike(self) -> list[tuple[int, int]]:
        """Pairs that mean the same."""
        same = common(self.left, self.right)
        return sorted([*same, *self._between(same, self._whole_of_rule, self._whole_of_wanted)])

    def _between(
        self,
        pairs: t.Sequence[tuple[int, int]],
        of_rule: t.Callable[[int], t.Hashable],
        of_wanted: t.Callable[[int], t.Hashable],
    ) -> list[tuple[int, int]]:
        """More pairs, between those that are known."""
        found = []
        rule, number = 0, 0
        for next_rule, next_number in [*pairs, (len(self.rules), len(self.wanted))]:
            if rule < next_rule and number < next_number:
                left = [of_rule(at) for at in range(rule, next_rule)]
                right = [of_wanted(at) for at in range(number, next_number)]
                found += [(rule + one, number + other) for one, other in common(left, right)]
            rule, number = next_rule + 1, next_number + 1
        return found

    def _whole_of_rule(self, at: int) -> t.Hashable:
        return object() if self.rules[at].is_tagged else _whole(self.meaning_of_rule(at))

    def _whole_of_wanted(self, number: int) -> t.Hashable:
        return _whole(self.meaning_of_wanted(number))

    def _identity_of_rule(self, at: int) -> t.Hashable:
        return object() if self.rules[at].is_tagged else _identity(self.meaning_of_rule(at))

    def _identity_of_wanted(self, number: int) -> t.Hashable:
        return _identity(self.meaning_of_wanted(number))

    def _add_moved(self) -> None:
        """What is wanted elsewhere than where it is brings its text along."""
        new = [number for number in range(len(self.wanted)) if number not in self.sources]
        if not new or len(self.used) == len(self.rules):
            return
        for same, left, right in (
            (True, self.left.__getitem__, self.right.__getitem__),
            (False, self._identity_of_rule, self._identity_of_wanted),
        ):
            free: dict[t.Hashable, list[int]] = collections.defaultdict(list)
            for at in range(len(self.rules) - 1, -1, -1):
                if at not in self.used:
                    free[left(at)].append(at)
            for number in new:
                places = free.get(right(number)) if number not in self.sources else None
                if places:
                    self.sources[number] = Source(places.pop(), same)
                    self.used.add(self.sources[number].rule)


def meaning_of(text: str, reading: Reading) -> Meaning | None:
    """What a line of text means."""
    fields, comment, error = split_fields(text, reading.dialect.token_limit)
    return reading.meaning(SourceLine(1, 1, fields, comment, error))


def _whole(meaning: Meaning | None) -> t.Hashable:
    return object() if meaning is None else meaning.whole


def _identity(meaning: Meaning | None) -> t.Hashable:
    return object() if meaning is None else meaning.identity
