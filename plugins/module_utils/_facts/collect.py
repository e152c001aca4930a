# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gathering the facts of a cluster in one go; private to the collection."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._facts import queries
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Rows
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Unreadable
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["CHOICES", "collect"]

CHOICES = ("catalogue", "certificates", "hba", "databases", "replication", "host", "backups", "all")
_PRIVILEGE_COLUMNS = {"roleid", "member", "grantor", "oid"}


def collect(server: Server, wanted: t.Container[str]) -> dict[str, t.Any]:
    """What can be read; what the login may not read is null and named in ``unreadable``."""
    unreadable = Unreadable()
    found = {
        **server.facts(),
        "version": server.version,
        "major": server.major,
        "in_recovery": server.in_recovery,
        "managed_by": [dataclasses.asdict(manager) for manager in server.managers],
        "paths": dataclasses.asdict(server.paths),
        "session": server.session.rows(queries.SESSION)[0],
        "gathered_epoch": int(time.time()),
    }
    if "catalogue" in wanted:
        found.update(_catalogue(server, unreadable))
    return {**found, "unreadable": unreadable.reasons}


def _catalogue(server: Server, unreadable: Unreadable) -> dict[str, t.Any]:
    session = server.session
    databases = session.rows(queries.DATABASES)
    return {
        "settings": {row.pop("name"): row for row in session.rows(queries.SETTINGS)},
        "roles": _roles(session.rows(queries.ROLES), unreadable.rows("verifiers", session, queries.VERIFIERS)),
        "memberships": [_membership(row) for row in session.rows(queries.MEMBERSHIPS)],
        "hba_rules": _hba_rules(unreadable.rows("hba_rules", session, queries.HBA_RULES)),
        "databases": databases,
        "extensions": _extensions(server, databases, unreadable),
    }


def _roles(roles: Rows, verifiers: Rows | None) -> Rows:
    kinds = None if verifiers is None else {row["name"]: row["verifier"] for row in verifiers}
    return [{**role, "verifier": None if kinds is None else kinds.get(role["name"])} for role in roles]


def _membership(row: dict[str, t.Any]) -> dict[str, t.Any]:
    options = row.pop("options")
    return {**row, **{name: value for name, value in options.items() if name not in _PRIVILEGE_COLUMNS}}


def _hba_rules(rows: Rows | None) -> Rows | None:
    if rows is None:
        return None
    return [{**row["rule"], "options": _without_secrets(row["rule"]["options"])} for row in rows]


def _without_secrets(options: list[str] | None) -> list[str] | None:
    if options is None:
        return None
    return [
        f"{name}=(not shown)" if name in queries.SECRET_OPTIONS else option
        for option in options
        for name in [option.partition("=")[0]]
    ]


def _extensions(server: Server, databases: Rows, unreadable: Unreadable) -> dict[str, Rows]:
    """The extensions of every database that allows connections: one session each."""
    found: dict[str, Rows] = {}
    for name in [row["name"] for row in databases if row["allow_connections"]]:
        try:
            with server.session_for(name) as session:
                found[name] = session.rows(queries.EXTENSIONS)
        except RampartError as error:
            unreadable.add(f"extensions in {name}", str(error))
    return found
