# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue queries behind the facts. Secrets are reduced to their kind by the server; private to the collection."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import HIDDEN_PARAMETER
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import NOT_SHOWN

__all__ = [
    "DATABASES",
    "EXTENSIONS",
    "HBA_RULES",
    "MEMBERSHIPS",
    "OPEN_DATABASES",
    "READABLE",
    "ROLES",
    "SECRET_OPTIONS",
    "SESSION",
    "SETTINGS",
    "SHOWN_VALUE",
    "VERIFIERS",
]

SESSION = """
SELECT session_user AS role, r.rolsuper AS superuser, pg_catalog.inet_client_addr() IS NULL AS local,
       pg_catalog.pg_has_role(r.oid, 'pg_monitor', 'MEMBER') AS monitor
FROM pg_catalog.pg_roles r WHERE r.rolname = session_user"""

SETTINGS = f"""
SELECT s.name,
       CASE WHEN {HIDDEN_PARAMETER} AND s.setting NOT IN ('', '(disabled)') THEN '{NOT_SHOWN}' ELSE s.setting END AS setting,
       s.unit, s.vartype, s.context, s.source, s.sourcefile, s.sourceline, s.pending_restart
FROM pg_catalog.pg_settings s
ORDER BY s.name"""

# What the server does not know as a parameter is an application's, and may be anything.
SHOWN_VALUE = f"""CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_settings s
                    WHERE pg_catalog.lower(s.name) = pg_catalog.lower(pg_catalog.split_part(c.entry, '=', 1))
                      AND NOT {HIDDEN_PARAMETER})
            THEN pg_catalog.substr(c.entry, pg_catalog.strpos(c.entry, '=') + 1) ELSE '{NOT_SHOWN}' END"""
"""SQL: the value of an entry of a setconfig, c.entry, as far as it may be shown."""

ROLES = f"""
SELECT r.oid::bigint AS oid, r.rolname AS name, r.rolsuper AS superuser, r.rolinherit AS inherit,
       r.rolcreaterole AS createrole, r.rolcreatedb AS createdb, r.rolcanlogin AS login,
       r.rolreplication AS replication, r.rolbypassrls AS bypassrls, r.rolconnlimit AS connection_limit,
       r.rolvaliduntil::text AS valid_until,
       CASE r.rolvaliduntil WHEN 'infinity' THEN NULL WHEN '-infinity' THEN 0
            ELSE extract(epoch FROM r.rolvaliduntil)::float8 END AS valid_until_epoch,
       CASE WHEN r.rolconfig IS NOT NULL THEN ARRAY(
         SELECT pg_catalog.split_part(c.entry, '=', 1) || '=' || {SHOWN_VALUE}
         FROM pg_catalog.unnest(r.rolconfig) WITH ORDINALITY AS c (entry, place) ORDER BY c.place) END AS config
FROM pg_catalog.pg_roles r
ORDER BY r.rolname"""

VERIFIERS = """
SELECT a.rolname AS name,
       CASE WHEN a.rolpassword IS NULL THEN 'none'
            WHEN a.rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram-sha-256'
            WHEN a.rolpassword ~ '^md5[0-9a-f]{32}$' THEN 'md5'
            ELSE 'unknown' END AS verifier,
       pg_catalog.substring(a.rolpassword, '^SCRAM-SHA-256[$]([0-9]{1,9}):')::int AS iterations
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

# A negative limit below -1 marks what an interrupted DROP DATABASE left.
OPEN_DATABASES = """
SELECT d.datname AS name FROM pg_catalog.pg_database d WHERE d.datallowconn AND d.datconnlimit >= -1 ORDER BY d.datname"""

# To ask beforehand leaves no refusal in the server's log.
READABLE = """
SELECT pg_catalog.pg_has_role(session_user, 'pg_read_all_settings', 'USAGE') AS settings,
       pg_catalog.has_column_privilege('pg_catalog.pg_authid', 'rolname', 'SELECT')
         AND pg_catalog.has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'SELECT') AS verifiers,
       pg_catalog.has_table_privilege('pg_catalog.pg_hba_file_rules', 'SELECT')
         AND pg_catalog.has_function_privilege('pg_catalog.pg_hba_file_rules()', 'EXECUTE') AS hba_rules,
       pg_catalog.has_table_privilege('pg_catalog.pg_file_settings', 'SELECT')
         AND pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE') AS configuration_files"""

EXTENSIONS = """
SELECT e.extname AS name, e.extversion AS version, n.nspname AS schema,
       pg_catalog.pg_get_userbyid(e.extowner) AS owner
FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
ORDER BY e.extname"""
