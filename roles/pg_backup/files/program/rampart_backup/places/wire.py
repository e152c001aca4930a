# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host and a vault say to each other: frames to the vault, lines of JSON back.

A frame is a kind (one byte), a length (four bytes, the highest first) and so many bytes. A transfer that is cut off
anywhere is no whole frame, or lacks the last one; nothing of it is kept then.
"""

from __future__ import annotations

import json
import struct
import typing as t

from ..faults import PlaceFault
from ..streams.pump import write_all

__all__ = [
    "ACCEPT",
    "COMMIT",
    "DATA",
    "DROP",
    "PART",
    "STILL",
    "Refused",
    "answer",
    "read_answer",
    "read_frame",
    "write_frame",
]

PART: t.Final = b"P"  # begin a part; the name
DATA: t.Final = b"D"  # bytes of it
ACCEPT: t.Final = b"A"  # it is whole
DROP: t.Final = b"X"  # it will never be
COMMIT: t.Final = b"C"  # the backup is whole; its entry
STILL: t.Final = b"S"  # nothing but that the host is still there
_HEADER = struct.Struct(">cI")
_MOST = 2**24  # bytes of a frame; an entry of 10,000 databases takes 2 MiB


class Refused(PlaceFault):
    """The other side is there, and does not do what it was asked."""


def write_frame(descriptor: int, kind: bytes, data: memoryview | bytes = b"", *, patience: float | None = None) -> None:
    """Send one; ``patience`` as ``write_all`` has it."""
    write_all(descriptor, memoryview(_HEADER.pack(kind, len(data))), patience=patience)
    if data:
        write_all(descriptor, memoryview(data), patience=patience)


def read_frame(stream: t.IO[bytes]) -> tuple[bytes, bytes]:
    """The next one that says something; raises ``PlaceFault`` when it is too long, cut off, or none comes."""
    while True:
        kind, length = _HEADER.unpack(_exactly(stream, _HEADER.size))
        if length > _MOST:
            raise PlaceFault(f"a frame of {length} bytes is too long")
        data = _exactly(stream, length)
        if kind != STILL:
            return kind, data


def _exactly(stream: t.IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise PlaceFault("the transfer was cut off")
    return data


def answer(stream: t.IO[bytes], **values: t.Any) -> None:
    """Say something to the host."""
    stream.write(json.dumps(values, sort_keys=True).encode() + b"\n")
    stream.flush()


def read_answer(line: bytes) -> dict[str, t.Any]:
    """What the vault said; raises ``Refused`` with its own words when it refused."""
    try:
        values = json.loads(line)
    except ValueError:
        raise PlaceFault(f"the vault gave an answer that is none: {line[:200]!r}") from None
    if not isinstance(values, dict):
        raise PlaceFault(f"the vault gave an answer that is none: {line[:200]!r}")
    if "refused" in values:
        raise Refused(f"the vault refused: {values['refused']}")
    return values
