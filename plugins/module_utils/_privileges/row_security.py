# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Row-level security for owners too: pure; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Scope
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.looking import Looked
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.looking import Protected
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.matching import in_schema
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Qualified
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

__all__ = ["forcing"]


def forcing(
    component: str,
    scopes: t.Sequence[Scope],
    looked: t.Mapping[str, Looked],
    databases: t.Container[str],
    schemas: t.Mapping[str, t.Container[str]],
) -> list[Step]:
    """Row-level security for owners too, where an entry wants it; ``schemas`` of each database where one is named."""
    steps: list[Step] = []
    met: set[tuple[str, str]] = set()
    for database, seen in looked.items():
        for table in seen.tables:
            entries = [scope for scope in scopes if _is_about(scope, database, table)]
            met |= {(scope.option, table.name) for scope in entries}
            if entries and not table.forced:
                steps.append(_step(component, database, table))
    for scope in scopes:
        _check(scope, met, databases, schemas)
    return steps


def _check(
    scope: Scope,
    met: t.Container[tuple[str, str]],
    databases: t.Container[str],
    schemas: t.Mapping[str, t.Container[str]],
) -> None:
    """Raise InputError for a name that nothing bears."""
    for name in sorted(scope.databases.literal):
        if name not in databases:
            raise InputError(option=f"{scope.option}.databases", value=name, expected="a database of this cluster")
    for name in sorted(scope.schemas.literal):
        if not any(name in found for database, found in schemas.items() if scope.databases.matches(database)):
            raise InputError(option=f"{scope.option}.schemas", value=name, expected="a schema of these databases")
    for name in sorted(scope.objects.literal):
        if (scope.option, name) not in met:
            raise InputError(
                option=f"{scope.option}.objects", value=name, expected="a table where row-level security is enabled"
            )


def _is_about(scope: Scope, database: str, table: Protected) -> bool:
    return (
        scope.databases.matches(database)
        and in_schema(scope.schemas, table.schema)
        and scope.objects.matches(table.name)
    )


def _step(component: str, database: str, table: Protected) -> Step:
    name = Qualified(table.schema, table.name)
    statement = compose("ALTER TABLE {table} FORCE ROW LEVEL SECURITY", table=name)
    return Step(
        component=component,
        subject=f"table {name} in database {Identifier(database)}",
        description="enforce row-level security for its owner too",
        before="NO FORCE ROW LEVEL SECURITY",
        after="FORCE ROW LEVEL SECURITY",
        operation=RunSql(
            statement=statement,
            undo=compose("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY", table=name),
            database=database,
        ),
        statement=statement,
    )
