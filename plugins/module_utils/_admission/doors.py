# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the server can be reached at all, whatever its rules say; private to the collection.

Pure: what of it only this host can tell is gathered in ``surroundings``.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import Answer
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import refused
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import unknown
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import unproven
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client

__all__ = ["Door", "Listening", "answers"]

_PROTOCOLS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_SUITES_OF_THEIR_OWN = "TLSv1.3"
_ROOT = "root"
_OWNER, _GROUP, _OTHERS = 0o200, 0o020, 0o002  # who may connect is who may write


class Listening(t.NamedTuple):
    """Addresses that the server listens on."""

    addresses: frozenset[bytes]  # of this host, those that a wildcard stands for included
    everywhere: frozenset[int] = frozenset()  # 4 and 16, the lengths of addresses: all of them, those to come included

    def includes(self, address: bytes) -> bool:
        """Whether a client gets to this address of the host."""
        return address in self.addresses or len(address) in self.everywhere

    def for_client(self, client: bytes) -> frozenset[bytes]:
        """Through which of them a client may come: one on the same host by loopback, others never by that."""
        kind = (len(client), _is_loopback(client))
        return frozenset(each for each in self.addresses if (len(each), _is_loopback(each)) == kind)


@dataclasses.dataclass(frozen=True)
class Door:
    """What clients meet before their attempt is looked at; None is not known."""

    shown: t.Mapping[str, str]  # parameters as the server shows them
    port: int
    listening: Listening
    directories: frozenset[str] | None  # of the socket
    permissions: int | None  # of the socket
    owner: str = ""  # account that the socket belongs to
    members: frozenset[str] = frozenset()  # accounts in the group of the socket
    protocols: tuple[str, str] = ("", "")  # the oldest and the newest; empty is no limit
    ciphers: frozenset[str] | None = None  # up to TLS 1.2
    suites: frozenset[str] | None = None  # of TLS 1.3; None: the library's own

    def where(self, name: str) -> str:
        """A parameter and its value, for messages."""
        return f"parameter {name}: {self.shown.get(name, '')!r}"


def answers(before: Door | None, after: Door | None, client: Client, account: str | None) -> list[Answer]:
    """What a change of the doors does to a client; nothing where they stay as they are."""
    if before is None or after is None or before == after:
        return []
    found = list(_port(before, after, client))
    if client.attempt.address is None:
        return [*found, *_directory(before, after, client), *_permission(before, after, account)]
    found += _address(before, after, client, client.attempt.address)
    return [*found, *_protocol(before, after, client), *_cipher(before, after, client)] if client.attempt.tls else found


def _port(before: Door, after: Door, client: Client) -> t.Iterator[Answer]:
    if before.port != after.port and client.connected and not client.follows:
        yield refused(f"it comes to port {before.port}, and the server then listens on another", after.where("port"))


def _address(before: Door, after: Door, client: Client, address: bytes) -> t.Iterator[Answer]:
    where = after.where("listen_addresses")
    end = client.server_address
    if end is not None:
        if not after.listening.includes(end):
            yield refused(f"the server does not listen on {ipaddress.ip_address(end)}, which it comes to", where)
        return
    now, then = before.listening.for_client(address), after.listening.for_client(address)
    if not now & then and len(address) not in after.listening.everywhere:
        yield refused("the server does not listen on an address that it could come to", where)
    elif client.connected and not now <= then and len(address) not in after.listening.everywhere:
        yield unknown("whether it comes to an address that the server then listens on is not known", where)


def _directory(before: Door, after: Door, client: Client) -> t.Iterator[Answer]:
    where = after.where("unix_socket_directories")
    now, then = before.directories, after.directories
    if now is None or then is None or now <= then:
        return
    own = client.socket_directory
    if not now & then or (own is not None and own not in then):
        if not (client.follows and then):
            yield refused("the server has no socket where it comes to", where)
    elif client.connected and own is None and not client.follows:
        yield unknown("whether it comes to a socket that the server then has is not known", where)


def _permission(before: Door, after: Door, account: str | None) -> t.Iterator[Answer]:
    lost = (before.permissions or 0) & ~(after.permissions or 0)
    if after.permissions is None or (not lost and before.members <= after.members) or _opens(after, account):
        return
    where = "; ".join(after.where(f"unix_socket_{name}") for name in ("permissions", "group"))
    if account is not None:
        yield refused(f"account {account} may not connect to the socket", where)
    else:
        yield unknown("whether its account may connect to the socket is not known", where)


def _opens(door: Door, account: str | None) -> bool:
    permissions = door.permissions or 0
    if account is None:
        return permissions & (_OWNER | _GROUP | _OTHERS) == _OWNER | _GROUP | _OTHERS
    if account == _ROOT:
        return True
    if account == door.owner:
        return bool(permissions & _OWNER)
    return bool(permissions & (_GROUP if account in door.members else _OTHERS))


def _protocol(before: Door, after: Door, client: Client) -> t.Iterator[Answer]:
    """A client takes the newest version of TLS that both sides know."""
    oldest = after.protocols[0]
    if client.protocol not in _PROTOCOLS or oldest not in _PROTOCOLS:
        return
    if _PROTOCOLS.index(client.protocol) >= _PROTOCOLS.index(oldest):
        return
    where = after.where("ssl_min_protocol_version")
    newest = before.protocols[1]
    if newest in _PROTOCOLS and _PROTOCOLS.index(newest) < _PROTOCOLS.index(oldest):
        yield unproven(f"it comes with {client.protocol}, and was never offered {oldest}", where)
    else:
        yield refused(f"{client.protocol} is the newest that it speaks", where)


def _cipher(before: Door, after: Door, client: Client) -> t.Iterator[Answer]:
    if client.protocol == _SUITES_OF_THEIR_OWN:
        name, is_lost = "ssl_tls13_ciphers", after.suites is not None and client.cipher not in after.suites
    else:
        # Known by what today's list stands for, or this host's library does not know the name.
        name, is_lost = (
            "ssl_ciphers",
            client.cipher in (before.ciphers or ()) and client.cipher not in (after.ciphers or ()),
        )
    if is_lost:
        reason = f"its cipher {client.cipher} is not offered any more, and whether it knows another is not known"
        yield unproven(reason, after.where(name))


def _is_loopback(address: bytes) -> bool:
    return ipaddress.ip_address(address).is_loopback
