# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a line of pg_hba.conf means, so that lines can be compared however they are spelled; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.circumstances import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import INCLUDES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import Line
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import Meaning
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import SourceLine
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_line

__all__ = ["RuleReading", "fields_before_method", "include_kind", "include_meaning", "token_meaning"]

_KEYWORDS = frozenset(("all", "sameuser", "samerole", "samegroup", "replication"))


@dataclasses.dataclass(frozen=True)
class RuleReading:
    """How the lines of pg_hba.conf are understood, each by itself."""

    dialect: Dialect
    around: Circumstances = dataclasses.field(default_factory=Circumstances)

    def meaning(self, line: SourceLine) -> Meaning | None:
        """What a line means by itself; None for what the server refuses."""
        if include_kind(line, self.dialect) is not None:
            return include_meaning(line)
        record = parse_line(
            Line("", line.number, line.fields, line.fields, None, line.error), self.dialect, self.around
        )
        if not record.accepted:
            return None
        identity = (
            record.type,
            tuple([token_meaning(token) for token in record.databases]),
            tuple([token_meaning(token) for token in record.users]),
            record.address,
        )
        options = frozenset(record.options.items())
        return Meaning((identity, record.method, options), identity, fields_before_method(record))


def include_kind(line: SourceLine, dialect: Dialect) -> str | None:
    """The keyword of a line that includes files."""
    if not dialect.includes or line.error is not None or len(line.fields) != 2:
        return None
    return line.fields[0][0].text if line.fields[0][0].text in INCLUDES else None


def include_meaning(line: SourceLine) -> Meaning:
    """What a line that includes files means."""
    target = token_meaning(line.fields[1][0])
    return Meaning((line.fields[0][0].text, target), ("include", target), 2)


def fields_before_method(record: Record) -> int:
    """How many fields stand before the method of an accepted record."""
    if record.type == "local":
        return 3
    has_mask = (
        record.address is not None and record.address.network is not None and "/" not in record.spelled[3][0].text
    )
    return 5 if has_mask else 4


def token_meaning(token: Token) -> t.Hashable:
    """A token, and whether it is quoted only where that carries meaning."""
    text = token.text
    return (text, True) if token.quoted and (text in _KEYWORDS or text[:1] in ("+", "@")) else text
