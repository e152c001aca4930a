# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses as glibc's getaddrinfo reads them when only numbers are allowed; private to the collection."""

from __future__ import annotations

import functools
import re
import socket
import typing as t

__all__ = ["Network", "cidr_mask", "numeric_address", "show_address"]

_NUMBER = re.compile(r"0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*)")
_USUAL = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")
_MASK_BITS = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)\Z")
_LIMITS = (0xFFFFFFFF, 0xFFFFFF, 0xFFFF, 0xFF)  # of the last part, by how many come before it
_ZONED = (0xFE80 << 112, 0xFFC0 << 112), (0xFF01 << 112, 0xFF0F << 112), (0xFF02 << 112, 0xFF0F << 112)
"""Addresses and masks of what is local to a link, and of groups local to a host or a link."""


class Network(t.NamedTuple):
    """A packed address (4 or 16 bytes) and its mask of the same length."""

    address: bytes
    mask: bytes

    def holds(self, client: bytes) -> bool:
        """Whether a client's packed address lies in here; families never mix."""
        if len(client) != len(self.address):
            return False
        mask = int.from_bytes(self.mask, "big")
        return not (int.from_bytes(client, "big") ^ int.from_bytes(self.address, "big")) & mask


@functools.lru_cache(maxsize=65536)
def numeric_address(text: str, interfaces: tuple[str, ...] = ("lo",)) -> bytes | None:
    """The packed address, or None for what would be taken as a host name.

    Takes the short, octal and hexadecimal forms of IPv4. ``interfaces`` are the names that may
    follow % in a link-local address.
    """
    if not text.isascii():
        return None
    packed = _ipv4(text)
    return packed if packed is not None else _ipv6(text, interfaces)


def _number(digits: str) -> int:
    """A number; where it has more digits than anything it is compared with, any such number."""
    sign, rest = ("-", digits[1:]) if digits[0] == "-" else ("", digits.lstrip("+"))
    return int(sign + (rest.lstrip("0")[:20] or "0"))


def _ipv4(text: str) -> bytes | None:
    if _USUAL.fullmatch(text):
        try:
            return socket.inet_aton(text)
        except OSError:
            return None
    parts = text.split(".")
    if len(parts) > 4:
        return None
    values = []
    for part in parts:
        match = _NUMBER.fullmatch(part)
        if match is None:
            return None
        hexadecimal, octal, decimal = match.groups()
        values.append(int(hexadecimal, 16) if hexadecimal else _number(decimal) if decimal else int(octal or "0", 8))
    if any(value > 0xFF for value in values[:-1]) or values[-1] > _LIMITS[len(values) - 1]:
        return None
    number = values[-1]
    for index, value in enumerate(values[:-1]):
        number += value << (24 - 8 * index)
    return number.to_bytes(4, "big")


def _ipv6(text: str, interfaces: tuple[str, ...]) -> bytes | None:
    number, percent, zone = text.partition("%")
    try:
        packed = socket.inet_pton(socket.AF_INET6, number)
    except (OSError, ValueError):
        return None
    if percent and not _zone(packed, zone, interfaces):
        return None
    return packed


def _zone(packed: bytes, zone: str, interfaces: tuple[str, ...]) -> bool:
    number = int.from_bytes(packed, "big")
    if zone in interfaces and any(number & mask == address for address, mask in _ZONED):
        return True
    return zone.isdigit() and _number(zone) <= 0xFFFFFFFF


@functools.lru_cache(maxsize=4096)
def cidr_mask(bits: str, length: int) -> bytes | None:
    """The packed mask for what follows the slash, as strtol reads it; ``length`` is 4 or 16 bytes."""
    match = _MASK_BITS.match(bits)
    if match is None or not 0 <= _number(match.group(1)) <= length * 8:
        return None
    ones = _number(match.group(1))
    return (((1 << ones) - 1) << (length * 8 - ones)).to_bytes(length, "big")


@functools.lru_cache(maxsize=65536)
def show_address(packed: bytes) -> str:
    """The canonical text of a packed address or mask."""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
