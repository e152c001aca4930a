# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What roles have by way of other roles, and whom replication logs in as; pure, private to the collection."""

from __future__ import annotations

import typing as t

__all__ = ["held", "replication_users"]

Values = t.Mapping[str, t.Any]

_ATTRIBUTES: t.Final = ("superuser", "createrole", "createdb", "replication", "bypassrls")
_PREDEFINED: t.Final = "pg_"


def held(facts: Values) -> list[dict[str, t.Any]]:
    """Each predefined or powerful role that another one can be or use, with the shortest way there."""
    roles = {role["name"]: role for role in facts["roles"]}
    above: dict[str, list[str]] = {}
    for grant in facts["memberships"]:
        group = roles.get(grant["role"])
        if group is not None and _opens(grant, group):
            above.setdefault(grant["member"], []).append(grant["role"])
    found = []
    for role in facts["roles"]:
        if role["superuser"] or role["name"].startswith(_PREDEFINED) or role["name"] not in above:
            continue
        found += [_row(role, roles[path[-1]], path) for path in _ways(role["name"], above) if _counts(roles[path[-1]])]
    return found


def replication_users(facts: Values) -> list[dict[str, t.Any]]:
    """The roles that standbys and backups log in as for WAL, with what they can do besides."""
    roles = {role["name"]: role for role in facts["roles"]}
    names = dict.fromkeys(sender["role"] for sender in facts["replication"]["senders"] if sender["role"])
    return [
        {
            "role": name,
            "superuser": roles[name]["superuser"],
            "besides": [
                attribute for attribute in _ATTRIBUTES if attribute != "replication" and roles[name][attribute]
            ],
        }
        for name in names
        if name in roles
    ]


def _opens(grant: Values, group: Values) -> bool:
    """Whether the member can use what the group has; before PostgreSQL 16 every member can."""
    makes_itself = bool(grant.get("admin_option")) and not group["superuser"]
    return makes_itself or grant.get("set_option") is not False or grant.get("inherit_option") is not False


def _counts(group: Values) -> bool:
    return group["name"].startswith(_PREDEFINED) or any(group[attribute] for attribute in _ATTRIBUTES)


def _ways(start: str, above: t.Mapping[str, list[str]]) -> list[list[str]]:
    """The way to each role above, breadth first."""
    seen, ways, at = {start}, [[start]], 0
    while at < len(ways):
        for name in above.get(ways[at][-1], ()):
            if name not in seen:
                seen.add(name)
                ways.append([*ways[at], name])
        at += 1
    return ways[1:]


def _row(role: Values, group: Values, path: list[str]) -> dict[str, t.Any]:
    return {
        "role": role["name"],
        "login": role["login"],
        "of": group["name"],
        "path": " > ".join(path),
        **{attribute: group[attribute] for attribute in _ATTRIBUTES},
    }
