# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may knock, and for what: roles, databases and those that nobody has named yet; private to the collection."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.terms import Term
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import NAME_BYTES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import byte_length
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Unnamed

__all__ = [
    "OTHER_DATABASE",
    "OTHER_USER",
    "OWN_NAME",
    "ROLE_NAME",
    "TRANSPORTS",
    "Universe",
    "User",
    "World",
    "closure",
    "label",
]

OTHER_USER = Unnamed("\0any other")  # no name holds a NUL byte
OTHER_DATABASE = Unnamed("\0any other database")
OWN_NAME = "\0a database of the user's name"
ROLE_NAME = "\0a database of the name of a role that the user is in"
_SOME_ROLE = Unnamed("\0some role")

TRANSPORTS = ("local", "plain", "tls", "gss")


@dataclasses.dataclass(frozen=True)
class World:
    """What exists on a server. The default knows nothing: then only what rules name is told apart."""

    roles: t.Mapping[str, t.Collection[str]] = dataclasses.field(default_factory=dict)  # name to what it is in
    superusers: frozenset[str] = frozenset()
    databases: frozenset[str] = frozenset()
    tls: bool = True  # whether the server speaks it
    gss: bool = True


class User(t.NamedTuple):
    """A role that exists or that rules name, or one that stands for all others."""

    name: str
    member_of: frozenset[str]  # directly or not, the role itself included


@dataclasses.dataclass(frozen=True)
class Universe:
    """Every name that makes a difference to some rules."""

    users: tuple[User, ...]
    databases: tuple[str, ...]
    transports: tuple[str, ...]
    own_name: bool  # whether it matters that a database bears its user's name
    role_name: bool  # whether it matters that a database bears the name of a role that its user is in

    @classmethod
    def of(cls, world: World, users: t.Iterable[Term], databases: t.Iterable[Term]) -> Universe:
        """The names of the world, those in the terms of rules, and one for any other."""
        user_terms, database_terms = set(users), set(databases)
        words = {term.kind for term in database_terms}
        return cls(
            users=_users(world, user_terms),
            databases=(*sorted({*world.databases, *_names(database_terms)}), OTHER_DATABASE),
            transports=tuple(
                name for name in TRANSPORTS if (name != "tls" or world.tls) and (name != "gss" or world.gss)
            ),
            own_name=bool(words & {"sameuser", "samerole"}),
            role_name="samerole" in words,
        )

    @functools.cached_property
    def named(self) -> frozenset[str]:
        """The databases, to look them up."""
        return frozenset(self.databases)

    def relative_databases(self, user: User) -> t.Iterator[tuple[str, str]]:
        """Databases that nobody has named but that have to do with the user: how they are listed, and a name."""
        named = self.named
        if self.own_name and user.name not in named:
            yield OWN_NAME, Unnamed(user.name)
        if self.role_name:
            others = sorted(name for name in user.member_of if name != user.name and name not in named)
            if others:
                yield ROLE_NAME, Unnamed(others[0])


def label(name: str) -> str:
    """How a name is shown; one that stands for others in parentheses."""
    return f"({name[1:]})" if name[:1] == "\0" else name


def _names(terms: t.Iterable[Term]) -> t.Iterator[str]:
    """Names in terms; one that is too long for the server is nobody's."""
    return (term.text for term in terms if term.kind == "name" and byte_length(term.text) <= NAME_BYTES)


def _users(world: World, terms: t.Iterable[Term]) -> tuple[User, ...]:
    terms = list(terms)
    everybody = [User(name, closure(name, world.roles)) for name in sorted({*world.roles, *_names(terms)})]
    for group in sorted({term.text for term in terms if term.kind == "group"}):
        name = Unnamed(f"\0any other member of {group}")
        everybody.append(User(name, closure(group, world.roles) | {name}))
    everybody.append(User(OTHER_USER, frozenset((OTHER_USER, _SOME_ROLE))))
    return tuple(everybody)


def closure(name: str, roles: t.Mapping[str, t.Collection[str]]) -> frozenset[str]:
    """What a role is in, directly or not, and itself."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        role = waiting.pop()
        if role not in found:
            found.add(role)
            waiting += roles.get(role, ())
    return frozenset(found)
