# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records of pg_hba.conf as plain dictionaries, and back; private to the collection.

A file is taken as it stands: what it includes, and lists that it names with @, are not read.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import read_rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.circumstances import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.comments import check_comment
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.comments import comment_lines
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.comments import joined_comment
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import INCLUDES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import Line
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import SourceLine
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import read_lines
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import split_fields
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.marks import is_own_comment
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_line
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import check_patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import check_rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import render_rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import spell
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import spelled_options
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import token_problem
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import without_continuation
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Rule

__all__ = ["Entry", "describe", "entries_of_rules", "entries_of_text", "rules_text"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """One record or include, judged by itself."""

    record: Record
    include: str | None = None  # which kind, for one that includes files
    line: int | None = None  # None: it was not read from a file
    comment: str | None = None
    rule: Rule | None = None  # as given, for one that did not come from text

    @property
    def error(self) -> str | None:
        """Why the version rejects it."""
        return None if self.include is not None else self.record.refusal


def entries_of_text(text: str, dialect: Dialect) -> list[Entry]:
    """Every record of a file. A comment belongs to the record that follows it or stands on its line."""
    found: list[Entry] = []
    notes: list[str] = []
    for line in read_lines(text, dialect):
        if line.fields or line.error is not None:
            own = [] if line.comment is None else [line.comment]
            found.append(_entry(line, dialect, joined_comment([*notes, *own])))
            notes = []
        elif line.comment is None:
            notes = []  # a blank line: what stands above it is about nothing that follows
        elif not is_own_comment(line.comment):
            notes.append(line.comment)
    return found


def entries_of_rules(rules: t.Any, dialect: Dialect, *, option: str = "rules") -> list[Entry]:
    """What a list of dictionaries means, whether or not the version takes all of it."""
    if not isinstance(rules, list):
        raise InputError(option=option, value=rules, expected="give a list of rules, or the text of a file")
    return [_given(rule, f"{option}[{index}]", dialect) for index, rule in enumerate(rules)]


def describe(entry: Entry) -> dict[str, t.Any]:
    """The dictionary of one record."""
    record, spelled = entry.record, entry.record.spelled
    found: dict[str, t.Any] = {"line": entry.line}
    if entry.include is not None:
        return {**found, "type": entry.include, "include": _shortest(spelled[1][0]), "comment": entry.comment}
    if entry.error is not None:
        text = "\t".join(",".join(token.raw for token in field) for field in spelled)
        return {**found, "error": entry.error, "text": text, "comment": entry.comment}
    has_mask = record.address is not None and record.address.network is not None and "/" not in spelled[3][0].text
    at = 3 if record.type == "local" else 5 if has_mask else 4
    return {
        **found,
        "type": record.type,
        "databases": [token.raw for token in spelled[1]],
        "users": [token.raw for token in spelled[2]],
        "address": None if record.type == "local" else spelled[3][0].raw,
        "netmask": spelled[4][0].text if has_mask else None,
        "method": record.method,
        "options": _options(token for field in spelled[at + 1 :] for token in field),
        "comment": entry.comment,
    }


def rules_text(rules: t.Any, dialect: Dialect, *, option: str = "rules") -> str:
    """The text that reads back to these rules.

    A rule that has a ``line`` was read from a file and is written as it stood there, as long as the version takes it
    and means the same by it. Any other is judged as the module judges: what would silently never match is refused too.
    """
    entries = entries_of_rules(rules, dialect, option=option)
    text = "".join(_written(entry, dialect, f"{option}[{index}]") for index, entry in enumerate(entries))
    again = entries_of_text(text, dialect)
    if [_meaning(entry) for entry in again] != [_meaning(entry) for entry in entries]:
        raise InputError(option=option, value="the list", expected="it would not be read back to the same rules")
    return text


def _entry(line: SourceLine, dialect: Dialect, comment: str | None) -> Entry:
    judged = Line("", line.number, line.fields, line.fields, line.comment, line.error)
    is_include = dialect.includes and line.error is None and len(line.fields) == 2
    kind = line.fields[0][0].text if is_include and line.fields[0][0].text in INCLUDES else None
    return Entry(parse_line(judged, dialect, Circumstances()), include=kind, line=line.number, comment=comment)


def _given(given: t.Any, option: str, dialect: Dialect) -> Entry:
    """A dictionary as a record of the version's."""
    if not isinstance(given, dict):
        raise InputError(option=option, value=given, expected="give a dictionary, such as from_hba returns")
    number = _number(given.get("line"), option)
    comment = given.get("comment") or None
    if comment is not None and not isinstance(comment, str):
        raise InputError(option=f"{option}.comment", value=comment, expected="give a string")
    if given.get("error") is not None:
        return Entry(Record("", number or 0, False, str(given["error"])), line=number, comment=comment)
    rule = None
    if given.get("include") is not None:
        line = _include_line(given, option)
    else:
        rule = read_rule(given, option)
        line = _rule_line(rule, option)
    fields, _comment, error = split_fields(line, dialect.token_limit)
    entry = _entry(SourceLine(number or 0, 1, fields, None, error), dialect, comment)
    return dataclasses.replace(entry, line=number, rule=rule)


def _number(given: t.Any, option: str) -> int | None:
    if given is None or (isinstance(given, int) and not isinstance(given, bool)):
        return given
    raise InputError(option=f"{option}.line", value=given, expected="give the number of a line, or leave it out")


def _include_line(given: dict[str, t.Any], option: str) -> str:
    kind, target = given.get("type") or "include", given["include"]
    if kind not in INCLUDES:
        raise InputError(option=f"{option}.type", value=kind, expected=f"give one of {', '.join(INCLUDES)}")
    _token(target, f"{option}.include")
    if target == "" and given.get("line") is None:
        raise InputError(option=f"{option}.include", value=target, expected="give the name of a file or directory")
    return without_continuation(f"{kind}\t{spell(target)}")


def _rule_line(rule: Rule, option: str) -> str:
    """A rule as one line, spelled as given."""
    fields = [_token(rule.type, f"{option}.type")]
    for name in ("databases", "users"):
        names = getattr(rule, name)
        if not names:
            raise InputError(option=f"{option}.{name}", value=[], expected="give at least one, or all")
        fields.append(",".join(_token(value, f"{option}.{name}[{at}]") for at, value in enumerate(names)))
    for name in ("address", "netmask", "method"):
        if getattr(rule, name) is not None:
            fields.append(_token(getattr(rule, name), f"{option}.{name}"))
    for name, value in rule.options:
        _token(name, f"{option}.options")
        if "\n" in value or "\0" in value:
            raise InputError(option=f"{option}.options.{name}", value="********", expected="give one line")
    return "\t".join([*fields, *spelled_options(rule.options)])


def _token(value: t.Any, option: str) -> str:
    problem = token_problem(value) if isinstance(value, str) else "give a string"
    if problem is not None:
        raise InputError(option=option, value=value, expected=problem)
    as_given = split_fields(value)[0]
    return value if len(as_given) == 1 and [token.raw for token in as_given[0]] == [value] else spell(value)


def _written(entry: Entry, dialect: Dialect, option: str) -> str:
    if entry.rule is not None and entry.line is None:
        check_rule(entry.rule, option=option)
        return render_rule(entry.rule, dialect, option=option).text
    if entry.rule is not None and not dialect.regular_expressions:
        check_patterns(entry.rule, dialect, option=option)  # the file may be that of another version
    if entry.error is not None:
        where = {"line": entry.line} if entry.line is not None else {}
        raise InputError(
            option=option, value=where or "the rule", expected=f"PostgreSQL {dialect.major} refuses it: {entry.error}"
        )
    if entry.line is None:
        check_comment(entry.comment, f"{option}.comment")
    line = "\t".join(",".join(token.raw for token in field) for field in entry.record.spelled)
    return f"{comment_lines(entry.comment)}{line}\n"


def _meaning(entry: Entry) -> tuple[t.Any, ...]:
    """What makes two entries the same rule."""
    if entry.include is not None:
        target = entry.record.spelled[1][0]
        return (entry.include, target.text, target.text[:1] == "@" and target.quoted)
    record = entry.record
    tokens = [[(token.text, token.quoted) for token in field] for field in (record.databases, record.users)]
    return (record.accepted, record.type, tokens, record.address, record.method, record.options)


def _shortest(token: Token) -> str:
    """The text of a token where it means the same as its spelling, else a complete spelling."""
    if token_problem(token.text) is None:
        [[again]] = split_fields(spell(token.text))[0]
        if again.text == token.text and (token.text[:1] != "@" or token.quoted == again.quoted):
            return token.text
    if token.raw.count('"') % 2 == 0:
        return token.raw
    at = 0 if token.quoted else 1  # what is not closed at the end of the line
    return token.text[:at] + '"' + token.text[at:].replace('"', '""') + '"'


def _options(tokens: t.Iterable[Token]) -> dict[str, str]:
    """Options by name; the last of several wins, and stands where it stood."""
    found: dict[str, str] = {}
    for token in tokens:
        name, _equals, value = token.text.partition("=")
        found.pop(name, None)
        found[name] = value
    return found
