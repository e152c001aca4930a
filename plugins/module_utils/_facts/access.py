# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what a review of access is made of, one session for each database; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.access import review
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import Graph
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import Membership
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.graph import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.names import Names
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Group
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Item
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Place
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import Thing
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.objects import groups
from ansible_collections.rampart.postgresql.plugins.module_utils._access_review.rows import LISTED
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
_DATABASE, _SCHEMA, _TABLE, _COLUMN, _LANGUAGE = "database", "schema", "table", "column", "language"
_SYSTEM = ("pg_catalog", "information_schema")
_PER_GRANT = 16  # since when a membership itself says whether it inherits


@dataclasses.dataclass(frozen=True)
class Wanted:
    """Who and what is reviewed. Names are patterns behind a slash; none of them: all."""

    roles: t.Sequence[str] | None = None  # None: every role that can log in
    databases: t.Sequence[str] | None = None
    kinds: t.Sequence[str] = KIND_NAMES
    listed: int = LISTED  # more objects are counted, not named


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
        "rows": review(_graph(server, roles), chosen, places, wanted.listed),
        "reviewed": [role.name for role in chosen],
        "scope": {"roles": wanted.roles, "databases": wanted.databases, "kinds": list(wanted.kinds)},
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
    meant = Names("roles", names)
    found = [role for role in roles if meant.matches(role.name)]
    meant.check(role.name for role in found)
    return found


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
        meant = Names("databases", self._wanted.databases)
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
        schemas = here.schemas()
        found = [group for kind in self._kinds if kind.within != CLUSTER for group in here.groups(kind.name)]
        # A schema that is not known came while this was read.
        return schemas, [group for group in found if group.schema in ("", *schemas)]


class _Seen(t.NamedTuple):
    """An object as the query gives it."""

    schema: str | None
    name: str
    owner: int
    oid: int
    acl: str
    initial: str | None
    more: t.Any

    @property
    def beyond(self) -> str:
        """The key of what was granted on it since it was made."""
        return f"{self.acl} beyond {self.initial}"


class _Session:
    """The objects that one session shows."""

    def __init__(self, session: Session, roles: t.Mapping[str, int]) -> None:
        self._session = session
        self._roles = roles
        self._seen: dict[str, list[_Seen]] = {}
        self._acls: dict[str, tuple[Item, ...]] = {}

    def schemas(self) -> dict[str, Group]:
        """Every schema by its name, PostgreSQL's own too."""
        things = [Thing("", seen.name, seen.owner, seen.acl) for seen in self._read(_SCHEMA)]
        return {name: group for group in groups(_SCHEMA, things, self._acls, self._roles) for name in group.names}

    def groups(self, kind: str) -> list[Group]:
        """The objects of one kind; of PostgreSQL's own those on which somebody granted something, with only that."""
        of_columns = kind == _COLUMN
        columns = self._columns() if of_columns else {}
        ours, system = [], []
        for seen in self._read(_TABLE if of_columns else kind):
            named = columns.get((seen.schema, seen.name), ())
            thing = Thing(seen.schema or "", _called(kind, seen), seen.owner, seen.acl, tuple(sorted(named)))
            if of_columns and not named:
                continue
            if not _is_system(kind, seen):
                ours.append(thing)
            elif of_columns:
                system.append(thing)
            elif self._acls[seen.beyond]:
                system.append(thing._replace(acl=seen.beyond))
        owned = of_columns or bool(KINDS[kind].alter)
        return [
            *groups(kind, ours, self._acls, self._roles, owned=owned, every=not of_columns),
            *groups(kind, system, self._acls, {}, owned=False, every=False),
        ]

    def _columns(self) -> dict[tuple[str | None, str], list[tuple[str, str]]]:
        found: dict[tuple[str | None, str], list[tuple[str, str]]] = {}
        for seen in self._read(_COLUMN):
            key = seen.beyond if _is_system(_COLUMN, seen) else seen.acl
            if self._acls[key]:
                found.setdefault((seen.schema, seen.name), []).append((seen.more, key))
        return found

    def _read(self, kind: str) -> list[_Seen]:
        if kind not in self._seen:
            found = self._session.rows(privileges.objects(KINDS[kind], schemas=_SYSTEM))[0]
            for key, items in found["acls"] or ():
                self._acls[key] = tuple(Item(*item[1:]) for item in items or ())  # whoever granted it
            self._seen[kind] = [_Seen(*row) for row in found["objects"] or ()]
            if kind == _LANGUAGE:  # nobody but a superuser makes anything in one that is not trusted
                self._seen[kind] = [seen for seen in self._seen[kind] if seen.more]
            for seen in self._seen[kind]:
                if _is_system(kind, seen) and seen.beyond not in self._acls:
                    initial = self._acls.get(seen.initial or "", ())
                    self._acls[seen.beyond] = tuple(item for item in self._acls[seen.acl] if item not in initial)
        return self._seen[kind]


def _is_system(kind: str, seen: _Seen) -> bool:
    return (seen.name if kind == _SCHEMA else seen.schema) in _SYSTEM


def _called(kind: str, seen: _Seen) -> str:
    if kind != "function":
        return seen.name
    return f"{seen.name}({', '.join(shown for _schema, _type, shown in seen.more or ())})"
