# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words, names and signs of a statement, without its literals and comments; private to the collection."""

from __future__ import annotations

import re
import typing as t

__all__ = ["Token", "statements_of"]

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<escaped>[eE]'(?:[^'\\]|''|\\.)*(?:'|\Z))
    | (?P<literal>(?:[uU]&|[bBxXnN])?'(?:[^']|'')*(?:'|\Z))
    | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
    | (?:[uU]&)?"(?P<quoted>(?:[^"]|"")*)(?:"|\Z)
    | (?P<word>[^\W\d][\w$]*)
    | (?P<number>\d[\w.]*)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")
_LONGEST_NAME = 255


class Token(t.NamedTuple):
    """One of them."""

    kind: str  # word, quoted, sign, or literal, whose text is not kept
    text: str

    @property
    def upper(self) -> str:
        """A key word, if it is one."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """What it names, as the server keeps names; empty for what is none."""
        if self.kind == "word":
            return self.text.lower()[:_LONGEST_NAME]
        return self.text.replace('""', '"')[:_LONGEST_NAME] if self.kind == "quoted" else ""


def statements_of(text: str) -> t.Iterator[list[Token]]:
    """The statements of a text, each as its tokens."""
    tokens: list[Token] = []
    place = 0
    while place < len(text):
        found = t.cast("re.Match[str]", _TOKEN.match(text, place))
        kind, place = str(found.lastgroup), found.end()
        if kind == "comment":
            place = _after_comment(text, place)
        elif kind == "dollar":
            end = text.find(found.group(), place)
            place = len(text) if end < 0 else end + len(found.group())
            tokens.append(Token("literal", ""))
        elif kind == "sign" and found.group() == ";":
            yield tokens
            tokens = []
        elif kind in ("word", "quoted", "sign"):
            tokens.append(Token(kind, found[kind]))
        elif kind != "space":
            tokens.append(Token("literal", ""))
    yield tokens


def _after_comment(text: str, place: int) -> int:
    depth = 1
    for found in _COMMENT.finditer(text, place):
        depth += 1 if found.group() == "/*" else -1
        if not depth:
            return found.end()
    return len(text)
