# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses cut into pieces that no rule of interest tells apart; private to the collection."""

from __future__ import annotations

import functools
import itertools
import operator
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.budget import Budget
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import EVERYWHERE
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import Cube
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import Span
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import joined
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import witness
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Piece
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rulebook import Rulebook
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.sets import bits_of

__all__ = ["Excerpt", "Part", "parts"]

_FEW = 2  # spans


class Part(t.NamedTuple):
    """Pieces of one span, so that only networks with masks that are no prefixes tell them apart."""

    piece: Piece
    address: int  # one of them
    definite: int
    possible: int


class Excerpt:
    """Rules of a book that come into question, numbered anew, because small numbers are quick.

    ``focus`` are the rules of interest; ``definite`` and ``possible`` those that match, or may match, as far as it is
    not a question of addresses.
    """

    def __init__(self, book: Rulebook, focus: int, definite: int, possible: int) -> None:
        index = book.index
        near = [Span(first, last) for rule in bits_of(focus) for first, last, _cube in book.edges[rule]]
        self.spans = joined([cube.span for cube in EVERYWHERE] if focus & index.doubtful else near)
        if len(self.spans) <= _FEW:
            possible &= functools.reduce(operator.or_, map(index.meeting, self.spans), index.doubtful)
        self.rules = list(bits_of(possible))
        self.edges = [book.edges[rule] for rule in self.rules]
        numbers = {rule: number for number, rule in enumerate(self.rules)}
        self.possible = (1 << len(numbers)) - 1
        self.definite, self.everywhere, self.doubtful = (
            self.possible if not possible & ~rules else _set_of(numbers[rule] for rule in bits_of(rules & possible))
            for rules in (definite, index.everywhere, index.doubtful)
        )


def parts(excerpt: Excerpt, budget: Budget) -> t.Iterator[list[Part]]:
    """Every address that a rule of the focus may match; the parts of one span together."""
    wanted = 1 << len(excerpt.rules)
    changes: dict[int, int] = {}
    cubes: dict[int, Cube] = {}
    for span in excerpt.spans:
        changes[span.first] = changes.get(span.first, 0) ^ wanted
        changes[span.last + 1] = changes.get(span.last + 1, 0) ^ wanted
    for rule, edges in enumerate(excerpt.edges):
        bit = 1 << rule
        for first, last, cube in () if excerpt.everywhere & bit else edges:
            changes[first] = changes.get(first, 0) ^ bit
            changes[last + 1] = changes.get(last + 1, 0) ^ bit
            if cube is not None:
                cubes[rule] = cube
    borders = sorted(changes)
    there = itertools.accumulate(map(changes.__getitem__, borders), operator.xor)
    scattered = _set_of(cubes)
    for first, after, near in zip(borders, borders[1:], there):
        if not near & wanted:
            continue
        split = [(rule, cube) for rule, cube in cubes.items() if near >> rule & 1] if near & scattered else []
        certain = excerpt.everywhere | near & ~scattered
        yield [
            Part(
                piece,
                address,
                excerpt.definite & (certain | inside),
                excerpt.possible & (certain | inside | excerpt.doubtful),
            )
            for piece, address, inside in _split(Span(first, after - 1), split, budget)
        ]


def _set_of(rules: t.Iterable[int]) -> int:
    found = 0
    for rule in rules:
        found |= 1 << rule
    return found


def _split(span: Span, cubes: list[tuple[int, Cube]], budget: Budget) -> list[tuple[Piece, int, int]]:
    """Pieces of a span with one address of each and the rules whose cubes they are in."""
    found: list[tuple[Piece, int, int]] = [(Piece(span), span.first, 0)]
    budget.spend()
    same: dict[Cube, int] = {}
    for rule, cube in cubes:
        same[cube] = same.get(cube, 0) | 1 << rule
    for cube, matching in same.items():
        budget.spend(len(found) * len(same))
        halves = []
        for piece, _address, inside in found:
            for half, rules in (
                (Piece(span, (*piece.within, cube), piece.outside), inside | matching),
                (Piece(span, piece.within, (*piece.outside, cube)), inside),
            ):
                address = witness(span, half.within, half.outside)
                if address is not None:
                    halves.append((half, address, rules))
        found = halves
    return found
