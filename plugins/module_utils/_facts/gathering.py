# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What could be read and what could not, while facts are gathered; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["Rows", "Unreadable", "bounded"]

Rows = list[dict[str, t.Any]]
_MOST = 1000


class Unreadable:
    """Sections with the reasons why they, or parts of them, are not known."""

    def __init__(self, reasons: dict[str, str] | None = None) -> None:
        self.reasons: dict[str, str] = {} if reasons is None else reasons

    def add(self, section: str, reason: str) -> None:
        """Remember a reason; a section may have several."""
        known = self.reasons.get(section)
        self.reasons[section] = reason if known is None else f"{known}; {reason}"

    def attempt(self, section: str, read: t.Callable[[], t.Any]) -> t.Any:
        """What a function returns; None, and the reason remembered, where that is refused."""
        try:
            return read()
        except RampartError as error:
            self.add(section, str(error))
            return None

    def sections(self, names: t.Sequence[str], read: t.Callable[[], dict[str, t.Any]]) -> dict[str, t.Any]:
        """The sections that a function returns; all of them None, and the reason remembered, where that is refused."""
        try:
            return read()
        except RampartError as error:
            for name in names:
                self.add(name, str(error))
            return dict.fromkeys(names)

    def rows(self, section: str, session: Session, query: str) -> Rows | None:
        """The rows of a query; None where the server refuses it."""
        return t.cast("Rows | None", self.attempt(section, lambda: session.rows(query)))


def bounded(rows: Rows, names: t.Sequence[str], counted: str) -> Rows:
    """Each row with the count of 1; of more than a thousand, those that differ in nothing but names become one. Pure."""
    if len(rows) <= _MOST:
        return [{**row, counted: 1} for row in rows]
    groups: dict[str, dict[str, t.Any]] = {}
    for row in rows:
        merged = {key: None if key in names else value for key, value in row.items()}
        groups.setdefault(repr(merged), {**merged, counted: 0})[counted] += 1
    return list(groups.values())
