# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines and tokens of pg_hba.conf, exactly as the server reads them; private to the collection.

Text is UTF-8 decoded with surrogateescape, so that every byte survives; limits count bytes.
"""

from __future__ import annotations

import functools
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect

__all__ = ["SourceLine", "Token", "byte_length", "read_lines", "split_fields"]

TOKEN_TOO_LONG = "authentication file token too long"
LINE_TOO_LONG = "authentication file line too long"

_FIRST_BUFFER = 1024  # what the server's line buffer holds at first; matters only around NUL bytes
_QUOTED = r'"[^"]*(?:""[^"]*)*(?:"|\Z)'  # an unterminated quote takes the rest of the line
_TOKEN = re.compile(rf'[ \t\r,]*((?:[^ \t\r,#"]+|{_QUOTED})+)(,?)')
_QUOTED_PART = re.compile(r'"([^"]*(?:""[^"]*)*)(?:"|\Z)')
_COMMENT = re.compile(r"[ \t\r,]*#(.*)", re.DOTALL)


class Token(t.NamedTuple):
    """One value of a field."""

    text: str  # without its quotes
    quoted: bool  # a quote came before the first character: no keyword, no @file
    raw: str  # as spelled in the file


class SourceLine(t.NamedTuple):
    """One logical line: fields of tokens, before any file that it names is read."""

    number: int  # of the first physical line, from 1
    height: int  # physical lines, continuation included
    fields: list[list[Token]]
    comment: str | None  # what follows #, without it
    error: str | None  # why the lexer gave up, in the server's words
    extent: int = 1  # newlines of the text that it takes; not its height around NUL bytes and in lines too long


def byte_length(text: str) -> int:
    """How many bytes the server counts."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


@functools.lru_cache(maxsize=4)
def read_lines(text: str, dialect: Dialect) -> t.Sequence[SourceLine]:
    """Every logical line of a file, empty ones and comments included.

    The same text is read by editing, parsing and analysis: in a long file that is worth remembering.
    """
    found = []
    number = 1
    for line, height, error, extent in _logical_lines(text, dialect):
        fields, comment, token_error = split_fields(line, dialect.token_limit) if error is None else ([], None, error)
        found.append(SourceLine(number, height, fields, comment, token_error, extent))
        number += height
    return found


def split_fields(line: str, token_limit: int | None = None) -> tuple[list[list[Token]], str | None, str | None]:
    """Fields of one logical line, its comment, and an error; the fields before an error are kept."""
    if '"' in line or (token_limit is not None and len(line) * 4 > token_limit):
        return _split_any(line, token_limit)
    # Nothing that needs a closer look: this is how nearly every line of a large file is.
    line, mark, comment = line.partition("#")
    if "\t" in line or "\r" in line:
        line = line.replace("\t", " ").replace("\r", " ")
    words = line.split(" ")
    fields = _with_lists(words) if "," in line else [[Token(word, False, word)] for word in words if word]
    return fields, comment if mark else None, None


def _with_lists(words: list[str]) -> list[list[Token]]:
    """Fields from words between blanks. A comma joins what follows it, not what stands before it after a blank."""
    fields: list[list[Token]] = []
    continued = False
    for word in words:
        tokens = [Token(part, False, part) for part in word.split(",") if part]
        if not tokens:
            continue
        if continued:
            fields[-1] += tokens
        else:
            fields.append(tokens)
        continued = word[-1] == ","
    return fields


def _split_any(line: str, token_limit: int | None) -> tuple[list[list[Token]], str | None, str | None]:
    fields: list[list[Token]] = []
    position = 0
    continued = False  # the last token ended with a comma, so the next one belongs to the same field
    match = _TOKEN.match(line, position)
    while match is not None:
        raw, comma = match.group(1), match.group(2)
        token = Token(_without_quotes(raw), raw[0] == '"', raw)
        if token_limit is not None and _too_long(token, bool(comma), token_limit):
            return fields, None, TOKEN_TOO_LONG
        if continued:
            fields[-1].append(token)
        else:
            fields.append([token])
        continued = bool(comma)
        position = match.end()
        match = _TOKEN.match(line, position)
    comment = _COMMENT.match(line, position)
    return fields, comment.group(1) if comment else None, None


def _without_quotes(raw: str) -> str:
    if '"' not in raw:
        return raw
    return _QUOTED_PART.sub(lambda match: match.group(1).replace('""', '"'), raw)


def _too_long(token: Token, comma: bool, limit: int) -> bool:
    length = byte_length(token.text)
    # A full buffer is noticed only when one more character of the token, or a comma, comes.
    return length > limit or (length == limit and (comma or token.raw.endswith('"')))


def _logical_lines(text: str, dialect: Dialect) -> t.Iterator[tuple[str, int, str | None, int]]:
    """Text, number of physical lines, error and number of newlines of each logical line."""
    if dialect.line_limit is not None and (
        "\0" in text or any(len(line) * 4 >= dialect.line_limit for line in text.split("\n"))
    ):
        lines: t.Iterable[tuple[str, str | None, int]] = _limited_lines(_encode(text), dialect.line_limit)
    elif "\0" in text:
        lines = _lines_around_nul(_encode(text))
    else:
        pieces = text.split("\n")
        if not pieces[-1]:
            pieces.pop()
        lines = ((piece, None, 1) for piece in pieces)
    if dialect.continuation:
        return _joined(lines)
    return ((line.rstrip("\r\n"), 1, error, extent) for line, error, extent in lines)


def _joined(lines: t.Iterable[tuple[str, str | None, int]]) -> t.Iterator[tuple[str, int, str | None, int]]:
    """Join lines that end in a backslash with what follows, in comments and quotes too."""
    parts: list[str] = []
    height = newlines = 0
    for line, error, extent in lines:
        height += 1
        newlines += extent
        text = line.rstrip("\r\n")
        # Only a backslash beyond what was joined before counts: the second of two stays.
        if text.endswith("\\"):
            parts.append(text[:-1])
            continue
        joined = "".join([*parts, text]) if parts else text
        yield joined if text else joined.rstrip("\r\n"), height, error, newlines
        parts, height, newlines = [], 0, 0
    if height:
        yield "".join(parts), height, None, newlines


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decode(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _limited_lines(content: bytes, limit: int) -> t.Iterator[tuple[str, str | None, int]]:
    """Lines of PostgreSQL 13: what exceeds the buffer becomes a line of its own, a NUL byte cuts."""
    position = 0
    while position < len(content):
        end = content.find(b"\n", position, position + limit)
        end = end + 1 if end >= 0 else min(position + limit, len(content))
        line = content[position:end].partition(b"\0")[0]
        yield _decode(line), LINE_TOO_LONG if len(line) == limit else None, content.count(b"\n", position, end)
        position = end


def _lines_around_nul(content: bytes) -> t.Iterator[tuple[str, str | None, int]]:
    """Lines from 14 on: a NUL byte cuts what was read in one go, and the next read continues there.

    So the text after the NUL byte is lost together with its newline, and the next line is appended.
    """
    size = _FIRST_BUFFER
    position = 0
    while position < len(content):
        line, start = bytearray(), position
        while position < len(content):
            room = size - len(line) - 1
            end = content.find(b"\n", position, position + room)
            end = end + 1 if end >= 0 else min(position + room, len(content))
            line += content[position:end].partition(b"\0")[0]
            position = end
            if line.endswith(b"\n"):
                break
            while size < len(line) + 129:
                size *= 2
        yield _decode(bytes(line)), None, content.count(b"\n", start, position)
