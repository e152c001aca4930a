# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which names a certificate may bear."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._tls.names import normalised
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.names import unmatched


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DB1.Example.ORG", "db1.example.org"),
        ("db1", "db1"),
        ("my_host", "my_host"),
        ("*.example.org", "*.example.org"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("192.0.2.10", "192.0.2.10"),
        ("2001:DB8:0::1", "2001:db8::1"),
    ],
)
def test_a_name_has_one_spelling(name: str, expected: str) -> None:
    assert normalised(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        "*",
        "*.org",
        "db*.example.org",
        "-db",
        "db-",
        "db..example.org",
        "db.example.org.",
        "two words",
        "db1.example.org\n",
        "10.0.0",
        "10.0.0.300",
        "192.0.2.0/24",
        "[::1]",
        "fe80::1%eth0",
        "fe80::1%eth0\n",
        "bücher.example",
        "a" * 64,
        ".".join(["a" * 60] * 5),
        "a\0b",
        "URI:http://x",
    ],
)
def test_other_text_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        normalised(name)


@settings(deadline=None)
@given(st.text(max_size=30) | st.from_regex(r"[a-zA-Z0-9.:*_-]{1,30}", fullmatch=True))
def test_a_normalised_name_is_normalised(name: str) -> None:
    try:
        once = normalised(name)
    except ValueError:
        return
    assert normalised(once) == once
    assert once.isprintable()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("db1", "localhost"), ""),
        (("db1", "127.0.0.1", "::1"), ""),  # nobody else comes to these
        (("db1", "192.0.2.7", "2001:db8::7"), "192.0.2.7, 2001:db8::7"),
        (("192.0.2.7",), ""),  # it is the subject too
        (("192.0.2.7", "192.0.2.8"), "192.0.2.8"),
    ],
)
def test_addresses_that_older_clients_do_not_compare(names: tuple[str, ...], told: str) -> None:
    words = unmatched(names)
    assert (f" connects to {told} refuses " in words) if told else words == ""
