# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles and databases that a server has; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["population", "world_of"]

# One row, whatever there are of them.
_QUERY = """
SELECT (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(r.rolname, r.rolsuper) ORDER BY r.rolname)
        FROM pg_catalog.pg_roles r) AS roles,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(u.rolname, g.rolname) ORDER BY u.rolname, g.rolname)
        FROM pg_catalog.pg_auth_members m
        JOIN pg_catalog.pg_roles u ON u.oid = m.member
        JOIN pg_catalog.pg_roles g ON g.oid = m.roleid) AS memberships,
       (SELECT pg_catalog.json_agg(d.datname ORDER BY d.datname) FROM pg_catalog.pg_database d) AS databases"""


def population(session: Session) -> World:
    """Ask the server."""
    [row] = session.rows(_QUERY)
    return world_of(
        roles=[name for name, _superuser in row["roles"]],
        superusers=[name for name, superuser in row["roles"] if superuser],
        memberships=row["memberships"] or (),
        databases=row["databases"],
    )


def world_of(
    *,
    roles: t.Iterable[str],
    superusers: t.Iterable[str],
    memberships: t.Iterable[tuple[str, str]],
    databases: t.Iterable[str],
    tls: bool = True,
) -> World:
    """A world of these; a membership is the member and the role that it is in."""
    member_of: dict[str, set[str]] = {name: set() for name in roles}
    for member, role in memberships:
        member_of.setdefault(member, set()).add(role)
    return World(roles=member_of, superusers=frozenset(superusers), databases=frozenset(databases), tls=tls)
