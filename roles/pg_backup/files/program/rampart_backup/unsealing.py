# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decryption, where the private key is: on the host of a drill or of a restore, never on one that makes backups."""

from __future__ import annotations

import os
import typing as t

from .faults import Fault
from .faults import SealingFault
from .faults import VerificationFault
from .line import Line
from .pump import Carried
from .pump import ChildSink

if t.TYPE_CHECKING:
    from .catalogue import Part
    from .catalogue import Record
    from .pump import Sink
    from .shelves import Shelf

__all__ = ["Collected", "Unsealing", "in_memory"]

_MOST = 2**28  # bytes of what is taken into memory: roles, tablespaces, numbers of rows


class Collected:
    """A sink that keeps everything in memory."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: memoryview) -> None:
        """Keep it."""
        self.data += data
        if len(self.data) > _MOST:
            raise VerificationFault(f"what has to fit into memory has more than {_MOST} bytes")

    def end(self) -> None:
        """There is no more."""


class Unsealing:
    """How to decrypt: ``identity`` is age's file of private keys, or gpg's home directory."""

    def __init__(self, identity: str) -> None:
        self._identity = identity

    def pour(self, shelf: Shelf, record: Record, part: Part, into: t.Callable[[Line], Sink]) -> None:
        """Let a part flow decrypted into what ``into`` makes of a line; its checksum is compared on the way.

        Raises ``VerificationFault`` when what is stored is not what was stored once, ``SealingFault`` when the key
        does not open it, and what the sink fails with.
        """
        with shelf.open(record.id, part.name) as source, Line() as line:
            words = self._words(str(record.entry["encryption"]["method"]))
            if words is None:
                first = line.pump(source, [into(line)])
            else:
                child = line.child(words, what=f"decrypting {part.name}", fault=SealingFault, reads=True, writes=True)
                sink = into(line)
                first = line.pump(source, [ChildSink(child)])
                line.pump(child.stdout, [sink])
            try:
                line.finish()
            except Fault:
                # Whether it was the content or something else, the bytes say.
                self._verify(shelf, record, part)
                raise
            _compare(first.result(), part)

    @staticmethod
    def _verify(shelf: Shelf, record: Record, part: Part) -> None:
        with shelf.open(record.id, part.name) as source, Line() as line:
            pump = line.pump(source, [])
            line.finish()
            _compare(pump.result(), part)

    def collect(self, shelf: Shelf, record: Record, part: Part) -> bytes:
        """A small part as a whole."""
        collected = Collected()
        self.pour(shelf, record, part, lambda _line: collected)
        return bytes(collected.data)

    def _words(self, method: str) -> list[str] | None:
        if method == "age":
            return ["age", "--decrypt", "--identity", self._identity]
        if method == "gpg":
            return ["gpg", "--batch", "--no-tty", "--quiet", "--homedir", self._identity, "--decrypt"]
        return None


def _compare(found: Carried, part: Part) -> None:
    if found != Carried(part.size, part.sha256):
        raise VerificationFault(
            f"{part.name} has {found.size} bytes and the checksum {found.sha256}, not those it was stored with"
        )


def in_memory(data: bytes) -> t.IO[bytes]:
    """A file that no disk has, to read these bytes from."""
    stream = os.fdopen(os.memfd_create("rampart-backup"), "w+b", buffering=0)
    stream.write(data)
    stream.seek(0)
    return stream
