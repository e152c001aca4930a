# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Editing the text of pg_hba.conf or pg_ident.conf: the whole file, or one marked block; private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.editing import edited
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import Reading
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import Unit
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import completed
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import newline_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import units
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.marks import BEGIN
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.marks import COLUMNS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.marks import END
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.marks import HEADER
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.marks import KEPT
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Written

__all__ = [
    "Management",
    "Position",
    "block",
    "block_names",
    "check_block_name",
    "head_length",
    "is_written_by_patroni",
    "own_part",
    "whole_file",
    "without_block",
]

_BEGINS = BEGIN.format(name="")
_ENDS = END.format(name="")
_PATRONI = "will be overwritten by Patroni"

Position = t.Literal["first", "last"]


@dataclasses.dataclass(frozen=True)
class Management:
    """Which part of a file is ours: all of it, or one block, which may have to go."""

    manage: t.Literal["file", "block"] = "file"
    present: bool = True  # of the block
    block_name: str = "rules"
    position: Position = "first"

    def applied(self, before: str, wanted: t.Sequence[Written], reading: Reading, *, columns: str = COLUMNS) -> str:
        """The text of the file once it holds the rules wanted."""
        if self.manage == "file":
            return whole_file(before, wanted, reading, columns=columns)
        if not self.present:
            return without_block(before, name=self.block_name, dialect=reading.dialect)
        return block(before, wanted, reading, name=self.block_name, position=self.position)

    def description(self, *, exists: bool, what: str) -> str:
        """What is done to the file, in words."""
        if self.manage == "file":
            return f"write {what}" if exists else f"create with {what}"
        return f"{'write' if self.present else 'remove'} block {self.block_name!r}"


def is_written_by_patroni(text: str) -> bool:
    """Whether the file says at its head that Patroni generates it."""
    return _PATRONI in text[:500]


def head_length(text: str, *, columns: str = COLUMNS) -> int:
    """How much of the text is what this collection writes before everything else."""
    match = re.match(rf"(?:(?:{re.escape(HEADER.rstrip())}|# {re.escape(columns)})\r?\n)*", text)
    return match.end() if match else 0


def own_part(text: str, management: Management, dialect: Dialect) -> tuple[int, int] | None:
    """Where our lines begin and end, as offsets into the text; what this module writes around them comes before."""
    if management.manage == "file":
        return head_length(text), len(text)
    found = _find(text, management.block_name, dialect)
    return None if found is None else (found.inner, found.end)


def whole_file(before: str, wanted: t.Sequence[Written], reading: Reading, *, columns: str = COLUMNS) -> str:
    """A file of these rules and nothing else but what pg_auto_failover put there, which comes first.

    What is there already stays as it is, and so do comments that stand on their own.
    """
    made = edited(before, wanted, reading, head=before[: head_length(before, columns=columns)])
    if made.stays and made.sound:
        return made.text
    kept = KEPT + made.kept if made.kept else ""
    text = f"{HEADER}# {columns}\n{kept}" + "".join([written.text for written in wanted])
    if text != before and not edited(text, wanted, reading).sound:
        raise RampartError("the rules as they are given would not be read back as the same, so nothing was written")
    return text


def block(before: str, wanted: t.Sequence[Written], reading: Reading, *, name: str, position: Position) -> str:
    """The file with our block in it; every other byte stays as it is, and in the block what is there already.

    An existing block stays where it is as long as nothing but other blocks stands before or behind it, else it moves.
    """
    newline, dialect = newline_of(before), reading.dialect
    begin, inner, end = BEGIN.format(name=name) + newline, "", END.format(name=name)
    found = _find(before, name, dialect)
    if found is not None:
        begin, inner = before[found.begin : found.inner], before[found.inner : found.inner_end]
        end = before[found.inner_end : found.end]
    body = begin + _inner(inner, wanted, reading, newline) + completed(end, dialect, newline)
    if found is not None:
        head, tail = before[: found.begin], before[found.end :]
        if not _has_foreign_records(head if position == "first" else tail, dialect):
            return head + body + tail
        before = head + tail
    if position == "first":
        return body + before
    return (completed(before, dialect, newline) if before else "") + body


def _inner(before: str, wanted: t.Sequence[Written], reading: Reading, newline: str) -> str:
    """What stands between the marks of a block."""
    made = edited(before, wanted, reading, signed=False)
    if made.stays and made.sound:
        return completed(made.text, reading.dialect, newline)
    return "".join([written.text.replace("\n", newline) for written in wanted])


def without_block(before: str, *, name: str, dialect: Dialect) -> str:
    """The file without our block."""
    found = _find(before, name, dialect)
    return before if found is None else before[: found.begin] + before[found.end :]


def block_names(text: str) -> list[str]:
    """The names of the blocks of a file, whether or not their marks form pairs."""
    return [name.strip() for name in re.findall(rf"^{re.escape(_BEGINS)}([^\n]+)$", text, re.MULTILINE)]


def check_block_name(name: str, option: str) -> None:
    """A name that fits on the marker line."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}", name) or name != name.strip():
        raise InputError(
            option=option, value=name, expected="give up to 63 letters, digits, blanks, dots, hyphens and underscores"
        )


class _Block(t.NamedTuple):
    """Where a block is, as offsets into the text."""

    begin: int
    inner: int  # what stands between the marks
    inner_end: int
    end: int  # where what follows the block begins


def _find(text: str, name: str, dialect: Dialect) -> _Block | None:
    """Where our block is."""
    if name not in text:
        return None
    marks = [(mark, unit) for unit in units(text, dialect) if (mark := _mark(unit)).startswith((_BEGINS, _ENDS))]
    ours = [at for at, (mark, _unit) in enumerate(marks) if mark[mark.index(":") + 2 :] == name]
    if not ours:
        return None
    first, last = ours[0], ours[-1]
    if [marks[at][0] for at in ours] != [BEGIN.format(name=name), END.format(name=name)]:
        raise RampartError(
            f"the marks of block {name!r} do not form one pair (lines {_numbers(marks[at][1] for at in ours)}):"
            " remove what is left of them from the file, then run again"
        )
    if last > first + 1:
        raise RampartError(
            f"marks of other blocks stand inside block {name!r}"
            f" (lines {_numbers(unit for _mark, unit in marks[first + 1 : last])}):"
            " move or remove them, then run again"
        )
    begin, end = marks[first][1], marks[last][1]
    return _Block(begin.start, begin.start + len(begin.raw), end.start, end.start + len(end.raw))


def _numbers(found: t.Iterable[Unit]) -> str:
    return ", ".join(str(unit.line.number) for unit in found if unit.line is not None)


def _mark(unit: Unit) -> str:
    """The comment that is all of a line, as a mark is written; empty for every other line."""
    if unit.is_rule or unit.line is None or unit.line.comment is None:
        return ""
    return "#" + unit.line.comment.rstrip(" \t\r")


def _has_foreign_records(text: str, dialect: Dialect) -> bool:
    """Whether anything stands there that is in no block: two blocks that want to be first share that place."""
    inside, unsure = "", False  # the mark that ends the block; whether rules follow a mark that nothing ends
    for unit in units(text, dialect):
        mark = _mark(unit)
        if mark == inside and inside:
            inside, unsure = "", False
        elif not inside and mark.startswith(_BEGINS):
            inside = END.format(name=mark[len(_BEGINS) :])
        elif unit.is_rule:
            if not inside:
                return True
            unsure = True
    return unsure
