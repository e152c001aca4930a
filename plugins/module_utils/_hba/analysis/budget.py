# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much work an answer may take, counted so that every run comes to the same end; private to the collection."""

from __future__ import annotations

import contextlib
import typing as t

__all__ = ["Budget", "Exhausted"]


class Exhausted(Exception):
    """What is left has to go without an answer. It never leaves the package."""


_PARTS = 8


class Budget:
    """Units of work that are left."""

    def __init__(self, units: int) -> None:
        self._units = units

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left that could be shared out."""
        return self._units < _PARTS

    @contextlib.contextmanager
    def share(self) -> t.Iterator[None]:
        """Give a part to one of many, so that a single one cannot take everything from the others."""
        part = self._units // _PARTS
        rest, self._units = self._units - part, part
        try:
            yield
        finally:
            self._units = max(self._units, 0) + rest

    def spend(self, units: int = 1) -> None:
        """Take some; raise Exhausted where there are not so many."""
        self._units -= units
        if self._units < 0:
            raise Exhausted
