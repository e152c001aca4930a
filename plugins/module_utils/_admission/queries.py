# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL facts that decide whether a client gets in; private to the collection."""

from __future__ import annotations

__all__ = ["CLIENTS", "DATABASES", "PARAMETERS", "ROLES", "SERVER", "SLOTS", "VERIFIERS"]

# Also what this run's own session looks like. Names of certificates are cut after 63 bytes, maybe within a character.
SERVER = """
SELECT extract(epoch FROM pg_catalog.pg_conf_load_time())::float8 AS loaded,
       extract(epoch FROM pg_catalog.clock_timestamp())::float8 AS now,
       pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS reads_verifiers,
       coalesce(o.ssl, false) AS tls,
       pg_catalog.encode(pg_catalog.textsend(o.client_dn), 'hex') AS client_dn, o.client_serial::text AS client_serial,
       pg_catalog.encode(pg_catalog.textsend(o.issuer_dn), 'hex') AS issuer_dn,
       coalesce(
         (SELECT g.encrypted FROM pg_catalog.pg_stat_gssapi g WHERE g.pid = pg_catalog.pg_backend_pid()), false) AS gss
FROM (VALUES (pg_catalog.pg_backend_pid())) AS me (pid) LEFT JOIN pg_catalog.pg_stat_ssl o ON o.pid = me.pid"""

PARAMETERS = """
SELECT name, setting FROM pg_catalog.pg_settings WHERE name IN ({names}) ORDER BY name"""

ROLES = """
SELECT r.rolname AS name, r.rolcanlogin AS login, r.rolsuper AS superuser, r.rolreplication AS replication,
       r.rolconnlimit AS connection_limit,
       CASE WHEN pg_catalog.isfinite(r.rolvaliduntil) THEN extract(epoch FROM r.rolvaliduntil)::float8
            WHEN r.rolvaliduntil < 'infinity' THEN 0 END AS valid_until,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                 'role', g.rolname,
                 'inherits', coalesce((pg_catalog.to_jsonb(m) ->> 'inherit_option')::bool, r.rolinherit))
               ORDER BY g.rolname)
        FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
        WHERE m.member = r.oid) AS member_of
FROM pg_catalog.pg_roles r
ORDER BY r.rolname"""

# The kind only: a verifier itself never leaves the server.
VERIFIERS = """
SELECT a.rolname AS name,
       CASE WHEN a.rolpassword IS NULL THEN 'none'
            WHEN a.rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram-sha-256'
            WHEN a.rolpassword ~ '^md5[0-9a-f]{32}$' THEN 'md5'
            ELSE 'unknown' END AS verifier
FROM pg_catalog.pg_authid a
WHERE a.rolcanlogin
ORDER BY a.rolname"""

DATABASES = """
SELECT d.datname AS name, pg_catalog.pg_get_userbyid(d.datdba) AS owner, d.datallowconn AS allows_connections,
       d.datconnlimit AS connection_limit,
       (SELECT pg_catalog.json_agg(coalesce(r.rolname, '') ORDER BY r.rolname)
        FROM pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
        LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
        WHERE a.privilege_type = 'CONNECT') AS connect
FROM pg_catalog.pg_database d
ORDER BY d.datname"""

# Without a backend_type the login may not see it. Sessions of runs like this one answer for themselves.
CLIENTS = """
SELECT a.pid, a.backend_start::text AS started, a.usename AS "user", a.datname AS database,
       pg_catalog.host(a.client_addr) AS address, a.client_port AS port, coalesce(a.application_name, '') AS application,
       a.backend_type AS kind, coalesce(s.ssl, false) AS tls, s.version AS protocol,
       s.cipher,
       pg_catalog.encode(pg_catalog.textsend(s.client_dn), 'hex') AS client_dn, s.client_serial::text AS client_serial,
       pg_catalog.encode(pg_catalog.textsend(s.issuer_dn), 'hex') AS issuer_dn, coalesce(g.encrypted, false) AS gss
FROM pg_catalog.pg_stat_activity a
LEFT JOIN pg_catalog.pg_stat_ssl s ON s.pid = a.pid
LEFT JOIN pg_catalog.pg_stat_gssapi g ON g.pid = a.pid
WHERE a.usename IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid()
  AND (a.backend_type IS NULL OR a.backend_type IN ('client backend', 'walsender'))
  AND NOT (a.usename = session_user AND a.application_name = pg_catalog.current_setting('application_name')
           AND a.client_addr IS NOT DISTINCT FROM pg_catalog.inet_client_addr())
ORDER BY a.pid"""

# A slot that a standby keeps in step with its primary is never active there.
SLOTS = """
SELECT s.slot_name AS name, s.database
FROM pg_catalog.pg_replication_slots s
WHERE NOT s.active AND NOT coalesce((pg_catalog.to_jsonb(s) ->> 'synced')::bool, false)
ORDER BY s.slot_name"""
