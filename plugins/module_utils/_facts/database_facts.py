# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is gathered of each database, in one session for it; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import bounded
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.public_facts import PUBLIC_PRIVILEGES
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.public_facts import bounded_privileges
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.definers import definers
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.definers import traps
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.secrets import OPTION
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literal

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Rows
    from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Unreadable
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["SECTIONS", "database_facts"]

_SCHEMAS = """
SELECT n.nspname AS schema, pg_catalog.pg_get_userbyid(n.nspowner) AS owner,
       coalesce(pg_catalog.bool_or(a.privilege_type = 'CREATE'), false) AS public_create,
       coalesce(pg_catalog.bool_or(a.privilege_type = 'USAGE'), false) AS public_usage
FROM pg_catalog.pg_namespace n
LEFT JOIN LATERAL pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a ON a.grantee = 0
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
GROUP BY n.nspname, n.nspowner
ORDER BY n.nspname"""

# Grants to superusers give nothing.
_TABLE_PRIVILEGES = """
SELECT n.nspname AS schema, x.name AS table, x.column, pg_catalog.pg_get_userbyid(x.owner) AS owner,
       g.rolname AS grantee, pg_catalog.json_agg(DISTINCT a.privilege_type ORDER BY a.privilege_type) AS privileges,
       a.is_grantable AS grantable
FROM (
  SELECT c.relnamespace AS namespace, c.relname AS name, NULL::name AS column, c.relowner AS owner, c.relacl AS acl
  FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relacl IS NOT NULL
  UNION ALL
  SELECT c.relnamespace, c.relname, k.attname, c.relowner, k.attacl
  FROM pg_catalog.pg_attribute k JOIN pg_catalog.pg_class c ON c.oid = k.attrelid
  WHERE k.attacl IS NOT NULL AND NOT k.attisdropped
) AS x
JOIN pg_catalog.pg_namespace n ON n.oid = x.namespace
CROSS JOIN LATERAL pg_catalog.aclexplode(x.acl) a
JOIN pg_catalog.pg_roles g ON g.oid = a.grantee
WHERE a.grantee <> x.owner AND NOT g.rolsuper AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
GROUP BY n.nspname, x.name, x.column, x.owner, g.rolname, a.is_grantable
ORDER BY n.nspname, x.name, x.column NULLS FIRST, g.rolname, a.is_grantable"""

# What came with PostgreSQL or an extension, such as what pg_monitor may do, is left out.
_CATALOGUE_PRIVILEGES = """
SELECT x.kind, x.object, g.rolname AS grantee,
       pg_catalog.json_agg(DISTINCT a.privilege_type ORDER BY a.privilege_type) AS privileges
FROM (
  SELECT 'function' AS kind, p.oid::pg_catalog.regprocedure::text AS object, p.proowner AS owner, p.proacl AS acl,
         'pg_catalog.pg_proc'::pg_catalog.regclass AS catalogue, p.oid, 0 AS sub
  FROM pg_catalog.pg_proc p WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.proacl IS NOT NULL
  UNION ALL
  SELECT 'table', c.relname, c.relowner, c.relacl, 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0
  FROM pg_catalog.pg_class c WHERE c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND c.relacl IS NOT NULL
  UNION ALL
  SELECT 'column', pg_catalog.concat(c.relname, '.', k.attname), c.relowner, k.attacl,
         'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, k.attnum::int
  FROM pg_catalog.pg_attribute k JOIN pg_catalog.pg_class c ON c.oid = k.attrelid
  WHERE c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND k.attacl IS NOT NULL
) AS x
LEFT JOIN pg_catalog.pg_init_privs i ON i.classoid = x.catalogue AND i.objoid = x.oid AND i.objsubid = x.sub
CROSS JOIN LATERAL pg_catalog.aclexplode(x.acl) a
JOIN pg_catalog.pg_roles g ON g.oid = a.grantee
WHERE a.grantee <> x.owner AND NOT g.rolsuper
  AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(i.initprivs) b
                  WHERE b.grantee = a.grantee AND b.privilege_type = a.privilege_type)
GROUP BY x.kind, x.object, g.rolname
ORDER BY x.kind, x.object, g.rolname"""

_DEFAULT_PRIVILEGES = """
SELECT pg_catalog.pg_get_userbyid(d.defaclrole) AS role, n.nspname AS schema,
       CASE d.defaclobjtype WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'function' WHEN 'T' THEN 'type'
            WHEN 'n' THEN 'schema' WHEN 'L' THEN 'large_object' ELSE d.defaclobjtype::text END AS kind,
       CASE a.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END AS grantee,
       pg_catalog.json_agg(DISTINCT a.privilege_type ORDER BY a.privilege_type) AS privileges
FROM pg_catalog.pg_default_acl d
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) a
GROUP BY d.defaclrole, n.nspname, d.defaclobjtype, a.grantee
ORDER BY 1, 2 NULLS FIRST, 3, 4"""

_DEFINER_FUNCTIONS = """
SELECT n.nspname AS schema, p.oid::pg_catalog.regprocedure::text AS function,
       pg_catalog.pg_get_userbyid(p.proowner) AS owner, coalesce(o.rolsuper, false) AS owner_superuser,
       (SELECT pg_catalog.substr(c.setting, 13) FROM pg_catalog.unnest(p.proconfig) AS c (setting)
        WHERE pg_catalog.starts_with(c.setting, 'search_path=')) AS search_path,
       EXISTS (SELECT FROM pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
               WHERE a.grantee = 0) AS public_execute,
       (SELECT e.extname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
        WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
          AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass) AS extension,
       l.lanname AS language
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
LEFT JOIN pg_catalog.pg_roles o ON o.oid = p.proowner
WHERE p.prosecdef AND p.oid >= 16384
ORDER BY n.nspname, 2"""

