"""Addresses as the server's resolver reads them."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import Network
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import cidr_mask
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import numeric_address
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import show_address


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("10", "0.0.0.10"),
        ("10.1", "10.0.0.1"),
        ("10.1.258", "10.1.1.2"),
        ("010.0.0.1", "8.0.0.1"),
        ("0x0a000001", "10.0.0.1"),
        ("4294967295", "255.255.255.255"),
        ("0", "0.0.0.0"),
        ("::1", "::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%lo", "fe80::1"),
        ("ff01::1%lo", "ff01::1"),
        ("::1%7", "::1"),
        ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
    ],
)
def test_what_is_an_address(text: str, shown: str) -> None:
    packed = numeric_address(text)
    assert packed is not None and show_address(packed) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "300.0.0.1",
        "1.2.3.4.5",
        "1.2.3.",
        "08",
        "0x",
        "4294967296",
        "1.16777216",
        "+1",
        "1 ",
        "[::1]",
        "::1%lo",
        "ff05::1%lo",
    ]
    + ["fe80::1%none", "fe80::1%", "::g", "host", "1.2.3.4/8", "é", "256.1.1.1"],
)
def test_what_is_a_host_name(text: str) -> None:
    assert numeric_address(text) is None


@pytest.mark.parametrize(
    ("bits", "length", "ones"), [("8", 4, 8), ("08", 4, 8), ("+8", 4, 8), ("-0", 4, 0), ("128", 16, 128)]
)
def test_masks(bits: str, length: int, ones: int) -> None:
    mask = cidr_mask(bits, length)
    assert mask is not None and bin(int.from_bytes(mask, "big")).count("1") == ones


@pytest.mark.parametrize(
    ("bits", "length"), [("33", 4), ("-1", 4), ("", 4), ("8x", 4), ("8 ", 4), ("0x8", 4), ("129", 16)]
)
def test_no_masks(bits: str, length: int) -> None:
    assert cidr_mask(bits, length) is None


def test_families_never_mix() -> None:
    everything = Network(bytes(4), bytes(4))
    assert everything.holds(bytes([10, 0, 0, 1]))
    assert not everything.holds(bytes(10) + b"\xff\xff" + bytes([10, 0, 0, 1]))
    assert Network(bytes([10, 0, 3, 0]), bytes([255, 0, 255, 0])).holds(bytes([10, 9, 3, 9]))
