# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of runs, kept on the controller under the time in UTC that they were kept at; private to the collection.

An entry is a file ``20260301T101500Z.json``, whole or not there. What has another name is nobody's business here.
"""

from __future__ import annotations

import dataclasses
import filecmp
import os
import re
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils import _files as files

__all__ = ["RUNS", "History", "Limits", "name_of", "surplus"]

RUNS = 52
"""Entries that are kept where nothing else is said: of a run each week those of a year."""
_DAY = 86_400
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z\.json")


def name_of(moment: float) -> str:
    """What an entry of this moment is called."""
    return time.strftime("%Y%m%dT%H%M%SZ.json", time.gmtime(moment))


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much is kept: so many of the newest entries, those of so many days, or what meets both; None for no limit."""

    runs: int | None
    days: int | None

    @classmethod
    def of(cls, runs: int | None, days: int | None, *, prefix: str = "") -> Limits:
        """As options of a module give them, whose names begin with ``prefix``."""
        for name, value in (("runs", runs), ("days", days)):
            if value is not None and value < 1:
                raise InputError(option=f"{prefix}{name}", value=value, expected="a whole number from 1 up")
        return cls(RUNS if runs is None and days is None else runs, days)


def surplus(names: t.Iterable[str], limits: Limits, now: float) -> list[str]:
    """Which entries are too many or too old, the oldest first; the newest one never is."""
    older = sorted(names)[:-1]
    kept = len(older) if limits.runs is None else limits.runs - 1
    too_many = older[: max(0, len(older) - kept)]
    # Names of years before 1000 have fewer digits, and are behind all others then.
    oldest = "" if limits.days is None else name_of(max(0, now - limits.days * _DAY))
    return [name for name in older if name in too_many or name < oldest]


class History:
    """The entries in one directory."""

    def __init__(self, directory: str, *, option: str) -> None:
        if not os.path.isabs(directory):
            raise InputError(option=option, value=directory, expected="it is an absolute path on the controller")
        self._directory = directory

    def entries(self) -> list[str]:
        """Paths of the entries, the oldest first."""
        return [self._path(name) for name in self._names()]

    def keep(self, content: files.Content, *, limits: Limits, now: float, signed: str | None = None) -> str:
        """Add an entry and remove what is too much by now, but nothing that is the same as the file ``signed``."""
        files.make_directories(self._directory)
        with files.locked(self._directory):
            files.remove_leftovers(self._directory)
            path = self._path(self._free_name(now))
            files.replace(path, content, files.PRIVATE)
            names = self._names()
            # What was just kept is not the newest where the clock was set back.
            removed = [name for name in surplus(names, limits, now) if self._path(name) != path]
            spared = self._signed_off(signed, [name for name in names if name not in removed], removed)
            files.remove(self._directory, (name for name in removed if name != spared))
        return path

    def _names(self) -> list[str]:
        if not os.path.isdir(self._directory):
            return []
        with files.told(self._directory, "read"):
            return sorted(name for name in os.listdir(self._directory) if _NAME.fullmatch(name))

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)

    def _free_name(self, now: float) -> str:
        """That of the present second, or of the next one that has no entry."""
        while os.path.lexists(self._path(name_of(now))):
            now += 1
        return name_of(now)

    def _signed_off(self, signed: str | None, staying: list[str], removed: list[str]) -> str | None:
        """The entry that is what somebody has signed off; the newest one of those that are the same."""
        if signed is None or not os.path.isfile(signed):
            return None
        return next((name for name in reversed([*removed, *staying]) if _are_same(self._path(name), signed)), None)


def _are_same(path: str, other: str) -> bool:
    with files.told(path, "read"):
        return filecmp.cmp(path, other, shallow=False)
