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
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.parameter_facts import parameter_facts
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import NOT_SHOWN
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import without_values

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

    _Reader = t.Callable[[Session, Unreadable], dict[str, Rows]]

__all__ = ["CHOICES", "collect"]

CHOICES = ("catalogue", "certificates", "hba", "databases", "replication", "host", "backups", "all")
_REASONS = {
    "settings": "the login is no member of pg_read_all_settings, so some are missing",
    "verifiers": "the login may not read pg_catalog.pg_authid",
    "hba_rules": "the login may not read pg_catalog.pg_hba_file_rules",
}
_PRIVILEGE_COLUMNS = {"roleid", "member", "grantor", "oid"}


def collect(server: Server, wanted: t.Container[str]) -> dict[str, t.Any]:
    """What can be read; what the login may not read is null and named in ``unreadable``."""
    unreadable = Unreadable()
    found = _cluster(server, unreadable)
    if "catalogue" in wanted:
        found.update(_catalogue(server.session, unreadable))
    found.update(_of_databases(server, wanted, unreadable))
    # Here and not above, as in the functions below: who does not ask need not load it.
    if "hba" in wanted:
        from ansible_collections.rampart.postgresql.plugins.module_utils._facts.hba_facts import hba_facts

        found.update(unreadable.sections(("hba", "ident"), lambda: hba_facts(server)))
    if "replication" in wanted:
        from ansible_collections.rampart.postgresql.plugins.module_utils._facts.replication_facts import (
            replication_facts,
        )

        found.update(replication_facts(server.session, unreadable))
    return {**found, "unreadable": unreadable.reasons}


def _cluster(server: Server, unreadable: Unreadable) -> dict[str, t.Any]:
    """Which cluster this is, and who looks at it."""
    return {
        "server": unreadable.attempt("server", lambda: server.facts()["server"]),
        "version": server.version,
        "major": server.major,
        "in_recovery": server.in_recovery,
        "managed_by": unreadable.attempt("managed_by", lambda: [dataclasses.asdict(one) for one in server.managers]),
        "paths": unreadable.attempt("paths", lambda: dataclasses.asdict(server.paths)),
        "session": server.session.rows(queries.SESSION)[0],
        "gathered_epoch": int(time.time()),
    }


def _catalogue(session: Session, unreadable: Unreadable) -> dict[str, t.Any]:
    readable = session.rows(queries.READABLE)[0]
    for section in [name for name in _REASONS if not readable[name]]:
        unreadable.add(section, _REASONS[section])

    def rows(section: str, query: str) -> Rows | None:
        return unreadable.rows(section, session, query) if readable[section] else None

    return {
        **parameter_facts(session, unreadable, files=readable["configuration_files"]),
        "roles": _roles(session.rows(queries.ROLES), rows("verifiers", queries.VERIFIERS)),
        "memberships": [_membership(row) for row in session.rows(queries.MEMBERSHIPS)],
        "hba_rules": _hba_rules(rows("hba_rules", queries.HBA_RULES)),
        "databases": session.rows(queries.DATABASES),
    }


def _roles(roles: Rows, verifiers: Rows | None) -> Rows:
    known = {row.pop("name"): row for row in verifiers or ()}
    nothing = {"verifier": None, "iterations": None}
    return [{**role, **known.get(role["name"], nothing)} for role in roles]


def _membership(row: dict[str, t.Any]) -> dict[str, t.Any]:
    options = row.pop("options")
    return {**row, **{name: value for name, value in options.items() if name not in _PRIVILEGE_COLUMNS}}


def _hba_rules(rows: Rows | None) -> Rows | None:
    if rows is None:
        return None
    return [
        {
            **row["rule"],
            "options": _without_secrets(row["rule"]["options"]),
            "error": without_values(row["rule"]["error"]),
        }
        for row in rows
    ]


def _without_secrets(options: list[str] | None) -> list[str] | None:
    if options is None:
        return None
    return [
        f"{name}={NOT_SHOWN}" if name in queries.SECRET_OPTIONS else option
        for option in options
        for name in [option.partition("=")[0]]
    ]


def _of_databases(server: Server, wanted: t.Container[str], unreadable: Unreadable) -> dict[str, t.Any]:
    """What every database has a part of, with what concerns all of them."""
    found: dict[str, t.Any] = {}
    sections: list[str] = []
    readers: list[_Reader] = []
    if "catalogue" in wanted:
        sections.append("extensions")
        readers.append(_extensions)
    if "databases" in wanted:
        from ansible_collections.rampart.postgresql.plugins.module_utils._facts.cluster_facts import cluster_facts
        from ansible_collections.rampart.postgresql.plugins.module_utils._facts.database_facts import SECTIONS
        from ansible_collections.rampart.postgresql.plugins.module_utils._facts.database_facts import database_facts

        found = {**{section: [] for section in SECTIONS}, **cluster_facts(server.session, unreadable)}
        sections += SECTIONS
        readers.append(database_facts)
    parts = _parts(server, readers, sections, unreadable) if readers else {}
    if "catalogue" in wanted:
        found["extensions"] = {name: part.pop("extensions") for name, part in parts.items()}
    for part in parts.values():
        for section, rows in part.items():
            found[section] += rows
    return found


def _parts(
    server: Server, readers: t.Sequence[_Reader], sections: t.Sequence[str], unreadable: Unreadable
) -> dict[str, dict[str, Rows]]:
    """The sections of every database that allows connections, from one session each."""
    found: dict[str, dict[str, Rows]] = {}
    for row in server.session.rows(queries.OPEN_DATABASES):
        try:
            with server.session_in(row["name"]) as session:
                found[row["name"]] = {
                    section: rows for read in readers for section, rows in read(session, unreadable).items()
                }
        except RampartError as error:
            for section in sections:
                unreadable.add(f"{section} in {row['name']}", str(error))
    return found


def _extensions(session: Session, _unreadable: Unreadable) -> dict[str, Rows]:
    return {"extensions": session.rows(queries.EXTENSIONS)}
