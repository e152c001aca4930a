# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What manages a cluster besides us: found by what it leaves; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ManagedElsewhere
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Manager", "find", "refuse"]

_SETTINGS = """
SELECT name, setting FROM pg_catalog.pg_settings
WHERE name IN ('archive_command', 'shared_preload_libraries')
ORDER BY name"""


@dataclasses.dataclass(frozen=True)
class Manager:
    """A program that owns part of the configuration, and how it was recognised."""

    name: str  # patroni, pg_auto_failover, repmgr, pgbackrest
    evidence: str


def find(server: Server) -> tuple[Manager, ...]:
    """Every manager that left something in this cluster."""
    settings = {row["name"]: row["setting"] or "" for row in server.session.rows(_SETTINGS)}
    found = [
        *_by_files(server),
        *(
            Manager(name, f"{parameter} names {name}")
            for name, parameter in (("repmgr", "shared_preload_libraries"), ("pgbackrest", "archive_command"))
            if name in settings.get(parameter, "")
        ),
    ]
    return tuple({manager.name: manager for manager in found}.values())


def _by_files(server: Server) -> t.Iterator[Manager]:
    if not server.has_files:
        return
    data_directory = server.cluster.data_directory
    traces = (
        ("patroni", os.path.join(data_directory, "patroni.dynamic.json")),
        ("patroni", os.path.join(os.path.dirname(server.paths.config_file), "postgresql.base.conf")),
        ("pg_auto_failover", os.path.join(data_directory, "postgresql-auto-failover.conf")),
    )
    with acting_as(server.owner):
        present = [(name, path) for name, path in traces if os.path.exists(path)]
    for name, path in present:
        yield Manager(name, f"{path} exists")


def refuse(managers: tuple[Manager, ...], *, by: str, subject: str, where: str) -> None:
    """Raise when ``by`` is among the managers, saying where the change belongs."""
    for manager in managers:
        if manager.name == by:
            raise ManagedElsewhere(
                f"{subject} belongs to {manager.name} ({manager.evidence}), so nothing was changed: {where}",
                managed_by=manager.name,
            )
