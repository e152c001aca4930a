# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What many clusters of a fleet have alike, made once; private to the collection."""

from __future__ import annotations

import functools
import json
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Finding
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.reading import Entry

__all__ = ["Alike", "once_each"]

_MOST: t.Final = 10_000
"""So many findings are kept to compare others with, some megabytes; a fleet that is no more alike than that costs a little more."""

_Made = t.TypeVar("_Made")


class Alike:
    """Findings and waivers of one report: those that say the same are one object, which is read once."""

    def __init__(self) -> None:
        self._known: dict[str, Finding] = {}
        self._waivers: dict[str, dict[str, t.Any]] = {}

    def finding(self, entry: Entry) -> Finding:
        """One of an assessment."""
        told = json.dumps(entry.values)
        if told not in self._known:
            found = Finding.read(entry)
            if len(self._known) >= _MOST:
                return found
            self._known[told] = found
        return self._known[told]

    def waiver(self, entry: Entry) -> dict[str, t.Any]:
        """One of an assessment."""
        return self._waivers.setdefault(json.dumps(entry.values), entry.values)


def once_each(make: t.Callable[[Finding], _Made]) -> t.Callable[[Finding], _Made]:
    """What is made of a finding, made once for all clusters that have it."""
    return functools.lru_cache(_MOST)(make)