_ROW_SECURITY = """
SELECT n.nspname AS schema, c.relname AS table, pg_catalog.pg_get_userbyid(c.relowner) AS owner,
       c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced, coalesce(y.policies, 0) AS policies
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (SELECT polrelid, pg_catalog.count(*)::int AS policies FROM pg_catalog.pg_policy GROUP BY polrelid) AS y
  ON y.polrelid = c.oid
WHERE c.relrowsecurity OR y.policies > 0
ORDER BY n.nspname, c.relname"""

# Of one that is not trusted only a superuser makes functions, whatever is granted.
_LANGUAGES = """
SELECT l.lanname AS language, l.lanpltrusted AS trusted, pg_catalog.pg_get_userbyid(l.lanowner) AS owner,
       l.lanpltrusted AND EXISTS (
         SELECT FROM pg_catalog.aclexplode(coalesce(l.lanacl, pg_catalog.acldefault('l', l.lanowner))) a
         WHERE a.grantee = 0) AS public_usage
FROM pg_catalog.pg_language l
ORDER BY l.lanname"""

_EVENT_TRIGGERS = """
SELECT e.evtname AS name, e.evtevent AS event, pg_catalog.pg_get_userbyid(e.evtowner) AS owner,
       coalesce(r.rolsuper, false) AS owner_superuser, e.evtenabled <> 'D' AS enabled
FROM pg_catalog.pg_event_trigger e LEFT JOIN pg_catalog.pg_roles r ON r.oid = e.evtowner
ORDER BY e.evtname"""

_MAY_READ_MAPPINGS = """
SELECT pg_catalog.has_column_privilege('pg_catalog.pg_user_mapping', 'umoptions', 'SELECT')
   AND pg_catalog.has_column_privilege('pg_catalog.pg_user_mapping', 'umuser', 'SELECT')
   AND pg_catalog.has_column_privilege('pg_catalog.pg_user_mapping', 'umserver', 'SELECT') AS it"""

# Of the options of a server only those that say where it is: others may be anything.
_USER_MAPPINGS = """
SELECT s.srvname AS server, CASE m.umuser WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(m.umuser)::text END AS role,
       %s AS password,
       (SELECT pg_catalog.string_agg(o, ' ' ORDER BY o) FROM pg_catalog.unnest(s.srvoptions) o
        WHERE o ~ '^(host|hostaddr|port|dbname)=') AS connects_to
FROM %s m JOIN pg_catalog.pg_foreign_server s ON s.oid = %s
ORDER BY s.srvname, 2"""
_ALL_OF_MAPPINGS = _USER_MAPPINGS % (
    f"EXISTS (SELECT FROM pg_catalog.unnest(m.umoptions) o WHERE o ~* {Literal(OPTION)})",
    "pg_catalog.pg_user_mapping",
    "m.umserver",
)
_SOME_OF_MAPPINGS = _USER_MAPPINGS % ("NULL::bool", "pg_catalog.pg_user_mappings", "m.srvid")

_QUERIES: t.Mapping[str, str] = {
    "schemas": _SCHEMAS,
    "public_privileges": PUBLIC_PRIVILEGES,
    "table_privileges": _TABLE_PRIVILEGES,
    "catalogue_privileges": _CATALOGUE_PRIVILEGES,
    "default_privileges": _DEFAULT_PRIVILEGES,
    "definer_functions": _DEFINER_FUNCTIONS,
    "row_security": _ROW_SECURITY,
    "languages": _LANGUAGES,
    "event_triggers": _EVENT_TRIGGERS,
}
SECTIONS = (*_QUERIES, "user_mappings")
"""Those that every database has a part of."""

# Lists that grow with the tables.
_BOUNDED: t.Mapping[str, t.Callable[[Rows], Rows]] = {
    "public_privileges": bounded_privileges,
    "table_privileges": lambda rows: bounded(rows, ("table", "column", "owner"), "tables"),
    "row_security": lambda rows: bounded(rows, ("table",), "tables"),
}


def database_facts(session: Session, unreadable: Unreadable) -> dict[str, Rows]:
    """The parts of one database; what is refused is left out and named."""
    here = f"in {session.database}"
    found = {section: unreadable.rows(f"{section} {here}", session, query) for section, query in _QUERIES.items()}
    functions = found["definer_functions"]
    if functions:
        found["definer_functions"] = unreadable.attempt(
            f"definer_functions {here}", lambda: _judged(functions, session)
        )
    found["user_mappings"] = unreadable.attempt(f"user_mappings {here}", lambda: _user_mappings(session, unreadable))
    return {
        section: _BOUNDED.get(section, list)([{"database": session.database, **row} for row in rows])
        for section, rows in found.items()
        if rows is not None
    }


def _judged(functions: Rows, session: Session) -> Rows:
    """Whether nobody can put an object where a function finds it; what extensions made is asked for any path only."""
    judged, makers = definers(session)
    safe = {each.name: each.search_path is not None and not any(traps(each, makers)) for each in judged}
    return [{**row, "search_path_safe": safe.get(row["function"], row["search_path"] is not None)} for row in functions]


def _user_mappings(session: Session, unreadable: Unreadable) -> Rows:
    readable = session.rows(_MAY_READ_MAPPINGS)[0]["it"]
    found = session.rows(_ALL_OF_MAPPINGS if readable else _SOME_OF_MAPPINGS)
    if found and not readable:
        unreadable.add(
            f"user_mappings in {session.database}", "the login may not read umoptions of pg_catalog.pg_user_mapping"
        )
    return found
