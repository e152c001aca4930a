# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects of a cluster with their ACLs, as the catalogues have them; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConnectionFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerRefused
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges import queries
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Entry
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Scope
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import Item
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import CLUSTER
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import DEFAULT
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import DEFAULT_KINDS
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import KINDS
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import PUBLIC
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.looking import Looked
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.looking import look
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literals
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["Catalogue", "Defaults", "State", "Thing", "concerns", "observe"]


class Thing(t.NamedTuple):
    """One object. ``acl`` and ``initial`` are keys of ``Catalogue.acls``; no ``initial``: the site made it."""

    schema: str | None
    name: str
    owner: int
    oid: int
    acl: str
    initial: str | None = None
    more: t.Any = None  # column; types of arguments; whether trusted; table of a sequence; owners in a schema


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """All objects of one kind in one database (empty: of the cluster)."""

    database: str
    kind: str
    things: tuple[Thing, ...]
    acls: t.Mapping[str, tuple[Item, ...]]


@dataclasses.dataclass(frozen=True)
class Defaults:
    """Default privileges of one database."""

    stored: t.Mapping[tuple[int, str, str], tuple[Item, ...]]  # owner, schema (empty: all) and kind
    built_in: t.Mapping[str, tuple[tuple[int, str], ...]]  # kind to grantees and privileges; 10 is the owner

    def items(self, owner: int, schema: str, kind: str) -> tuple[Item, ...]:
        """What is in force."""
        found = self.stored.get((owner, schema, kind))
        if found is not None:
            return found
        if schema:
            return ()
        return tuple(
            Item(owner, owner if grantee == 10 else grantee, privilege, False)
            for grantee, privilege in self.built_in[kind]
        )


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that planning needs."""

    roles: t.Mapping[str, int]  # name to oid, which is negative for one that is yet to be made
    superusers: frozenset[int]
    databases: t.Mapping[str, bool]  # name to whether it takes connections
    major: int
    login: str
    superuser: bool  # the login is one
    database: str  # the one of the run
    in_recovery: bool = False
    catalogues: tuple[Catalogue, ...] = ()
    schemas: t.Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)  # of each database looked into
    defaults: t.Mapping[str, Defaults] = dataclasses.field(default_factory=dict)
    parameters: frozenset[str] = frozenset()
    unseen: t.Mapping[str, str] = dataclasses.field(default_factory=dict)  # database to why nobody could look
    looked: t.Mapping[str, Looked] = dataclasses.field(default_factory=dict)  # by database, where somebody wants it
    bypassing: tuple[str, ...] = ()  # roles that row-level security does not bind, but for superusers
    missing: tuple[str, ...] = ()  # groups that are yet to be made
    vanished: t.Mapping[str, frozenset[int]] = dataclasses.field(default_factory=dict)
    """Database (empty: the cluster) to grantees that are no roles: dropped meanwhile, or left over in a catalogue."""


def concerns(scope: Scope, database: str, is_open: bool) -> bool:
    """Whether an entry is about a database: one that takes no connections has to be named."""
    return scope.databases.matches(database) and (is_open or database in scope.databases.literal)


def observe(server: Server, desired: Desired) -> State:
    """Read roles, databases, and of the rest only the kinds and databases that an entry is about."""
    session = server.session
    roles = session.rows(queries.ROLES)
    databases = {row["name"]: row["open"] for row in session.rows(queries.DATABASES)}
    reading = _Reading(server, desired, databases)
    reading.read()
    wants_parameters = any(scope.kind == "parameter" for scope in desired.scopes)
    known = {row["name"]: row["oid"] for row in roles}
    missing = [name for _option, name in desired.groups if name not in known]
    vanished = _vanished(reading.catalogues, {PUBLIC, *known.values()})
    return State(
        roles={**known, **{name: -number for number, name in enumerate(missing, 1)}},
        missing=tuple(missing),
        superusers=frozenset(row["oid"] for row in roles if row["superuser"]),
        databases=databases,
        major=server.major,
        login=session.login,
        superuser=session.is_superuser,
        database=session.database,
        in_recovery=server.in_recovery,
        catalogues=tuple(_without(each, vanished.get(each.database)) for each in reading.catalogues),
        vanished=vanished,
        schemas=reading.schemas,
        defaults=reading.defaults,
        parameters=frozenset(row["name"] for row in session.rows(queries.PARAMETERS))
        if wants_parameters
        else frozenset(),
        unseen=reading.unseen,
        looked=reading.looked,
        bypassing=tuple(row["name"] for row in roles if row["bypassing"] and not row["superuser"]),
    )


class _Reading:
    def __init__(self, server: Server, desired: Desired, databases: t.Mapping[str, bool]) -> None:
        self._server = server
        self._desired = desired
        self._databases = databases
        self.catalogues: list[Catalogue] = []
        self.schemas: dict[str, frozenset[str]] = {}
        self.defaults: dict[str, Defaults] = {}
        self.unseen: dict[str, str] = {}
        self.looked: dict[str, Looked] = {}

    def read(self) -> None:
        for kind in KINDS.values():
            wanted = any(scope.kind == kind.name for scope in self._desired.scopes)
            if kind.within == CLUSTER and wanted and kind.since <= self._server.major:
                self.catalogues.append(_catalogue(self._server.session, "", kind.name, queries.objects(kind)))
        for database, is_open in self._databases.items():
            inside = [
                scope
                for scope in self._desired.scopes
                if (scope.kind == DEFAULT or KINDS[scope.kind].within != CLUSTER) and concerns(scope, database, is_open)
            ]
            forced = [scope for scope in self._desired.forced if concerns(scope, database, is_open)]
            if inside or forced or (self._desired.report and is_open):
                self._open(database, is_open, inside, forced)

    def _open(self, database: str, is_open: bool, scopes: t.Sequence[Scope], forced: t.Sequence[Scope]) -> None:
        named = next((scope for scope in (*scopes, *forced) if database in scope.databases.literal), None)
        if not is_open:
            raise InputError(
                option=f"{named.option}.databases" if named else "databases",
                value=database,
                expected="a database that allows connections",
            )
        try:
            with self._server.session_in(database) as session:
                self._read(session, database, scopes)
                if database not in self.schemas and any(scope.schemas.literal for scope in forced):
                    self.schemas[database] = _schemas(session)
                if forced or self._desired.report:
                    self.looked[database] = look(session, report=self._desired.report)
        except ConnectionFailed as error:
            if named is not None:
                raise
            self.unseen[database] = error.reason
        except ServerRefused as error:
            raise ServerRefused(f"database {Identifier(database)}: {error}", **error.details) from None

    def _read(self, session: Session, database: str, scopes: t.Sequence[Scope]) -> None:
        kinds = {scope.kind for scope in scopes}
        if kinds and kinds != {"schema"}:
            self.schemas[database] = _schemas(session)
        if kinds & {"table", "column"}:  # REVOKE on a table takes from its columns, and a holder there may grant on one
            kinds |= {"table", "column"}
        if any(scope.kind == "table" and not isinstance(scope, Entry) for scope in scopes):
            kinds.add("sequence")  # those of columns go with the table
        columns = [scope.columns for scope in scopes if scope.kind == "column"]
        named = sorted({name for scope in scopes for name in scope.schemas.literal})
        for kind in KINDS.values():
            if kind.name in kinds:
                query = queries.objects(
                    kind,
                    schemas=named,
                    columns=sorted({name for names in columns for name in names.literal}),
                    every_column=any(names.everything or names.patterns for names in columns),
                )
                catalogue = _catalogue(session, database, kind.name, query)
                self.catalogues.append(_with_owners(session, catalogue, scopes) if kind.name == "schema" else catalogue)
        if kinds == {"schema"}:  # which has told all names that can be meant
            self.schemas[database] = frozenset(thing.name for thing in self.catalogues[-1].things)
        if DEFAULT in kinds:
            self.defaults[database] = _defaults(session)


def _schemas(session: Session) -> frozenset[str]:
    return frozenset(row["name"] for row in session.rows(queries.SCHEMAS))


def _vanished(catalogues: t.Iterable[Catalogue], known: t.Container[int]) -> dict[str, frozenset[int]]:
    found: dict[str, frozenset[int]] = {}
    for catalogue in catalogues:
        grantees = {item.grantee for key in {thing.acl for thing in catalogue.things} for item in catalogue.acls[key]}
        gone = frozenset(oid for oid in grantees if oid not in known)
        if gone:
            found[catalogue.database] = found.get(catalogue.database, frozenset()) | gone
    return found


def _without(catalogue: Catalogue, vanished: frozenset[int] | None) -> Catalogue:
    """Without what nobody has: there is no name to revoke it from."""
    if not vanished:
        return catalogue
    acls = {key: tuple(i for i in items if i.grantee not in vanished) for key, items in catalogue.acls.items()}
    return dataclasses.replace(catalogue, acls=acls)


def _catalogue(session: Session, database: str, kind: str, query: str) -> Catalogue:
    found = session.rows(query)[0]
    return Catalogue(
        database=database,
        kind=kind,
        things=tuple(Thing(*row) for row in found["objects"] or ()),
        acls={key: _items(items) for key, items in found["acls"] or ()},
    )


def _with_owners(session: Session, catalogue: Catalogue, scopes: t.Iterable[Scope]) -> Catalogue:
    """Schemas with who owns something in them, where PUBLIC has what an entry takes that lets current owners keep it."""
    keeping = [scope for scope in scopes if isinstance(scope, Entry) and scope.keep_current_owners]
    taken = {privilege for entry in keeping for privilege in entry.privileges or KINDS["schema"].privileges}
    lost = {
        key for key, items in catalogue.acls.items() if any(i.grantee == PUBLIC and i.privilege in taken for i in items)
    }
    schemas = tuple(thing.name for thing in catalogue.things if thing.acl in lost)
    if not schemas:
        return catalogue
    rows = session.rows(compose(queries.OWNERS, schemas=Literals(schemas)))
    owners = {row["name"]: row["owners"] for row in rows}
    things = tuple(thing._replace(more=owners.get(thing.name)) for thing in catalogue.things)
    return dataclasses.replace(catalogue, things=things)


def _items(rows: t.Sequence[t.Sequence[t.Any]] | None) -> tuple[Item, ...]:
    return tuple(Item(*row) for row in rows or ())


def _defaults(session: Session) -> Defaults:
    kinds = {letter: kind for kind, (letter, _keyword, _since) in DEFAULT_KINDS.items()}
    found = session.rows(compose(queries.DEFAULTS, letters=Literals(tuple(kinds))))[0]
    return Defaults(
        stored={
            (owner, schema, kinds[letter]): _items(items)
            for owner, schema, letter, items in found["stored"] or ()
            if letter in kinds
        },
        built_in={
            kinds[letter]: tuple((grantee, privilege) for grantee, privilege in rows or ())
            for letter, rows in found["built_in"]
        },
    )
