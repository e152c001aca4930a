# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An attempt to connect as somebody describes it, validated; private to the collection."""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import Network
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import cidr_mask
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import NAME_BYTES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt

__all__ = ["attempt"]

_LOOPBACK = (
    Network(bytes((127, 0, 0, 1)), bytes((255, 0, 0, 0))),
    Network(bytes(15) + b"\1", b"\xff" * 16),
)


def attempt(
    *,
    user: t.Any,
    database: t.Any = None,
    address: t.Any = None,
    tls: t.Any = False,
    gss: t.Any = False,
    replication: t.Any = False,
    member_of: t.Any = None,
    server_addresses: t.Any = None,
) -> Attempt:
    """One connection that somebody tries to make, validated; no address, or ``local``, is the socket."""
    for name, value in (("tls", tls), ("gss", gss), ("replication", replication)):
        if not isinstance(value, bool):
            raise InputError(option=name, value=value, expected="give true or false")
    packed = None if address in (None, "local") else _packed(address)
    if tls and (gss or packed is None):
        other = "a connection is encrypted by TLS or by GSSAPI, not both" if gss else "the socket knows no TLS"
        raise InputError(option="tls", value=tls, expected=other)
    if gss and packed is None:
        raise InputError(option="gss", value=gss, expected="the socket knows no encryption by GSSAPI")
    if database is None and replication:
        database = ""  # physical replication asks for none
    roles = [] if member_of is None else member_of
    if not isinstance(roles, list):
        raise InputError(option="member_of", value=member_of, expected="give a list of roles")
    name = _as_sent(_name("user", user))
    return Attempt(
        user=name,
        database=database if replication and database == "" else _as_sent(_name("database", database)),
        address=packed,
        tls=tls,
        gss=gss,
        replication=replication,
        member_of=frozenset((name, *(_name(f"member_of[{index}]", role) for index, role in enumerate(roles)))),
        interfaces=_interfaces(server_addresses, packed),
    )


def _name(option: str, value: t.Any) -> str:
    if not isinstance(value, str) or not value:
        raise InputError(option=option, value=value, expected="give the name, as the catalogue of the server has it")
    return value


def _as_sent(name: str) -> str:
    """The server cuts what a client asks for to the length of a name."""
    return name.encode("utf-8", "surrogateescape")[:NAME_BYTES].decode("utf-8", "surrogateescape")


def _interfaces(given: t.Any, client: bytes | None) -> tuple[Network, ...] | None:
    """The server's own addresses; those of its loopback interface are the same everywhere."""
    if given is None:
        return _LOOPBACK if client is not None and any(network.holds(client) for network in _LOOPBACK) else None
    if not isinstance(given, list):
        raise InputError(option="server_addresses", value=given, expected="give a list, such as [10.0.3.1/24]")
    return (*_LOOPBACK, *(_interface(f"server_addresses[{index}]", each) for index, each in enumerate(given)))


def _interface(option: str, given: t.Any) -> Network:
    address, _slash, bits = str(given).partition("/")
    packed = _bytes_of(address)
    mask = None if packed is None or not bits.isdigit() else cidr_mask(bits, len(packed))
    if packed is None or mask is None:
        raise InputError(option=option, value=given, expected="give an address with its network, such as 10.0.3.1/24")
    return Network(packed, mask)


def _packed(address: t.Any) -> bytes:
    found = _bytes_of(str(address).partition("%")[0])
    if found is None:
        raise InputError(
            option="address", value=address, expected="give the client's IP address, or local for the server's socket"
        )
    return found


def _bytes_of(address: str) -> bytes | None:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return socket.inet_pton(family, address)
        except (OSError, ValueError):
            continue
    return None
