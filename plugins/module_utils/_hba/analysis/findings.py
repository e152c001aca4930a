# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remarks that need to know all rules, the server's roles or the text around the rules; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.survey import Contradicted
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.survey import survey
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.finding import Finding
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.finding import Severity
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import read_lines
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import split_fields
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text

__all__ = ["continued_comments", "survey_findings", "without_catch_all"]

_SHOWN = 5  # line numbers in a reason


def survey_findings(records: t.Sequence[Record], dialect: Dialect, world: World) -> t.Iterator[Finding]:
    """Rules that never decide, are given twice, or match nobody."""
    found = survey(records, dialect=dialect, world=world)
    for hidden in found.unreachable:
        takes = "takes" if len(hidden.by) == 1 else "together take"
        reason = f"never decides: {_lines(hidden.by, hidden.record.path)} {takes} all that it would match"
        severity: Severity = "high" if hidden.opposite else "medium"
        yield Finding("unreachable", severity, hidden.record.path, hidden.record.line, reason)
    for item in found.duplicates:
        does = "does the same" if item.same_outcome else "decides otherwise"
        reason = f"for the same connections as {_lines([item.first], item.record.path)}, which {does}"
        yield Finding("duplicate", "low", item.record.path, item.record.line, reason)
    yield from _contradictions(records, found.contradicted)
    for record in found.idle:
        if record.error is None:
            yield Finding("cannot-match", "low", record.path, record.line, "matches nobody on this server")


def _contradictions(records: t.Sequence[Record], found: t.Iterable[Contradicted]) -> t.Iterator[Finding]:
    """Without the rules at the end that reject what is left: that is what they are for."""
    end = _end(records)
    at_the_end = {id(record) for record in records[end:]}
    for item in found:
        if id(item.record) not in at_the_end:
            verb = "rejects" if item.by[0].method == "reject" else "admits"
            reason = f"decides only in part: {_lines(item.by, item.record.path, item.number)}"
            reason += f" {verb if item.number == 1 else verb[:-1]} some of what it matches"
            yield Finding("contradicted", "low", item.record.path, item.record.line, reason)


def _end(records: t.Sequence[Record]) -> int:
    """Where the rules begin after which there are only such as reject."""
    end = len(records)
    while end and (records[end - 1].method == "reject" or not records[end - 1].accepted):
        end -= 1
    return end


def _lines(records: t.Sequence[Record], path: str, number: int | None = None) -> str:
    number = len(records) if number is None else number
    shown = [str(one.line) if one.path == path else f"{one.path}:{one.line}" for one in records[:_SHOWN]]
    more = f" and {number - _SHOWN} more" if number > _SHOWN else ""
    return f"line{'s' if number > 1 else ''} {', '.join(shown)}{more}"


def without_catch_all(records: t.Sequence[Record], dialect: Dialect, world: World) -> t.Iterator[Finding]:
    """What a policy wants at the end: rules that reject every connection over the network."""
    accepted = [record for record in records if record.accepted]
    [everything] = parse_text("host all all all reject", dialect)
    found = survey([*accepted[_end(accepted) :], everything], dialect=dialect, world=world)
    if accepted and not any(item.record is everything for item in found.unreachable):
        last = accepted[-1]
        reason = "no rule after this one rejects all that is left; end with: host all all all reject"
        yield Finding("no-catch-all", "medium", last.path, last.line, reason)


def continued_comments(text: str, path: str, dialect: Dialect) -> t.Iterator[Finding]:
    """Comments that end in a backslash: the server takes the next line as part of them."""
    if not dialect.continuation or "\\" not in text:
        return
    physical = text.split("\n")
    for line in read_lines(text, dialect):
        if line.comment is None:
            continue
        start = ""
        for number in range(line.number, line.number + line.height):
            joined = start + physical[number - 1].rstrip("\r")
            start = joined[:-1]
            if joined.endswith("\\") and split_fields(start)[1] is not None:
                following = "".join(physical[number : number + 1]).strip()
                swallowed = bool(following) and not following.startswith("#")
                reason = f"this comment ends in a backslash, so line {number + 1} is part of it"
                yield Finding("continued-comment", "high" if swallowed else "low", path, number, reason)
