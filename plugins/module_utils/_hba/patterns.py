# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Regular expressions of PostgreSQL (advanced flavour): are they well formed, do they match; private to the collection.

``problem`` follows the grammar of PostgreSQL's regular expression compiler. ``search`` lends the
matching to Python where both agree on what every construct means, and says so where they do not.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import re
import sys
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.automaton import Automaton
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.automaton import build

__all__ = ["Crowd", "NoCapture", "captured", "groups", "problem", "search", "whole_names"]

_BRACKETS = "brackets [] not balanced"
_PARENTHESES = "parentheses () not balanced"
_BRACES = "braces {} not balanced"
_COUNTS = "invalid repetition count(s)"
_RANGE = "invalid character range"
_QUANTIFIER = "quantifier operand invalid"
_ESCAPE = "invalid escape \\ sequence"
_CLASS = "invalid character class"
_COLLATING = "invalid collating element"
_BACKREFERENCE = "invalid backreference number"
_OPTION = "invalid embedded option"
_PATTERN = "invalid regexp (reg version 0.8)"

_MOST_REPETITIONS = 255
_FEW = 4  # quantifiers
_LARGEST_CHARACTER = 0x7FFFFFFE
_COLLATING_ELEMENTS = """
NUL SOH STX ETX EOT ENQ ACK BEL|alert BS|backspace HT|tab LF|newline VT|vertical-tab FF|form-feed CR|carriage-return
SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC IS4|FS IS3|GS IS2|RS IS1|US
space exclamation-mark quotation-mark number-sign dollar-sign percent-sign ampersand apostrophe
left-parenthesis right-parenthesis asterisk plus-sign comma hyphen|hyphen-minus period|full-stop slash|solidus
zero one two three four five six seven eight nine
colon semicolon less-than-sign equals-sign greater-than-sign question-mark commercial-at
A B C D E F G H I J K L M N O P Q R S T U V W X Y Z
left-square-bracket backslash|reverse-solidus right-square-bracket circumflex|circumflex-accent
underscore|low-line grave-accent a b c d e f g h i j k l m n o p q r s t u v w x y z
left-brace|left-curly-bracket vertical-line right-brace|right-curly-bracket tilde DEL
"""
"""Names of the characters from 0 to 127, in that order."""
_NAMED_CHARACTERS = {
    name: chr(code) for code, names in enumerate(_COLLATING_ELEMENTS.split()) for name in names.split("|")
}
_CONSTRAINTS = "AmMyYZ"  # escapes that match no character
_CLASS_ESCAPES = "dDsSwW"
_SIMPLE_ESCAPES = {"a": "\a", "b": "\b", "B": "\\", "e": "\033", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_RANGES = {
    **{"alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\0-\x7f", "blank": r" \t", "cntrl": r"\0-\x1f\x7f", "digit": "0-9"},
    **{"graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\s", "upper": "A-Z"},
    **{"word": r"\w", "xdigit": "0-9A-Fa-f"},
}  # fmt: skip
"""Classes of characters, as the C locale has them: the server uses it for these patterns."""
_CLASS_NAME = re.compile(rf"\[:({'|'.join(sorted(_RANGES))}):\]")
_LETTER = r"[\w\x80-\xff]"
_PORTABLE = re.compile(
    rf"(?:{_LETTER}|[ \-^$.@:/%=~!<>,;&'`#+*?]|\\[.\-+*?^$()\[\]{{}}|/dDsSwWA]|\(\?:|[()|]|\{{\d+(?:,\d*)?\}}"
    rf"|\[\^?(?:{_LETTER}-{_LETTER}|{_LETTER}(?!-{_LETTER})|[.@-]|\\[dsw]|{_CLASS_NAME.pattern})+\])*",
    re.ASCII,
)
_WHOLE_NAME = r"(?:[\w \-@]|\\[.\-+$])+"
_WHOLE_NAMES = re.compile(rf"\^(?:{_WHOLE_NAME}|\((?:\?:)?{_WHOLE_NAME}(?:\|{_WHOLE_NAME})*\))\$")
_SLOW = re.compile(r"\[\^|\\[ADWs]|\[:(?:ascii|cntrl|space):\]|[*+?}][^(]*\)[*+{]")


class _Invalid(Exception):
    """What the compiler of the server would say."""


@functools.lru_cache(maxsize=4096)
def problem(pattern: str, *, negated_in_brackets: bool = True) -> str | None:
    r"""Why the server would not compile the pattern, in its words; None for one that it takes.

    ``negated_in_brackets``: it knows \D, \S and \W in brackets, and the class of characters named word.
    """
    try:
        _Checker(pattern, negated_in_brackets).check()
    except _Invalid as found:
        return str(found)
    return None


@functools.lru_cache(maxsize=4096)
def search(pattern: str, name: str) -> bool | None:
    """Whether the pattern is found in a name; None where that is not known here."""
    ours = _translated(pattern)
    return None if ours is None or "\n" in name else ours.search(_in_bytes(name))


@functools.lru_cache(maxsize=4096)
def _translated(pattern: str) -> Automaton | None:
    """The pattern as we run it; None where PostgreSQL and we may differ about what it means."""
    if not _PORTABLE.fullmatch(_in_bytes(pattern)) or problem(pattern) is not None:
        return None
    return build(_in_python(pattern))


def _in_python(pattern: str) -> str:
    return _CLASS_NAME.sub(lambda match: _RANGES[match.group(1)], _in_bytes(pattern))


def _in_bytes(text: str) -> str:
    """A character for each byte: before a database is chosen, the server knows of no encoding."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


class Crowd:
    """Many names that are searched at once, each a line of one text."""

    def __init__(self, names: t.Iterable[str]) -> None:
        self._names = tuple(names)
        lines = [_in_bytes(name) for name in self._names]
        self._text = "\n".join(lines)
        self._is_text = len(lines) == self._text.count("\n") + 1
        self._starts = list(itertools.accumulate((len(line) + 1 for line in lines), initial=0))

    def found(self, pattern: str) -> tuple[list[str], list[str]]:
        """The names that the pattern is found in, and those of which that is not known here."""
        quick = _quick(pattern) if self._is_text else None
        if quick is not None:
            return [self._names[index] for index in self._lines(quick)], []
        answers = [(name, search(pattern, name)) for name in self._names]
        return [name for name, answer in answers if answer], [name for name, answer in answers if answer is None]

    def _lines(self, quick: re.Pattern[str]) -> t.Iterator[int]:
        match = quick.search(self._text)
        while match:
            index = bisect.bisect_right(self._starts, match.start()) - 1
            yield index
            match = quick.search(self._text, self._starts[index + 1]) if index + 1 < len(self._names) else None


def _quick(pattern: str) -> re.Pattern[str] | None:
    """The pattern for Python where that is done in no time and no character of it matches the end of a line."""
    if _SLOW.search(pattern) or len(re.findall(r"[*+?}|]", pattern)) > _FEW or _translated(pattern) is None:
        return None
    return re.compile(_in_python(pattern), re.ASCII | re.MULTILINE)


@functools.lru_cache(maxsize=4096)
def whole_names(pattern: str) -> frozenset[str] | None:
    """The names that the pattern is found in, where it spells them out like ^(ann|bob)$; None where it does not."""
    if not _WHOLE_NAMES.fullmatch(pattern):
        return None
    inner = pattern[1:-1]
    inner = inner.removeprefix("(").removeprefix("?:").removesuffix(")")
    return frozenset(name.replace("\\", "") for name in inner.split("|"))


class NoCapture:
    """The pattern is found, and its first part in parentheses captures nothing."""


@functools.lru_cache(maxsize=4096)
def groups(pattern: str) -> int | None:
    """How many parts in parentheses capture what they match; None where that is not known here."""
    checker = _Checker(pattern)
    try:
        checker.check()
    except _Invalid:
        return None
    return None if checker.flavour == "basic" else checker.groups


@functools.lru_cache(maxsize=4096)
def captured(pattern: str, name: str) -> str | NoCapture | None:
    """What the first part in parentheses captures where the pattern is found; None where that is not known here.

    PostgreSQL takes the longest match and Python the first one: they agree where there is nothing to choose from.
    """
    has_choice = "|" in pattern or not pattern.endswith("$") or re.search(r"[*+?}]\?", pattern)
    # Python tries one possibility after the other: only where there are few of them.
    has_many = len(re.findall(r"[*+?}]", pattern)) > _FEW or re.search(r"[*+?}][^(]*\)[*+{]", pattern)
    if has_choice or has_many or not search(pattern, name):
        return None
    match = re.search(_in_python(pattern), _in_bytes(name), re.ASCII)
    if match is None or not match.re.groups or match.group(1) is None:
        return NoCapture()
    return match.group(1).encode("latin-1").decode("utf-8", "surrogateescape")


class _Group(t.NamedTuple):
    """A group that is open."""

    number: int  # 0: what it matches is not captured
    lookaround: bool  # whether it is in one, or one itself
    constraint: bool  # whether it is one itself


class _Checker:
    """Walks over a pattern the way the compiler does, without building anything."""

    def __init__(self, pattern: str, negated_in_brackets: bool = True) -> None:
        self.text = pattern
        self.negated_in_brackets = negated_in_brackets
        self.at = 0
        self.groups = 0  # capturing groups opened so far
        self.closed: set[int] = set()
        self.expanded = False  # white space and comments are skipped
        self.flavour = "advanced"
        self.open: list[_Group] = []

    def check(self) -> None:
        """Raise _Invalid for what the server refuses."""
        self._prefix()
        if self.flavour in ("literal", "basic"):
            return  # nothing is wrong with the first; of the second nobody has been seen to make use
        self._alternatives()

    def _peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def _take(self) -> str:
        self.at += 1
        return self.text[self.at - 1]

    def _prefix(self) -> None:
        if self._peek(3) == "***":
            kind = self.text[3:4]
            if kind == "=":
                self.flavour = "literal"
                return
            if kind != ":":
                raise _Invalid(_PATTERN if kind == "?" else _QUANTIFIER)
            self.at = 4
        if self._peek(2) == "(?" and _letter(self.text, self.at + 2):
            self._embedded_options()

    def _embedded_options(self) -> None:
        self.at += 2
        while _letter(self.text, self.at):
            letter = self._take()
            if letter not in "bceimnpqstwx":
                raise _Invalid(_OPTION)
            self.flavour = {"b": "basic", "e": "extended", "q": "literal"}.get(letter, self.flavour)
            self.expanded = self.expanded and letter != "t" or letter == "x"
        if self._peek() != ")":
            raise _Invalid(_OPTION)
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
                raise _Invalid(_PARENTHESES)
            self._skip()
            if ended:
                self._quantifier()
                self._skip()
        if self.open:
            raise _Invalid(_PARENTHESES)

    def _ends_branch(self) -> bool:
        if self._peek() == ")" and not self.open and self.flavour == "extended":
            return False  # an ordinary character there
        return self._peek() in "|)"

    def _skip(self) -> None:
        """Comments, and in expanded syntax white space."""
        while True:
            before = self.at
            if self.expanded:
                while self._peek() and self._peek() in " \t\n\v\f\r":
                    self.at += 1
                if self._peek() == "#":
                    end = self.text.find("\n", self.at)
                    self.at = len(self.text) if end < 0 else end
            if self._peek(3) == "(?#" and self.flavour == "advanced":
                end = self.text.find(")", self.at)
                self.at = len(self.text) if end < 0 else end + 1
            if self.at == before:
                return

    def _atom(self) -> bool:
        """Read one atom or constraint, or the beginning of a group; whether a quantifier may follow."""
        if self._is_quantifier():
            raise _Invalid(_QUANTIFIER)
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
        return bool(character) and (character in "*+?" or (character == "{" and _digit(self.text, self.at + 1)))

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
        least = self._number()
        most = least
        if self._peek() == ",":
            self.at += 1
            most = self._number() if _digit(self.text, self.at) else _MOST_REPETITIONS + 1
            if most <= _MOST_REPETITIONS and least > most:
                raise _Invalid(_COUNTS)
        if self.at >= len(self.text):
            raise _Invalid(_BRACES)
        if self._take() != "}":
            raise _Invalid(_COUNTS)

    def _number(self) -> int:
        start = self.at
        while _digit(self.text, self.at):
            self.at += 1
        number = _small(self.text[start : self.at])
        if number > _MOST_REPETITIONS:
            raise _Invalid(_COUNTS)
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
        raise _Invalid(_QUANTIFIER)

    def _close(self) -> bool:
        """The end of a group; whether a quantifier may follow."""
        group = self.open.pop()
        self.closed.add(group.number)
        return not group.constraint

    def _escape(self) -> bool:
        if self.at >= len(self.text):
            raise _Invalid(_ESCAPE)
        character = self._take()
        if self.flavour == "extended":
            return True
        if character in _CONSTRAINTS:
            return False
        if character in "123456789" and self._backreference(character):
            if (self.open and self.open[-1].lookaround) or self._number_read not in self.closed:
                raise _Invalid(_BACKREFERENCE)
            return True
        self._plain_escape(character)
        return True

    def _backreference(self, first: str) -> bool:
        """Whether digits after a backslash are a backreference; else they are an octal number."""
        end = self.at
        while _digit(self.text, end):
            end += 1
        number = _small(self.text[self.at - 1 : end])
        if end == self.at or number <= self.groups:
            self.at = end
            self._number_read = number
            return True
        if first in "89":
            raise _Invalid(_ESCAPE)
        return False

    _number_read = 0

    def _plain_escape(self, character: str) -> str:
        """What an escape stands for, a class or a character; the backslash and one more are read already."""
        if not character.isascii() or not character.isalnum() or character in _CLASS_ESCAPES:
            return character
        if character in _SIMPLE_ESCAPES:
            return _SIMPLE_ESCAPES[character]
        if character == "c":
            if self.at >= len(self.text):
                raise _Invalid(_ESCAPE)
            return chr(ord(self._take()) & 0o37)
        if character in "uUx":
            return self._hexadecimal({"u": 4, "U": 8}.get(character))
        if character in "01234567":
            return self._octal()
        raise _Invalid(_ESCAPE)

    def _hexadecimal(self, length: int | None) -> str:
        end = self.at
        while end < len(self.text) and self.text[end] in "0123456789abcdefABCDEF" and end - self.at != length:
            end += 1
        digits = self.text[self.at : end]
        if not digits or (length is not None and len(digits) != length) or int(digits, 16) > _LARGEST_CHARACTER:
            raise _Invalid(_ESCAPE)
        self.at = end
        return chr(min(int(digits, 16), sys.maxunicode))

    def _octal(self) -> str:
        start = self.at - 1
        end = start
        while end < len(self.text) and self.text[end] in "01234567" and end - start < 3:
            end += 1
        if int(self.text[start:end], 8) > 0xFF:
            end -= 1
        self.at = end
        return chr(int(self.text[start:end], 8))

    def _bracket(self) -> None:
        if self._peek() == "^":
            self.at += 1
        first = True
        while first or self._peek() != "]":
            self._bracket_part(first)
            first = False
        self.at += 1

    def _bracket_part(self, first: bool) -> None:
        start = self._element(first)
        if self._peek() != "-" or self._peek(2) == "-]":
            return
        if start is None:
            # A class cannot begin a range; what follows the hyphen decides nothing any more.
            raise _Invalid(_RANGE)
        self.at += 1
        end = None if self._peek(2) in ("[:", "[=") else self._element(self._peek() == "-")
        if end is None:
            raise _Invalid(_RANGE)
        self._look_ahead()
        if start > end:
            raise _Invalid(_RANGE)

    def _look_ahead(self) -> None:
        """What is wrong with the next element is found before anything is said of the range that ends here."""
        at = self.at
        if self._peek() == "\\" and self.flavour == "advanced":
            self.at += 1
            self._bracket_escape()
            self.at = at
        elif self._peek() == "" or (self._peek() == "[" and at + 1 == len(self.text)):
            raise _Invalid(_BRACKETS)

    def _element(self, first: bool) -> str | None:
        """One character, collating element or class; None for what cannot be the end of a range."""
        if self.at >= len(self.text):
            raise _Invalid(_BRACKETS)
        character = self._take()
        if character == "\\" and self.flavour == "advanced":
            return self._bracket_escape()
        if character == "[" and self.at >= len(self.text):
            raise _Invalid(_BRACKETS)
        if character == "[" and self._peek() in (".", "=", ":"):
            return self._named(self._take())
        if character == "-" and not first and self._peek() != "]":
            raise _Invalid(_RANGE)
        return character

    def _bracket_escape(self) -> str | None:
        if self.at >= len(self.text):
            raise _Invalid(_ESCAPE)
        character = self._take()
        if character in _CLASS_ESCAPES and (self.negated_in_brackets or character.islower()):
            return None
        is_reference = character in "123456789" and self._backreference(character)
        if is_reference or character in _CONSTRAINTS or character in _CLASS_ESCAPES:
            raise _Invalid(_ESCAPE)
        return self._plain_escape(character)

    def _named(self, kind: str) -> str | None:
        end = self.text.find(kind + "]", self.at)
        if end < 0:
            raise _Invalid(_BRACKETS)
        name = self.text[self.at : end]
        self.at = end + 2
        self._look_ahead()
        if kind == ":":
            if name not in _RANGES or (name == "word" and not self.negated_in_brackets):
                raise _Invalid(_CLASS)
            return None
        if len(name) != 1 and name not in _NAMED_CHARACTERS:
            raise _Invalid(_COLLATING)
        return _NAMED_CHARACTERS.get(name, name) if kind == "." else None


def _small(digits: str) -> int:
    """A number; where it has more digits than anything it is compared with, any such number."""
    return int(digits.lstrip("0")[:9] or 0)


def _digit(text: str, at: int) -> bool:
    return at < len(text) and text[at] in "0123456789"


def _letter(text: str, at: int) -> bool:
    return text[at : at + 1].isascii() and text[at : at + 1].isalpha()
