# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records of pg_ident.conf, with the server's own words where it refuses; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import Line
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import NoFiles
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import Sources
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import expand
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import Meaning
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import SourceLine
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import read_lines
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.meaning import include_kind
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.meaning import include_meaning
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.meaning import token_meaning
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.refusal import Refusal

__all__ = ["MapReading", "MapRecord", "parse_line", "parse_text"]

_NOTHING = Token("", False, "")


@dataclasses.dataclass(frozen=True)
class MapRecord:
    """One line that maps. What stands behind its three fields means nothing to the server."""

    path: str
    line: int
    accepted: bool
    error: str | None = None
    map: str = ""
    system_user: Token = _NOTHING
    pg_user: Token = _NOTHING


@dataclasses.dataclass(frozen=True)
class MapReading:
    """How the lines of pg_ident.conf are understood, each by itself."""

    dialect: Dialect

    def meaning(self, line: SourceLine) -> Meaning | None:
        """What a line means by itself; None for what the server refuses."""
        if include_kind(line, self.dialect) is not None:
            return include_meaning(line)
        record = parse_line(Line("", line.number, line.fields, line.fields, None, line.error), self.dialect)
        if not record.accepted:
            return None
        tokens = tuple([token_meaning(field[0]) for field in line.fields[:3]])
        return Meaning(tokens, tokens[:2], 2)


def parse_text(
    text: str, dialect: Dialect, *, path: str = "pg_ident.conf", sources: Sources | None = None
) -> list[MapRecord]:
    """Every record of a file and of the files that it names, in the order in which they are tried."""
    lines = expand(read_lines(text, dialect), path=path, dialect=dialect, sources=sources or NoFiles())
    return [parse_line(line, dialect) for line in lines]


def parse_line(line: Line, dialect: Dialect) -> MapRecord:
    """Read one record; what makes the server refuse it is in ``error``, in the server's words."""
    if line.error is not None:
        return MapRecord(line.path, line.number, False, line.error)
    try:
        name, system_user, pg_user = (_single(line.fields, index) for index in range(3))
        _check_pattern(system_user, dialect)
        if dialect.special_pg_users:
            _check_pattern(pg_user, dialect)
    except Refusal as refusal:
        return MapRecord(line.path, line.number, False, refusal.words)
    return MapRecord(line.path, line.number, True, None, name.text, system_user, pg_user)


def _single(fields: t.Sequence[t.Sequence[Token]], index: int) -> Token:
    if index >= len(fields):
        raise Refusal("missing entry at end of line")
    if len(fields[index]) > 1:
        raise Refusal("multiple values in ident field")
    return fields[index][0]


def _check_pattern(token: Token, dialect: Dialect) -> None:
    if token.text[:1] == "/":
        problem = patterns.problem(token.text[1:], negated_in_brackets=dialect.negated_in_brackets)
        if problem is not None:
            raise Refusal(f'invalid regular expression "{token.text[1:]}": {problem}')
