# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what a review of access is made of, one session for each database; private to the collection."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.access import review
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import Graph
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import Membership
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Group
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Item
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Place
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Thing
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import groups
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._facts import queries
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Unreadable
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges import queries as privileges
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import CLUSTER
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import KINDS

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["KIND_NAMES", "Wanted", "reviewed"]

KIND_NAMES = tuple(KINDS)
_ATTRIBUTES = ("superuser", "bypassrls", "createrole", "createdb", "replication", "login")
_DATABASE, _SCHEMA, _TABLE, _COLUMN = "database", "schema", "table", "column"
_PER_GRANT = 16  # since when a membership itself says whether it inherits

Read = tuple[list[Thing], dict[str, tuple[Item, ...]]]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Who and what is reviewed. Names are patterns behind a slash; none of them: all."""

    roles: t.Sequence[str] | None = None  # None: every role that can log in
    databases: t.Sequence[str] | None = None
    kinds: t.Sequence[str] = KIND_NAMES


def reviewed(server: Server, wanted: Wanted) -> dict[str, t.Any]:
    """The rows of the review; databases that cannot be looked into are named in ``unreadable``."""
    session, unreadable = server.session, Unreadable()
    rows = session.rows(queries.ROLES)
    roles = [_role(row, server.major) for row in rows]
    chosen = _chosen(wanted.roles, roles)
    reading = _Reading(server, wanted, {role.name: role.oid for role in roles})
    places = reading.places(unreadable)
    return {
        **server.facts(),
        "session": session.rows(queries.SESSION)[0],
        "rows": review(_graph(server, roles), chosen, places),
        "reviewed": [role.name for role in chosen],
        "unreadable": unreadable.reasons,
    }


def _role(row: t.Mapping[str, t.Any], major: int) -> Role:
    attributes = tuple(name.upper() for name in _ATTRIBUTES if row[name])
    return Role(row["oid"], row["name"], attributes, inherits=row["inherit"] or major >= _PER_GRANT)


def _graph(server: Server, roles: t.Sequence[Role]) -> Graph:
    by_name = {role.name: role for role in roles}
    memberships = [
        Membership(
            role=by_name[row["role"]].oid,
            member=by_name[row["member"]].oid,
            inherits=row["options"].get("inherit_option", by_name[row["member"]].inherits),
            sets=row["options"].get("set_option", True),
            administers=row["options"]["admin_option"],
        )
        for row in server.session.rows(queries.MEMBERSHIPS)
        if row["role"] in by_name and row["member"] in by_name  # or it came while this was read
    ]
    return Graph(roles, memberships)


def _chosen(names: t.Sequence[str] | None, roles: t.Sequence[Role]) -> list[Role]:
    if names is None:
        return [role for role in roles if "LOGIN" in role.attributes]
    meant = _Names("roles", names)
    found = [role for role in roles if meant.matches(role.name)]
    meant.check(role.name for role in found)
    return found


class _Names:
    """Names, or patterns behind a slash that have to match a whole name."""

    def __init__(self, option: str, names: t.Sequence[str]) -> None:
        self._option = option
        self._literal = [name for name in names if not name.startswith("/")]
        self._patterns = [self._pattern(name) for name in names if name.startswith("/")]

    def matches(self, name: str) -> bool:
        """Whether a name is meant."""
        return name in self._literal or any(pattern.fullmatch(name) for pattern in self._patterns)

    def check(self, found: t.Iterable[str]) -> None:
        """Raise InputError for a name that nothing bears."""
        known = set(found)
        for name in self._literal:
            if name not in known:
                raise InputError(option=self._option, value=name, expected="one that is there")

    def _pattern(self, text: str) -> re.Pattern[str]:
        try:
            return re.compile(text[1:], re.DOTALL)
        except re.error as error:
            raise InputError(
                option=self._option, value=text, expected=f"a regular expression behind the /: {error}"
            ) from None


class _Reading:
    def __init__(self, server: Server, wanted: Wanted, roles: t.Mapping[str, int]) -> None:
        self._server = server
        self._wanted = wanted
        self._roles = roles
        self._kinds = [kind for kind in KINDS.values() if kind.name in wanted.kinds and kind.since <= server.major]

    def places(self, unreadable: Unreadable) -> list[Place]:
        """What belongs to the cluster, and every database that is wanted."""
        here = _Session(self._server.session, self._roles)
        shared = [kind.name for kind in self._kinds if kind.within == CLUSTER and kind.name != _DATABASE]
        found = [Place("", tuple(group for kind in shared for group in here.groups(kind)))]
        databases = {name: group for group in here.groups(_DATABASE) for name in group.names}
        rows = [row for row in self._server.session.rows(privileges.DATABASES) if row["name"] in databases]
        for row in self._meant(rows):
            itself = dataclasses.replace(databases[row["name"]], names=(row["name"],))
            found.append(self._place(itself, row["name"], row["open"], unreadable))
        return found

    def _meant(self, rows: t.Sequence[dict[str, t.Any]]) -> t.Sequence[dict[str, t.Any]]:
        if self._wanted.databases is None:
            return rows
        meant = _Names("databases", self._wanted.databases)
        found = [row for row in rows if meant.matches(row["name"])]
        meant.check(row["name"] for row in found)
        return found

    def _place(self, itself: Group, name: str, is_open: bool, unreadable: Unreadable) -> Place:
        schemas: dict[str, Group] = {}
        inside: list[Group] = []
        if is_open:
            try:
                with self._server.session_in(name) as session:
                    schemas, inside = self._inside(_Session(session, self._roles))
            except RampartError as error:
                unreadable.add(f"database {name}", str(error))
        else:
            unreadable.add(f"database {name}", "it takes no connections")
        told = [itself] if _DATABASE in self._wanted.kinds else []
        return Place(name, (*told, *inside), itself, schemas, is_open)

    def _inside(self, here: _Session) -> tuple[dict[str, Group], list[Group]]:
        schemas = here.groups(_SCHEMA)
        by_name = {name: group for group in schemas for name in group.names}
        found: list[Group] = []
        for kind in self._kinds:
            if kind.within != CLUSTER:
                groups_of_kind = schemas if kind.name == _SCHEMA else here.groups(kind.name)
                # A schema that is not known came while this was read.
                found += [group for group in groups_of_kind if group.schema in ("", *by_name)]
        return by_name, found


class _Session:
    """The objects that one session shows."""

    def __init__(self, session: Session, roles: t.Mapping[str, int]) -> None:
        self._session = session
        self._roles = roles

    def groups(self, kind: str) -> list[Group]:
        """The objects of one kind."""
        of_table = kind in (_TABLE, _COLUMN)
        things, acls = self._tables if of_table else self._read(kind)
        if kind == _COLUMN:
            things, acls = self._with_columns(things, acls)
        return groups(kind, things, acls, self._roles, owned=of_table or bool(KINDS[kind].alter))

    @functools.cached_property
    def _tables(self) -> Read:
        return self._read(_TABLE)

    def _with_columns(self, tables: list[Thing], acls: dict[str, tuple[Item, ...]]) -> Read:
        columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
        found = self._session.rows(privileges.objects(KINDS[_COLUMN]))[0]
        for schema, name, _owner, _oid, acl, _initial, column in found["objects"] or ():
            columns.setdefault((schema, name), []).append((column, acl))
        things = [
            thing._replace(columns=tuple(sorted(columns[thing.schema, thing.name])))
            for thing in tables
            if (thing.schema, thing.name) in columns
        ]
        return things, {**acls, **_acls(found["acls"])}

    def _read(self, kind: str) -> Read:
        found = self._session.rows(privileges.objects(KINDS[kind]))[0]
        things = [
            Thing(schema or "", _called(kind, name, more), owner, acl)
            for schema, name, owner, _oid, acl, _initial, more in found["objects"] or ()
            if kind != "language" or more  # nobody but a superuser makes anything in one that is not trusted
        ]
        return things, _acls(found["acls"])


def _called(kind: str, name: str, more: t.Any) -> str:
    if kind != "function":
        return name
    return f"{name}({', '.join(shown for _schema, _type, shown in more or ())})"


def _acls(rows: t.Sequence[t.Any] | None) -> dict[str, tuple[Item, ...]]:
    return {
        key: tuple(Item(grantee, privilege, grantable) for _grantor, grantee, privilege, grantable in items or ())
        for key, items in rows or ()
    }
