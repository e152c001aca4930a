# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Minimal editing: lines that are as wanted stay byte for byte, with what belongs to them; private to the collection.

A comment belongs to the rule that follows it or stands on its line. One that a blank line parts from what follows
stands on its own, and stays where it is. Comments that this collection writes belong to nothing.
"""

from __future__ import annotations

import collections
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.comments import comment_lines
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.comments import foreign_comment
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.comments import joined_comment
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.comments import same_comment
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import Item
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import Reading
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import Unit
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import completed
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import items
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import newline_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import units
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import split_fields
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.marks import HEADER
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.marks import KEPT
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.pairing import Match
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.pairing import meaning_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Written

__all__ = ["Edited", "edited"]

_WHOLE_HEAD = re.compile(rf"^{re.escape(HEADER)}# [A-Z-]+(?:\t[A-Z-]+)+\n", re.MULTILINE)  # what begins a file of ours
_FIELDS = r'[ \t]*(?:(?:[^ \t\r\n"]+|"[^"]*(?:""[^"]*)*")+[ \t]+){%d}'


class Edited(t.NamedTuple):
    """A text made from another one."""

    text: str
    kept: str  # lines in it that pg_auto_failover wrote and nobody asked for
    stays: bool  # whether any rule or comment stayed
    sound: bool  # whether it is read back as it shall be, which nobody has seen fail yet


def edited(
    before: str, wanted: t.Sequence[Written], reading: Reading, *, head: str = "", signed: bool = True
) -> Edited:
    """The text with exactly the rules wanted, after those of pg_auto_failover, which stay.

    ``head`` is what stays at its very beginning. A ``signed`` text that is changed begins with the header of this
    collection.
    """
    return _Editor(before, wanted, reading, head, signed).edited()


class _Editor:
    def __init__(self, before: str, wanted: t.Sequence[Written], reading: Reading, head: str, is_signed: bool) -> None:
        self.before = before
        self.is_signed = is_signed
        self.head = head
        self.wanted = wanted
        self.reading = reading
        self.newline = newline_of(before)
        self.items = items(units(before, reading.dialect))
        self.places = [place for place, item in enumerate(self.items) if item.is_rule]
        self.rules = [self.items[place] for place in self.places]
        self.match = Match(self.rules, wanted, reading)
        self.kept = [rule for at, rule in enumerate(self.rules) if rule.is_tagged and at not in self.match.used]

    def edited(self) -> Edited:
        """The text, put together from what stays and what is new."""
        if self.match.is_perfect and len(self.head) + sum([len(item.raw) for item in self.items]) == len(self.before):
            return Edited(self.before, "", stays=True, sound=True)
        pieces = _Pieces(self.reading.dialect, self.newline)
        if self.head:
            pieces.add(self.head)
        if self.kept:
            pieces.add(KEPT.rstrip("\n") + self.newline)
        for rule in self.kept:
            pieces.add(rule.raw)
        inserted = self._inserted()
        for place in range(len(self.items) + 1):
            for number in inserted.get(place, ()):
                pieces.add_rule(self._text(number))
            if place < len(self.items) and not self.items[place].is_rule:
                pieces.add_loose(self.items[place].unit)
        text = pieces.text()
        if text != self.before and self.is_signed:
            text = self._signed(text)
        kept = [completed(rule.raw, self.reading.dialect, self.newline) for rule in self.kept]
        return Edited(
            text,
            "".join(kept),
            stays=bool(self.match.sources) or pieces.has_loose_comment,
            sound=text == self.before and self.match.is_perfect or self._reads_back(text),
        )

    def _signed(self, text: str) -> str:
        """A changed text: it says who keeps it, and its last line ends."""
        text = text if not text or text.endswith("\n") else text + self.newline
        if self.head.startswith(HEADER.rstrip()):
            return text
        displaced = _WHOLE_HEAD.search(self.before)  # somebody put lines before it, and it has left with those
        if displaced and HEADER not in text:
            return displaced.group() + text
        blank = "" if not text or self.head or self.kept or text.startswith(self.newline) else self.newline
        return HEADER.rstrip() + self.newline + blank + text

    def _reads_back(self, text: str) -> bool:
        """Whether the text has the rules that shall stay and those wanted, with their comments, and no other."""
        found = [item for item in items(units(text, self.reading.dialect)) if item.is_rule]
        ours = found[len(self.kept) :]
        return (
            len(found) == len(self.kept) + len(self.wanted)
            and all(one.bare == other.bare for one, other in zip(found, self.kept))
            and all(map(self.match.is_met, ours, range(len(ours))))
        )

    def _inserted(self) -> dict[int, list[int]]:
        """By place among the items: the wanted rules whose text stands there."""
        found: dict[int, list[int]] = collections.defaultdict(list)
        anchors = [(self.places[rule], number) for rule, number in self.match.anchors]
        previous, start = -1, 0
        for place, number in [*anchors, (len(self.items), len(self.wanted))]:
            if start < number:
                found[self._gap(previous, place)] += range(start, number)
            if place < len(self.items):
                found[place].append(number)
            previous, start = place, number + 1
        return found

    def _gap(self, previous: int, following: int) -> int:
        """Where new rules stand: in the place of one that goes, else after the rule before, else before the next."""
        gone = next((place for place in range(previous + 1, following) if self.items[place].is_rule), None)
        if gone is not None:
            return gone
        return previous + 1 if previous >= 0 else following

    def _text(self, number: int) -> str:
        wanted, source = self.wanted[number], self.match.sources.get(number)
        if source is None:
            return self._own_lines(wanted.text)
        rule = self.rules[source.rule]
        raw = rule.unit.raw if source.same else self._with_other_end(rule, source.rule, number)
        if raw is None:
            comment = foreign_comment(rule.comment) if wanted.comment is None else wanted.comment
            return self._own_lines(wanted._replace(comment=comment).text)
        return self._with_comment(rule, raw, wanted)

    def _own_lines(self, text: str) -> str:
        return text.replace("\n", self.newline)

    def _with_other_end(self, rule: Item, at: int, number: int) -> str | None:
        """The line with what follows its identity replaced, all other bytes kept; None where that cannot be."""
        wanted = self.wanted[number].line
        before, after = self.match.meaning_of_rule(at), self.match.meaning_of_wanted(number)
        at_comment = _comment_place(rule)
        if before is None or after is None or at_comment is None:
            return None
        fields = rule.bare[:at_comment].rstrip(" \t")
        match = re.match(_FIELDS % before.fields, fields)
        if match is None:
            return None
        line = match.group() + " ".join(wanted.split("\t")[after.fields :]) + rule.bare[len(fields) :]
        meaning = meaning_of(line, self.reading)
        return line + rule.unit.raw[len(rule.bare) :] if meaning and meaning.whole == after.whole else None

    def _with_comment(self, rule: Item, raw: str, wanted: Written) -> str:
        """The lines of a rule, with the comment that is wanted."""
        above = "".join([unit.raw for unit in rule.above])
        if same_comment(wanted.comment, rule.comment):
            return above + raw
        lines = (joined_comment((wanted.comment or "").split("\n")) or "").split("\n")
        beside = (rule.beside or "").strip()
        if beside and lines[-1] == beside:
            lines = lines[:-1]
        elif rule.beside is not None:
            one = lines[0] if len(lines) == 1 and not rule.above else ""
            raw = _with_comment_beside(rule, raw, one) or self._own_lines(f"{wanted.line}\n")
            lines = [] if one and split_fields(raw)[1] is not None else lines
        if [note.strip() for note in rule.notes] != lines:
            above = self._own_lines(comment_lines("\n".join(lines)))
        return above + raw


class _Pieces:
    """A text that grows at its end."""

    def __init__(self, dialect: Dialect, newline: str) -> None:
        self.dialect = dialect
        self.newline = newline
        self.pieces: list[str] = []
        self.has_loose_comment = False
        self._after_comment = False

    def add(self, piece: str) -> None:
        """Complete lines, or the last one."""
        if self.pieces:
            self.pieces[-1] = completed(self.pieces[-1], self.dialect, self.newline)
        self.pieces.append(piece)
        self._after_comment = False

    def add_rule(self, piece: str) -> None:
        """A rule, which a comment that stands on its own must not come to belong to."""
        if self._after_comment:
            self.add(self.newline)
        self.add(piece)

    def add_loose(self, unit: Unit) -> None:
        """A comment that stands on its own, or a blank line."""
        self.add(unit.raw)
        self._after_comment = unit.line is not None and unit.line.comment is not None
        self.has_loose_comment = self.has_loose_comment or self._after_comment

    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)


def _comment_place(rule: Item) -> int | None:
    """Where the comment of a line begins, or else the line ends; None for a line that is not read as it looks."""
    line = rule.unit.line
    if line is None or line.height != 1 or line.extent > 1 or "\0" in rule.bare:
        return None
    at = len(rule.bare) if line.comment is None else len(rule.bare) - len(line.comment) - 1
    return at if rule.bare[at : at + 1] in ("", "#") else None


def _with_comment_beside(rule: Item, raw: str, comment: str) -> str | None:
    """The line with another comment on it, or with none; None where it must be written anew."""
    body = raw.rstrip("\r\n")
    at_comment = _comment_place(rule)
    if at_comment is None:
        return None
    at = len(body) - len(rule.bare) + at_comment
    rest = comment_lines(comment).rstrip("\n")
    new = body[:at] + rest if rest else body[:at].rstrip(" \t")
    is_whole = not new.endswith("\\")
    fields, found, _error = split_fields(new)
    same = fields == split_fields(body)[0] and (found or "").strip() == comment
    return new + raw[len(body) :] if is_whole and same else None
