# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What concerns all databases of a cluster: settings of roles, privileges on parameters, subscriptions; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._facts.public_facts import shared_public_privileges
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.queries import SHOWN_VALUE
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import connection_word
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import has_password

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Rows
    from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Unreadable
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["cluster_facts"]

_ROLE_SETTINGS = f"""
SELECT r.rolname AS role, d.datname AS database, pg_catalog.split_part(c.entry, '=', 1) AS name, {SHOWN_VALUE} AS value
FROM pg_catalog.pg_db_role_setting x
LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.setrole
LEFT JOIN pg_catalog.pg_database d ON d.oid = x.setdatabase
CROSS JOIN LATERAL pg_catalog.unnest(x.setconfig) AS c (entry)
ORDER BY 1 NULLS FIRST, 2 NULLS FIRST, 3"""

_EXIST = """
SELECT pg_catalog.to_regclass('pg_catalog.pg_parameter_acl') IS NOT NULL AS parameters,
       pg_catalog.has_column_privilege('pg_catalog.pg_subscription', 'subconninfo', 'SELECT') AS conninfo"""

_PARAMETER_PRIVILEGES = """
SELECT p.parname AS parameter, CASE a.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END AS grantee,
       a.privilege_type AS privilege, pg_catalog.bool_or(a.is_grantable) AS grantable
FROM pg_catalog.pg_parameter_acl p CROSS JOIN LATERAL pg_catalog.aclexplode(p.paracl) a
WHERE a.grantee <> 10 -- the bootstrap superuser, who owns them all
GROUP BY p.parname, a.grantee, a.privilege_type
ORDER BY 1, 2, 3"""

_SUBSCRIPTIONS = """
SELECT d.datname AS database, s.subname AS name, pg_catalog.pg_get_userbyid(s.subowner) AS owner,
       coalesce(r.rolsuper, false) AS owner_superuser, s.subenabled AS enabled,
       %s AS password_in_conninfo, %s AS sslmode
FROM pg_catalog.pg_subscription s
JOIN pg_catalog.pg_database d ON d.oid = s.subdbid
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.subowner
ORDER BY d.datname, s.subname"""
_READ = (has_password("s.subconninfo"), connection_word("s.subconninfo", "sslmode"))
_HIDDEN = ("NULL::bool", "NULL::text")


def cluster_facts(session: Session, unreadable: Unreadable) -> dict[str, t.Any]:
    """The sections, PUBLIC's privileges on what all databases share among them."""
    exist = session.rows(_EXIST)[0]
    return {
        "role_settings": unreadable.rows("role_settings", session, _ROLE_SETTINGS),
        "parameter_privileges": (
            unreadable.rows("parameter_privileges", session, _PARAMETER_PRIVILEGES) if exist["parameters"] else []
        ),
        "subscriptions": _subscriptions(session, unreadable, readable=exist["conninfo"]),
        "public_privileges": shared_public_privileges(session, unreadable, parameters=exist["parameters"]),
    }


def _subscriptions(session: Session, unreadable: Unreadable, *, readable: bool) -> Rows | None:
    found = unreadable.rows("subscriptions", session, _SUBSCRIPTIONS % (_READ if readable else _HIDDEN))
    if found and not readable:
        unreadable.add("subscriptions", "the login may not read subconninfo of pg_catalog.pg_subscription")
    return found
