# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of a file in units that can be kept or replaced, every byte in one of them; private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.comments import joined_comment
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import SourceLine
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import read_lines
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.marks import AUTO_FAILOVER_TAG
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.marks import is_own_comment

__all__ = ["Item", "Meaning", "Reading", "Unit", "completed", "items", "newline_of", "units"]


class Meaning(t.NamedTuple):
    """What a line means to the server, however it is spelled."""

    whole: t.Hashable
    identity: t.Hashable  # the part by which one recognises a rule whose other part was changed
    fields: int  # how many of its fields that part takes


class Reading(t.Protocol):
    """How lines of one kind of file are understood."""

    @property
    def dialect(self) -> Dialect:
        """The grammar."""

    def meaning(self, line: SourceLine) -> Meaning | None:
        """What a line means by itself; None for what the server refuses."""


class Unit(t.NamedTuple):
    """A line as the server reads it, with all its bytes; None for a line that 13 reads as several."""

    line: SourceLine | None
    start: int
    raw: str

    @property
    def is_rule(self) -> bool:
        """Whether it is more than a comment or a blank line."""
        return self.line is None or bool(self.line.fields) or self.line.error is not None


class Item(t.NamedTuple):
    """A rule with the comments before it that belong to it, or a line that belongs to no rule."""

    unit: Unit
    above: tuple[Unit, ...] = ()

    @property
    def is_rule(self) -> bool:
        """Whether it is a rule."""
        return self.unit.is_rule

    @property
    def is_tagged(self) -> bool:
        """Whether it is a rule that pg_auto_failover wrote."""
        return self.is_rule and self.unit.raw.rstrip("\r\n").endswith(AUTO_FAILOVER_TAG)

    @property
    def beside(self) -> str | None:
        """The comment on the rule's line."""
        return None if self.unit.line is None else self.unit.line.comment

    @property
    def notes(self) -> list[str]:
        """The comments before the rule."""
        return [unit.line.comment or "" for unit in self.above if unit.line is not None]

    @property
    def bare(self) -> str:
        """The rule's line without its newline."""
        return self.unit.raw.rstrip("\r\n")

    @property
    def spelled(self) -> str:
        """The rule's line as this collection would space it. What is spelled alike means the same."""
        if self.unit.line is None or self.unit.line.error is not None:
            return self.bare
        return "\t".join([",".join([token.raw for token in field]) for field in self.unit.line.fields])

    @property
    def comment(self) -> str | None:
        """The comments that belong to the rule."""
        return joined_comment(self.notes if self.beside is None else [*self.notes, self.beside])

    @property
    def raw(self) -> str:
        """All its bytes."""
        return "".join([unit.raw for unit in self.above]) + self.unit.raw


def units(text: str, dialect: Dialect) -> list[Unit]:
    """The text, cut at ends of lines."""
    starts = [0, *[match.end() for match in re.finditer("\n", text)]]
    found: list[Unit] = []
    newlines, start = 0, 0
    pending: list[SourceLine] = []  # more than one where the server's buffer was full before the end of the line
    lines = read_lines(text, dialect)
    for number, line in enumerate(lines, 1):
        pending.append(line)
        newlines += line.extent
        end = len(text) if number == len(lines) else starts[newlines]
        if end > start:
            found.append(Unit(line if len(pending) == 1 else None, start, text[start:end]))
            start, pending = end, []
    return found


def items(found: t.Iterable[Unit]) -> list[Item]:
    """Rules with their comments, and what belongs to no rule; comments of this collection are left out."""
    made: list[Item] = []
    notes: list[Unit] = []
    for unit in found:
        if unit.is_rule:
            made.append(Item(unit, tuple(notes)))
            notes = []
        elif unit.line is None or unit.line.comment is None:
            made += [*map(Item, notes), Item(unit)]
            notes = []
        elif not is_own_comment(unit.line.comment):
            notes.append(unit)
    return [*made, *map(Item, notes)]


def completed(text: str, dialect: Dialect, newline: str = "\n") -> str:
    """The text with what must follow it so that the next line stands on its own."""
    ended = text if text.endswith("\n") else text + newline
    last = ended[ended.rfind("\n", 0, -1) + 1 : -1]
    # From 14 on a backslash, or a NUL byte, takes in the next line: an empty one.
    may_go_on = dialect.continuation and ("\0" in last or last.rstrip("\r").endswith("\\"))
    goes_on = may_go_on and len(read_lines(ended + "#", dialect)) == len(read_lines(ended, dialect))
    return ended + newline if goes_on else ended


def newline_of(text: str) -> str:
    """How the first line of a text ends."""
    return "\r\n" if text[: text.find("\n") + 1].endswith("\r\n") else "\n"
