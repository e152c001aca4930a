# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who can connect, and what is unwise: answers for people about rules as they stand; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import Entry
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import Context
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import lint
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import matches
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.methods import SECRET_OPTIONS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = ["deciding", "findings", "refuse_what_does_not_load", "verdict"]

_IMPLICIT: dict[str, t.Any] = {"rule": None, "line": None, "outcome": "implicit reject", "options": {}}
_WHATEVER = (Token("all", False, "all"), Token("replication", False, "replication"))


def verdict(entries: t.Sequence[Entry], tried: Attempt, dialect: Dialect) -> dict[str, t.Any]:
    """Which rule decides about a connection and what follows, or which ones may where that cannot be told."""
    refuse_what_does_not_load(entries, dialect)
    found, closed = deciding(entries, tried, dialect)
    candidates = [_candidate(number, entry) for number, entry in found]
    if not closed:
        candidates.append(_IMPLICIT)
    if len(candidates) == 1:
        return {**candidates[0], "candidates": []}
    return {"rule": None, "line": None, "outcome": "unknown", "options": {}, "candidates": candidates}


def deciding(
    entries: t.Sequence[Entry], tried: Attempt, dialect: Dialect
) -> tuple[tuple[tuple[int, Entry], ...], bool]:
    """The entries that may decide with their numbers, and whether the last of them certainly matches."""
    found = []
    for number, entry in enumerate(entries, 1):
        answer = None if entry.include else _matches(entry.record, tried, dialect)
        if answer is not False:
            found.append((number, entry))
        if answer:
            return tuple(found), True
    return tuple(found), False


def findings(entries: t.Sequence[Entry], context: Context, *, text: str | None = None) -> list[dict[str, t.Any]]:
    """What is unwise in rules, and which of them the version refuses; ``text`` is what they were read from."""
    lines = [entry.line for entry in entries]
    are_lines = text is not None or (None not in lines and len(set(lines)) == len(lines))
    records: list[Record] = []
    numbers: dict[int, int] = {}
    for number, entry in enumerate(entries, 1):
        if entry.include is None:
            line = entry.line if are_lines and entry.line is not None else number
            numbers[line] = number
            records.append(dataclasses.replace(entry.record, path="", line=line))
    if len(records) < len(entries):  # what is included may hold the rule that is missed
        context = dataclasses.replace(context, catch_all=False)
    found = []
    for item in lint(records, dataclasses.replace(context, text=text, path="")):
        rule = numbers.get(item.line)  # a comment stands on a line of its own
        where = item.line if rule is None else entries[rule - 1].line
        found.append({"code": item.code, "severity": item.severity, "rule": rule, "line": where, "reason": item.reason})
    return found


def _candidate(number: int, entry: Entry) -> dict[str, t.Any]:
    where = {"rule": number, "line": entry.line}
    if entry.include is not None:
        return {**where, "outcome": f"whatever is in {entry.record.spelled[1][0].text}", "options": {}}
    options = {name: "********" if name in SECRET_OPTIONS else value for name, value in entry.record.options.items()}
    return {**where, "outcome": entry.record.method, "options": options}


def _matches(record: Record, tried: Attempt, dialect: Dialect) -> bool | None:
    """Whether a record matches; None also where that depends on a list in another file."""
    certain = dataclasses.replace(
        record,
        databases=tuple(token for token in record.databases if not _is_file(token)),
        users=tuple(token for token in record.users if not _is_file(token)),
    )
    if certain == record:
        return matches(record, tried, dialect)
    if matches(certain, tried, dialect):
        return True
    possible = dataclasses.replace(
        record,
        databases=(*certain.databases, *_WHATEVER) if certain.databases != record.databases else record.databases,
        users=(*certain.users, *_WHATEVER) if certain.users != record.users else record.users,
    )
    return False if matches(possible, tried, dialect) is False else None


def _is_file(token: Token) -> bool:
    return token.text[:1] == "@" and len(token.text) > 1 and not token.quoted


def refuse_what_does_not_load(entries: t.Sequence[Entry], dialect: Dialect) -> None:
    """A rule that this version rejects is an error: the server would load none of them."""
    refused = [
        f"{'rule' if entry.line is None else 'line'} {number if entry.line is None else entry.line}: {entry.error}"
        for number, entry in enumerate(entries, 1)
        if entry.error is not None
    ]
    if refused:
        raise RampartError(
            f"PostgreSQL {dialect.major} would not load these rules, and go on with those it has: "
            + "; ".join(refused[:20])
        )
