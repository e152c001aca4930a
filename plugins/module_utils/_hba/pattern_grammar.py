# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether PostgreSQL's compiler of regular expressions takes one, by its own grammar; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.pattern_elements import CONSTRAINTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.pattern_elements import Elements
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.pattern_elements import Invalid
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.pattern_elements import is_digit
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.pattern_elements import small

__all__ = ["Checker"]

_PARENTHESES = "parentheses () not balanced"
_BRACES = "braces {} not balanced"
_COUNTS = "invalid repetition count(s)"
_QUANTIFIER = "quantifier operand invalid"
_ESCAPE = "invalid escape \\ sequence"
_BACKREFERENCE = "invalid backreference number"
_OPTION = "invalid embedded option"
_PATTERN = "invalid regexp (reg version 0.8)"

_MOST_REPETITIONS = 255
_BASIC_QUANTIFIERS = ("*", "\\{")


class _Group(t.NamedTuple):
    """A group that is open."""

    number: int  # 0: what it matches is not captured
    lookaround: bool  # whether it is in one, or one itself
    constraint: bool  # whether it is one itself


class Checker(Elements):
    """Walks over a pattern the way the compiler does, without building anything."""

    def __init__(self, pattern: str, negated_in_brackets: bool = True) -> None:
        super().__init__(pattern, negated_in_brackets)
        self.closed: set[int] = set()
        self.expanded = False  # white space and comments are skipped
        self.open: list[_Group] = []

    def check(self) -> None:
        """Raise Invalid for what the server refuses."""
        self._prefix()
        if self.flavour == "basic":
            self._basic()
        elif self.flavour != "literal":
            self._alternatives()

    def _prefix(self) -> None:
        if self._peek(3) == "***":
            kind = self.text[3:4]
            if kind == "=":
                self.flavour = "literal"
                return
            if kind != ":":
                raise Invalid(_PATTERN if kind == "?" else _QUANTIFIER)
            self.at = 4
        if self._peek(2) == "(?" and _letter(self.text, self.at + 2):
            self._embedded_options()

    def _embedded_options(self) -> None:
        self.at += 2
        while _letter(self.text, self.at):
            letter = self._take()
            if letter not in "bceimnpqstwx":
                raise Invalid(_OPTION)
            self.flavour = {"b": "basic", "e": "extended", "q": "literal"}.get(letter, self.flavour)
            self.expanded = self.expanded and letter != "t" or letter == "x"
        if self._peek() != ")":
            raise Invalid(_OPTION)
        self.at += 1

    def _alternatives(self) -> None:
        """All of it. Groups that are open are on a list, as nobody limits how deep they go."""
        self._skip()
        while self.at < len(self.text):
            if not self._ends_branch():
                ended = self._atom()
            elif self._take() == "|":
                ended = False
            elif self.open:
                ended = self._close()
            else:
                raise Invalid(_PARENTHESES)
            self._skip()
            if ended:
                self._quantifier()
                self._skip()
        if self.open:
            raise Invalid(_PARENTHESES)

    def _ends_branch(self) -> bool:
        if self._peek() == ")" and not self.open and self.flavour == "extended":
            return False  # an ordinary character there
        return self._peek() in "|)"

    def _skip(self) -> None:
        """Comments, and in expanded syntax white space."""
        while True:
            before = self.at
            self._skip_space()
            if self._peek(3) == "(?#" and self.flavour == "advanced":
                end = self.text.find(")", self.at)
                self.at = len(self.text) if end < 0 else end + 1
            if self.at == before:
                return

    def _skip_space(self) -> None:
        """White space and what follows a number sign, in expanded syntax."""
        while self.expanded and self._peek() and self._peek() in " \t\n\v\f\r#":
            if self._take() == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end

    def _atom(self) -> bool:
        """Read one atom or constraint, or the beginning of a group; whether a quantifier may follow."""
        if self._is_quantifier():
            raise Invalid(_QUANTIFIER)
        if self.text.startswith(("[[:<:]]", "[[:>:]]"), self.at):
            self.at += 7
            return False
        character = self._take()
        if character in "^$":
            return False
        if character == "(":
            return self._group()
        if character == "[":
            self._bracket()
        elif character == "\\":
            return self._escape()
        return True

    def _is_quantifier(self) -> bool:
        character = self._peek()
        return bool(character) and (character in "*+?" or (character == "{" and is_digit(self.text, self.at + 1)))

    def _quantifier(self) -> None:
        if not self._is_quantifier():
            return
        if self._peek() == "{":
            self._bound()
        else:
            self.at += 1
        if self._peek() == "?" and self.flavour == "advanced":
            self.at += 1

    def _bound(self) -> None:
        self.at += 1
        self._skip_space()
        least = self._number()
        most = least
        if self._peek() == ",":
            self.at += 1
            self._skip_space()
            most = self._number() if is_digit(self.text, self.at) else _MOST_REPETITIONS + 1
            if most <= _MOST_REPETITIONS and least > most:
                raise Invalid(_COUNTS)
        if self.at >= len(self.text):
            raise Invalid(_BRACES)
        end = "\\}" if self.flavour == "basic" else "}"
        if self._peek(len(end)) != end:
            raise Invalid(_COUNTS)
        self.at += len(end)

    def _number(self) -> int:
        digits = ""
        while is_digit(self.text, self.at):
            digits += self._take()
            self._skip_space()
        number = small(digits)
        if number > _MOST_REPETITIONS:
            raise Invalid(_COUNTS)
        return number

    def _group(self) -> bool:
        inside = bool(self.open) and self.open[-1].lookaround
        if self._peek() != "?" or self.flavour == "extended":
            number = 0
            if not inside:
                self.groups += 1
                number = self.groups
            self.open.append(_Group(number, inside, False))
            return False
        for opening, is_lookaround in (("?:", False), ("?=", True), ("?!", True), ("?<=", True), ("?<!", True)):
            if self.text.startswith(opening, self.at):
                self.at += len(opening)
                self.open.append(_Group(0, inside or is_lookaround, is_lookaround))
                return False
        raise Invalid(_QUANTIFIER)

    def _close(self) -> bool:
        """The end of a group; whether a quantifier may follow."""
        group = self.open.pop()
        self.closed.add(group.number)
        return not group.constraint

    def _escape(self) -> bool:
        if self.at >= len(self.text):
            raise Invalid(_ESCAPE)
        character = self._take()
        if self.flavour == "extended":
            return True
        if character in CONSTRAINTS:
            return False
        if character in "123456789" and self._backreference(character):
            if (self.open and self.open[-1].lookaround) or self.number_read not in self.closed:
                raise Invalid(_BACKREFERENCE)
            return True
        self._plain_escape(character)
        return True

    def _basic(self) -> None:
        """A pattern of the basic flavour, which has its operators behind backslashes and no alternatives."""
        last = "\\("  # nothing before is as good as an opening parenthesis
        self._skip_space()
        while self.at < len(self.text):
            token = self._basic_token(last)
            if token in _BASIC_QUANTIFIERS and last not in ("", "\\)"):
                raise Invalid(_QUANTIFIER)
            if token == "\\{":
                self.at -= 1
                self._bound()
            last = token
            self._skip_space()
        if self.open:
            raise Invalid(_PARENTHESES)

    def _basic_token(self, last: str) -> str:
        """Read an operator; or something that matches a character, or what it referred to, which is an empty string."""
        if self.text.startswith(("[[:<:]]", "[[:>:]]"), self.at):
            self.at += 7
            return "<"
        character = self._take()
        if character == "\\":
            return self._basic_escape()
        if character == "[":
            self._bracket()
        elif (character == "*" and last not in ("\\(", "^")) or (character == "^" and last == "\\("):
            return character
        elif character == "$":
            self._skip_space()
            return "$" if self.at == len(self.text) or self._peek(2) == "\\)" else ""
        return ""

    def _basic_escape(self) -> str:
        if self.at >= len(self.text):
            raise Invalid(_ESCAPE)
        character = self._take()
        if character == "(":
            self.groups += 1
            self.open.append(_Group(self.groups, False, False))
        elif character == ")":
            if not self.open:
                raise Invalid(_PARENTHESES)
            self._close()
        elif character in "123456789":
            if int(character) not in self.closed:
                raise Invalid(_BACKREFERENCE)
            return ""
        return f"\\{character}" if character in "(){<>" else ""


def _letter(text: str, at: int) -> bool:
    return text[at : at + 1].isascii() and text[at : at + 1].isalpha()
