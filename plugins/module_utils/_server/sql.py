# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place where SQL text is composed; private to the collection."""

from __future__ import annotations

import dataclasses
import string
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError

__all__ = [
    "DottedName",
    "Identifier",
    "Integer",
    "Keyword",
    "Keywords",
    "Literal",
    "Literals",
    "Number",
    "OfColumn",
    "Qualified",
    "Routine",
    "Secret",
    "as_json",
    "compose",
    "shown",
]


@dataclasses.dataclass(frozen=True)
class Identifier:
    """A name, rendered between double quotes whatever it holds."""

    name: str

    def __str__(self) -> str:
        return '"' + _without_nul(self.name).replace('"', '""') + '"'


@dataclasses.dataclass(frozen=True)
class Literal:
    """A string constant, safe with standard_conforming_strings on and off."""

    value: str

    def __str__(self) -> str:
        text = _without_nul(self.value).replace("'", "''")
        if "\\" in text:
            return "E'" + text.replace("\\", "\\\\") + "'"
        return f"'{text}'"


@dataclasses.dataclass(frozen=True)
class DottedName:
    """The name of a parameter, which has two parts when it belongs to an extension."""

    name: str

    def __str__(self) -> str:
        return ".".join(str(Identifier(part)) for part in self.name.split("."))


@dataclasses.dataclass(frozen=True)
class Literals:
    """String constants with commas between them, at least one."""

    values: tuple[str, ...]

    def __str__(self) -> str:
        if not self.values:
            raise RampartError("a list of SQL constants needs one at least")
        return ", ".join(str(Literal(value)) for value in self.values)


@dataclasses.dataclass(frozen=True)
class Integer:
    """A number without a fraction."""

    value: int

    def __str__(self) -> str:
        return str(int(self.value))


@dataclasses.dataclass(frozen=True)
class Keyword:
    """Words of the grammar, upper-case letters and spaces only."""

    words: str

    def __str__(self) -> str:
        if not self.words.replace(" ", "").isalpha() or not self.words.isupper():
            raise RampartError(f"not a keyword of SQL: {self.words!r}")
        return self.words


@dataclasses.dataclass(frozen=True)
class Keywords:
    """Words of the grammar with commas between them, at least one."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        if not self.words:
            raise RampartError("a list of keywords needs one at least")
        return ", ".join(str(Keyword(words)) for words in self.words)


@dataclasses.dataclass(frozen=True)
class OfColumn:
    """Privileges on one column of a table: each has the column behind it."""

    privileges: tuple[str, ...]
    column: str

    def __str__(self) -> str:
        return ", ".join(f"{Keyword(privilege)} ({Identifier(self.column)})" for privilege in self.privileges)


@dataclasses.dataclass(frozen=True)
class Qualified:
    """The name of an object in a schema."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{Identifier(self.schema)}.{Identifier(self.name)}"


@dataclasses.dataclass(frozen=True)
class Routine:
    """A function, procedure or aggregate: its name and the types of its input arguments."""

    name: Qualified
    types: tuple[Qualified, ...]

    def __str__(self) -> str:
        # Said to be IN: a bare type would also mean a procedure that has it for output.
        return f"{self.name}({', '.join(f'IN {each}' for each in self.types)})"


@dataclasses.dataclass(frozen=True)
class Number:
    """An unsigned number: large objects have no other name."""

    value: int

    def __str__(self) -> str:
        if self.value < 0:
            raise RampartError(f"not the number of an object: {self.value}")
        return str(int(self.value))


Part = t.Union[
    DottedName, Identifier, Integer, Keyword, Keywords, Literal, Literals, Number, OfColumn, Qualified, Routine
]
_PARTS = (DottedName, Identifier, Integer, Keyword, Keywords, Literal, Literals, Number, OfColumn, Qualified, Routine)


def compose(template: str, **parts: Part) -> str:
    """Fill ``{name}`` in a template with typed parts; a bare string is refused."""
    for name, part in parts.items():
        if not isinstance(part, _PARTS):
            raise TypeError(f"{name} must be an Identifier, Literal or Keyword, not {type(part).__name__}")
    return string.Formatter().vformat(template, (), parts)


class Secret(str):
    """A statement that no message, log or result may show: it holds a password's verifier."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret()"


def shown(statement: str) -> str:
    """A statement as messages may have it."""
    return "a statement that holds a secret" if isinstance(statement, Secret) else statement


def as_json(query: str) -> str:
    """Wrap a query so that its rows arrive as one JSON document, whatever the driver."""
    return (
        "SELECT coalesce(pg_catalog.json_agg(pg_catalog.row_to_json(q)), '[]'::pg_catalog.json)::pg_catalog.text"
        f" FROM (\n{query}\n) AS q"
    )


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise RampartError(f"a name or value of PostgreSQL cannot hold a NUL byte: {text!r}")
    return text
