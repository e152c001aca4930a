# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replication, archiving and the sessions that there are; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import connection_role
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import connection_word
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import has_password

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Unreadable
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["replication_facts"]

# To others the views show their rows with nothing in them.
_MAY = """
SELECT pg_catalog.pg_has_role(session_user, 'pg_read_all_stats', 'USAGE') AS statistics,
       pg_catalog.pg_has_role(session_user, 'pg_read_all_settings', 'USAGE') AS settings"""

# Some columns are of newer versions, so the row tells its own.
_SLOTS = """
SELECT s.slot_name AS name, s.slot_type AS kind, s.plugin, s.active, s.wal_status,
       pg_catalog.to_jsonb(s) ->> 'invalidation_reason' AS invalidation_reason
FROM pg_catalog.pg_replication_slots s
ORDER BY s.slot_name"""

_SENDERS = """
SELECT s.usename AS role, s.application_name AS application, pg_catalog.host(s.client_addr) AS address, s.state,
       s.sync_state, coalesce(l.ssl, false) AS tls, coalesce(g.encrypted, false) AS gss
FROM pg_catalog.pg_stat_replication s LEFT JOIN pg_catalog.pg_stat_ssl l ON l.pid = s.pid
LEFT JOIN pg_catalog.pg_stat_gssapi g ON g.pid = s.pid
ORDER BY 1, 2, 3, s.pid"""

# The server puts asterisks in the place of passwords.
_RECEIVER = f"""
SELECT {connection_role("w.conninfo")} AS role, {connection_word("w.conninfo", "sslmode")} AS sslmode,
       {has_password("w.conninfo")} AS password, {connection_word("w.conninfo", "channel_binding")} AS channel_binding,
       w.slot_name AS slot
FROM pg_catalog.pg_stat_wal_receiver w
ORDER BY w.pid"""

_CONNINFO = f"""
SELECT {connection_role("s.setting")} AS role, {connection_word("s.setting", "sslmode")} AS sslmode,
       {has_password("s.setting")} AS password_in_clear
FROM pg_catalog.pg_settings s
WHERE s.name = 'primary_conninfo' AND s.setting <> ''
ORDER BY s.name"""

# Of the command only whether there is one that does anything: it may hold what opens a store.
_ARCHIVING = """
SELECT (SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'archive_mode') AS mode,
       (SELECT pg_catalog.btrim(s.setting) NOT IN ('', '(disabled)', 'true', '/bin/true', '/usr/bin/true', ':', 'exit 0')
        FROM pg_catalog.pg_settings s WHERE s.name = 'archive_command') AS command_set,
       coalesce((SELECT s.setting FROM pg_catalog.pg_settings s WHERE s.name = 'archive_library'), '') AS library,
       pg_catalog.floor(extract(epoch FROM a.last_archived_time))::int8 AS last_archived_epoch,
       pg_catalog.floor(extract(epoch FROM a.last_failed_time))::int8 AS last_failed_epoch,
       a.failed_count, a.archived_count
FROM pg_catalog.pg_stat_archiver a"""

_CONNECTIONS = """
SELECT s.usename AS role, s.datname AS database, pg_catalog.host(s.client_addr) AS address, coalesce(l.ssl, false) AS tls,
       coalesce(g.encrypted, false) AS gss, l.version, l.cipher, pg_catalog.count(*)::int AS count
FROM pg_catalog.pg_stat_activity s LEFT JOIN pg_catalog.pg_stat_ssl l ON l.pid = s.pid
LEFT JOIN pg_catalog.pg_stat_gssapi g ON g.pid = s.pid
WHERE s.backend_type IN ('client backend', 'walsender') AND s.pid <> pg_catalog.pg_backend_pid()
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY 1, 2, 3, 4, 5, 6, 7"""

_NO_STATISTICS = "the login is no member of pg_read_all_stats"
_NO_SETTINGS = "the login is no member of pg_read_all_settings"


def replication_facts(session: Session, unreadable: Unreadable) -> dict[str, t.Any]:
    """The two sections; parts that the login may not see are null."""
    may = session.rows(_MAY)[0]
    for section in () if may["statistics"] else ("replication.senders", "replication.receiver", "connections"):
        unreadable.add(section, _NO_STATISTICS)
    if not may["settings"]:
        unreadable.add("replication.conninfo", _NO_SETTINGS)
    return {
        "replication": {
            "slots": session.rows(_SLOTS),
            "senders": session.rows(_SENDERS) if may["statistics"] else None,
            "receiver": _only(session, _RECEIVER) if may["statistics"] else None,
            "conninfo": _only(session, _CONNINFO) if may["settings"] else None,
            "archiving": _only(session, _ARCHIVING),
        },
        "connections": session.rows(_CONNECTIONS) if may["statistics"] else None,
    }


def _only(session: Session, query: str) -> dict[str, t.Any] | None:
    rows = session.rows(query)
    return rows[0] if rows else None
