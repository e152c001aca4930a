# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which names a host may bear in its certificate; private to the collection."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.names import normalised

__all__ = ["Grants"]

_EXPECTED = "a DNS name, *.example.org for every name with one label in place of the star, an IP address or a network"
Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


class Grants:
    """Names, patterns and networks.

    A name or an address grants itself. ``*.example.org`` grants every name that has exactly one label in place of the
    star, and the wildcard itself, with which a host could do no more than with all of those. ``192.0.2.0/24`` grants
    every address in it.
    """

    def __init__(self, granted: t.Iterable[str], *, option: str = "allowed_names") -> None:
        self._exact: set[str] = set()
        self._networks: list[Network] = []
        for number, entry in enumerate(granted):
            self._add(entry, f"{option}[{number}]")

    def refused(self, names: t.Iterable[str]) -> tuple[str, ...]:
        """Those of some normalised names that are not granted, in their order."""
        return tuple(name for name in names if not self._allows(name))

    def _add(self, entry: str, option: str) -> None:
        try:
            if "/" in entry:
                self._networks.append(ipaddress.ip_network(entry))
            else:
                self._exact.add(normalised(entry))
        except ValueError as error:
            expected = f"{_EXPECTED} ({error})" if "/" in entry else _EXPECTED
            raise InputError(option=option, value=entry, expected=expected) from None

    def _allows(self, name: str) -> bool:
        if name in self._exact:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            first, _dot, rest = name.partition(".")
            return first != "*" and bool(rest) and f"*.{rest}" in self._exact
        return any(address in network for network in self._networks)
