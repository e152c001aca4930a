# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL that reads objects with their privileges, one query for each kind and database; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.kinds import Kind
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literal
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literals
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

__all__ = ["DATABASES", "DEFAULTS", "OWNERS", "PARAMETERS", "ROLES", "SCHEMAS", "objects"]

ROLES = """
SELECT oid::pg_catalog.int8 AS oid, rolname AS name, rolsuper AS superuser, rolbypassrls AS bypassing
FROM pg_catalog.pg_roles ORDER BY pg_roles.oid"""

# A negative limit below -1 marks what an interrupted DROP DATABASE left.
DATABASES = """
SELECT datname AS name, datallowconn AND datconnlimit >= -1 AS open
FROM pg_catalog.pg_database ORDER BY datname"""

SCHEMAS = """
SELECT nspname AS name FROM pg_catalog.pg_namespace ORDER BY nspname"""

PARAMETERS = """
SELECT pg_catalog.lower(name) AS name FROM pg_catalog.pg_settings ORDER BY 1"""

# Who owns something in a schema and has no power over it but through PUBLIC.
OWNERS = """
SELECT n.nspname AS name,
       (SELECT pg_catalog.json_agg(w.owner::pg_catalog.int8 ORDER BY w.owner) FROM (
         SELECT DISTINCT o.owner FROM (
           SELECT relowner FROM pg_catalog.pg_class WHERE relnamespace = n.oid
           UNION ALL SELECT proowner FROM pg_catalog.pg_proc WHERE pronamespace = n.oid
           UNION ALL SELECT typowner FROM pg_catalog.pg_type WHERE typnamespace = n.oid
           UNION ALL SELECT oprowner FROM pg_catalog.pg_operator WHERE oprnamespace = n.oid
           UNION ALL SELECT opcowner FROM pg_catalog.pg_opclass WHERE opcnamespace = n.oid
           UNION ALL SELECT opfowner FROM pg_catalog.pg_opfamily WHERE opfnamespace = n.oid
           UNION ALL SELECT collowner FROM pg_catalog.pg_collation WHERE collnamespace = n.oid
           UNION ALL SELECT conowner FROM pg_catalog.pg_conversion WHERE connamespace = n.oid
           UNION ALL SELECT cfgowner FROM pg_catalog.pg_ts_config WHERE cfgnamespace = n.oid
           UNION ALL SELECT dictowner FROM pg_catalog.pg_ts_dict WHERE dictnamespace = n.oid
           UNION ALL SELECT stxowner FROM pg_catalog.pg_statistic_ext WHERE stxnamespace = n.oid
         ) AS o (owner)
         WHERE NOT pg_catalog.pg_has_role(o.owner, n.nspowner, 'USAGE')) AS w) AS owners
FROM pg_catalog.pg_namespace n WHERE n.nspname IN ({schemas}) ORDER BY n.nspname"""

# What there is, and what acldefault() says where nothing is written.
DEFAULTS = """
SELECT (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                 d.defaclrole::pg_catalog.int8, coalesce(n.nspname, ''), d.defaclobjtype::pg_catalog.text,
                 (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                           a.grantor::pg_catalog.int8, a.grantee::pg_catalog.int8, a.privilege_type, a.is_grantable)
                         ORDER BY a.grantor, a.grantee, a.privilege_type)
                  FROM pg_catalog.aclexplode(d.defaclacl) a)) ORDER BY d.oid)
        FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace) AS stored,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                 k.letter,
                 (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                           a.grantee::pg_catalog.int8, a.privilege_type) ORDER BY a.grantee, a.privilege_type)
                  FROM pg_catalog.aclexplode(pg_catalog.acldefault(
                    CASE k.letter WHEN 'S' THEN 's' ELSE k.letter END::"char", 10)) a)) ORDER BY k.letter)
        FROM pg_catalog.unnest(ARRAY[{letters}]) AS k (letter)) AS built_in"""

# Many objects share an ACL: each is taken apart once. What initdb granted in information_schema is not in pg_init_privs.
_OBJECTS = """
WITH found AS MATERIALIZED (
  SELECT x.schema, x.name, x.owner, x.oid, x.sub, x.more,
         coalesce(x.stored, pg_catalog.acldefault({letter}, x.owner)) AS acl,
         CASE WHEN x.built_in OR e.objid IS NOT NULL
              THEN coalesce(i.initprivs, CASE WHEN x.schema = 'information_schema' AND {letter} = 'r'
                     THEN pg_catalog.acldefault('r', x.owner) || pg_catalog.makeaclitem(0, x.owner, 'SELECT', false) END,
                   pg_catalog.acldefault({letter}, x.owner)) END AS initial
  FROM (%s) AS x
  LEFT JOIN pg_catalog.pg_depend e
    ON e.classid = {catalogue}::pg_catalog.regclass AND e.objid = x.oid AND e.objsubid = 0 AND e.deptype = 'e'
  LEFT JOIN pg_catalog.pg_init_privs i
    ON i.classoid = {catalogue}::pg_catalog.regclass AND i.objoid = x.oid AND i.objsubid = x.sub
), acls AS (
  SELECT DISTINCT ON (key) key, acl
  FROM (SELECT acl::pg_catalog.text AS key, acl FROM found
        UNION ALL SELECT initial::pg_catalog.text, initial FROM found WHERE initial IS NOT NULL) AS both_of_them
  ORDER BY key
)
SELECT (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                 f.schema, f.name, f.owner::pg_catalog.int8, f.oid::pg_catalog.int8, f.acl::pg_catalog.text,
                 f.initial::pg_catalog.text, f.more) ORDER BY f.schema, f.name, f.oid, f.sub)
        FROM found f) AS objects,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                 k.key,
                 (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                           a.grantor::pg_catalog.int8, a.grantee::pg_catalog.int8, a.privilege_type, a.is_grantable)
                         ORDER BY a.grantor, a.grantee, a.privilege_type)
                  FROM pg_catalog.aclexplode(k.acl) a)) ORDER BY k.key)
        FROM acls k) AS acls"""

