# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts of what is alike, in bounded memory; private to the collection."""

from __future__ import annotations

import typing as t

__all__ = ["Table"]

_LONGEST = 255  # characters of a name

Values = tuple[t.Optional[str], ...]


class _Count:
    def __init__(self) -> None:
        self.count = 0
        self.failed = 0
        self.first: float | None = None
        self.last: float | None = None

    def add(self, time: float | None, failed: bool) -> None:
        self.count += not failed
        self.failed += failed
        if time is not None:
            self.first = time if self.first is None else min(self.first, time)
            self.last = time if self.last is None else max(self.last, time)


class Table:
    """Rows by the values of their columns. When it is full, only the columns in ``kept`` tell rows apart, and then none."""

    def __init__(self, columns: t.Sequence[str], most: int, kept: t.Collection[str] = ()) -> None:
        self._columns = tuple(columns)
        self._most = most
        self._kept = tuple(column in kept for column in self._columns)
        self._rows: dict[Values, _Count] = {}
        self._coarse: dict[Values, _Count] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, values: Values, time: float | None, *, failed: bool = False) -> None:
        """Count one more."""
        key = tuple(None if each is None else each[:_LONGEST] for each in values)
        count = self._rows.get(key)
        if count is None:
            count = self._rows.setdefault(key, _Count()) if len(self._rows) < self._most else self._other(key)
        count.add(time, failed)

    def _other(self, key: Values) -> _Count:
        coarse: Values = tuple(value if kept else None for value, kept in zip(key, self._kept))
        if coarse not in self._coarse and len(self._coarse) >= self._most:
            coarse = (None,) * len(key)
        return self._coarse.setdefault(coarse, _Count())

    def rows(self) -> t.Iterator[tuple[dict[str, str | None], bool, _Count]]:
        """Every row: its values, whether it stands for all others that are like it, and its counts; the latest first."""
        every = [(key, False, count) for key, count in self._rows.items()]
        every += [(key, True, count) for key, count in self._coarse.items()]
        for key, others, count in sorted(every, key=_order):
            yield dict(zip(self._columns, key)), others, count


def _order(row: tuple[Values, bool, _Count]) -> tuple[t.Any, ...]:
    key, others, count = row
    return (others, -(count.last or 0.0), tuple(value or "" for value in key))
