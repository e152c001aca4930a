# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator says about who has to get in; private to the collection."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client

__all__ = ["Demands", "Network", "Selector"]

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
_REPLICATION = "replication"  # how a selector calls what asks for no database


@dataclasses.dataclass(frozen=True)
class Selector:
    """Clients that have everything that is given here."""

    user: str | None = None
    database: str | None = None
    network: Network | None = None
    through_socket: bool = False

    def selects(self, client: Client) -> bool:
        """Whether this is such a client."""
        attempt = client.attempt
        database = _REPLICATION if attempt.replication else attempt.database
        if self.user not in (None, attempt.user) or self.database not in (None, database):
            return False
        if self.network is None:
            return not self.through_socket or attempt.address is None
        return attempt.address is not None and ipaddress.ip_address(attempt.address) in self.network


@dataclasses.dataclass(frozen=True)
class Demands:
    """The options, typed."""

    must_admit: tuple[Client, ...] = ()
    accept_unproven: tuple[Selector, ...] = ()
    allow_lockout: bool = False
    terminate: bool = False

    def accepts(self, client: Client) -> bool:
        """Whether the operator answers for this client."""
        return any(selector.selects(client) for selector in self.accept_unproven)
