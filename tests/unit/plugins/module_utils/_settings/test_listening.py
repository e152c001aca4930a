# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks and interfaces become addresses."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.addresses import HostAddress
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.listening import concerns_the_host
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.listening import resolved

HOST = (
    HostAddress("lo", "127.0.0.1"),
    HostAddress("lo", "::1"),
    HostAddress("eth0", "10.1.2.3"),
    HostAddress("eth0", "fd00::3"),
    HostAddress("eth1", "192.0.2.9"),
)


def wish(value: object, name: str = "listen_addresses") -> Wish:
    return Wish(option=name, section="parameters", name=name, value=value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10.0.0.0/8", ("10.1.2.3",)),
        ("localhost, 10.0.0.0/8,192.0.2.0/24", ("localhost", "10.1.2.3", "192.0.2.9")),
        (("fd00::/8", "10.1.2.3/32"), ("fd00::3", "10.1.2.3")),
        ("interface:eth0", ("10.1.2.3", "fd00::3")),
        (["10.1.2.3", "interface:eth0"], ("10.1.2.3", "fd00::3")),
        ("0.0.0.0/0", ("127.0.0.1", "10.1.2.3", "192.0.2.9")),
    ],
)
def test_selectors_become_addresses(value: object, expected: tuple[str, ...]) -> None:
    assert resolved(wish(value), HOST).value == expected


@pytest.mark.parametrize("value", ["", "*", "localhost, 192.0.2.9", ("::1",), "a,,b"])
def test_other_values_stay(value: object) -> None:
    assert not concerns_the_host(wish(value))
    assert resolved(wish(value), HOST) == wish(value)


def test_other_parameters_stay() -> None:
    assert not concerns_the_host(wish("/run/postgresql", "unix_socket_directories"))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("172.16.0.0/12", "in which this host has an address: 127.0.0.1, ::1, 10.1.2.3"),
        ("interface:eth7", "an address: lo, eth0, eth1"),
        ("interface:", "an address: lo, eth0, eth1"),
        ("10.0.0.1/8", "a network as in 10.0.0.0/8; 10.0.0.1/8 has host bits set"),
        ("/run", "a network as in 10.0.0.0/8"),
    ],
)
def test_what_selects_nothing_is_refused(value: t.Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        resolved(wish(value), HOST)
    assert words in str(caught.value)
