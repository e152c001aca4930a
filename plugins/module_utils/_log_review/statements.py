# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements that change roles, grants or the configuration, reduced to what they name; private to the collection.

No literal of a statement is in what becomes of it, and no word that is not a name where the grammar has one or one of the
words that are listed here: a password may stand anywhere in a statement that the server refused.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.tokens import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.tokens import statements_of

__all__ = ["Change", "changes_of", "may_change"]

_ROLE = frozenset(("ROLE", "USER", "GROUP"))
_OPTIONS = frozenset(
    [
        *("SUPERUSER", "NOSUPERUSER", "CREATEDB", "NOCREATEDB", "CREATEROLE", "NOCREATEROLE", "INHERIT", "NOINHERIT"),
        *("LOGIN", "NOLOGIN", "REPLICATION", "NOREPLICATION", "BYPASSRLS", "NOBYPASSRLS", "PASSWORD", "VALID"),
        *("CONNECTION", "ADMIN", "IN", "RENAME", "OWNER", "RESET", "SET", "ADD", "DROP"),
    ]
)
_PRIVILEGES = frozenset(
    [
        *("ALL", "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "USAGE", "CREATE"),
        *("CONNECT", "TEMPORARY", "TEMP", "EXECUTE", "SET", "ALTER", "MAINTAIN"),
    ]
)
_KINDS = frozenset(
    [
        *(
            "TABLE",
            "TABLES",
            "SEQUENCE",
            "SEQUENCES",
            "DATABASE",
            "DOMAIN",
            "FOREIGN",
            "SERVER",
            "FUNCTION",
            "FUNCTIONS",
        ),
        *("PROCEDURE", "PROCEDURES", "ROUTINE", "ROUTINES", "LANGUAGE", "LARGE", "OBJECT", "OBJECTS", "PARAMETER"),
        *("SCHEMA", "SCHEMAS", "TABLESPACE", "TYPE", "TYPES", "ALL", "IN", "DATA", "WRAPPER", "COLUMN", "VIEW"),
        *("MATERIALIZED", "ROLE", "EVENT", "TRIGGER", "PUBLICATION", "SUBSCRIPTION", "AGGREGATE"),
    ]
)
_GRANT_OPTIONS = (("GRANT", "OPTION"), ("ADMIN", "OPTION"), ("INHERIT", "OPTION"), ("SET", "OPTION"))
_SET_USER = frozenset(("set_user", "set_user_u", "reset_user", "set_session_auth"))
_FIRST = re.compile(r"\s*([a-z]+)")
_FIRST_WORDS = frozenset(("grant", "revoke", "create", "alter", "drop", "reassign", "security", "copy"))
_WORDS = (
    *("grant", "revoke", "reassign", "role", "user", "group", "system", "database", "label", "extension", "program"),
    *("privileges", "owned", "set_session_auth"),
)


class Change(t.NamedTuple):
    """What a statement does."""

    command: str
    object: str = ""
    to: str = ""  # who is granted or revoked something, or what is renamed or handed over to
    clauses: str = ""


def may_change(text: str) -> bool:
    """Whether it is worth a closer look, which takes long."""
    text = text.lower()
    first = _FIRST.match(text)
    if first is not None and first[1] not in _FIRST_WORDS and text.find(";", 0, -1) < 0:
        return first[1] == "select" and any(name in text for name in _SET_USER)
    return any(word in text for word in _WORDS)


def changes_of(text: str) -> list[Change]:
    """The changes that the statements of a text ask for."""
    found = [_change(tokens) for tokens in statements_of(text)]
    return [each for each in found if each is not None]


class _Reader:
    """Goes through the tokens of a statement."""

    def __init__(self, tokens: t.Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def next(self) -> Token:
        """The next token."""
        return self._tokens[self._at] if self._at < len(self._tokens) else Token("sign", "")

    @property
    def is_done(self) -> bool:
        """Whether none is left."""
        return self._at >= len(self._tokens)

    def skip(self) -> None:
        """Leave one out."""
        self._at += 1

    def takes(self, *words: str) -> bool:
        """Whether these words follow, which are then behind."""
        following = self._tokens[self._at : self._at + len(words)]
        if [each.upper for each in following] != list(words):
            return False
        self._at += len(words)
        return True

    def name(self) -> str:
        """A name, of several parts perhaps; empty where none follows."""
        parts = [self.next.name]
        self.skip()
        while parts[-1] and self.next.text == "." and self.next.kind == "sign":
            self.skip()
            parts.append(self.next.name)
            self.skip()
        return ".".join(part for part in parts if part)

    def names(self) -> str:
        """Names with commas between them."""
        found = []
        while True:
            self.takes("GROUP")
            name = self.name()
            found += [name] if name else []
            if self.next.text != "," or self.next.kind != "sign":
                return ", ".join(found)
            self.skip()

    def words(self, allowed: t.Collection[str], until: t.Collection[str] = ()) -> list[str]:
        """The words that are allowed, of all that follow or of those before one of ``until``."""
        found: list[str] = []
        while not self.is_done and self.next.upper not in until:
            if self.next.upper in allowed and self.next.upper not in found:
                found.append(self.next.upper)
            self.skip()
        return found


def _change(tokens: t.Sequence[Token]) -> Change | None:
    if not tokens:
        return None
    first = tokens[0].upper
    reader = _Reader(tokens)
    if first in ("GRANT", "REVOKE"):
        return _grant(reader)
    if first in ("CREATE", "ALTER", "DROP"):
        return _definition(reader)
    if first == "REASSIGN" or first == "SECURITY" or first == "COPY":
        return _other(reader)
    if first == "SELECT" and any(
        each.name in _SET_USER and after.text == "(" for each, after in zip(tokens, tokens[1:])
    ):
        return Change("SET_USER", next(each.name for each in tokens if each.name in _SET_USER))
    return None


def _grant(reader: _Reader, before: str = "") -> Change:
    command = before + reader.next.upper
    reader.skip()
    options = [f"{kind} OPTION FOR" for kind, option in _GRANT_OPTIONS if reader.takes(kind, option, "FOR")]
    if _grants_roles(reader):
        given, clauses = reader.names(), options
    else:
        clauses = [*options, *reader.words(_PRIVILEGES, until=("ON", "TO", "FROM"))]
        given = _object(reader) if reader.takes("ON") else ""
    to = reader.names() if reader.takes("TO") or reader.takes("FROM") else ""
    if reader.takes("WITH"):
        clauses = [*clauses, *(f"WITH {word}" for word in reader.words(("GRANT", "ADMIN", "INHERIT", "SET")))]
    return Change(command, given, to, ", ".join(clauses))


def _grants_roles(reader: _Reader) -> bool:
    """Whether roles are granted and not privileges: then no ON comes before TO or FROM."""
    ahead = _Reader(reader._tokens[reader._at :])
    while not ahead.is_done and ahead.next.upper not in ("ON", "TO", "FROM"):
        ahead.skip()
    return ahead.next.upper != "ON"


def _object(reader: _Reader) -> str:
    """A kind of object and its names; the arguments of functions are left out."""
    kinds = []
    while reader.next.upper in _KINDS:
        kinds.append(reader.next.upper)
        reader.skip()
    names = "" if reader.next.upper in ("TO", "FROM", "IS") else reader.names()
    while not reader.is_done and reader.next.upper not in ("TO", "FROM", "IS"):
        reader.skip()
    return " ".join([*kinds, *([names] if names else [])])


def _definition(reader: _Reader) -> Change | None:
    verb = reader.next.upper
    reader.skip()
    if reader.takes("USER", "MAPPING"):
        return _mapping(reader, f"{verb} USER MAPPING")
    if reader.takes("DEFAULT", "PRIVILEGES"):
        reader.words((), until=("GRANT", "REVOKE"))
        return _grant(reader, "ALTER DEFAULT PRIVILEGES ")
    if reader.takes("OWNED", "BY"):
        return Change(f"{verb} OWNED", reader.names())
    if reader.takes("SYSTEM"):
        return _setting(reader, f"{verb} SYSTEM", "")
    kind = reader.next.upper
    if kind not in _ROLE and kind not in ("EXTENSION", "DATABASE"):
        return None
    if kind == "DATABASE" and verb != "ALTER":
        return None
    reader.skip()
    for word in ("IF", "NOT", "EXISTS"):
        reader.takes(word)
    name = reader.names() if verb == "DROP" else reader.name()
    return _details(reader, f"{verb} {kind}", name)


def _details(reader: _Reader, command: str, name: str) -> Change:
    """What a statement about a role, a database or an extension changes."""
    where = []
    if reader.takes("IN", "DATABASE"):
        where = [f"IN DATABASE {reader.name()}"]
    if reader.next.upper in ("SET", "RESET"):
        return _setting(reader, command, name, where)
    if reader.takes("RENAME", "TO") or reader.takes("OWNER", "TO"):
        return Change(command, name, reader.name(), "TO")
    words = reader.words(_OPTIONS) if command.split()[1] in _ROLE else []
    clauses = {"VALID": "VALID UNTIL", "CONNECTION": "CONNECTION LIMIT"}
    return Change(command, name, "", ", ".join([*where, *(clauses.get(word, word) for word in words)]))


def _setting(reader: _Reader, command: str, name: str, where: t.Sequence[str] = ()) -> Change:
    """SET or RESET of a parameter, without its value."""
    verb = reader.next.upper
    reader.skip()
    parameter = reader.name()
    if not name:
        return Change(command, parameter, "", verb)
    return Change(command, name, "", ", ".join([*where, f"{verb} {parameter}"]))


def _mapping(reader: _Reader, command: str) -> Change:
    for word in ("IF", "NOT", "EXISTS"):
        reader.takes(word)
    role = reader.name() if reader.takes("FOR") else ""
    return Change(command, f"SERVER {reader.name()}" if reader.takes("SERVER") else "", role)


def _other(reader: _Reader) -> Change | None:
    if reader.takes("REASSIGN", "OWNED", "BY"):
        owners = reader.names()
        return Change("REASSIGN OWNED", owners, reader.name() if reader.takes("TO") else "")
    if reader.takes("SECURITY", "LABEL"):
        provider = f"FOR {reader.name()}" if reader.takes("FOR") else ""
        return Change("SECURITY LABEL", _object(reader) if reader.takes("ON") else "", "", provider)
    if reader.takes("COPY"):
        return _copy(reader)
    return None


def _copy(reader: _Reader) -> Change | None:
    """COPY, where it runs a program."""
    name = reader.name()
    depth = 0 if name else 1  # a query in parentheses, of which nothing is told
    while not reader.is_done:
        direction = reader.next.upper
        depth += {"(": 1, ")": -1}.get(reader.next.text, 0) if reader.next.kind == "sign" else 0
        reader.skip()
        if depth <= 0 and direction in ("TO", "FROM"):
            return Change("COPY PROGRAM", name, "", direction) if reader.takes("PROGRAM") else None
    return None
