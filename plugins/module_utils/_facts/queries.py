# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue queries behind the facts. Secrets are reduced to their kind by the server; private to the collection."""

from __future__ import annotations

__all__ = [
    "DATABASES",
    "EXTENSIONS",
    "HBA_RULES",
    "MEMBERSHIPS",
    "ROLES",
    "SECRET_OPTIONS",
    "SESSION",
    "SETTINGS",
    "VERIFIERS",
]

SESSION = """
SELECT session_user AS role, r.rolsuper AS superuser, pg_catalog.inet_client_addr() IS NULL AS local,
       pg_catalog.pg_has_role(r.oid, 'pg_monitor', 'MEMBER') AS monitor
FROM pg_catalog.pg_roles r WHERE r.rolname = session_user"""

SETTINGS = """
SELECT s.name,
       CASE WHEN s.name IN ('primary_conninfo', 'ssl_passphrase_command') AND s.setting <> '' THEN '(not shown)'
            ELSE s.setting END AS setting,
       s.unit, s.vartype, s.context, s.source, s.sourcefile, s.sourceline, s.pending_restart
FROM pg_catalog.pg_settings s
ORDER BY s.name"""

ROLES = """
SELECT r.oid::bigint AS oid, r.rolname AS name, r.rolsuper AS superuser, r.rolinherit AS inherit,
       r.rolcreaterole AS createrole, r.rolcreatedb AS createdb, r.rolcanlogin AS login,
       r.rolreplication AS replication, r.rolbypassrls AS bypassrls, r.rolconnlimit AS connection_limit,
       r.rolvaliduntil::text AS valid_until,
       CASE r.rolvaliduntil WHEN 'infinity' THEN NULL WHEN '-infinity' THEN 0
            ELSE extract(epoch FROM r.rolvaliduntil)::float8 END AS valid_until_epoch,
       r.rolconfig AS config
FROM pg_catalog.pg_roles r
ORDER BY r.rolname"""

VERIFIERS = """
SELECT a.rolname AS name,
       CASE WHEN a.rolpassword IS NULL THEN 'none'
            WHEN a.rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram-sha-256'
            WHEN a.rolpassword ~ '^md5[0-9a-f]{32}$' THEN 'md5'
            ELSE 'unknown' END AS verifier
FROM pg_catalog.pg_authid a
ORDER BY a.rolname"""

# The options of a membership differ between versions, so the row tells its own columns.
MEMBERSHIPS = """
SELECT g.rolname AS role, u.rolname AS member, o.rolname AS grantor, pg_catalog.row_to_json(m) AS options
FROM pg_catalog.pg_auth_members m
JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
JOIN pg_catalog.pg_roles u ON u.oid = m.member
LEFT JOIN pg_catalog.pg_roles o ON o.oid = m.grantor
ORDER BY g.rolname, u.rolname, o.rolname"""

HBA_RULES = """
SELECT pg_catalog.row_to_json(h) AS rule
FROM pg_catalog.pg_hba_file_rules h
ORDER BY h.line_number"""

SECRET_OPTIONS = ("ldapbindpasswd", "radiussecrets")
"""Options of pg_hba.conf that the view shows in clear."""

DATABASES = """
SELECT d.datname AS name, pg_catalog.pg_get_userbyid(d.datdba) AS owner, d.datallowconn AS allow_connections,
       d.datistemplate AS is_template, d.datconnlimit AS connection_limit,
       pg_catalog.pg_encoding_to_char(d.encoding) AS encoding,
       coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))::text[] AS acl,
       ARRAY(SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END
             FROM pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
             WHERE a.privilege_type = 'CONNECT' ORDER BY 1) AS connect
FROM pg_catalog.pg_database d
ORDER BY d.datname"""

EXTENSIONS = """
SELECT e.extname AS name, e.extversion AS version, n.nspname AS schema,
       pg_catalog.pg_get_userbyid(e.extowner) AS owner
FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
ORDER BY e.extname"""
