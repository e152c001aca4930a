# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that do nothing: never reached, contradicted, given twice; private to the collection."""

from __future__ import annotations

import functools
import itertools
import operator
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import Cube
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import Span
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import gaps
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import witness
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rulebook import Rulebook
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.sets import bits_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import without_sentinels

__all__ = ["Contradicted", "Duplicate", "Survey", "Unreachable", "survey"]

_FEW = 20  # rules that are looked at one by one
_NAMED = 20  # rules that are named where there may be thousands


class Unreachable(t.NamedTuple):
    """A rule that never decides, because earlier ones take all that it would match."""

    record: Record
    by: tuple[Record, ...]  # one that does so alone, or those that do together
    opposite: bool  # whether one of them admits what this one would reject, or the other way round


class Contradicted(t.NamedTuple):
    """A rule of which earlier ones with the opposite effect take a part."""

    record: Record
    by: tuple[Record, ...]  # the first of them
    number: int  # of all of them


class Duplicate(t.NamedTuple):
    """A rule for the same connections as an earlier one."""

    record: Record
    first: Record
    same_outcome: bool


class Survey(t.NamedTuple):
    """What was found, each in the order of the rules."""

    unreachable: tuple[Unreachable, ...]
    contradicted: tuple[Contradicted, ...]
    duplicates: tuple[Duplicate, ...]
    idle: tuple[Record, ...]  # match nobody at all, whatever stands before them


def survey(records: t.Iterable[Record], *, dialect: Dialect, world: World | None = None) -> Survey:
    """Look at every rule in the light of those before it."""
    return _Surveyor(Rulebook(without_sentinels(records), dialect, world or World())).survey()