_IN_SCHEMA = """(n.nspname IN ({schemas}) OR (n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'))"""

_SOURCES: t.Mapping[str, str] = {
    "tablespace": """SELECT NULL::name AS schema, spcname AS name, oid, 0 AS sub, spcowner AS owner, spcacl AS stored,
        false AS built_in, NULL::json AS more FROM pg_catalog.pg_tablespace""",
    "parameter": """SELECT NULL::name AS schema, parname AS name, oid, 0 AS sub, 10::oid AS owner, paracl AS stored,
        false AS built_in, NULL::json AS more FROM pg_catalog.pg_parameter_acl""",
    "database": """SELECT NULL::name AS schema, datname AS name, oid, 0 AS sub, datdba AS owner, datacl AS stored,
        false AS built_in, NULL::json AS more FROM pg_catalog.pg_database""",
    "language": """SELECT NULL::name AS schema, lanname AS name, oid, 0 AS sub, lanowner AS owner, lanacl AS stored,
        oid < 16384 AS built_in, pg_catalog.to_json(lanpltrusted) AS more FROM pg_catalog.pg_language""",
    "foreign_data_wrapper": """SELECT NULL::name AS schema, fdwname AS name, oid, 0 AS sub, fdwowner AS owner,
        fdwacl AS stored, false AS built_in, NULL::json AS more FROM pg_catalog.pg_foreign_data_wrapper""",
    "foreign_server": """SELECT NULL::name AS schema, srvname AS name, oid, 0 AS sub, srvowner AS owner,
        srvacl AS stored, false AS built_in, NULL::json AS more FROM pg_catalog.pg_foreign_server""",
    "schema": f"""SELECT NULL::name AS schema, n.nspname AS name, n.oid, 0 AS sub, n.nspowner AS owner,
        n.nspacl AS stored, n.nspname = 'information_schema' OR n.nspname ~ '^pg_' AS built_in, NULL::json AS more
        FROM pg_catalog.pg_namespace n WHERE {_IN_SCHEMA}""",
    "type": f"""SELECT n.nspname AS schema, t.typname AS name, t.oid, 0 AS sub, t.typowner AS owner, t.typacl AS stored,
        t.oid < 16384 AS built_in, NULL::json AS more
        FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
        LEFT JOIN pg_catalog.pg_class r ON r.oid = t.typrelid
        WHERE (t.typtype IN ('b', 'd', 'e', 'r') OR (t.typtype = 'c' AND r.relkind = 'c'))
          AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type o WHERE o.typarray = t.oid) AND {_IN_SCHEMA}""",
    "table": f"""SELECT n.nspname AS schema, c.relname AS name, c.oid, 0 AS sub, c.relowner AS owner, c.relacl AS stored,
        c.oid < 16384 AS built_in, NULL::json AS more
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {_IN_SCHEMA}""",
    "column": f"""SELECT n.nspname AS schema, c.relname AS name, c.oid, a.attnum AS sub, c.relowner AS owner,
        a.attacl AS stored, c.oid < 16384 AS built_in, pg_catalog.to_json(a.attname) AS more
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT a.attisdropped
          AND (a.attacl IS NOT NULL OR a.attname IN ({{columns}}) OR ({{every}}::pg_catalog.bool AND a.attnum > 0))
          AND {_IN_SCHEMA}""",
    "sequence": f"""SELECT n.nspname AS schema, c.relname AS name, c.oid, 0 AS sub, c.relowner AS owner,
        c.relacl AS stored, c.oid < 16384 AS built_in,
        (SELECT pg_catalog.to_json(pg_catalog.min(d.refobjid::pg_catalog.int8)) FROM pg_catalog.pg_depend d
         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
           AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')) AS more
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'S' AND {_IN_SCHEMA}""",
    "function": f"""SELECT n.nspname AS schema, p.proname AS name, p.oid, 0 AS sub, p.proowner AS owner,
        p.proacl AS stored, p.oid < 16384 AS built_in,
        (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                  tn.nspname, ty.typname, pg_catalog.format_type(ty.oid, NULL)) ORDER BY a.place)
         FROM pg_catalog.unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, place)
         JOIN pg_catalog.pg_type ty ON ty.oid = a.type
         JOIN pg_catalog.pg_namespace tn ON tn.oid = ty.typnamespace) AS more
        FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE {_IN_SCHEMA}""",
    "large_object": """SELECT NULL::name AS schema, oid::pg_catalog.text AS name, oid, 0 AS sub, lomowner AS owner,
        lomacl AS stored, false AS built_in, NULL::json AS more FROM pg_catalog.pg_largeobject_metadata""",
}


def objects(
    kind: Kind,
    *,
    schemas: t.Sequence[str] = (),
    columns: t.Sequence[str] = (),
    every_column: bool = False,
) -> str:
    """The query for one kind; ``schemas`` are those of the system that were named."""
    template = _OBJECTS % _SOURCES[kind.name]
    return compose(
        template,
        letter=Literal(kind.letter),
        catalogue=Literal(f"pg_catalog.{kind.catalogue}"),
        schemas=Literals(("", *schemas)),
        columns=Literals(("", *columns)),
        every=Literal("true" if every_column else "false"),
    )
