# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What PUBLIC may do: whatever initdb or an extension granted it on objects of theirs is left out; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import bounded

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Rows
    from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Unreadable
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["PUBLIC_PRIVILEGES", "bounded_privileges", "shared_public_privileges"]

# What initdb granted in information_schema is not in pg_init_privs.
_HELD = """
WITH found AS MATERIALIZED (
  SELECT x.kind, x.name, x.oid, x.sub, x.owner, coalesce(x.stored, pg_catalog.acldefault(x.letter, x.owner)) AS acl,
         coalesce(i.initprivs, pg_catalog.acldefault(x.letter, x.owner)
                  || CASE WHEN x.system AND x.kind = 'table' AND x.name ~ '^information_schema[.]'
                          THEN ARRAY[pg_catalog.makeaclitem(0, x.owner, 'SELECT', false)]
                          WHEN x.system AND x.kind = 'schema' AND x.name = 'information_schema'
                          THEN ARRAY[pg_catalog.makeaclitem(0, x.owner, 'USAGE', false)] END) AS initial,
         x.system OR EXISTS (SELECT FROM pg_catalog.pg_depend e
                             WHERE e.classid = x.catalogue AND e.objid = x.oid AND e.objsubid = 0 AND e.deptype = 'e') AS theirs
  FROM (%s) AS x (kind, letter, catalogue, name, oid, sub, owner, stored, system)
  LEFT JOIN pg_catalog.pg_init_privs i ON i.classoid = x.catalogue AND i.objoid = x.oid AND i.objsubid = x.sub
)
SELECT %s AS database, f.kind, f.name AS object, pg_catalog.pg_get_userbyid(f.owner) AS owner,
       pg_catalog.json_agg(DISTINCT p.privilege ORDER BY p.privilege) AS privileges, p.builtin
FROM found f CROSS JOIN LATERAL (
  SELECT a.privilege_type AS privilege,
         EXISTS (SELECT FROM pg_catalog.aclexplode(f.initial) b
                 WHERE b.grantee = 0 AND b.privilege_type = a.privilege_type) AS builtin
  FROM pg_catalog.aclexplode(f.acl) a WHERE a.grantee = 0) AS p
WHERE NOT (f.theirs AND p.builtin)
GROUP BY f.kind, f.name, f.oid, f.sub, f.owner, p.builtin
ORDER BY f.kind, f.name, f.oid, f.sub, p.builtin"""

