# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IP addresses of this host, asked of the kernel (rtnetlink, as ``ip address`` does); private to the collection."""

from __future__ import annotations

import dataclasses
import ipaddress
import socket
import struct
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError

__all__ = ["HostAddress", "host_addresses", "parse_messages"]

_GET_ADDRESSES = 22  # RTM_GETADDR
_NEW_ADDRESS = 20  # RTM_NEWADDR
_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ADDRESS, _LOCAL = 1, 2  # IFA_ADDRESS, IFA_LOCAL
_HEADER = struct.Struct("=IHHII")  # nlmsghdr
_MESSAGE = struct.Struct("=BBBBI")  # ifaddrmsg
_ATTRIBUTE = struct.Struct("=HH")  # rtattr
# IPv6 only: temporary, failed duplicate detection, deprecated, tentative. Not what a server is reached at.
_PASSING = 0x01 | 0x08 | 0x20 | 0x40
_TIMEOUT = 5.0  # seconds


@dataclasses.dataclass(frozen=True)
class HostAddress:
    """One address of one interface."""

    interface: str
    address: str


def host_addresses() -> tuple[HostAddress, ...]:
    """Every lasting address of this host but for link-local ones of IPv6, in the order of the interfaces."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as kernel:
            kernel.settimeout(_TIMEOUT)
            kernel.bind((0, 0))
            length = _HEADER.size + _MESSAGE.size
            kernel.send(_HEADER.pack(length, _GET_ADDRESSES, _DUMP, 1, 0) + _MESSAGE.pack(socket.AF_UNSPEC, 0, 0, 0, 0))
            found: list[tuple[int, str]] = []
            done = False
            while not done:
                some, done = parse_messages(kernel.recv(65536))
                found += some
        names = dict(socket.if_nameindex())
    except OSError as error:
        raise RampartError(f"the addresses of this host cannot be read: {error.strerror or error}") from None
    return tuple(HostAddress(names[index], address) for index, address in sorted(found) if index in names)


def parse_messages(data: bytes) -> tuple[list[tuple[int, str]], bool]:
    """Index of the interface and address of each answer of the kernel, and whether no more will come."""
    found: list[tuple[int, str]] = []
    position = 0
    while position + _HEADER.size <= len(data):
        length, kind, _flags, _sequence, _process = _HEADER.unpack_from(data, position)
        if kind != _NEW_ADDRESS or length < _HEADER.size:
            return found, True
        body = data[position + _HEADER.size : position + length]
        address = _address(body)
        if address is not None:
            found.append((_MESSAGE.unpack_from(body)[4], address))
        position += _aligned(length)
    return found, False


def _address(body: bytes) -> str | None:
    family, _length, flags, _scope, _index = _MESSAGE.unpack_from(body)
    attributes = dict(_attributes(body[_MESSAGE.size :]))
    raw = attributes.get(_LOCAL, attributes.get(_ADDRESS))
    if raw is None or family not in (socket.AF_INET, socket.AF_INET6):
        return None
    address = ipaddress.ip_address(raw)
    if address.version == 6 and (flags & _PASSING or address.is_link_local):
        return None
    return str(address)


def _attributes(data: bytes) -> t.Iterator[tuple[int, bytes]]:
    position = 0
    while position + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, position)
        if length < _ATTRIBUTE.size:
            return
        yield kind, data[position + _ATTRIBUTE.size : position + length]
        position += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
