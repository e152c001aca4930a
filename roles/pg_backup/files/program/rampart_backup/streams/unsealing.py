# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decryption, where the private key is: on the host of a drill or of a restore, never on one that makes backups."""

from __future__ import annotations

import os
import typing as t

from ..faults import Fault
from ..faults import RestoreFault
from ..faults import SealingFault
from ..faults import VerificationFault
from . import packing
from .line import Line
from .pump import Carried
from .pump import ChildSink

if t.TYPE_CHECKING:
    import contextlib

    from ..archiving.wal import Stored
    from ..archiving.wal_shelves import WalShelf
    from ..clusters.sandbox import Sandbox
    from ..places.catalogue import Part
    from ..places.catalogue import Record
    from ..places.shelves import Shelf
    from .pump import Sink

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
        self._flow(
            lambda: shelf.open(record.id, part.name),
            str(record.entry["encryption"]["method"]),
            part.name,
            into,
            lambda found: _compare(found, part),
        )

    def pour_wal(self, shelf: WalShelf, stored: Stored, sink: Sink, sandbox: Sandbox) -> None:
        """Let a file of an archive flow decrypted and unpacked into a sink; raises as ``pour`` does."""
        packed, sealed = _of_suffix(stored)

        def into(line: Line) -> Sink:
            words = packing.unpack(packed)
            if not words:
                return sink
            what = f"unpacking {stored.file} with {words[0]}"
            child = line.child(sandbox.words(words), what=what, fault=RestoreFault, reads=True, writes=True)
            line.pump(child.stdout, [sink])
            return ChildSink(child)

        def compare(found: Carried) -> None:
            if found.sha256 != stored.sealed:
                raise VerificationFault(f"{stored.name} is stored with the checksum {found.sha256}: it is damaged")

        self._flow(lambda: shelf.open(stored), sealed, stored.file, into, compare)

    def _flow(
        self,
        opened: t.Callable[[], contextlib.AbstractContextManager[t.IO[bytes]]],
        method: str,
        name: str,
        into: t.Callable[[Line], Sink],
        compare: t.Callable[[Carried], None],
    ) -> None:
        with opened() as source, Line() as line:
            words = self._words(method)
            if words is None:
                first = line.pump(source, [into(line)])
            else:
                child = line.child(words, what=f"decrypting {name}", fault=SealingFault, reads=True, writes=True)
                sink = into(line)
                first = line.pump(source, [ChildSink(child)])
                line.pump(child.stdout, [sink], hashed=False)
            try:
                line.finish()
            except Fault:
                # Whether it was the content or something else, the bytes say.
                self._verify(opened, compare)
                raise
            compare(first.result())

    @staticmethod
    def _verify(
        opened: t.Callable[[], contextlib.AbstractContextManager[t.IO[bytes]]], compare: t.Callable[[Carried], None]
    ) -> None:
        with opened() as source, Line() as line:
            pump = line.pump(source, [])
            line.finish()
            compare(pump.result())

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


def _of_suffix(stored: Stored) -> tuple[str, str]:
    """How it was packed and how it was sealed."""
    endings = [each for each in stored.suffix.split(".") if each]
    sealed = endings.pop() if endings and endings[-1] in ("age", "gpg") else "none"
    packed = {ending: method for method, ending in packing.PACKED.items()}.get("".join(f".{each}" for each in endings))
    if packed is None:
        raise VerificationFault(f"{stored.name}: how this is packed is not known")
    return packed, sealed


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
