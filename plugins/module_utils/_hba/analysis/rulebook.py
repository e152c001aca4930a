# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All rules at once, ready to be asked which of them concern whom; private to the collection."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.axis import Axis
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.axis import Group
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import Cube
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.sets import AddressIndex
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.sets import addresses_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.sets import bits_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.terms import Term
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.terms import database_terms
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.terms import user_terms
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import OTHER_DATABASE
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import OTHER_USER
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import OWN_NAME
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import ROLE_NAME
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import Universe
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import User
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = ["WAYS_IN", "Cell", "Rulebook"]

WAYS_IN = {
    "local": ("local",),
    "host": ("plain", "tls", "gss"),
    "hostssl": ("tls",),
    "hostnossl": ("plain", "gss"),
    "hostgssenc": ("gss",),
    "hostnogssenc": ("plain", "tls"),
}
"""A type of rules to how a client may come in by them."""


class _Kin(t.NamedTuple):
    """How users stand to databases of their own names, and of the names of roles that they are in."""

    own: int | None = None  # the class of the database; None where nobody has named it
    roles: frozenset[int] = frozenset()
    role_unnamed: bool = False  # whether there may be one that nobody has named


_STRANGER = _Kin()


class Cell(t.NamedTuple):
    """Users and databases that the rules of interest do not tell apart."""

    users: Group
    databases: Group | str  # a string for what is no database of the axis
    targets: int  # the rules that certainly match the databases
    definite: int
    possible: int


