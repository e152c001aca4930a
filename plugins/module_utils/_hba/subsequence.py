# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The longest common subsequence of two sequences, fast where most values are rare; private to the collection."""

from __future__ import annotations

import bisect
import collections
import typing as t

__all__ = ["common"]

_MOST_PAIRS = 100_000  # of equal values; beyond that the first ones of each value are taken for pairs


def common(left: t.Sequence[t.Hashable], right: t.Sequence[t.Hashable]) -> list[tuple[int, int]]:
    """Pairs of places with equal values, both places rising, as many as there can be.

    Where values are repeated so often that looking at every pair would take too long, it may be fewer.
    """
    first = 0
    while first < min(len(left), len(right)) and left[first] == right[first]:
        first += 1
    last = 0
    while last < min(len(left), len(right)) - first and left[-1 - last] == right[-1 - last]:
        last += 1
    middle = _middle(left[first : len(left) - last], right[first : len(right) - last])
    return [
        *[(place, place) for place in range(first)],
        *[(one + first, other + first) for one, other in middle],
        *[(len(left) - place, len(right) - place) for place in range(last, 0, -1)],
    ]


def _middle(left: t.Sequence[t.Hashable], right: t.Sequence[t.Hashable]) -> list[tuple[int, int]]:
    """Longest rising subsequence of the places on the right, as Hunt and Szymanski found it."""
    tails: list[int] = []  # the lowest place on the right with which so many pairs can end
    chains: list[tuple[int, int, t.Any]] = []  # the last pair of those, and the chain before it
    for one, places in enumerate(_places(left, right)):
        for other in places:
            length = bisect.bisect_left(tails, other)
            chain = (one, other, chains[length - 1] if length else None)
            tails[length : length + 1] = [other]
            chains[length : length + 1] = [chain]
    found = []
    link = chains[-1] if chains else None
    while link is not None:
        found.append((link[0], link[1]))
        link = link[2]
    return found[::-1]


def _places(left: t.Sequence[t.Hashable], right: t.Sequence[t.Hashable]) -> t.Iterator[list[int]]:
    """For every value on the left where it is on the right, from the last place to the first."""
    places: dict[t.Hashable, list[int]] = collections.defaultdict(list)
    for place in range(len(right) - 1, -1, -1):
        places[right[place]].append(place)
    if sum(len(places.get(value, ())) for value in left) <= _MOST_PAIRS:
        return (places.get(value, []) for value in left)
    return ([places[value].pop()] if places.get(value) else [] for value in left)
