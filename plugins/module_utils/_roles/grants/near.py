# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles that are as good as superusers without being one; pure, private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.known import CREATEROLE_LIMITED
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.known import MEMBERSHIPS
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.known import PARAMETERS
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.known import READS_VERIFIERS
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import above

__all__ = ["near_superusers"]

_PUBLIC = 0


def near_superusers(state: State) -> list[dict[str, t.Any]]:
    """Each with its reasons, in the order of the roles."""
    roles = {role.oid: role for role in state.roles}
    parents: dict[int, list[int]] = {}
    for grant in state.grants:
        # ADMIN alone is enough to make oneself a member with SET, but of no superuser.
        makes_itself = grant.admin and "SUPERUSER" not in roles[grant.role].attributes
        if makes_itself or grant.set is not False or grant.inherit is not False:
            parents.setdefault(grant.member, []).append(grant.role)
    parameters: dict[int, set[str]] = {}
    for held in state.parameter_grants:
        if held.parameter in PARAMETERS:
            parameters.setdefault(held.grantee, set()).add(held.parameter)
    found = []
    for role in state.roles:
        if role.predefined or "SUPERUSER" in role.attributes:
            continue
        groups = [roles[oid] for oid in sorted(above(role.oid, parents))]
        reasons = list(_reasons(state, role, groups))
        if parameters:
            held_by = (_PUBLIC, role.oid, *(group.oid for group in groups))
            names = sorted({name for oid in held_by for name in parameters.get(oid, ())})
            reasons += [f"it may set {name}" for name in names]
        if reasons:
            found.append({"role": role.name, "reasons": reasons})
    return found


def _reasons(state: State, role: Role, groups: t.Iterable[Role]) -> t.Iterator[str]:
    if "CREATEROLE" in role.attributes and state.version < CREATEROLE_LIMITED * 10000:
        yield (
            "CREATEROLE: before PostgreSQL 16 it grants itself every role that is no superuser,"
            " pg_execute_server_program too"
        )
    if "REPLICATION" in role.attributes and state.any_plugin:
        yield "REPLICATION: this minor release lets it load any library of the server as an output plugin (CVE-2026-6471)"
    for group in groups:
        if "SUPERUSER" in group.attributes:
            yield f"it is a member of {group.name}, which is a superuser"
        elif group.name in MEMBERSHIPS and (group.name != READS_VERIFIERS or state.md5_remains):
            yield f"it is a member of {group.name}, which {MEMBERSHIPS[group.name]}"
