# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which names a host may bear."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.grants import Grants


@pytest.mark.parametrize(
    ("granted", "name"),
    [
        ("db1.example.org", "db1.example.org"),
        ("DB1.Example.org", "db1.example.org"),
        ("*.example.org", "db1.example.org"),
        ("*.example.org", "*.example.org"),
        ("192.0.2.10", "192.0.2.10"),
        ("192.0.2.0/24", "192.0.2.10"),
        ("2001:DB8::1", "2001:db8::1"),
        ("2001:db8::/32", "2001:db8::1"),
    ],
)
def test_what_is_granted(granted: str, name: str) -> None:
    assert Grants([granted]).refused([name]) == ()
    assert Grants(["other.example.net"]).refused([name]) == (name,)


@pytest.mark.parametrize(
    ("granted", "name"),
    [
        ("db1.example.org", "db2.example.org"),
        ("db1.example.org", "db1"),
        ("db1.example.org", "*.example.org"),
        ("db1.example.org", "a.db1.example.org"),
        ("*.example.org", "example.org"),
        ("*.example.org", "a.b.example.org"),
        ("*.example.org", "db1.example.org.evil.net"),
        ("*.db.example.org", "*.example.org"),
        ("192.0.2.0/24", "192.0.3.10"),
        ("192.0.2.0/24", "2001:db8::1"),
        ("192.0.2.10", "192.0.2.1"),
    ],
)
def test_what_is_not(granted: str, name: str) -> None:
    assert Grants([granted]).refused([name]) == (name,)


def test_the_refused_ones_are_named_in_their_order() -> None:
    assert Grants(["a.example.org"]).refused(["z", "a.example.org", "b"]) == ("z", "b")
    assert Grants([]).refused(["a"]) == ("a",)


@pytest.mark.parametrize(
    "entry", ["*", "*.org", "*.*.example.org", "a..b", "", "192.0.2.1/24", "192.0.2.0/33", "ä.example.org"]
)
def test_an_entry_that_is_none(entry: str) -> None:
    with pytest.raises(InputError) as refused:
        Grants(["good.example.org", entry])
    assert str(refused.value).startswith(f"allowed_names[1]: {entry!r} cannot be used")
