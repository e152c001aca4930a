# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file becomes once @file and include are followed; private to the collection."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import SourceLine
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import read_lines

__all__ = ["INCLUDES", "Line", "NoFiles", "Sources", "expand"]

INCLUDES = ("include", "include_if_exists", "include_dir")
_MOST_FILES = 10_000  # files that name each other can make any number of records out of a few lines
_MOST_TEXT = 50_000_000
_DEEPEST = 100  # before 16 the server knows no limit and runs out of stack or of files
_PATH_BYTES = 1023  # what the server's buffer for a path holds; the rest is lost


class Sources(t.Protocol):
    """Where other files come from. Both methods raise OSError as the operating system would."""

    def read(self, path: str) -> str:
        """The text of a file."""

    def names(self, path: str) -> list[str]:
        """The names of what is in a directory and is not a directory itself."""


class NoFiles:
    """Sources for text that stands alone: whatever it refers to is not there."""

    def read(self, path: str) -> str:
        """Nothing is there."""
        raise FileNotFoundError(2, os.strerror(2), path)

    def names(self, path: str) -> list[str]:
        """Nothing is there."""
        raise FileNotFoundError(2, os.strerror(2), path)


class Line(t.NamedTuple):
    """One record to be parsed, as the server would see it."""

    path: str
    number: int
    fields: list[list[Token]]  # @file replaced by what the file holds
    spelled: list[list[Token]]  # as the line itself says
    comment: str | None
    error: str | None


def expand(lines: t.Iterable[SourceLine], *, path: str, dialect: Dialect, sources: Sources) -> list[Line]:
    """The records of a file in the order in which the server tries them."""
    return _Expansion(dialect, sources).lines(lines, path, 0)


class _Expansion:
    def __init__(self, dialect: Dialect, sources: Sources) -> None:
        self.dialect = dialect
        self.sources = sources
        self.files = 0
        self.length = 0
        self.deepest = _DEEPEST if dialect.nesting_limit is None else dialect.nesting_limit

    def lines(self, lines: t.Iterable[SourceLine], path: str, depth: int) -> list[Line]:
        found: list[Line] = []
        for line in lines:
            fields, error = self._fields(line, path, depth)
            if not fields and error is None:
                continue
            if error is None and self.dialect.includes and len(fields) == 2 and fields[0][0].text in INCLUDES:
                included, error = self._include(fields[0][0].text, fields[1][0].text, path, depth)
                found += included
                if error is None:
                    continue
            found.append(Line(path, line.number, fields, line.fields, line.comment, error))
        return found

    def _fields(self, line: SourceLine, path: str, depth: int) -> tuple[list[list[Token]], str | None]:
        if not _names_a_file(line):
            return line.fields, line.error
        fields: list[list[Token]] = []
        for field in line.fields:
            tokens: list[Token] = []
            for token in field:
                if token.quoted or len(token.text) < 2 or token.text[0] != "@":
                    tokens.append(token)
                    continue
                more, error = self._tokens_of_file(token.text[1:], path, depth + 1)
                tokens += more
                if error is not None:
                    return [*fields, tokens], error
            if tokens:  # an empty file leaves no field behind, and the next one takes its place
                fields.append(tokens)
        return fields, line.error

    def _tokens_of_file(self, name: str, outer: str, depth: int) -> tuple[list[Token], str | None]:
        path = _beside(name, outer)
        text, error, _missing = self._read(path, name, depth)
        if text is None:
            return [], error
        tokens: list[Token] = []
        for line in self.lines(read_lines(text, self.dialect), path, depth):
            if line.error is not None:
                return tokens, line.error
            tokens += [token for field in line.fields for token in field]
        return tokens, None

    def _include(self, keyword: str, name: str, outer: str, depth: int) -> tuple[list[Line], str | None]:
        if keyword != "include_dir":
            return self._included_file(_beside(name, outer), depth + 1, missing_ok=keyword == "include_if_exists")
        if not name.strip(" \t\r\n"):
            return [], "empty configuration directory name"
        directory = _beside(name, outer)
        try:
            names = self.sources.names(directory)
        except OSError:
            return [], f'could not open directory "{directory}"'
        found: list[Line] = []
        errors: list[str] = []
        for entry in sorted(names, key=os.fsencode):
            if entry.endswith(".conf") and len(entry) > 5 and entry[0] != ".":
                lines, error = self._included_file(os.path.join(directory, entry), depth + 1, missing_ok=False)
                found += lines
                errors += [] if error is None else [error]
        return found, "\n".join(errors) if errors else None

    def _included_file(self, path: str, depth: int, *, missing_ok: bool) -> tuple[list[Line], str | None]:
        text, error, missing = self._read(path, path, depth)
        if text is None:
            return [], None if missing and missing_ok else error
        return self.lines(read_lines(text, self.dialect), path, depth), None

    def _read(self, path: str, name: str, depth: int) -> tuple[str | None, str | None, bool]:
        """Text, or else error and whether the file is just missing."""
        if depth > self.deepest:
            return None, f'could not open file "{path}": maximum nesting depth exceeded', False
        try:
            return self._counted(self.sources.read(path), path), None, False
        except IsADirectoryError as error:
            if self.dialect.reports_directories:
                return None, f'could not read file "{path}": {error.strerror}', False
            return "", None, False  # it opens, and nothing can be read
        except OSError as error:
            reason = error.strerror or str(error)
            words = self.dialect.missing_file.format(name=name, path=path, reason=reason)
            return None, words, isinstance(error, FileNotFoundError)

    def _counted(self, text: str, path: str) -> str:
        self.files += 1
        self.length += len(text)
        if self.files > _MOST_FILES or self.length > _MOST_TEXT:
            raise Unsupported(
                f"{path} and files that name each other are more than can be read:"
                f" {self.files} files, {self.length} characters"
            )
        return text


def _names_a_file(line: SourceLine) -> bool:
    for field in line.fields:
        for token in field:
            if token.raw[0] == "@":
                return True
    return False


def _beside(name: str, outer: str) -> str:
    """A path that a file names: relative to the directory of that file."""
    if os.path.isabs(name):
        return name
    joined = os.fsencode(os.path.join(os.path.dirname(outer), name))[:_PATH_BYTES]
    return os.path.normpath(os.fsdecode(joined))
