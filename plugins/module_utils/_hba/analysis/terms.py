# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a token of the database or user field means, whatever its spelling; private to the collection."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token

__all__ = ["Term", "database_terms", "user_terms"]

Kind = t.Literal["all", "sameuser", "samerole", "replication", "group", "name", "regex"]

_WORDS: dict[str, Kind] = {
    "all": "all",
    "sameuser": "sameuser",
    "samerole": "samerole",
    "samegroup": "samerole",
    "replication": "replication",
}


class Term(t.NamedTuple):
    """One meaning: a keyword, a group, a name or a regular expression."""

    kind: Kind
    text: str = ""


def database_terms(tokens: tuple[Token, ...], dialect: Dialect) -> frozenset[Term]:
    """The meanings in a database field."""
    return _database_terms(tokens, dialect.regular_expressions)


def user_terms(tokens: tuple[Token, ...], dialect: Dialect) -> frozenset[Term]:
    """The meanings in a user field."""
    return _user_terms(tokens, dialect.regular_expressions)


@functools.lru_cache(maxsize=65536)
def _database_terms(tokens: tuple[Token, ...], regular_expressions: bool) -> frozenset[Term]:
    return frozenset().union(*(_of_database(token, regular_expressions) for token in tokens))


@functools.lru_cache(maxsize=65536)
def _user_terms(tokens: tuple[Token, ...], regular_expressions: bool) -> frozenset[Term]:
    return frozenset().union(*(_of_user(token, regular_expressions) for token in tokens))


def _of_database(token: Token, regular_expressions: bool) -> frozenset[Term]:
    if not token.quoted and token.text in _WORDS:
        return frozenset((Term(_WORDS[token.text]),))
    return _names(token.text, regular_expressions)


def _of_user(token: Token, regular_expressions: bool) -> frozenset[Term]:
    if not token.quoted:
        if token.text[:1] == "+":
            return frozenset((Term("group", token.text[1:]),))
        if token.text == "all":
            return frozenset((Term("all"),))
    return _names(token.text, regular_expressions)


def _names(text: str, regular_expressions: bool) -> frozenset[Term]:
    """One name, or a regular expression; one that spells out whole names is these."""
    if not regular_expressions or text[:1] != "/":
        return frozenset((Term("name", text),))
    names = patterns.whole_names(text[1:])
    return frozenset((Term("regex", text[1:]),) if names is None else [Term("name", name) for name in names])
