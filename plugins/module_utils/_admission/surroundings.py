# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this host says about the ways to its server; private to the collection."""

from __future__ import annotations

import contextlib
import grp
import pwd
import socket
import ssl
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.doors import Door
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.doors import Listening
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.addresses import host_addresses
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import split_items

__all__ = ["DOOR", "door"]

DOOR = (
    "listen_addresses",
    "port",
    "ssl_ciphers",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "ssl_tls13_ciphers",
    "unix_socket_directories",
    "unix_socket_group",
    "unix_socket_permissions",
)
"""Parameters that keep clients out before any rule is looked at."""

_WILDCARDS = {"*": (4, 16), "0.0.0.0": (4,), "::": (16,)}


def door(values: t.Mapping[str, str], owner: Account) -> Door:
    """The door that these values of parameters make on this host."""
    directories = values.get("unix_socket_directories")
    permissions = values.get("unix_socket_permissions")
    return Door(
        shown={name: values[name] for name in DOOR if name in values},
        port=int(values["port"]),
        listening=_listening(_items(values["listen_addresses"])),
        directories=None if directories is None else frozenset(_items(directories)),
        permissions=None if permissions is None else int(permissions, 8 if permissions.startswith("0") else 10),
        owner=owner.name,
        members=_members(values.get("unix_socket_group", ""), owner),
        protocols=(values.get("ssl_min_protocol_version", ""), values.get("ssl_max_protocol_version", "")),
        ciphers=_ciphers(values.get("ssl_ciphers", "")),
        suites=frozenset(filter(None, values.get("ssl_tls13_ciphers", "").split(":"))) or None,
    )


def _items(value: str) -> list[str]:
    try:
        return split_items(value)
    except ValueError:
        return []


def _listening(items: t.Sequence[str]) -> Listening:
    everywhere = frozenset(length for item in items for length in _WILDCARDS.get(item, ()))
    named = {address for item in items if item not in _WILDCARDS for address in _resolved(item)}
    return Listening(frozenset(named | {each for each in _of_the_host() if len(each) in everywhere}), everywhere)


def _resolved(name: str) -> set[bytes]:
    """A name that is not known is not listened on."""
    found = set()
    with contextlib.suppress(OSError):
        for family, _type, _protocol, _name, address in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM):
            with contextlib.suppress(OSError):
                found.add(socket.inet_pton(family, str(address[0]).partition("%")[0]))
    return found


def _of_the_host() -> set[bytes]:
    with contextlib.suppress(RampartError):
        return {address for each in host_addresses() for address in _resolved(each.address)}
    return set()


def _members(group: str, owner: Account) -> frozenset[str]:
    """Accounts whose group it is, in either way; the socket's own is that of the cluster's owner."""
    with contextlib.suppress(KeyError):
        gid = group or str(owner.gid)
        found = grp.getgrgid(int(gid)) if gid.isdigit() else grp.getgrnam(gid)
        return frozenset((*found.gr_mem, *(each.pw_name for each in pwd.getpwall() if each.pw_gid == found.gr_gid)))
    return frozenset()


def _ciphers(words: str) -> frozenset[str] | None:
    """The names that a list of ciphers stands for, as this host's library knows them."""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers(words)
        return frozenset(str(cipher["name"]) for cipher in context.get_ciphers())
    except ssl.SSLError:
        return None
