# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel answers when it is asked for addresses."""

from __future__ import annotations

import ipaddress
import socket
import struct

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._host.addresses import parse_messages

DONE = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)


def message(
    address: str, *, index: int = 2, flags: int = 0x80, kinds: tuple[int, ...] = (1,), label: str = ""
) -> bytes:
    """One answer; ``kinds`` are the attributes that hold the address."""
    raw = ipaddress.ip_address(address).packed
    family = socket.AF_INET if len(raw) == 4 else socket.AF_INET6
    body = struct.pack("=BBBBI", family, 24, flags, 0, index)
    for kind in kinds:
        body += struct.pack("=HH", 4 + len(raw), kind) + raw
    if label:
        text = label.encode() + b"\0"
        body += struct.pack("=HH", 4 + len(text), 3) + text + b"\0" * (-len(text) % 4)
    return struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body


def test_addresses_of_both_versions() -> None:
    data = message("192.0.2.9", label="eth0", kinds=(1, 2)) + message("2001:db8::9", index=3)
    assert parse_messages(data) == ([(2, "192.0.2.9"), (3, "2001:db8::9")], False)
    assert parse_messages(data + DONE) == ([(2, "192.0.2.9"), (3, "2001:db8::9")], True)
    assert parse_messages(DONE) == ([], True)


def test_the_near_end_of_a_point_to_point_link_counts() -> None:
    near, far = message("192.0.2.1", kinds=(2,)), ipaddress.ip_address("192.0.2.2").packed
    both = near + struct.pack("=HH", 8, 1) + far
    data = struct.pack("=I", len(both)) + both[4:]
    assert parse_messages(data) == ([(2, "192.0.2.1")], False)


@pytest.mark.parametrize("flags", [0x01, 0x08, 0x20, 0x40])
def test_passing_addresses_of_ipv6_are_left_out(flags: int) -> None:
    assert parse_messages(message("2001:db8::9", flags=flags)) == ([], False)
    assert parse_messages(message("192.0.2.9", flags=0x01)) == ([(2, "192.0.2.9")], False)  # a second one of IPv4


def test_link_local_addresses_are_left_out() -> None:
    assert parse_messages(message("fe80::1")) == ([], False)
