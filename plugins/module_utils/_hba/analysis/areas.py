# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses cut into pieces that no rule of interest tells apart; private to the collection."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.budget import Budget
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import Cube
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import Span
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import joined
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import witness
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Piece
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rulebook import Rulebook
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.sets import bits_of

__all__ = ["Part", "parts"]


class Part(t.NamedTuple):
    """Pieces of one span, so that only networks with masks that are no prefixes tell them apart."""

    piece: Piece
    address: int  # one of them
    definite: int
    possible: int


def parts(book: Rulebook, focus: int, definite: int, possible: int, budget: Budget) -> t.Iterator[list[Part]]:
    """Every address that a rule of the focus may match; the parts of one span together.

    ``definite`` and ``possible`` are the rules that match, or may match, as far as it is not a question of addresses.
    """
    spans = joined(cube.span for rule in bits_of(focus) for cube in book.addresses[rule].possible)
    for span in spans:
        yield from _parts_of(book, span, definite, possible, budget)


def _parts_of(book: Rulebook, span: Span, definite: int, possible: int, budget: Budget) -> t.Iterator[list[Part]]:
    index = book.index
    changes: dict[int, int] = {span.first: 0, span.last + 1: 0}
    cubes: dict[int, Cube] = {}
    for rule in bits_of(possible & index.meeting(span) & ~index.everywhere):
        for cube in book.addresses[rule].cubes:
            first, last = max(cube.hull.first, span.first), min(cube.hull.last, span.last)
            if first <= last:
                changes[first] = changes.get(first, 0) ^ 1 << rule
                changes[last + 1] = changes.get(last + 1, 0) ^ 1 << rule
                if not cube.is_span:
                    cubes[rule] = cube
    borders = sorted(changes)
    there = itertools.accumulate((changes[border] for border in borders), lambda a, b: a ^ b)
    for first, after, rules in zip(borders, borders[1:], there):
        scattered = [(rule, cube) for rule, cube in cubes.items() if rules >> rule & 1]
        certain = index.everywhere | rules & ~_set_of(cubes)
        yield [
            Part(piece, address, definite & (certain | inside), possible & (certain | inside | index.doubtful))
            for piece, address, inside in _split(Span(first, after - 1), scattered, budget)
        ]


def _set_of(rules: t.Iterable[int]) -> int:
    return sum(1 << rule for rule in rules)


def _split(span: Span, cubes: list[tuple[int, Cube]], budget: Budget) -> list[tuple[Piece, int, int]]:
    """Pieces of a span with one address of each and the rules whose cubes they are in."""
    found: list[tuple[Piece, int, int]] = [(Piece(span), span.first, 0)]
    budget.spend()
    for rule, cube in cubes:
        budget.spend(len(found) * len(cubes))
        halves = []
        for piece, _address, inside in found:
            for half, rules in (
                (Piece(span, (*piece.within, cube), piece.outside), inside | 1 << rule),
                (Piece(span, piece.within, (*piece.outside, cube)), inside),
            ):
                address = witness(span, half.within, half.outside)
                if address is not None:
                    halves.append((half, address, rules))
        found = halves
    return found
