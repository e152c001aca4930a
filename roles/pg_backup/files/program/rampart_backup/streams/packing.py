# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How bytes are compressed, and what names tell of it: gzip by zlib, the rest by programs of the host, as is unpacking."""

from __future__ import annotations

import shutil
import typing as t

from ..faults import DefinitionFault
from . import deflating

if t.TYPE_CHECKING:
    from ..definition import Compression

__all__ = ["PACKED", "pack", "refuse_missing", "unpack"]

PACKED: t.Final = {"gzip": ".gz", "zstd": ".zst", "lz4": ".lz4", "none": ""}  # what names of files end with
_WORDS: t.Final = {"gzip": ("gzip",), "zstd": ("zstd", "-q"), "lz4": ("lz4", "-q")}


def pack(compression: Compression) -> list[str]:
    """The words of a program that compresses its input; none when nothing is compressed."""
    if compression.method == "none":
        return []
    if compression.method == "gzip":
        return deflating.words(compression.level)
    level = [] if compression.level < 0 else [f"-{compression.level}"]
    return [*_WORDS[compression.method], "-c", *_ultra(compression), *level]


def _ultra(compression: Compression) -> list[str]:
    """zstd asks to be told twice that a level may take so much memory."""
    return ["--ultra"] if compression.method == "zstd" and compression.level > 19 else []


def unpack(method: str) -> list[str]:
    """The words of a program that decompresses its input; none when nothing was compressed."""
    return [*_WORDS[method], "-dc"] if method != "none" else []


def refuse_missing(compression: Compression) -> None:
    """Raise when the program is not here."""
    if compression.method != "none" and shutil.which(_WORDS[compression.method][0]) is None:
        raise DefinitionFault(f"compression.method: {compression.method} is not installed on this host")
