# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads compressed files as a stream, in bounded memory; private to the collection."""

from __future__ import annotations

import gzip
import importlib
import typing as t

__all__ = ["SUFFIXES", "Reader", "is_packed", "unpacker"]

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
"""Of files that are unpacked, where this Python has what it takes."""
_BLOCK = 2**16  # bytes
_MEMORY = 2**28  # bytes that one file may make xz use; its highest level takes 65 MiB


class Reader(t.Protocol):
    """Gives the bytes of a file in their order."""

    def read(self, size: int, /) -> bytes:
        """At most so many; none at the end."""


def is_packed(name: str) -> bool:
    """Whether a file is to be unpacked."""
    return name.endswith(SUFFIXES)


def unpacker(path: str) -> t.Callable[[t.BinaryIO], Reader]:
    """What unpacks an open file; itself for one that is not packed. Raises OSError where this Python cannot.

    To be called before another account is acted as, since it imports.
    """
    if path.endswith(".gz"):
        return lambda raw: t.cast("Reader", gzip.GzipFile(fileobj=raw))
    if path.endswith(".bz2"):
        return _with("bz2", lambda module: module.BZ2Decompressor())
    if path.endswith(".xz"):
        return _with("lzma", lambda module: module.LZMADecompressor(memlimit=_MEMORY))
    if path.endswith(".zst"):
        return _with("compression.zstd", lambda module: module.ZstdDecompressor())
    return lambda raw: raw


def _with(name: str, make: t.Callable[[t.Any], t.Any]) -> t.Callable[[t.BinaryIO], Reader]:
    try:
        module = importlib.import_module(name)
    except ImportError:
        raise OSError(f"the Python of this host has no {name} to unpack it with") from None
    faults = tuple(getattr(module, each) for each in ("LZMAError", "ZstdError") if hasattr(module, each))
    return lambda raw: _Unpacking(raw, lambda: make(module), faults)


class _Unpacking:
    """One stream after another, as programs that append make them."""

    def __init__(self, raw: t.BinaryIO, make: t.Callable[[], t.Any], faults: tuple[type[Exception], ...]) -> None:
        self._raw = raw
        self._make = make
        self._faults = faults
        self._inner = make()

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        while True:
            data = b""
            if self._inner.eof:
                data = (self._inner.unused_data or self._raw.read(_BLOCK)).lstrip(b"\0")  # xz may pad
                if not data:
                    return b""
                self._inner = self._make()
            elif self._inner.needs_input:
                data = self._raw.read(_BLOCK)
                if not data:
                    raise EOFError("the compressed file has no end")
            try:
                found = self._inner.decompress(data, size)
            except self._faults as fault:
                raise OSError(f"it cannot be unpacked: {fault}") from None
            if found:
                return bytes(found)
