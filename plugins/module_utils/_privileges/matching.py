# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which entries are about which objects, and whether all that they name is there: pure; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Names
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Scope
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import CLUSTER
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import DEFAULT
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import KINDS
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import Catalogue
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import Thing
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import concerns

__all__ = ["Matching", "Seen", "in_schema", "is_system"]

S = t.TypeVar("S", bound=Scope)


def is_system(schema: str) -> bool:
    """Whether a schema is PostgreSQL's own, or temporary: such a name nobody else can use."""
    return schema == "information_schema" or schema.startswith("pg_")


def in_schema(names: Names, schema: str) -> bool:
    """Whether a schema is meant; PostgreSQL's own have to be named."""
    return schema in names.literal or (not is_system(schema) and names.matches(schema))


def called(thing: Thing, kind: str) -> tuple[str, ...]:
    """By which names an object can be chosen: a function also with the types of its arguments."""
    if kind != "function":
        return (thing.name,)
    return thing.name, f"{thing.name}({', '.join(shown for _schema, _type, shown in thing.more or ())})"


class Seen:
    """What was met of the names that entries give."""

    def __init__(self) -> None:
        self._names: set[tuple[str, str, str, str]] = set()

    def add(self, scope: Scope, database: str, option: str, name: str) -> None:
        """An entry's name was met."""
        self._names.add((scope.option, database, option, name))

    def check(self, scopes: t.Iterable[Scope], state: State) -> None:
        """Raise InputError for a name that nothing bears."""
        for scope in scopes:
            self._check_databases(scope, state)
            if scope.kind != DEFAULT and KINDS[scope.kind].within == CLUSTER:
                self._check_each(scope, "objects", scope.objects, [""], every=True)
                continue
            concerned = [name for name, is_open in state.databases.items() if concerns(scope, name, is_open)]
            looked = [name for name in concerned if name in state.schemas]
            named = [name for name in looked if name in scope.databases.literal]
            for database in looked:
                for schema in state.schemas[database] & scope.schemas.literal:
                    self.add(scope, database, "schemas", schema)
            every = bool(named)
            self._check_each(scope, "schemas", scope.schemas, named or looked, every=every)
            if scope.kind not in (DEFAULT, "schema"):
                self._check_each(scope, "objects", scope.objects, named or looked, every=every)
            if scope.kind == "column":
                self._check_each(scope, "columns", scope.columns, named or looked, every=every)

    def _check_databases(self, scope: Scope, state: State) -> None:
        for name in sorted(scope.databases.literal):
            if name not in state.databases:
                raise InputError(option=f"{scope.option}.databases", value=name, expected="a database of this cluster")

    def _check_each(self, scope: Scope, option: str, names: Names, databases: t.Sequence[str], *, every: bool) -> None:
        for name in sorted(names.literal):
            missing = [d for d in databases if (scope.option, d, option, name) not in self._names]
            if missing and (every or len(missing) == len(databases)):
                where = f" in database {', '.join(missing)}" if missing != [""] else " in this cluster"
                what = scope.kind.replace("_", " ") if option == "objects" else option[:-1]
                if scope.kind == "column" and option == "objects":
                    what = "table with such a column"
                raise InputError(
                    option=f"{scope.option}.{option}", value=name, expected=f"there is no such {what}{where}"
                )


_Choice = tuple[Names, ...]


class Matching(t.Generic[S]):
    """The entries of one kind that concern one database. Entries that choose objects alike are looked at together."""

    def __init__(self, scopes: t.Sequence[S], catalogue: Catalogue, state: State, seen: Seen) -> None:
        self._kind = catalogue.kind
        self._database = catalogue.database
        self._databases = state.databases
        self._seen = seen
        self._scopes = [
            scope
            for scope in scopes
            if scope.kind == catalogue.kind and (not catalogue.database or concerns(scope, catalogue.database, True))
        ]
        self._by_schema: dict[str | None, list[tuple[_Choice, list[S]]]] = {}
        self._joined: dict[tuple[str | None, tuple[int, ...]], tuple[S, ...]] = {}

    def of(self, thing: Thing) -> tuple[S, ...]:
        """Those about an object, in the order given; the same tuple for the same entries of a schema."""
        groups = self._candidates(thing.schema)
        chosen = tuple(n for n, (choice, scopes) in enumerate(groups) if self._is_about(choice, scopes, thing))
        key = (thing.schema, chosen)
        if key not in self._joined:
            meant = {scope.option for number in chosen for scope in groups[number][1]}
            self._joined[key] = tuple(scope for scope in self._scopes if scope.option in meant) if meant else ()
        return self._joined[key]

    def names_it(self, choice: Names, thing: Thing) -> bool:
        """Whether the object itself is named."""
        return not choice.literal.isdisjoint(called(thing, self._kind))

    def chosen(self, scope: Scope) -> Names:
        """The option that chooses objects of this kind."""
        if self._kind == "database":
            return scope.databases
        return scope.schemas if self._kind == "schema" else scope.objects

    def _candidates(self, schema: str | None) -> list[tuple[_Choice, list[S]]]:
        found = self._by_schema.get(schema)
        if found is None:
            groups: dict[_Choice, list[S]] = {}
            for scope in self._scopes:
                if schema is None or in_schema(scope.schemas, schema):
                    groups.setdefault((self.chosen(scope), scope.columns), []).append(scope)
            found = self._by_schema[schema] = list(groups.items())
        return found

    def _is_about(self, choice: _Choice, scopes: t.Sequence[S], thing: Thing) -> bool:
        names, columns = choice
        if self._kind == "database":
            return concerns(scopes[0], thing.name, self._databases.get(thing.name, False))
        if self._kind == "schema":
            return in_schema(names, thing.name)
        met = [name for name in called(thing, self._kind) if names.matches(name)]
        if not met or (self._kind == "column" and not columns.matches(thing.more)):
            return False
        for scope in scopes if names.literal or columns.literal else ():
            for name in met:
                self._seen.add(scope, self._database, "objects", name)
            if self._kind == "column":
                self._seen.add(scope, self._database, "columns", thing.more)
        return True
