# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Privileges on the objects of a large cluster that are as they should be: what the module takes to see that."""

from __future__ import annotations

import statistics
import typing as t

from ansible_collections.rampart.postgresql.tests.bench.hosts import BenchmarkError
from ansible_collections.rampart.postgresql.tests.bench.hosts import Host
from ansible_collections.rampart.postgresql.tests.bench.single import module_time

__all__ = ["LARGEST", "MODULE", "ROLES", "SCHEMAS", "TABLES", "Size", "entries", "make", "measure", "measure_roles"]

MODULE: t.Final = "ansible_collections.rampart.postgresql.plugins.modules.privileges"
_OF_ROLES: t.Final = "ansible_collections.rampart.postgresql.plugins.modules.role_attributes"
ROLES: t.Final = 2000
SCHEMAS: t.Final = 200
TABLES: t.Final = 20_000
_DATABASE = "bench_privileges"
_GRANTEES = 8  # roles with privileges in each schema; two of them write


class Size(t.NamedTuple):
    """How large a cluster is; every schema has the same number of tables, and an owner of its own."""

    roles: int
    schemas: int
    tables: int


LARGEST: t.Final = Size(ROLES, SCHEMAS, TABLES)


def make(size: Size) -> tuple[str, str]:
    """SQL that makes such a cluster: for the database postgres, then for its own. A schema is one transaction, for its locks."""
    roles = f"""CREATE DATABASE {_DATABASE};
DO $$ BEGIN FOR i IN 1..{size.roles} LOOP EXECUTE format('CREATE ROLE bench_%s', i); END LOOP; END $$;"""
    schemas = [
        f"""DO $$ BEGIN CREATE SCHEMA s{n} AUTHORIZATION bench_{n}; SET LOCAL ROLE bench_{n};
FOR i IN 1..{size.tables // size.schemas} LOOP EXECUTE format('CREATE TABLE s{n}.t%s (id int)', i); END LOOP;
RESET ROLE; END $$;"""
        for n in range(1, size.schemas + 1)
    ]
    return roles, "\n".join(schemas)


def entries(size: Size) -> list[dict[str, t.Any]]:
    """Three for each schema, and one for every database."""
    found: list[dict[str, t.Any]] = [
        {"kind": "schema", "schemas": ["public"], "roles": ["PUBLIC"], "privileges": ["CREATE"], "state": "absent"}
    ]
    for n in range(size.schemas):
        first = size.schemas + 1 + n * ((size.roles - size.schemas) // size.schemas)
        roles = [f"bench_{number}" for number in range(first, first + _GRANTEES)]
        scope = {"databases": [_DATABASE], "schemas": [f"s{n + 1}"], "state": "exact"}
        tables = {**scope, "kind": "table", "objects": ["ALL"]}
        found += [
            {**scope, "kind": "schema", "roles": roles, "privileges": ["USAGE"]},
            {**tables, "roles": roles[:-2], "privileges": ["SELECT"]},
            {**tables, "roles": roles[-2:], "privileges": ["SELECT", "INSERT", "UPDATE", "DELETE"]},
        ]
    return found


def measure(host: Host, *, runs: int) -> float:
    """Seconds from the first line of main() to exit_json; the median. The host keeps what is made on it."""
    first, second = make(LARGEST)
    host.query(first)
    host.shell(f"psql -XAtq -d {_DATABASE} <<'END'\n{second}\nEND\n", user="postgres")
    grants = entries(LARGEST)
    _grant(host, grants)
    count = int(
        host.shell(
            f"psql -XAt -d {_DATABASE} -c \"SELECT count(*) FROM pg_tables WHERE tablename ~ '^t[0-9]'\"",
            user="postgres",
        )
    )
    if count != TABLES:
        raise BenchmarkError(f"{host.name}: {count} tables instead of {TABLES}")
    return statistics.median(module_time(host, MODULE, {"grants": grants}) for _run in range(runs))


def measure_roles(host: Host, *, runs: int) -> float:
    """The same of the module role_attributes, of which no role has more than it may; after ``measure``."""
    allow = [{"role": "repl", "attributes": ["REPLICATION"]}]
    return statistics.median(module_time(host, _OF_ROLES, {"allow": allow}) for _run in range(runs))


def _grant(host: Host, grants: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """What the module would have granted, by hand: faster, and the module then has to find nothing to do."""
    statements = ["REVOKE CREATE ON SCHEMA public FROM PUBLIC;"]
    for entry in grants[1:]:
        what = (
            f"{', '.join(entry['privileges'])} ON {'SCHEMA' if entry['kind'] == 'schema' else 'ALL TABLES IN SCHEMA'}"
        )
        statements.append(f"GRANT {what} {entry['schemas'][0]} TO {', '.join(entry['roles'])};")
    host.shell(f"psql -XAtq -d {_DATABASE} <<'END'\n" + "\n".join(statements) + "\nEND\n", user="postgres")
    for database in ("postgres", "template1"):
        host.shell(f"psql -XAtq -d {database} -c '{statements[0]}'", user="postgres")
