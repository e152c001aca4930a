# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of rules as the bits of a number, and which rules an address concerns; private to the collection."""

from __future__ import annotations

import bisect
import functools
import itertools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import EVERYWHERE
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import FAMILY
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import LOOPBACK
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import V4_BITS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import V6_BITS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import Cube
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import Span
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import cube_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Address

__all__ = ["AddressIndex", "Addresses", "addresses_of", "bits_of", "key_of"]

_PART_BITS = 512
_PART = (1 << _PART_BITS) - 1
_LONGEST_NAME = 255  # of a host, in DNS
_SAMEHOST, _SAMENET = "\0samehost", "\0samenet"


class Addresses(t.NamedTuple):
    """The clients of one rule: those that it is certain of, and where it may match any other, what that depends on."""

    cubes: tuple[Cube, ...]
    doubt: str = ""  # a host name, or a keyword after a NUL byte, which no name has

    @property
    def doubtful(self) -> bool:
        """Whether it may match any other."""
        return bool(self.doubt)

    def wider_doubts(self) -> t.Iterator[str]:
        """What certainly holds where the doubt of this one does, itself included."""
        yield self.doubt
        if self.doubt == _SAMEHOST:
            yield _SAMENET
        if len(self.doubt) > _LONGEST_NAME:
            return  # no host is called so, and there may be thousands of dots
        _first, *parts = self.doubt.split(".")
        for at in range(len(parts)):
            suffix = "." + ".".join(parts[at:])
            if suffix != self.doubt:
                yield suffix

    @property
    def possible(self) -> tuple[Cube, ...]:
        """Everything that may match."""
        return EVERYWHERE if self.doubtful else self.cubes


def addresses_of(address: Address | None) -> Addresses:
    """What an address field means; a host name is anybody's guess."""
    if address is None:
        return Addresses(())
    if address.network is not None:
        return Addresses((cube_of(address.network),))
    if address.keyword == "all":
        return Addresses(EVERYWHERE)
    if address.keyword is not None:
        return Addresses(LOOPBACK, f"\0{address.keyword}")
    return Addresses((), str(address.host).lower())


def bits_of(rules: int) -> t.Iterator[int]:
    """The positions of the rules in a set, in order."""
    start = 0
    while rules:  # large numbers are slow: they are taken apart
        empty = (rules & -rules).bit_length() - 1
        start += empty
        rules >>= empty
        part = rules & _PART
        while part:
            low = part & -part
            yield start + low.bit_length() - 1
            part ^= low
        start += _PART_BITS
        rules >>= _PART_BITS


def key_of(rules: int) -> bytes:
    """What to look a set up by: numbers with one bit set nearly all have the same few hashes."""
    return rules.to_bytes(rules.bit_length() + 7 >> 3, "little")


class AddressIndex:
    """Finds the rules that certainly or possibly concern a span of addresses."""

    def __init__(self, rules: t.Sequence[Addresses]) -> None:
        self.everywhere = 0  # rules for every address
        self.doubtful = 0  # rules that may match anywhere
        self.scattered = 0  # rules with a mask that is no prefix: their span says only where they may match
        self._doubts: dict[str, int] = {}
        self._networks = [(index, rule.cubes[0]) for index, rule in enumerate(rules) if len(rule.cubes) == 1]
        entries: list[tuple[Span, int]] = []
        for index, rule in enumerate(rules):
            bit = 1 << index
            if rule.doubtful:
                self.doubtful |= bit
                self._doubts[rule.doubt] = self._doubts.get(rule.doubt, 0) | bit
            if rule.cubes == EVERYWHERE:
                self.everywhere |= bit
                continue
            for cube in rule.cubes:
                entries.append((cube.span, bit))
                if not cube.is_span:
                    self.scattered |= bit
        self._build(entries)

    def _build(self, entries: list[tuple[Span, int]]) -> None:
        entries.sort()
        self._starts = [span.first for span, _bit in entries]
        size = len(entries)
        self._tree = [0] * size + [bit for _span, bit in entries]
        for node in range(size - 1, 0, -1):
            self._tree[node] = self._tree[2 * node] | self._tree[2 * node + 1]
        changes: dict[int, int] = {}
        for span, bit in entries:
            changes[span.first] = changes.get(span.first, 0) ^ bit
            changes[span.last + 1] = changes.get(span.last + 1, 0) ^ bit
        self._borders = sorted(changes)
        self._there = list(itertools.accumulate((changes[border] for border in self._borders), lambda a, b: a ^ b))

    @functools.cached_property
    def networks(self) -> int:
        """The rules that are certain of one network."""
        return _from_positions(index for index, _cube in self._networks)

    def apart(self, cube: Cube) -> int:
        """Those of them that share no address with a cube: some bit is given, and another."""
        found = 0
        for bit in bits_of(_telling(cube)):
            zeros, ones = self._given.get(bit, (0, 0))
            found |= zeros if cube.bits >> bit & 1 else ones
        return found

    @functools.cached_property
    def _given(self) -> dict[int, tuple[int, int]]:
        """The rules of one network that give a bit of addresses as 0, and those that give it as 1."""
        found: dict[int, tuple[list[int], list[int]]] = {}
        for index, cube in self._networks:
            for bit in bits_of(_telling(cube)):
                found.setdefault(bit, ([], []))[cube.bits >> bit & 1].append(index)
        return {bit: (_from_positions(zeros), _from_positions(ones)) for bit, (zeros, ones) in found.items()}

    def wider(self, addresses: Addresses) -> int:
        """The rules that match, because of what only the server can tell, wherever these addresses do."""
        found = 0
        if addresses.doubtful:
            for doubt in addresses.wider_doubts():
                found |= self._doubts.get(doubt, 0)
        return found

    def at(self, address: int) -> int:
        """The rules whose spans hold an address, those for everywhere left out."""
        index = bisect.bisect_right(self._borders, address) - 1
        return self._there[index] if index >= 0 else 0

    def meeting(self, span: Span) -> int:
        """The rules certain of some address in a span, as far as spans tell."""
        found = self.everywhere | self.at(span.first)
        left = bisect.bisect_right(self._starts, span.first) + len(self._starts)
        right = bisect.bisect_right(self._starts, span.last) + len(self._starts)
        while left < right:
            if left & 1:
                found |= self._tree[left]
                left += 1
            if right & 1:
                right -= 1
                found |= self._tree[right]
            left >>= 1
            right >>= 1
        return found


def _telling(cube: Cube) -> int:
    """The bits that a cube gives, without those that all of its family give alike."""
    return cube.mask & (FAMILY | V6_BITS if cube.bits & FAMILY else FAMILY | V4_BITS)


def _from_positions(rules: t.Iterable[int]) -> int:
    found = bytearray()
    for rule in rules:
        place = rule >> 3
        if place >= len(found):
            found.extend(bytes(place + 1 - len(found)))
        found[place] |= 1 << (rule & 7)
    return int.from_bytes(found, "little")
