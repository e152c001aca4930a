# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Through which of this host's addresses clients are connected, asked of the kernel; private to the collection."""

from __future__ import annotations

import struct
import typing as t

__all__ = ["Ends", "local_ends", "parse_connections"]

Ends = t.Mapping[tuple[bytes, int], bytes]
"""Address and port of a client to the address of this host that it is connected to."""

_LISTENING = "0A"


def local_ends(process: int, port: int) -> dict[tuple[bytes, int], bytes]:
    """The ends of every connection to a port, in the network that a process has; none where that cannot be read."""
    found: dict[tuple[bytes, int], bytes] = {}
    for name in ("tcp", "tcp6"):
        try:
            with open(f"/proc/{process}/net/{name}", encoding="ascii") as lines:
                found.update(parse_connections(lines, port))
        except OSError:  # no IPv6 here, or not ours to see
            continue
    return found


def parse_connections(lines: t.Iterable[str], port: int) -> dict[tuple[bytes, int], bytes]:
    """The same from the lines of the kernel."""
    found = {}
    for line in lines:
        fields = line.split()
        if len(fields) < 4 or ":" not in fields[1] or fields[3] == _LISTENING:
            continue
        address, own_port = _end(fields[1])
        if own_port == port:
            found[_end(fields[2])] = address
    return found


def _end(text: str) -> tuple[bytes, int]:
    """Words of 32 bits in the order of this processor, and a port."""
    address, _colon, port = text.partition(":")
    words = (address[index : index + 8] for index in range(0, len(address), 8))
    return b"".join(struct.pack("=I", int(word, 16)) for word in words), int(port, 16)
