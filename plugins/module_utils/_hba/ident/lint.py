# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is unwise in a pg_ident.conf that the server accepts; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.matching import REFERENCE
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import MapRecord
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import Finding
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import Severity

__all__ = ["lint"]

_Remark = tuple[str, Severity, str]


def lint(records: t.Iterable[MapRecord], dialect: Dialect) -> list[Finding]:
    """Remarks in the order of the records."""
    found = []
    seen: dict[tuple[str, str, str, bool], MapRecord] = {}
    for record in records:
        remarks = list(_remarks(record, dialect))
        key = (record.map, record.system_user.text, record.pg_user.text, record.pg_user.quoted)
        if record.accepted and key in seen:
            remarks.append(("duplicate", "low", f"says the same as line {seen[key].line} of {seen[key].path}"))
        seen.setdefault(key, record)
        found += [Finding(code, severity, record.path, record.line, reason) for code, severity, reason in remarks]
    return found


def _remarks(record: MapRecord, dialect: Dialect) -> t.Iterator[_Remark]:
    if not record.accepted:
        yield "rejected", "high", f"the server refuses this line: {record.error}"
        return
    yield from _pg_user_remarks(record, dialect)
    if record.system_user.text[:1] == "/":
        yield from _pattern_remarks(record)


def _pg_user_remarks(record: MapRecord, dialect: Dialect) -> t.Iterator[_Remark]:
    token = record.pg_user
    is_pattern = token.text[:1] == "/"
    is_word = not token.quoted and (token.text == "all" or token.text[:1] == "+")
    if not dialect.special_pg_users:
        if is_pattern or is_word:
            yield (
                "becomes-special",
                "medium",
                f"{token.raw} is the name of one role here, and means"
                f" {'every role that matches' if is_pattern else 'every role' if token.text == 'all' else 'members'}"
                " from PostgreSQL 16 on" + ("" if is_pattern else "; in double quotes it stays a name"),
            )
    elif is_word and token.text == "all":
        yield "every-role", "high", "lets the system user be every role, superusers included"
    if not token.quoted and token.text != "all" and token.text.lower() == "all":
        yield "literal-keyword", "medium", f"{token.text} is a plain name here; the keyword is in lower case"


def _pattern_remarks(record: MapRecord) -> t.Iterator[_Remark]:
    pattern = record.system_user.text[1:]
    if REFERENCE in record.pg_user.text and record.pg_user.text[:1] not in ("/", "+") and patterns.groups(pattern) == 0:
        yield "no-capture", "high", f"{REFERENCE} refers to parentheses that the regular expression does not have"
    if not (pattern.startswith("^") and pattern.endswith("$")):
        yield (
            "not-anchored",
            "medium",
            "the regular expression matches any system user that has such a part; begin it with ^ and end it with $",
        )
