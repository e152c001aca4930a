# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the module audit: its own, and those that are only passed on to the host; private to the collection."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import validated
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.directory import AuditDirectory
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.assessment import assessment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.gathering import clusters
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.given import Given
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.given import read
from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES

__all__ = ["AuditOptions", "place_of"]

_CLUSTER: t.Final[dict[str, dict[str, t.Any]]] = {
    "cluster": {"type": "str"},
    "data_directory": {"type": "path"},
    "port": {"type": "int"},
    "socket_directory": {"type": "path"},
}
_PLACE: t.Final[dict[str, dict[str, t.Any]]] = {
    "directory": {"type": "path", "required": True},
    "name": {"type": "str"},
}
_OWN: t.Final[dict[str, dict[str, t.Any]]] = {
    "gather": {"type": "bool", "default": True},
    "clusters": {"type": "list", "elements": "dict", "default": [], "options": _CLUSTER},
    "profile": {"type": "str", "choices": list(PROFILES), "default": "baseline"},
    "controls": {"type": "list", "elements": "dict", "default": []},
    "severities": {"type": "dict", "default": {}},
    "waivers": {"type": "list", "elements": "dict", "default": []},
    "newest_minors": {"type": "dict", "default": {}},
    "now": {"type": "int"},
}


def place_of(arguments: t.Any, *, host: str) -> tuple[AuditDirectory, str]:
    """The directory of the audit and what the host is called there, whatever the other options are."""
    given = plain(arguments)
    own = validated({name: value for name, value in given.items() if name in _PLACE}, _PLACE)
    return AuditDirectory(own["directory"]), own["name"] or host


@dataclasses.dataclass(frozen=True)
class AuditOptions:
    """What one execution is to do."""

    host: str
    directory: AuditDirectory
    gather: bool
    connections: list[dict[str, t.Any]]
    given: Given

    @classmethod
    def of(cls, arguments: t.Any, *, host: str) -> AuditOptions:
        """Read those of a task; RampartError names the one that cannot be used."""
        given = plain(arguments)
        own = validated({name: value for name, value in given.items() if name in _OWN}, _OWN)
        connection = {name: value for name, value in given.items() if name not in (*_PLACE, *_OWN)}
        directory, called = place_of(given, host=host)
        now = own.pop("now")
        return cls(
            host=called,
            directory=directory,
            gather=own.pop("gather"),
            connections=[{**connection, **_chosen(each)} for each in own.pop("clusters")] or [connection],
            given=read(**own, now=int(time.time()) if now is None else now),
        )

    def assess(self, facts: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        """One assessment for each cluster."""
        return [assessment(cluster, self.given) for cluster in clusters(facts, self.host)]


def _chosen(cluster: dict[str, t.Any]) -> dict[str, t.Any]:
    """An element of the option clusters in the words of cluster_info. A data directory says it all, whatever else is known."""
    if cluster["data_directory"]:
        return {"cluster": cluster["data_directory"]}
    return {name: value for name, value in cluster.items() if value is not None}
