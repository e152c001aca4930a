# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names sorted into classes that no rule tells apart; private to the collection."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.sets import bits_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.sets import key_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.terms import Term
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Unnamed

__all__ = ["Axis", "Class", "Group"]


class Class(t.NamedTuple):
    """Names that are the same to all rules."""

    names: tuple[str, ...]
    definite: int  # the rules that match them
    possible: int  # and those that may
    doubts: frozenset[Term]  # terms that may match them
    kin: t.Any  # what sets them apart besides; hashable


class Group(t.NamedTuple):
    """Classes that are the same to the rules of interest."""

    classes: frozenset[int]
    negated: bool  # all classes but these
    one: int  # of them
    definite: int
    possible: int


@dataclasses.dataclass(frozen=True)
class Axis:
    """All users, or all databases, as the rules see them."""

    classes: tuple[Class, ...]
    everybody: int  # the rules for all
    narrow: tuple[frozenset[int], ...]  # of each rule: the classes that it names, if it is not for all
    doubtful: tuple[frozenset[Term], ...]  # of each rule: the terms that may match names that nobody has given
    holders: t.Mapping[Term, int]  # the rules that have a term

    @classmethod
    def of(
        cls,
        rules: t.Sequence[frozenset[Term]],
        names: t.Sequence[str],
        *,
        members: t.Mapping[str, t.Sequence[str]],
        kin: t.Callable[[str], t.Hashable],
    ) -> Axis:
        """Sort the names by what the terms of the rules make of them."""
        holders = _holders(rules)
        certain, doubtful = _hits(holders, names, members)
        everybody = holders.get(Term("all"), 0)
        found: dict[tuple[t.Any, ...], tuple[list[str], int, int]] = {}
        for name in names:
            doubts = frozenset(doubtful.get(name, ()))
            definite = everybody
            for term in certain.get(name, ()):
                definite |= holders[term]
            possible = definite
            for term in doubts:
                possible |= holders[term]
            found.setdefault((key_of(definite), doubts, kin(name)), ([], definite, possible))[0].append(name)
        classes = tuple(
            [
                Class(tuple(alike), definite, possible, doubts, kinship)
                for (_key, doubts, kinship), (alike, definite, possible) in found.items()
            ]
        )
        doubtful_terms = tuple([_doubtful(terms) for terms in rules])
        return cls(classes, everybody, _narrow(rules, classes, certain, doubtful), doubtful_terms, holders)

    def union(self, classes: frozenset[int] | None) -> int:
        """The rules that match somebody of these; None is all."""
        found = self.everybody
        for index in range(len(self.classes)) if classes is None else classes:
            found |= self.classes[index].definite
        return found

    def sharing(self, rule: int) -> int:
        """The rules that match some name, whoever has it, if this one does by a term that may."""
        found = 0
        for term in self.doubtful[rule]:
            found |= self.holders[term]
        return found

    def covering(self, rule: int, rules: int) -> int:
        """Those of some rules that match every name that this one does; it is not for all."""
        bit = 1 << rule
        for index in self.narrow[rule]:
            item = self.classes[index]
            if item.definite & bit:
                rules &= item.definite
            else:
                for certain in self.cases(rule, item.definite, item.doubts):
                    rules &= certain
            if not rules:
                break
        return rules

    def cases(self, rule: int, definite: int, doubts: frozenset[Term]) -> t.Iterator[int]:
        """The rules that match alike names wherever this one does: a set for each term by which it may."""
        if definite >> rule & 1:
            yield definite
        else:
            for term in self.doubtful[rule] & doubts:
                yield definite | self.holders[term]

    def groups(
        self, rules: int, within: frozenset[int] | None, apart: t.Callable[[], t.Iterable[int]] | None = None
    ) -> t.Iterator[Group]:
        """Sort classes once more, by what some rules make of them; ``apart`` are never put together with others."""
        alone = frozenset(apart()) if apart is not None else frozenset()
        if within is None:
            within = self._touched(rules) | alone
            if len(within) < len(self.classes):
                one = next(itertools.filterfalse(within.__contains__, range(len(self.classes))), 0)
                everybody = rules & self.everybody
                yield Group(within, True, one, everybody, everybody)
        found: dict[tuple[t.Any, ...], list[int]] = {}
        for index in within:
            item = self.classes[index]
            key = (key_of(item.definite & rules), item.doubts, index if index in alone else None)
            found.setdefault(key, []).append(index)
        for indexes in found.values():
            first = self.classes[indexes[0]]
            yield Group(frozenset(indexes), False, indexes[0], first.definite & rules, first.possible & rules)

    def _touched(self, rules: int) -> frozenset[int]:
        """The classes that some of the rules name."""
        rules &= ~self.everybody
        if bin(rules).count("1") > len(self.classes):
            return frozenset(range(len(self.classes)))
        found: set[int] = set()
        for rule in bits_of(rules):
            found |= self.narrow[rule]
        return frozenset(found)


@functools.lru_cache(maxsize=65536)
def _doubtful(terms: frozenset[Term]) -> frozenset[Term]:
    return frozenset([term for term in terms if term.kind == "regex"])


def _holders(rules: t.Iterable[frozenset[Term]]) -> dict[Term, int]:
    found: dict[Term, int] = {}
    for index, terms in enumerate(rules):
        for term in terms:
            found[term] = found.get(term, 0) | 1 << index
    return found


def _hits(
    terms: t.Iterable[Term], names: t.Sequence[str], members: t.Mapping[str, t.Sequence[str]]
) -> tuple[dict[str, list[Term]], dict[str, list[Term]]]:
    """The terms that match, and those that may, by name."""
    certain: dict[str, list[Term]] = {}
    doubtful: dict[str, list[Term]] = {}
    known = frozenset(names)
    crowd = patterns.Crowd(name for name in names if not isinstance(name, Unnamed))
    unnamed = [name for name in names if isinstance(name, Unnamed)]
    for term in terms:
        if term.kind == "name" and term.text in known:
            certain.setdefault(term.text, []).append(term)
        elif term.kind == "group":
            for name in members.get(term.text, ()):
                certain.setdefault(name, []).append(term)
        elif term.kind == "regex":
            found, unknown = crowd.found(term.text)
            for name in found:
                certain.setdefault(name, []).append(term)
            for name in (*unknown, *unnamed):
                doubtful.setdefault(name, []).append(term)
    return certain, doubtful


def _narrow(
    rules: t.Sequence[frozenset[Term]], classes: tuple[Class, ...], *hits: dict[str, list[Term]]
) -> tuple[frozenset[int], ...]:
    by_term: dict[Term, set[int]] = {}
    for index, item in enumerate(classes):
        for name in item.names:
            for terms in hits:
                for term in terms.get(name, ()):
                    by_term.setdefault(term, set()).add(index)
    known: dict[frozenset[Term], frozenset[int]] = {}
    for terms_of_rule in rules:
        if terms_of_rule not in known:
            known[terms_of_rule] = frozenset().union(*(by_term.get(term, ()) for term in terms_of_rule))
    return tuple([known[terms_of_rule] for terms_of_rule in rules])
