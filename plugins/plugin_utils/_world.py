# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles and databases of a server, as playbooks hand them over; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.population import world_of
from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

__all__ = ["world_for"]

_USUAL_SUPERUSER = "postgres"  # taken for granted where nobody says who the superusers are


def world_for(*, roles: t.Any, memberships: t.Any, databases: t.Any, superusers: t.Any, tls: t.Any) -> World:
    """Names, or what cluster_info returns, as a world."""
    known = _rows("roles", roles, "name")
    if superusers is not None:
        chosen = [row["name"] for row in _rows("superusers", superusers, "name")]
    elif roles is None:
        chosen = [_USUAL_SUPERUSER]
    else:
        chosen = [row["name"] for row in known if row.get("superuser", row["name"] == _USUAL_SUPERUSER)]
    if not isinstance(plain(tls), bool):
        raise InputError(option="tls", value=tls, expected="give true or false")
    return world_of(
        roles=[row["name"] for row in known],
        superusers=chosen,
        memberships=[(row["member"], row["role"]) for row in _rows("memberships", memberships, "role", "member")],
        databases=[row["name"] for row in _rows("databases", databases, "name")],
        tls=plain(tls),
    )


def _rows(option: str, given: t.Any, *keys: str) -> list[dict[str, t.Any]]:
    """Dictionaries with these keys; a name alone is one with that key."""
    listed = [] if given is None else plain(given)
    if not isinstance(listed, list):
        raise InputError(option=option, value=listed, expected="give a list")
    rows = [{keys[0]: row} if isinstance(row, str) and len(keys) == 1 else row for row in listed]
    for index, row in enumerate(rows):
        if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in keys):
            expected = f"give what cluster_info returns, with {' and '.join(keys)}"
            expected = f"give a name, or {expected[5:]}" if len(keys) == 1 else expected
            raise InputError(option=f"{option}[{index}]", value=row, expected=expected)
    return rows