class _Surveyor:
    def __init__(self, book: Rulebook) -> None:
        self._book = book
        self._rejecting = 0
        for bit, record in enumerate(book.records):
            if record.accepted and record.method == "reject":
                self._rejecting |= 1 << bit
        self._verdicts: dict[int, bool] = {}
        self._met: dict[t.Any, int] = {}

    def survey(self) -> Survey:
        book = self._book
        unreachable, contradicted, idle = [], [], []
        reached = 0
        for rule, record in enumerate(book.records):
            if not record.accepted:
                continue
            if self._is_idle(rule):
                idle.append(record)
                continue
            earlier = self._earlier(rule)
            deciders = self._deciders(rule, earlier) if earlier else None
            if deciders is not None:
                opposite = any(bool(self._opposite(rule) >> decider & 1) for decider in deciders)
                unreachable.append(Unreachable(record, tuple(book.records[decider] for decider in deciders), opposite))
                continue
            reached |= 1 << rule
            against = self._without_strangers(rule, earlier & reached & self._opposite(rule))
            if against:
                contradicted.append(self._contradicted(record, against))
        return Survey(tuple(unreachable), tuple(contradicted), tuple(self._duplicates()), tuple(idle))

    def _opposite(self, rule: int) -> int:
        return ~self._rejecting if self._rejecting >> rule & 1 else self._rejecting

    def _contradicted(self, record: Record, against: int) -> Contradicted:
        first = []
        for decider in bits_of(against):
            first.append(self._book.records[decider])
            if len(first) == _NAMED:
                break
        return Contradicted(record, tuple(first), bin(against).count("1"))

    def _is_idle(self, rule: int) -> bool:
        """Whether a field matches nothing; a database of one's own name may always be."""
        book, bit = self._book, 1 << rule
        return (
            not book.transports(book.records[rule])
            or not (bit & book.users.everybody or book.users.narrow[rule])
            or not (bit & book.any_database or book.databases.narrow[rule])
        )

    def _earlier(self, rule: int) -> int:
        """The earlier rules that match something that this one may match, as far as every field alone tells."""
        book = self._book
        record = book.records[rule]
        found = 0
        for transport in book.transports(record):
            found |= book.by_transport[transport]
        found &= (1 << rule) - 1
        if found and record.address is not None:
            found &= self._meeting_addresses(rule)
        if found:
            found &= book.meeting_users(rule) & book.meeting_databases(rule)
        return self._without_near_misses(rule, found)

    def _without_strangers(self, rule: int, found: int) -> int:
        """Where databases are compared with users, names alone say too much."""
        book = self._book
        suspects = found if book.related >> rule & 1 else found & book.related
        if suspects:
            found ^= suspects
            for cell in book.cells(suspects, 1 << rule):
                for certain in book.cases(cell, rule):
                    found |= certain & suspects
                suspects &= ~found
                if not suspects:
                    break
        return found

    def _meeting_addresses(self, rule: int) -> int:
        addresses = self._book.addresses[rule]
        cubes = addresses.possible
        if cubes not in self._met:
            found = 0
            for cube in cubes:
                found |= self._book.index.meeting(cube.span)
            self._met[cubes] = found
        return self._met[cubes] | self._book.index.wider(addresses)

    def _without_near_misses(self, rule: int, found: int) -> int:
        """Spans say too much about masks that are no prefixes."""
        book = self._book
        if book.records[rule].address is None:
            return found
        own = book.addresses[rule].possible
        suspects = found & ~(book.index.everywhere | book.index.wider(book.addresses[rule]))
        if all(cube.is_span for cube in own):
            suspects &= book.index.scattered
        if bin(suspects).count("1") > _FEW:
            found &= ~(suspects & functools.reduce(operator.and_, map(book.index.apart, own)))
            suspects &= ~book.index.networks
        for other in bits_of(suspects):
            if not any(cube.meets(mine) for cube in book.addresses[other].cubes for mine in own):
                found ^= 1 << other
        return found

    def _deciders(self, rule: int, earlier: int) -> list[int] | None:
        """The earlier rules that leave nothing to this one; None where something is left."""
        book = self._book
        transports = book.transports(book.records[rule])
        whole = book.covering_names(rule, earlier)
        alone = whole
        for transport in transports:
            alone &= book.by_transport[transport]
        for other in bits_of(alone):
            if self._covers(other, rule):
                return [other]
        self._verdicts = {}
        parts = [whole & book.by_transport[transport] for transport in transports]
        if all(self._is_covered(rule, part) for part in parts):
            return self._chosen(rule, parts)
        sample = book.sample(rule)
        if sample is not None and not all(
            self._is_covered(rule, sample & earlier & book.by_transport[transport]) for transport in transports
        ):
            return None
        parts = []
        for cell in book.cells(earlier, 1 << rule):
            for certain, transport in itertools.product(book.cases(cell, rule), transports):
                part = certain & earlier & book.by_transport[transport]
                if not self._is_covered(rule, part):
                    return None
                parts.append(part)
        return self._chosen(rule, parts)

    def _covers(self, other: int, rule: int) -> bool:
        if self._book.index.wider(self._book.addresses[rule]) >> other & 1:
            return True
        theirs = self._book.addresses[other].cubes
        if not theirs:
            return self._book.records[other].address is None
        own = self._book.addresses[rule].possible
        return all(any(cube.within(their) for their in theirs) for cube in own)

    def _is_covered(self, rule: int, others: int) -> bool:
        """Whether other rules match every address that this one may match."""
        if not others:
            return False
        if self._book.records[rule].address is None:
            return True
        if others not in self._verdicts:
            self._verdicts[others] = self._spans_cover(rule, others)
        return self._verdicts[others]

    def _spans_cover(self, rule: int, others: int) -> bool:
        book = self._book
        if others & (book.index.everywhere | book.index.wider(book.addresses[rule])):
            return True
        cubes = [cube for other in bits_of(others) for cube in book.addresses[other].cubes]
        spans = [cube.span for cube in cubes if cube.is_span]
        scattered = [cube for cube in cubes if not cube.is_span]
        return not any(_left(cube, spans, scattered) for cube in book.addresses[rule].possible)

    def _chosen(self, rule: int, parts: t.Iterable[int]) -> list[int]:
        """For each part some rules that together match every address of this one."""
        chosen: set[int] = set()
        for part in dict.fromkeys(parts):
            if self._book.records[rule].address is None:
                chosen.add((part & -part).bit_length() - 1)
            else:
                chosen.update(self._needed(rule, list(bits_of(part))))
        return sorted(chosen)

    def _needed(self, rule: int, others: list[int]) -> list[int]:
        """The fewest first rules that are enough, found by halving, then without those that are not needed."""
        low, high = 1, len(others)
        while low < high:
            middle = (low + high) // 2
            if self._spans_cover(rule, _set_of(others[:middle])):
                high = middle
            else:
                low = middle + 1
        needed = others[:low]
        for other in others[: low if low <= _NAMED else 0]:
            rest = [one for one in needed if one != other]
            if rest and self._spans_cover(rule, _set_of(rest)):
                needed = rest
        return needed

    def _duplicates(self) -> t.Iterator[Duplicate]:
        book = self._book
        seen: dict[t.Any, Record] = {}
        for rule, record in enumerate(book.records):
            if not record.accepted:
                continue
            key = (record.type, book.database_terms[rule], book.user_terms[rule], book.addresses[rule])
            first = seen.setdefault(key, record)
            if first is not record:
                same = (first.method, first.options) == (record.method, record.options)
                yield Duplicate(record, first, same)


def _left(cube: Cube, spans: list[Span], scattered: list[Cube]) -> bool:
    """Whether something of a cube is in none of the others."""
    within = [] if cube.is_span else [cube]
    for gap in gaps(cube.span, spans):
        if not within and not scattered:
            return True
        if witness(gap, within, scattered) is not None:
            return True
    return False


def _set_of(rules: t.Iterable[int]) -> int:
    found = 0
    for rule in rules:
        found |= 1 << rule
    return found