# Where nothing is stored PUBLIC has something on functions, types and languages only.
_OF_A_DATABASE = """
  SELECT 'schema', 'n'::"char", 'pg_catalog.pg_namespace'::pg_catalog.regclass, pg_catalog.quote_ident(n.nspname), n.oid, 0,
         n.nspowner, n.nspacl, n.nspname = 'information_schema' OR n.nspname ~ '^pg_'
  FROM pg_catalog.pg_namespace n WHERE n.nspacl IS NOT NULL
  UNION ALL
  SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char",
         'pg_catalog.pg_class'::pg_catalog.regclass, pg_catalog.format('%I.%I', n.nspname, c.relname), c.oid, 0,
         c.relowner, c.relacl, c.oid < 16384
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relacl IS NOT NULL AND n.nspname !~ '^pg_(temp|toast)'
  UNION ALL
  SELECT 'column', 'c'::"char", 'pg_catalog.pg_class'::pg_catalog.regclass,
         pg_catalog.format('%I.%I.%I', n.nspname, c.relname, k.attname), c.oid, k.attnum::int, c.relowner, k.attacl,
         c.oid < 16384
  FROM pg_catalog.pg_attribute k JOIN pg_catalog.pg_class c ON c.oid = k.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE k.attacl IS NOT NULL AND NOT k.attisdropped AND n.nspname !~ '^pg_(temp|toast)'
  UNION ALL
  SELECT 'function', 'f'::"char", 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid::pg_catalog.regprocedure::text, p.oid, 0,
         p.proowner, p.proacl, p.oid < 16384
  FROM pg_catalog.pg_proc p WHERE p.proacl IS NOT NULL OR p.oid >= 16384
  UNION ALL
  SELECT 'type', 'T'::"char", 'pg_catalog.pg_type'::pg_catalog.regclass, y.oid::pg_catalog.regtype::text, y.oid, 0,
         y.typowner, y.typacl, y.oid < 16384
  FROM pg_catalog.pg_type y LEFT JOIN pg_catalog.pg_class r ON r.oid = y.typrelid
  WHERE (y.typtype IN ('b', 'd', 'e', 'r') OR r.relkind = 'c') AND (y.typacl IS NOT NULL OR y.oid >= 16384)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_type o WHERE o.typarray = y.oid)
  UNION ALL
  SELECT 'language', 'l'::"char", 'pg_catalog.pg_language'::pg_catalog.regclass, pg_catalog.quote_ident(l.lanname), l.oid, 0,
         l.lanowner, l.lanacl, l.oid < 16384
  FROM pg_catalog.pg_language l
  UNION ALL
  SELECT 'foreign_data_wrapper', 'F'::"char", 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass,
         pg_catalog.quote_ident(w.fdwname), w.oid, 0, w.fdwowner, w.fdwacl, false
  FROM pg_catalog.pg_foreign_data_wrapper w WHERE w.fdwacl IS NOT NULL
  UNION ALL
  SELECT 'foreign_server', 'S'::"char", 'pg_catalog.pg_foreign_server'::pg_catalog.regclass,
         pg_catalog.quote_ident(v.srvname), v.oid, 0, v.srvowner, v.srvacl, false
  FROM pg_catalog.pg_foreign_server v WHERE v.srvacl IS NOT NULL
  UNION ALL
  SELECT 'large_object', 'L'::"char", 'pg_catalog.pg_largeobject_metadata'::pg_catalog.regclass, o.oid::text, o.oid, 0,
         o.lomowner, o.lomacl, false
  FROM pg_catalog.pg_largeobject_metadata o WHERE o.lomacl IS NOT NULL"""

_DATABASES = """
  SELECT 'database', 'd'::"char", 'pg_catalog.pg_database'::pg_catalog.regclass, pg_catalog.quote_ident(d.datname), d.oid, 0,
         d.datdba, d.datacl, false
  FROM pg_catalog.pg_database d"""
_TABLESPACES = """
  SELECT 'tablespace', 't'::"char", 'pg_catalog.pg_tablespace'::pg_catalog.regclass, pg_catalog.quote_ident(s.spcname), s.oid, 0,
         s.spcowner, s.spcacl, false
  FROM pg_catalog.pg_tablespace s WHERE s.spcacl IS NOT NULL"""
_PARAMETERS = """
  SELECT 'parameter', 'p'::"char", 'pg_catalog.pg_parameter_acl'::pg_catalog.regclass, p.parname, p.oid, 0, 10::oid, p.paracl,
         false
  FROM pg_catalog.pg_parameter_acl p"""

PUBLIC_PRIVILEGES = _HELD % (_OF_A_DATABASE, "pg_catalog.current_database()")


def shared_public_privileges(session: Session, unreadable: Unreadable, *, parameters: bool) -> Rows:
    """Those on databases, tablespaces and, where they can be granted, parameters."""
    sources = [_DATABASES, _TABLESPACES, *([_PARAMETERS] if parameters else [])]
    of_itself = "CASE f.kind WHEN 'database' THEN f.name END"
    query = _HELD % (" UNION ALL ".join(sources), of_itself)
    return bounded_privileges(unreadable.rows("public_privileges", session, query) or [])


def bounded_privileges(rows: Rows) -> Rows:
    """Rows, each with how many objects it stands for."""
    return bounded(rows, ("object",), "objects")
