# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there that privileges alone do not show; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Qualified

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["Looked", "Protected", "findings", "look"]

# What extensions made is theirs to put right.
_ROUTINE = """SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text AS name, pg_catalog.pg_get_userbyid(p.proowner) AS owner
        FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND NOT EXISTS (
            SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
              AND d.objid = p.oid AND d.deptype = 'e')"""

_LOOK = f"""
SELECT (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(r.name, r.owner) ORDER BY r.name)
        FROM ({_ROUTINE} AND p.prosecdef AND NOT EXISTS (
                SELECT 1 FROM pg_catalog.unnest(p.proconfig) AS c (setting)
                WHERE pg_catalog.starts_with(c.setting, 'search_path='))) r) AS definers,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(r.name, r.owner) ORDER BY r.name)
        FROM ({_ROUTINE} AND p.prolang IN (
                SELECT l.oid FROM pg_catalog.pg_language l
                WHERE NOT l.lanpltrusted AND l.lanname NOT IN ('c', 'internal'))
              AND EXISTS (
                SELECT 1 FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
                WHERE a.grantee = 0)) r) AS untrusted_functions,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                 l.lanname, pg_catalog.pg_get_userbyid(l.lanowner)) ORDER BY l.lanname)
        FROM pg_catalog.pg_language l
        WHERE l.lanpltrusted AND (l.lanname IN ('c', 'internal') OR l.lanname ~ '^pl.*u$')) AS languages,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                 n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner), c.relforcerowsecurity,
                 EXISTS (SELECT 1 FROM pg_catalog.pg_policy y WHERE y.polrelid = c.oid)) ORDER BY n.nspname, c.relname)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relrowsecurity) AS tables"""


class Protected(t.NamedTuple):
    """A table with row-level security."""

    schema: str
    name: str
    owner: str
    forced: bool  # for its owner too
    has_policy: bool


class Looked(t.NamedTuple):
    """What was seen in one database; routines and languages with their owners, as PostgreSQL writes them."""

    definers: tuple[tuple[str, str], ...] = ()
    untrusted_functions: tuple[tuple[str, str], ...] = ()
    languages: tuple[tuple[str, str], ...] = ()
    tables: tuple[Protected, ...] = ()


def look(session: Session) -> Looked:
    """One query."""
    found = session.rows(_LOOK)[0]
    definers, functions, languages = (
        tuple((name, owner) for name, owner in found[key] or ()) for key in Looked._fields[:3]
    )
    return Looked(definers, functions, languages, tuple(Protected(*row) for row in found["tables"] or ()))


def findings(looked: t.Mapping[str, Looked], bypassing: t.Iterable[str]) -> list[dict[str, str]]:
    """For people: kind, database, object and owner of each."""
    found = [_finding("bypassrls", "", f"role {Identifier(name)}", "") for name in bypassing]
    for database, seen in looked.items():
        found += [_finding("definer_without_search_path", database, f"function {n}", o) for n, o in seen.definers]
        found += [_finding("untrusted_function", database, f"function {n}", o) for n, o in seen.untrusted_functions]
        found += [_finding("untrusted_language", database, f"language {Identifier(n)}", o) for n, o in seen.languages]
        found += [
            _finding(kind, database, f"table {Qualified(table.schema, table.name)}", table.owner)
            for table in seen.tables
            for kind, applies in (
                ("row_security_without_policy", not table.has_policy),
                ("row_security_not_for_owner", not table.forced),
            )
            if applies
        ]
    return found


def _finding(kind: str, database: str, subject: str, owner: str) -> dict[str, str]:
    return {"kind": kind, "database": database, "object": subject, "owner": owner}
