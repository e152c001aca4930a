# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gzip by zlib, in a process of its own: what clients of PostgreSQL do, and faster than the program of that name."""

from __future__ import annotations

import pathlib
import sys
import typing as t
import zlib

__all__ = ["deflate", "main", "words"]

_CHUNK = 2**18  # bytes that are read at once
_GZIP = 16 + zlib.MAX_WBITS  # the format of RFC 1952, and the widest window
# Without site, which nothing here needs: archiving starts this for every file of WAL.
_START = "import sys; sys.path.insert(0, sys.argv[1]); from rampart_backup.streams.deflating import main; main()"


def words(level: int) -> list[str]:
    """The words that start it; ``level`` from 0 to 9, -1 for zlib's own, which is 6."""
    program = pathlib.Path(__file__).parents[2]
    return [sys.executable, "-I", "-S", "-c", _START, str(program), str(level)]


def deflate(source: t.BinaryIO, sink: t.BinaryIO, *, level: int) -> None:
    """Compress all of it."""
    packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    while chunk := source.read(_CHUNK):
        sink.write(packer.compress(chunk))
    sink.write(packer.flush())


def main() -> None:
    """From standard input to standard output, at the level of the last argument."""
    try:
        with open(0, "rb", buffering=0) as source, open(1, "wb") as sink:
            deflate(t.cast("t.BinaryIO", source), sink, level=int(sys.argv[2]))
    except OSError as error:
        sys.exit(f"gzip: {error}")
