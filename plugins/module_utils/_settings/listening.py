# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses to listen on, where networks and interfaces are given for them; pure; private to the collection."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.addresses import HostAddress
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import split_items

__all__ = ["concerns_the_host", "resolved"]

_PARAMETER = "listen_addresses"
_INTERFACE = "interface:"


def concerns_the_host(wish: Wish) -> bool:
    """Whether the value depends on the addresses that the host has."""
    return wish.name.lower() == _PARAMETER and any(map(_is_selector, _items(wish.value)))


def resolved(wish: Wish, addresses: t.Sequence[HostAddress]) -> Wish:
    """The wish with the host's own addresses for each network and interface."""
    if not concerns_the_host(wish):
        return wish
    found: list[str] = []
    for item in _items(wish.value):
        found += _selected(wish, item, addresses) if _is_selector(item) else [item]
    return dataclasses.replace(wish, value=tuple(dict.fromkeys(found)))


def _items(value: object) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    try:
        return split_items(str(value))
    except ValueError:
        return []


def _is_selector(item: str) -> bool:
    return "/" in item or item.startswith(_INTERFACE)


def _selected(wish: Wish, item: str, addresses: t.Sequence[HostAddress]) -> list[str]:
    if item.startswith(_INTERFACE):
        name = item[len(_INTERFACE) :]
        found = [each.address for each in addresses if each.interface == name]
        known = ", ".join(dict.fromkeys(each.interface for each in addresses))
        expected = f"an interface of this host that has an address: {known}"
    else:
        network = _network(wish, item)
        # A network of the other IP version holds none of the addresses.
        found = [each.address for each in addresses if ipaddress.ip_address(each.address) in network]
        known = ", ".join(each.address for each in addresses)
        expected = f"a network in which this host has an address: {known}"
    if not found:
        raise InputError(option=wish.option, value=item, expected=expected)
    return found


def _network(wish: Wish, item: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(item)
    except ValueError as error:
        raise InputError(option=wish.option, value=item, expected=f"a network as in 10.0.0.0/8; {error}") from None
