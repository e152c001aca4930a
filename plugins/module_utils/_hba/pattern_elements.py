# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Characters, escapes and bracket expressions of PostgreSQL's regular expressions; private to the collection."""

from __future__ import annotations

import sys

__all__ = ["CLASSES", "CONSTRAINTS", "Elements", "Invalid", "is_digit", "small"]

_BRACKETS = "brackets [] not balanced"
_RANGE = "invalid character range"
_ESCAPE = "invalid escape \\ sequence"
_CLASS = "invalid character class"
_COLLATING = "invalid collating element"

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
CONSTRAINTS = "AmMyYZ"  # escapes that match no character
_CLASS_ESCAPES = "dDsSwW"
_SIMPLE_ESCAPES = {"a": "\a", "b": "\b", "B": "\\", "e": "\033", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
CLASSES = {
    **{"alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\0-\x7f", "blank": r" \t", "cntrl": r"\0-\x1f\x7f", "digit": "0-9"},
    **{"graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\s", "upper": "A-Z"},
    **{"word": r"\w", "xdigit": "0-9A-Fa-f"},
}  # fmt: skip
"""Classes of characters, as the C locale has them: the server uses it for these patterns."""


class Invalid(Exception):
    """What the compiler of the server would say."""


class Elements:
    """A pattern and a place in it."""

    def __init__(self, pattern: str, negated_in_brackets: bool) -> None:
        self.text = pattern
        self.negated_in_brackets = negated_in_brackets
        self.at = 0
        self.groups = 0  # capturing groups opened so far
        self.flavour = "advanced"
        self.number_read = 0

    def _peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def _take(self) -> str:
        self.at += 1
        return self.text[self.at - 1]

    def _backreference(self, first: str) -> bool:
        """Whether digits after a backslash are a backreference; else they are an octal number."""
        end = self.at
        while is_digit(self.text, end):
            end += 1
        number = small(self.text[self.at - 1 : end])
        if end == self.at or number <= self.groups:
            self.at = end
            self.number_read = number
            return True
        if first in "89":
            raise Invalid(_ESCAPE)
        return False

    def _plain_escape(self, character: str) -> str:
        """What an escape stands for, a class or a character; the backslash and one more are read already."""
        if not character.isascii() or not character.isalnum() or character in _CLASS_ESCAPES:
            return character
        if character in _SIMPLE_ESCAPES:
            return _SIMPLE_ESCAPES[character]
        if character == "c":
            if self.at >= len(self.text):
                raise Invalid(_ESCAPE)
            return chr(ord(self._take()) & 0o37)
        if character in "uUx":
            return self._hexadecimal({"u": 4, "U": 8}.get(character))
        if character in "01234567":
            return self._octal()
        raise Invalid(_ESCAPE)

    def _hexadecimal(self, length: int | None) -> str:
        end = self.at
        while end < len(self.text) and self.text[end] in "0123456789abcdefABCDEF" and end - self.at != length:
            end += 1
        digits = self.text[self.at : end]
        if not digits or (length is not None and len(digits) != length) or int(digits, 16) > _LARGEST_CHARACTER:
            raise Invalid(_ESCAPE)
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
            raise Invalid(_RANGE)
        self.at += 1
        end = None if self._peek(2) in ("[:", "[=") else self._element(self._peek() == "-")
        if end is None:
            raise Invalid(_RANGE)
        self._look_ahead()
        if start > end:
            raise Invalid(_RANGE)

    def _look_ahead(self) -> None:
        """What is wrong with the next element is found before anything is said of the range that ends here."""
        at = self.at
        if self._peek() == "\\" and self.flavour == "advanced":
            self.at += 1
            self._bracket_escape()
            self.at = at
        elif self._peek() == "" or (self._peek() == "[" and at + 1 == len(self.text)):
            raise Invalid(_BRACKETS)

    def _element(self, first: bool) -> str | None:
        """One character, collating element or class; None for what cannot be the end of a range."""
        if self.at >= len(self.text):
            raise Invalid(_BRACKETS)
        character = self._take()
        if character == "\\" and self.flavour == "advanced":
            return self._bracket_escape()
        if character == "[" and self.at >= len(self.text):
            raise Invalid(_BRACKETS)
        if character == "[" and self._peek() in (".", "=", ":"):
            return self._named(self._take())
        if character == "-" and not first and self._peek() != "]":
            raise Invalid(_RANGE)
        return character

    def _bracket_escape(self) -> str | None:
        if self.at >= len(self.text):
            raise Invalid(_ESCAPE)
        character = self._take()
        if character in _CLASS_ESCAPES and (self.negated_in_brackets or character.islower()):
            return None
        is_reference = character in "123456789" and self._backreference(character)
        if is_reference or character in CONSTRAINTS or character in _CLASS_ESCAPES:
            raise Invalid(_ESCAPE)
        return self._plain_escape(character)

    def _named(self, kind: str) -> str | None:
        end = self.text.find(kind + "]", self.at)
        if end < 0:
            raise Invalid(_BRACKETS)
        name = self.text[self.at : end]
        self.at = end + 2
        self._look_ahead()
        if kind == ":":
            if name not in CLASSES or (name == "word" and not self.negated_in_brackets):
                raise Invalid(_CLASS)
            return None
        if len(name) != 1 and name not in _NAMED_CHARACTERS:
            raise Invalid(_COLLATING)
        return _NAMED_CHARACTERS.get(name, name) if kind == "." else None


def small(digits: str) -> int:
    """A number; where it has more digits than anything it is compared with, any such number."""
    return int(digits.lstrip("0")[:9] or 0)


def is_digit(text: str, at: int) -> bool:
    return at < len(text) and text[at] in "0123456789"
