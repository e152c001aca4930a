# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that a server certificate may bear; private to the collection."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import threading
import typing as t

__all__ = ["LOOPBACK_NAME", "host_addresses", "host_names", "is_loopback", "normalised", "unmatched"]

LOOPBACK_NAME = "localhost"  # so that a check on the host itself can verify too
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_MAXIMUM_LENGTH = 253  # RFC 1035, without the final dot
_ANYWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}  # RFC 5737 and RFC 3849: nobody's
_LISTENS = {socket.AF_INET: {"*", "0.0.0.0"}, socket.AF_INET6: {"*", "::"}}
_RESOLVER_TIMEOUT = 2.0  # seconds; a broken resolver may not hold up a run


def normalised(name: str) -> str:
    """An IP address in its shortest form, or a DNS name in lower case; ValueError says what is wrong."""
    if not name.isascii():
        raise ValueError("an internationalised name has to be written as its A-labels (xn--...)")
    with contextlib.suppress(ValueError):
        if "%" not in name:  # a zone means something on one host only
            return str(ipaddress.ip_address(name))
    lower = name.lower()
    labels = lower.split(".")
    if labels[0] == "*" and len(labels) > 2:
        labels = labels[1:]
    if not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit() or len(lower) > _MAXIMUM_LENGTH:
        raise ValueError("a DNS name such as db1.example.org or *.example.org, or an IP address such as 192.0.2.10")
    return lower


def host_names() -> tuple[str, ...]:
    """The names of this host: its own, short and full, and the loopback name.

    The resolver is asked for the full one only when the host's own name has no dot.
    """
    own = os.uname().nodename
    found = [own, own.split(".")[0]] if "." in own else [own, _full_name(own)]
    return tuple(dict.fromkeys([*_usable(found, own), LOOPBACK_NAME]))


def is_loopback(name: str) -> bool:
    """Whether a name or an address leads a client to its own host."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == LOOPBACK_NAME or name.endswith(f".{LOOPBACK_NAME}")


def unmatched(names: t.Sequence[str]) -> str:
    """Which addresses of a certificate older clients do not compare with what they connect to; empty when none.

    The first name is the subject, with which they compare an address as text where there is no DNS name.
    """
    addresses = [name for name in names if _is_address(name) and not is_loopback(name)]
    if all(map(_is_address, names)):
        addresses = [name for name in addresses if name != names[0]]
    if not addresses:
        return ""
    return (
        "libpq before PostgreSQL 15 does not match IP addresses: such a client with sslmode=verify-full that connects to"
        f" {', '.join(addresses)} refuses the certificate; let it use a DNS name"
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def host_addresses(listen_addresses: str) -> tuple[str, ...]:
    """Addresses of this host that a server with these listen_addresses can be reached at: those that are listed, and
    for a wildcard the one that the host itself would use to reach the world; never one of the loopback."""
    listed = [item.strip() for item in listen_addresses.split(",") if item.strip()]
    found = [item for item in listed if item not in ("*", "0.0.0.0", "::")]
    found += [_outward(family) for family, wildcards in _LISTENS.items() if wildcards & set(listed)]
    return tuple(dict.fromkeys(str(address) for address in map(_address, found) if address is not None))


def _outward(family: socket.AddressFamily) -> str:
    """The source address of what this host sends to the world; no packet leaves. Empty where there is no route."""
    with contextlib.closing(socket.socket(family, socket.SOCK_DGRAM)) as asking:
        try:
            asking.connect((_ANYWHERE[family], 9))
        except OSError:
            return ""
        return str(asking.getsockname()[0])


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if address.is_loopback or address.is_link_local or address.is_unspecified else address


def _usable(names: list[str], own: str) -> list[str]:
    """Names that are valid and are this host's: a resolver also answers with ``localhost`` or ``ip6-loopback``."""
    first = own.lower().split(".")[0]
    usable = []
    for name in names:
        try:
            valid = normalised(name)
        except ValueError:
            continue
        if valid.split(".")[0] == first:
            usable.append(valid)
    return usable


def _full_name(name: str) -> str:
    """What the resolver makes of a name; the name itself when it knows no better or does not answer in time."""
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(socket.getfqdn(name)), daemon=True)
    asking.start()
    asking.join(_RESOLVER_TIMEOUT)
    return answers[0] if answers else name
