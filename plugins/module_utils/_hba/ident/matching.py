# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a system user may be a PostgreSQL user under a map, as the server decides it; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import MapRecord
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token

__all__ = ["REFERENCE", "maps"]

REFERENCE = "\\1"  # in pg_user: what the first subexpression of system_user captured


def maps(
    records: t.Iterable[MapRecord],
    *,
    name: str,
    system_user: str,
    pg_user: str,
    dialect: Dialect,
    member_of: frozenset[str] = frozenset(),
) -> bool | None:
    """Whether the map lets the system user in as that PostgreSQL user; None where only the server can tell.

    An empty ``name`` is no map: both names must be the same. ``member_of`` are the roles that the user is a member of,
    the user itself included. Names are compared with their case.
    """
    if not name:
        return system_user == pg_user
    known: bool | None = False
    for record in records:
        if not record.accepted or record.map != name:
            continue
        if record.system_user.text[:1] == "/":
            answer = _by_pattern(record, system_user, pg_user, member_of, dialect)
            if answer == "error":
                return False if known is False else None  # the server gives up at once
        elif record.system_user.text == system_user:
            answer = _is_user(record.pg_user, pg_user, member_of, dialect)
        else:
            continue
        if answer is True:
            return True
        known = None if answer is None else known
    return known


def _by_pattern(
    record: MapRecord, system_user: str, pg_user: str, member_of: frozenset[str], dialect: Dialect
) -> bool | None | t.Literal["error"]:
    pattern, token = record.system_user.text[1:], record.pg_user
    found = patterns.search(pattern, system_user)
    if found is False:
        return False
    if REFERENCE in token.text and not _is_special(token, dialect):
        captured = patterns.captured(pattern, system_user) if found else None
        if captured is None:
            return None
        if isinstance(captured, patterns.NoCapture):
            return "error"
        return token.text.replace(REFERENCE, captured, 1) == pg_user
    answer = _is_user(token, pg_user, member_of, dialect)
    return answer if found or answer is False else None


def _is_special(token: Token, dialect: Dialect) -> bool:
    """Whether the text stands for more than one name, so that nothing is put into it."""
    if not dialect.special_pg_users:
        return False
    return token.text[:1] == "/" or (token.text[:1] == "+" and not token.quoted)


def _is_user(token: Token, pg_user: str, member_of: frozenset[str], dialect: Dialect) -> bool | None:
    if dialect.special_pg_users:
        if token.text[:1] == "/":
            return patterns.search(token.text[1:], pg_user)
        if not token.quoted and token.text[:1] == "+":
            return token.text[1:] in member_of
        if not token.quoted and token.text == "all":
            return True
    return token.text == pg_user