class Rulebook:
    """Rules as bits of numbers: the first has the lowest. Refused records take part in nothing."""

    def __init__(self, records: t.Iterable[Record], dialect: Dialect, world: World) -> None:
        self.records = tuple(records)
        self.dialect = dialect
        none: frozenset[Term] = frozenset()
        self.user_terms = [user_terms(r.users, dialect) if r.accepted else none for r in self.records]
        self.database_terms = [database_terms(r.databases, dialect) if r.accepted else none for r in self.records]
        self.universe = Universe.of(
            world,
            (term for terms in set(self.user_terms) for term in terms),
            (term for terms in set(self.database_terms) for term in terms),
        )
        self.addresses = [addresses_of(record.address) for record in self.records]
        self.index = AddressIndex(self.addresses)
        self._known_transports = {
            kind: tuple(name for name in names if name in self.universe.transports) for kind, names in WAYS_IN.items()
        }
        self.by_transport = dict.fromkeys(self.universe.transports, 0)
        for bit, record in enumerate(self.records):
            for name in self.transports(record):
                self.by_transport[name] |= 1 << bit
        self._words: dict[str, int] = {
            term.kind: self._holding(term) for term in (Term("sameuser"), Term("samerole"), Term("replication"))
        }
        self._by_name = {user.name: user for user in self.universe.users}
        self._others: dict[str, int] = {}
        self._set_axes()

    @functools.cached_property
    def edges(self) -> list[list[tuple[int, int, Cube | None]]]:
        """The first and last addresses of which each rule is certain; around a mask that is no prefix, with its cube."""
        return [
            [(*cube.hull, None if cube.is_span else cube) for cube in addresses.cubes] for addresses in self.addresses
        ]

    def transports(self, record: Record) -> tuple[str, ...]:
        """How a client may come in by a rule."""
        return self._known_transports[record.type] if record.accepted else ()

    def _holding(self, term: Term) -> int:
        found = 0
        for bit, terms in enumerate(self.database_terms):
            if term in terms:
                found |= 1 << bit
        return found

    def _set_axes(self) -> None:
        users = self.universe.users
        relations = self.universe.own_name
        related = {name for user in users for name in (user.name, *user.member_of)} if relations else set()
        members: dict[str, list[str]] = {}
        for user in users:
            for name in user.member_of:
                members.setdefault(name, []).append(user.name)
        self.databases = Axis.of(
            self.database_terms,
            self.universe.databases,
            members={},
            kin=lambda name: name if name in related else None,
        )
        self._class_of = {name: index for index, item in enumerate(self.databases.classes) for name in item.names}
        self.users = Axis.of(
            self.user_terms, [user.name for user in users], members=members, kin=self._kin if relations else _no_kin
        )
        self._doubtful_names = 0  # rules that may match any database at all: regular expressions
        for bit, terms in enumerate(self.database_terms):
            if any(term.kind == "regex" for term in terms):
                self._doubtful_names |= 1 << bit

    def _kin(self, name: str) -> _Kin:
        user = self._by_name[name]
        roles: frozenset[int] = frozenset()
        if self.universe.role_name:
            roles = frozenset(self._class_of[role] for role in user.member_of if role in self._class_of)
        unnamed = any(listed == ROLE_NAME for listed, _name in self.universe.relative_databases(user))
        return _Kin(self._class_of.get(name), roles, unnamed)

    @functools.cached_property
    def _related_users(self) -> frozenset[int]:
        return frozenset(index for index, item in enumerate(self.users.classes) if item.kin != _STRANGER)

    @property
    def related(self) -> int:
        """The rules that compare the database with the user."""
        return self._words["sameuser"] | self._words["samerole"]

    @property
    def any_database(self) -> int:
        """The rules that name databases in other ways than by their names."""
        return self.databases.everybody | self.related | self._words["replication"]

    def users_of(self, rules: int) -> frozenset[int] | None:
        """The users that some rules may match; None is all."""
        return None if rules & self.users.everybody else self._narrow(self.users, rules)

    @staticmethod
    def _narrow(axis: Axis, rules: int) -> frozenset[int]:
        if not rules & (rules - 1):
            return axis.narrow[rules.bit_length() - 1]
        return frozenset().union(*(axis.narrow[rule] for rule in bits_of(rules)))

    @functools.cached_property
    def _unions(self) -> dict[tuple[bool, frozenset[int] | None], int]:
        return {}

    def meeting_users(self, rule: int) -> int:
        """The rules that match some user that a rule matches."""
        return self._union(self.users, self.users_of(1 << rule)) | self.users.sharing(rule)

    def meeting_databases(self, rule: int) -> int:
        """The rules that match some database that a rule matches, or compare it with the user."""
        bit = 1 << rule
        if bit & self.related:
            return -1
        found = self.databases.sharing(rule)
        found |= self.related if self.databases.narrow[rule] or bit & self.databases.everybody else 0
        if bit & self.databases.everybody or self.databases.narrow[rule]:
            within = None if bit & self.databases.everybody else self.databases.narrow[rule]
            found |= self._union(self.databases, within)
        return found | (self._words["replication"] if bit & self._words["replication"] else 0)

    def _union(self, axis: Axis, within: frozenset[int] | None) -> int:
        key = (axis is self.users, within)
        if key not in self._unions:
            self._unions[key] = axis.union(within)
        return self._unions[key]

    def covering_names(self, rule: int, rules: int) -> int:
        """Those of some rules that match every user and database that a rule matches; not all of them."""
        bit = 1 << rule
        for axis in (self.users, self.databases):
            rules = rules & axis.everybody if bit & axis.everybody else axis.covering(rule, rules)
        if bit & self.related:
            rules &= (
                self.databases.everybody
                | self._words["samerole"]
                | (0 if bit & self._words["samerole"] else self._words["sameuser"])
            )
        return rules & self._words["replication"] if bit & self._words["replication"] else rules

    def sample(self, rule: int) -> int | None:
        """The rules that certainly match one user and database that a rule may match; None where that takes longer."""
        bit = 1 << rule
        if bit & self.related:
            return None
        user = self.users.classes[self._one(self.users, OTHER_USER, rule)]
        if not bit & user.definite:
            return None
        if not bit & self.databases.everybody and not self.databases.narrow[rule]:
            return user.definite & self._words["replication"]
        database = self._one(self.databases, OTHER_DATABASE, rule)
        if not bit & self.databases.classes[database].definite:
            return None
        return user.definite & (self.databases.classes[database].definite | self._same(user.kin, database))

    def _one(self, axis: Axis, other: str, rule: int) -> int:
        """A class that a rule may match: of those that nobody has named, where it may."""
        if not axis.everybody >> rule & 1:
            return min(axis.narrow[rule])
        if other not in self._others:
            self._others[other] = next(index for index, item in enumerate(axis.classes) if other in item.names)
        return self._others[other]

    def cells(self, rules: int, focus: int) -> t.Iterator[Cell]:
        """Everybody and every database that a rule of the focus may match, as far as some rules tell them apart."""
        for users in self.groups(rules, focus):
            yield from self.cells_of(users, focus)

    def groups(self, rules: int, focus: int) -> t.Iterator[Group]:
        """Everybody whom a rule of the focus may match, as far as some rules tell them apart."""
        rules |= focus
        apart = (lambda: self._related_users) if rules & self.related else None
        for users in self.users.groups(rules, self.users_of(focus), apart):
            if users.possible & focus:
                yield users

    def cells_of(self, users: Group, focus: int) -> t.Iterator[Cell]:
        """The same users with every database that a rule of the focus may match."""
        focus &= users.possible
        kin = self.users.classes[users.one].kin
        near = kin.roles if kin.own is None else kin.roles | {kin.own}
        within = None
        if not focus & self.databases.everybody:
            within = self._narrow(self.databases, focus) | (near if focus & self.related else frozenset())
        apart = (lambda: near) if users.possible & self.related else None
        for databases in self.databases.groups(users.possible, within, apart):
            same = self._same(kin, databases.one)
            targets = databases.definite | same
            cell = Cell(
                users, databases, targets, users.definite & targets, users.possible & (databases.possible | same)
            )
            if cell.possible & focus:
                yield cell
        for listed, definite, possible in self._beside(kin):
            if users.possible & possible & focus:
                yield Cell(users, listed, definite, users.definite & definite, users.possible & possible)

    def cases(self, cell: Cell, rule: int) -> t.Iterator[int]:
        """The rules that match a cell's connections wherever this one does: a set for each way in which it may."""
        doubts = self.databases.doubtful[rule]
        if not isinstance(cell.databases, str):
            doubts = self.databases.classes[cell.databases.one].doubts
        for users in self.users.cases(rule, cell.users.definite, self.users.classes[cell.users.one].doubts):
            for databases in self.databases.cases(rule, cell.targets, doubts):
                yield users & databases

    def relatives(self, users: Group) -> frozenset[str]:
        """Databases that nobody has named but that have to do with these users."""
        kin = self.users.classes[users.one].kin
        return frozenset(listed for listed, *_rules in self._beside(kin) if listed != "replication")

    def _same(self, kin: _Kin, database: int) -> int:
        own = self._words["sameuser"] if database == kin.own else 0
        return own | (self._words["samerole"] if database in kin.roles else 0)

    def _beside(self, kin: _Kin) -> t.Iterator[tuple[str, int, int]]:
        """What is no database of the axis: its name, the rules that match it and those that may."""
        everybody = self.databases.everybody
        if self.universe.own_name and kin.own is None:
            definite = everybody | self._words["sameuser"] | self._words["samerole"]
            yield OWN_NAME, definite, definite | self._doubtful_names
        if kin.role_unnamed:
            definite = everybody | self._words["samerole"]
            yield ROLE_NAME, definite, definite | self._doubtful_names
        yield "replication", self._words["replication"], self._words["replication"]

    def example(self, cell: Cell) -> tuple[User, str]:
        """One user and database of a cell."""
        user = self._by_name[self.users.classes[cell.users.one].names[0]]
        if not isinstance(cell.databases, str):
            return user, self.databases.classes[cell.databases.one].names[0]
        return user, dict(self.universe.relative_databases(user)).get(cell.databases, "")


def _no_kin(_name: str) -> _Kin:
    return _STRANGER
