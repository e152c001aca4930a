# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mappings that an operator wants, and their text; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.comments import check_comment
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import NAME_BYTES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.matching import REFERENCE
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import byte_length
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import split_fields
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import render_rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import spell
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import token_problem
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import without_continuation
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Include
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Written

__all__ = ["COLUMNS", "Mapping", "check_mapping", "render_mappings"]

COLUMNS = "MAPNAME\tSYSTEM-USERNAME\tPG-USERNAME"


@dataclasses.dataclass(frozen=True)
class Mapping:
    """One mapping; each of the three is ONE token as PostgreSQL spells it."""

    map: str
    system_user: str
    pg_user: str
    comment: str | None = None


def render_mappings(
    mappings: t.Iterable[Mapping | Include], dialect: Dialect, *, option: str = "mappings"
) -> list[Written]:
    """The lines of mappings that ``check_mapping`` took, in their order.

    What this version would take and never match is refused.
    """
    return [_rendered(mapping, dialect, f"{option}[{index}]") for index, mapping in enumerate(mappings)]


def check_mapping(mapping: Mapping, *, option: str) -> None:
    """Refuse what no version takes, or what none would ever match, before any server is asked."""
    for name in ("map", "system_user", "pg_user"):
        value = getattr(mapping, name)
        problem = token_problem(value) if value and value != '""' else "give a name"
        if problem is not None:
            raise InputError(option=f"{option}.{name}", value=value, expected=problem)
    problem = _pattern_problem(_token(mapping.system_user))
    if problem is not None:
        raise InputError(option=f"{option}.system_user", value=mapping.system_user, expected=problem)
    problem = _pg_user_problem(_token(mapping.pg_user), _token(mapping.system_user))
    if problem is not None:
        raise InputError(option=f"{option}.pg_user", value=mapping.pg_user, expected=problem)
    check_comment(mapping.comment, f"{option}.comment")


def _rendered(mapping: Mapping | Include, dialect: Dialect, option: str) -> Written:
    if isinstance(mapping, Include):
        return render_rule(mapping, dialect, option=option)
    problem = _pattern_problem(_token(mapping.system_user), dialect)
    if problem is not None:
        raise InputError(option=f"{option}.system_user", value=mapping.system_user, expected=problem)
    pg_user = _token(mapping.pg_user)
    if pg_user.text[:1] == "/":
        problem = (
            _pattern_problem(pg_user, dialect)
            if dialect.special_pg_users
            else f"PostgreSQL {dialect.major} would take this as a name and never match; here regular expressions are"
            " known from 16 on"
        )
        if problem is not None:
            raise InputError(option=f"{option}.pg_user", value=mapping.pg_user, expected=problem)
    line = without_continuation("\t".join(map(spell, (mapping.map, mapping.system_user, mapping.pg_user))))
    written = Written(line, mapping.comment)
    if dialect.line_limit is not None and any(
        byte_length(each) + 1 >= dialect.line_limit for each in written.text.split("\n")
    ):
        raise InputError(
            option=option,
            value=f"mapping of {byte_length(written.text)} bytes",
            expected=f"a line of PostgreSQL {dialect.major} holds less than {dialect.line_limit} bytes",
        )
    return written


def _pg_user_problem(token: Token, system_user: Token) -> str | None:
    text = token.text
    if not token.quoted and text != "all" and text.lower() == "all":
        return f"the keyword is all, in lower case; a role of that name is written '\"{text}\"'"
    if text[:1] == "/":
        return None  # what it means depends on the version
    if text[:1] == "@" and len(text) > 1 and not token.quoted:
        return None  # a path, which may be longer than a name
    if REFERENCE in text and (token.quoted or text[:1] != "+"):
        return _reference_problem(system_user)
    name = text[1:] if text[:1] == "+" and not token.quoted else text
    if not name:
        return "no group has an empty name, so this never matches; a role of the name + is written '\"+\"'"
    if byte_length(name) > NAME_BYTES:
        return f"no name is longer than {NAME_BYTES} bytes, so this never matches"
    return None


def _reference_problem(system_user: Token) -> str | None:
    if system_user.text[:1] != "/":
        return f"{REFERENCE} stands for what a regular expression as system_user captures, and this one is a plain name"
    if patterns.groups(system_user.text[1:]) == 0:
        return f"{REFERENCE} needs a part of system_user in parentheses: without one the server lets nobody in"
    return None


def _pattern_problem(token: Token, dialect: Dialect | None = None) -> str | None:
    """What is wrong with a regular expression, for one version or for all of them."""
    if token.text[:1] != "/":
        return None
    problem = patterns.problem(token.text[1:], negated_in_brackets=dialect is None or dialect.negated_in_brackets)
    return None if problem is None else f"the regular expression has {problem}"


def _token(value: str) -> Token:
    token: Token = split_fields(spell(value))[0][0][0]
    return token
