# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A descriptor whose other end may hang: it is waited for, and not for ever."""

from __future__ import annotations

import io
import os
import select
import typing as t

from .pump import write_all

if t.TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from _typeshed import WriteableBuffer

__all__ = ["Patient"]


class Patient(io.RawIOBase):
    """Raises ``TimeoutError`` when nothing comes, or nothing is taken, for ``patience`` seconds. It leaves the descriptor open."""

    def __init__(self, descriptor: int, patience: float) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._patience = patience
        os.set_blocking(descriptor, False)

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def readable(self) -> bool:
        """Where it is open for that."""
        return True

    def writable(self) -> bool:
        """Where it is open for that."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """What comes next, as much as there is; 0 at the end."""
        while True:
            if not select.select((self._descriptor,), (), (), self._patience)[0]:
                raise TimeoutError(f"nothing came for {self._patience:g} seconds")
            try:
                return os.readv(self._descriptor, [buffer])
            except BlockingIOError:  # somebody else was faster
                continue

    def write(self, data: ReadableBuffer) -> int:
        """All of it."""
        view = memoryview(data)
        write_all(self._descriptor, view, patience=self._patience)
        return view.nbytes
