# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take typed values out of parsed JSON; whatever does not belong there is an error that names it."""

from __future__ import annotations

import json
import typing as t

from .faults import DefinitionFault

__all__ = ["Fields"]

T = t.TypeVar("T")


class Fields:
    """An object of JSON, of which each value is taken once; ``close`` refuses what nobody took."""

    def __init__(self, values: object, name: str = "") -> None:
        if not isinstance(values, dict):
            raise DefinitionFault.of(name or "the definition", values, "an object")
        self._values = dict(values)
        self._name = name

    @classmethod
    def of_json(cls, text: str) -> Fields:
        """Those of a text."""
        try:
            return cls(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise DefinitionFault(f"the definition is not JSON: {error}") from None

    def key(self, key: str) -> str:
        """The full path of a key, for a message."""
        return f"{self._name}.{key}" if self._name else key

    def _take(self, key: str, kind: type, expected: str, default: t.Any) -> t.Any:
        value = self._values.pop(key, default)
        if value is None:
            raise DefinitionFault(f"{self.key(key)} is missing: it has to be {expected}")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise DefinitionFault.of(self.key(key), value, expected)
        return value

    def text(self, key: str, default: str | None = None, *, choices: t.Sequence[str] = ()) -> str:
        """A string, one of ``choices`` if there are any."""
        expected = "one of " + ", ".join(choices) if choices else "a string"
        value: str = self._take(key, str, expected, default)
        if choices and value not in choices:
            raise DefinitionFault.of(self.key(key), value, expected)
        if "\0" in value:
            raise DefinitionFault.of(self.key(key), value, "a string without null bytes")
        return value

    def number(self, key: str, default: int | None = None, *, least: int = 0, most: int = 2**63) -> int:
        """A whole number between two others, both included."""
        expected = f"a whole number from {least} to {most}"
        value: int = self._take(key, int, expected, default)
        if not least <= value <= most:
            raise DefinitionFault.of(self.key(key), value, expected)
        return value

    def truth(self, key: str, default: bool) -> bool:
        """True or false."""
        return bool(self._take(key, bool, "true or false", default))

    def texts(self, key: str, default: t.Sequence[str] = ()) -> tuple[str, ...]:
        """A list of strings."""
        values = self._take(key, list, "a list of strings", list(default))
        if not all(isinstance(each, str) and each and "\0" not in each for each in values):
            raise DefinitionFault.of(self.key(key), values, "a list of strings")
        return tuple(values)

    def mapping(self, key: str) -> dict[str, str]:
        """An object of strings."""
        values = self._take(key, dict, "an object of strings", {})
        if not all(isinstance(each, str) and "\0" not in each for each in values.values()):
            raise DefinitionFault.of(self.key(key), values, "an object of strings")
        return dict(values)

    def inner(self, key: str) -> Fields:
        """An object within; empty where it is missing."""
        return Fields(self._values.pop(key, {}), self.key(key))

    def inners(self, key: str) -> tuple[Fields, ...]:
        """A list of objects."""
        values = self._take(key, list, "a list of objects", [])
        return tuple(Fields(each, f"{self.key(key)}[{number}]") for number, each in enumerate(values))

    def close(self, made: T) -> T:
        """Refuse what was not taken, and return what was made of the rest."""
        for key in sorted(self._values):
            raise DefinitionFault(f"{self.key(key)} is not known")
        return made
