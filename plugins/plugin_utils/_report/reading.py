# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain values read with the place of what is wrong in the message; private to the collection."""

from __future__ import annotations

import dataclasses
import sys
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import epoch

__all__ = ["Entry"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """A dictionary and where it was found."""

    values: dict[str, t.Any]
    where: str

    @classmethod
    def of(cls, value: t.Any, where: str) -> Entry:
        """A value that has to be a dictionary."""
        if not isinstance(value, dict):
            raise InputError(option=where, value=value, expected="a dictionary, as the filter assess returns it")
        return cls(value, where)

    def anything(self, name: str) -> t.Any:
        """Whatever is there."""
        return self.values.get(name)

    def text(self, name: str, *, required: bool = False) -> str:
        """A text; empty where there is none."""
        value = self.values.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)  # an edition or a version, as YAML reads it
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (required and not value):
            raise self._wrong(name, "a text")
        return sys.intern(value)  # most are those of the catalogue, the same for every host

    def number(self, name: str) -> int | None:
        """A whole number."""
        value = self.values.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self._wrong(name, "a whole number")
        return value

    def moment(self, name: str) -> int | None:
        """A time in seconds since 1970; none where no calendar has it, as a host in wrong hands may send it."""
        return epoch(self.number(name))

    def flag(self, name: str) -> bool | None:
        """Yes, no, or not known."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "true, false or null")
        return value

    def choice(self, name: str, choices: t.Sequence[t.Any]) -> t.Any:
        """One of the choices."""
        value = self.values.get(name)
        if isinstance(value, bool) or value not in choices:
            raise self._wrong(name, f"one of {', '.join(str(choice) for choice in choices)}")
        return value

    def sequence(self, name: str) -> list[t.Any]:
        """A list; empty where there is none."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, list):
            raise self._wrong(name, "a list")
        return value or []

    def mapping(self, name: str) -> dict[str, t.Any]:
        """A dictionary; empty where there is none."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name, "a dictionary")
        return value or {}

    def within(self, name: str) -> Entry:
        """The dictionary of that name, to read from."""
        return Entry(self.mapping(name), f"{self.where}.{name}")

    def part(self, name: str) -> Entry | None:
        """The same, where there may be none."""
        return None if self.values.get(name) is None else self.within(name)

    def parts(self, name: str) -> t.Iterator[Entry]:
        """The dictionaries of a list."""
        for number, value in enumerate(self.sequence(name)):
            yield Entry.of(value, f"{self.where}.{name}[{number}]")

    def _wrong(self, name: str, expected: str) -> InputError:
        return InputError(option=f"{self.where}.{name}", value=self.values.get(name), expected=expected)
