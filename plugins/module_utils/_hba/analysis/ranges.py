# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of addresses, both families on one line of numbers; private to the collection.

IPv4 addresses are the numbers that they are, IPv6 addresses begin at 2 to the power of 128. A network whose mask
is no prefix is a cube: some bits are given, the others free.
"""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import Network
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import show_address

__all__ = [
    "EVERYWHERE",
    "FAMILY",
    "LOOPBACK",
    "V4_BITS",
    "V6_BITS",
    "Cube",
    "Span",
    "cube_of",
    "gaps",
    "joined",
    "packed",
    "show_span",
    "witness",
]

FAMILY = 1 << 128  # set in IPv6 addresses
V4_BITS = (1 << 32) - 1
V6_BITS = (1 << 128) - 1


class Span(t.NamedTuple):
    """All addresses from the first to the last."""

    first: int
    last: int


class Cube(t.NamedTuple):
    """All addresses that have these bits where the mask is set; the mask holds the family too."""

    bits: int
    mask: int

    @property
    def free(self) -> int:
        """The bits that are not given."""
        return (V6_BITS if self.bits & FAMILY else V4_BITS) & ~self.mask

    @property
    def span(self) -> Span:
        """From the lowest to the highest of them."""
        return Span(self.bits, self.bits | self.free)

    @property
    def hull(self) -> Span:
        """The smallest network with a usual mask that holds all of them."""
        free = (1 << self.free.bit_length()) - 1
        return Span(self.bits & ~free, self.bits | free)

    @property
    def is_span(self) -> bool:
        """Whether everything between the lowest and the highest belongs to it: the mask is a prefix."""
        free = self.free
        return not free & (free + 1)

    def meets(self, other: Cube) -> bool:
        """Whether both share an address."""
        return not (self.bits ^ other.bits) & self.mask & other.mask

    def within(self, other: Cube) -> bool:
        """Whether the other one holds all of this."""
        return not other.mask & ~self.mask and not (self.bits ^ other.bits) & other.mask

    @property
    def network(self) -> Network:
        """Back to address and mask."""
        length = 16 if self.bits & FAMILY else 4
        low = V6_BITS if length == 16 else V4_BITS
        return Network((self.bits & low).to_bytes(length, "big"), (self.mask & low).to_bytes(length, "big"))


EVERYWHERE = (Cube(0, V6_BITS ^ V4_BITS | FAMILY), Cube(FAMILY, FAMILY))
LOOPBACK = (Cube(0x7F000001, V6_BITS | FAMILY), Cube(FAMILY | 1, V6_BITS | FAMILY))


def cube_of(network: Network) -> Cube:
    """A network as the addresses in it."""
    mask = int.from_bytes(network.mask, "big")
    address = int.from_bytes(network.address, "big") & mask
    if len(network.address) == 16:
        return Cube(address | FAMILY, mask | FAMILY)
    return Cube(address, mask | FAMILY | (V6_BITS ^ V4_BITS))


def packed(number: int) -> bytes:
    """The bytes of an address."""
    return (number - FAMILY).to_bytes(16, "big") if number & FAMILY else number.to_bytes(4, "big")


def gaps(span: Span, taken: t.Iterable[Span]) -> list[Span]:
    """What of a span is in none of the others."""
    found = []
    start = span.first
    for other in sorted(taken):
        if other.first > start:
            if other.first > span.last:
                break
            found.append(Span(start, other.first - 1))
        start = max(start, other.last + 1)
    if start <= span.last:
        found.append(Span(start, span.last))
    return found


def joined(spans: t.Iterable[Span]) -> list[Span]:
    """The same addresses in as few spans as possible, in order."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.first <= found[-1].last + 1:
            found[-1] = Span(found[-1].first, max(found[-1].last, span.last))
        else:
            found.append(span)
    return found


def witness(span: Span, within: t.Sequence[Cube], outside: t.Sequence[Cube]) -> int | None:
    """An address of a span that is in all of some cubes and in none of others; None where there is none."""
    for cube in _prefixes(span):
        part: Cube | None = cube
        for other in within:
            part = Cube(part.bits | other.bits, part.mask | other.mask) if part and part.meets(other) else None
        found = None if part is None else _outside(part, outside)
        if found is not None:
            return found
    return None


def _prefixes(span: Span) -> t.Iterator[Cube]:
    """The networks that make up a span."""
    first = span.first
    while first <= span.last:
        size = (first & -first) or 1 << 32
        if first == FAMILY:
            size = FAMILY
        while first + size - 1 > span.last:
            size >>= 1
        yield Cube(first, (FAMILY | V6_BITS) & ~(size - 1))
        first += size


def _outside(cube: Cube, others: t.Sequence[Cube]) -> int | None:
    """An address of a cube that is in none of the others: halve it by a bit of the first one, and again."""
    others = [other for other in others if cube.meets(other)]
    if not others:
        return cube.bits
    if any(cube.within(other) for other in others):
        return None
    other = others[0]
    bit = 1 << ((other.mask & ~cube.mask).bit_length() - 1)
    mask = cube.mask | bit
    away = ~other.bits & bit
    found = _outside(Cube(cube.bits | away, mask), others[1:])
    return _outside(Cube(cube.bits | other.bits & bit, mask), others) if found is None else found


def show_span(span: Span) -> str:
    """A network where it is one, else the first and the last address."""
    first, last = show_address(packed(span.first)), show_address(packed(span.last))
    width = span.last - span.first
    if span.first == span.last:
        return first
    if not width & (width + 1) and not span.first & width:
        return f"{first}/{(128 if span.first & FAMILY else 32) - width.bit_length()}"
    return f"{first}-{last}"
