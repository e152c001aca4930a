# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The grammar of postgresql.conf and of the files that it includes; private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

__all__ = ["Entry", "parse", "parse_line", "quote", "render"]

# All but other ASCII characters: said so, as ranges up to the last character take long to compile.
_LETTER = r"[^\x00-@\[-^`{-\x7f]"
_LETTER_OR_DIGIT = r"[^\x00-/:-@\[-^`{-\x7f]"
_IDENTIFIER = f"{_LETTER}{_LETTER_OR_DIGIT}*"

# In the server's order: the longest match wins, the first of equally long ones.
_TOKENS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("space", r"[ \t\r]+"),
        ("comment", r"#.*"),
        ("identifier", _IDENTIFIER),
        ("qualified", rf"{_IDENTIFIER}\.{_IDENTIFIER}"),
        ("string", r"'(?:[^'\\\n]|\\.|'')*'"),
        ("unquoted", rf"{_LETTER}(?:{_LETTER_OR_DIGIT}|[-._:/])*"),
        ("integer", r"[-+]?(?:0x[0-9a-fA-F]+|[0-9]+)[a-zA-Z]*"),
        ("real", r"[-+]?[0-9]*\.[0-9]*(?:[Ee][-+]?[0-9]+)?"),
        ("equals", "="),
    )
)
_VALUES = frozenset({"identifier", "string", "unquoted", "integer", "real"})
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(r"\\([0-7]{1,3})|\\(.)|''", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*|-?[0-9]+", re.ASCII)
_INCLUDES = frozenset({"include", "include_if_exists", "include_dir"})


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line that says something; ``value`` is what the server takes from it, without quotes."""

    line: int  # counted from 1
    name: str
    value: str

    @property
    def includes(self) -> str | None:
        """``include``, ``include_if_exists`` or ``include_dir`` for such a line."""
        word = self.name.lower()
        return word if word in _INCLUDES else None


def parse(text: str) -> tuple[list[Entry], list[int]]:
    """The entries of a file in order, and the numbers of the lines that the server would not understand."""
    entries: list[Entry] = []
    faulty: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            pair = parse_line(line)
        except ValueError:
            faulty.append(number)
            continue
        if pair is not None:
            entries.append(Entry(number, *pair))
    return entries, faulty


def parse_line(line: str) -> tuple[str, str] | None:
    """Name and value of one line, None for an empty line; ValueError where the server sees a syntax error."""
    tokens = [token for token in _tokens(line) if token[0] not in ("space", "comment")]
    if not tokens:
        return None
    kind, name = tokens.pop(0)
    if kind not in ("identifier", "qualified"):
        raise ValueError(f"not a name: {name}")
    if tokens and tokens[0][0] == "equals":
        tokens.pop(0)
    if len(tokens) != 1 or tokens[0][0] not in _VALUES:
        raise ValueError(f"not one value after {name}")
    kind, value = tokens[0]
    return name, _unquote(value) if kind == "string" else value


def quote(value: str) -> str:
    """The value between single quotes, so that any text survives; ValueError for a NUL byte."""
    if "\0" in value:
        raise ValueError("text without a NUL byte")
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def render(name: str, value: str) -> str:
    """The line for a parameter, without a line end; plain words and integers stay unquoted."""
    return f"{name} = {value if _PLAIN.fullmatch(value) else quote(value)}"


def _tokens(line: str) -> t.Iterator[tuple[str, str]]:
    position = 0
    while position < len(line):
        best, length = "", 0
        for kind, pattern in _TOKENS:
            match = pattern.match(line, position)
            if match and match.end() - position > length:
                best, length = kind, match.end() - position
        if not length:
            raise ValueError(f"syntax error near {line[position:]!r}")
        yield best, line[position : position + length]
        position += length


def _unquote(token: str) -> str:
    def replace(match: re.Match[str]) -> str:
        octal, single = match.groups()
        if octal:
            return chr(int(octal, 8) & 0xFF)
        return _ESCAPES.get(single, single) if single else "'"

    return _ESCAPE.sub(replace, token[1:-1])
