# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which databases have which extensions, and what an extension may have to wait for; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConnectionFailed

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Available", "Database", "State", "available", "loaded_libraries", "observe"]

_CLUSTER = """
SELECT pg_catalog.current_setting('shared_preload_libraries') AS libraries,
       (SELECT pg_catalog.json_object_agg(r.rolname, r.rolcanlogin ORDER BY r.oid) FROM pg_catalog.pg_roles r) AS roles"""

_DATABASES = """
SELECT d.datname AS name, d.datallowconn AND d.datconnlimit <> -2 AS open
FROM pg_catalog.pg_database d
ORDER BY d.datname"""

_CONTENTS = """
SELECT 'extension' AS kind, e.extname AS name FROM pg_catalog.pg_extension e
UNION ALL
SELECT 'schema', n.nspname FROM pg_catalog.pg_namespace n
ORDER BY 1, 2"""

_AVAILABLE = """
SELECT DISTINCT v.name, v.schema
FROM pg_catalog.pg_available_extensions e
JOIN pg_catalog.pg_available_extension_versions v ON v.name = e.name AND v.version = e.default_version
ORDER BY v.name, v.schema"""


@dataclasses.dataclass(frozen=True)
class Database:
    """What one database holds; ``problem`` where nobody could look."""

    extensions: frozenset[str] = frozenset()
    schemas: frozenset[str] = frozenset()
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Available:
    """An extension whose files the server has. ``schema`` is the only one that it may be in, where it says so."""

    name: str
    schema: str | None = None


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that planning needs."""

    databases: t.Mapping[str, Database] = dataclasses.field(default_factory=dict)  # those that were looked into
    open: tuple[str, ...] = ()  # databases that accept connections
    closed: tuple[str, ...] = ()
    loaded: frozenset[str] = frozenset()  # libraries, without directory and .so
    available: t.Mapping[str, Available] = dataclasses.field(default_factory=dict)
    roles: t.Mapping[str, bool] = dataclasses.field(default_factory=dict)  # name to whether it may log in
    in_recovery: bool = False
    major: int = 0


def observe(server: Server, chosen: t.Callable[[t.Sequence[str]], t.Iterable[str]]) -> State:
    """Read everything; ``chosen`` picks, of the databases that accept connections, those to look into."""
    session = server.session
    [cluster] = session.rows(_CLUSTER)
    rows = session.rows(_DATABASES)
    names = tuple(row["name"] for row in rows if row["open"])
    return State(
        databases={name: _contents(server, name) for name in chosen(names)},
        open=names,
        closed=tuple(row["name"] for row in rows if not row["open"]),
        loaded=loaded_libraries(cluster["libraries"]),
        roles=cluster["roles"] or {},
        in_recovery=server.in_recovery,
        major=server.major,
    )


def available(server: Server) -> dict[str, Available]:
    """The extensions whose files the server has: it reads them all."""
    return {row["name"]: Available(**row) for row in server.session.rows(_AVAILABLE)}


def loaded_libraries(setting: str) -> frozenset[str]:
    """The names in a text of shared_preload_libraries, without quotes, directory and ``.so``."""
    items = (os.path.basename(item.strip().strip('"')) for item in setting.split(","))
    return frozenset(item[:-3] if item.endswith(".so") else item for item in items if item)


def _contents(server: Server, name: str) -> Database:
    try:
        with server.session_in(name) as session:
            rows = session.rows(_CONTENTS)
    except ConnectionFailed as error:
        return Database(problem=str(error))
    return Database(
        extensions=frozenset(row["name"] for row in rows if row["kind"] == "extension"),
        schemas=frozenset(row["name"] for row in rows if row["kind"] == "schema"),
    )
