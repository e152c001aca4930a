# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which rule decides about a connection: the first that matches, as the server finds it; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import Network
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = ["Attempt", "Decision", "Unnamed", "deciding", "doubts", "matches"]


class Unnamed(str):
    """A name that nobody has spelled out; its text is the same as no other's, regular expressions may match it."""

    __slots__ = ()


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One connection that somebody tries to make."""

    user: str
    database: str
    address: bytes | None = None  # packed; None through the socket
    tls: bool = False
    gss: bool = False  # encrypted by GSSAPI
    replication: bool = False  # physical: asks for no database
    member_of: frozenset[str] = frozenset()  # roles, the user itself included, as far as they exist; superuser or not
    interfaces: tuple[Network, ...] | None = None  # addresses of the server itself with their networks; None: not known


class Decision(t.NamedTuple):
    """Which records may decide: one, or several where only the server can tell."""

    records: tuple[Record, ...]
    closed: bool  # the last of them certainly matches; else the server may reject for want of a match


def deciding(records: t.Iterable[Record], attempt: Attempt, dialect: Dialect) -> Decision:
    """The first record that matches, and those before it that might."""
    found = []
    for record in records:
        answer = matches(record, attempt, dialect) if record.accepted else False
        if answer is not False:
            found.append(record)
        if answer is True:
            return Decision(tuple(found), True)
    return Decision(tuple(found), False)


def matches(record: Record, attempt: Attempt, dialect: Dialect) -> bool | None:
    """Whether a record matches; None where only the server can tell (host names, foreign regular expressions)."""
    if not _type_matches(record.type, attempt):
        return False
    address = _address_matches(record, attempt)
    if address is False:
        return False
    database = _any(_database_matches(token, attempt, dialect) for token in record.databases)
    if database is False:
        return False
    user = _any(_user_matches(token, attempt, dialect) for token in record.users)
    if user is False:
        return False
    return None if None in (address, database, user) else True


def doubts(record: Record, attempt: Attempt, dialect: Dialect) -> frozenset[tuple[str, str]]:
    """What only the server can tell about a record that may match: the field and the text in it."""
    found = set()
    if record.address is not None and _address_matches(record, attempt) is None:
        found.add(("address", record.address.shown()[0]))
    for field, tokens, verdict in (
        ("database", record.databases, _database_matches),
        ("user", record.users, _user_matches),
    ):
        answers = [verdict(token, attempt, dialect) for token in tokens]
        if _any(answers) is None:
            found |= {(field, token.text) for token, answer in zip(tokens, answers) if answer is None}
    return frozenset(found)


def _type_matches(kind: str, attempt: Attempt) -> bool:
    if attempt.address is None or kind == "local":
        return attempt.address is None and kind == "local"
    wanted = {"hostssl": attempt.tls, "hostnossl": not attempt.tls, "hostgssenc": attempt.gss}
    return wanted.get(kind, not attempt.gss if kind == "hostnogssenc" else True)


def _address_matches(record: Record, attempt: Attempt) -> bool | None:
    if record.address is None or attempt.address is None or record.address.keyword == "all":
        return True
    if record.address.network is not None:
        return record.address.network.holds(attempt.address)
    if record.address.keyword is not None:
        return _is_near(record.address.keyword, attempt.address, attempt.interfaces)
    return None


def _is_near(keyword: str, client: bytes, interfaces: tuple[Network, ...] | None) -> bool | None:
    """Whether samehost or samenet match; without interfaces only loopback addresses are known to be there."""
    if interfaces is not None:
        return any(each.address == client if keyword == "samehost" else each.holds(client) for each in interfaces)
    return True if client in (bytes([127, 0, 0, 1]), bytes(15) + b"\1") else None


def _database_matches(token: Token, attempt: Attempt, dialect: Dialect) -> bool | None:
    word = None if token.quoted else token.text
    if attempt.replication:
        return word == "replication"
    if word == "all":
        return True
    if word == "sameuser":
        return attempt.database == attempt.user
    if word in ("samerole", "samegroup"):
        return attempt.database in attempt.member_of
    if word == "replication":
        return False
    return _name_matches(token.text, attempt.database, dialect)


def _user_matches(token: Token, attempt: Attempt, dialect: Dialect) -> bool | None:
    if not token.quoted:
        if token.text[:1] == "+":
            return token.text[1:] in attempt.member_of
        if token.text == "all":
            return True
    return _name_matches(token.text, attempt.user, dialect)


def _name_matches(text: str, name: str, dialect: Dialect) -> bool | None:
    if dialect.regular_expressions and text[:1] == "/":
        if isinstance(name, Unnamed):
            return None if patterns.whole_names(text[1:]) is None else False
        return patterns.search(text[1:], name)
    return text == name


def _any(answers: t.Iterable[bool | None]) -> bool | None:
    found: bool | None = False
    for answer in answers:
        if answer:
            return True
        if answer is None:
            found = None
    return found
