# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where our file goes, and which other places are stronger; private to the collection."""

from __future__ import annotations

import dataclasses
import os.path
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._settings import grammar

__all__ = ["AUTOMATIC_FILE", "FileSetting", "Place", "RoleSetting", "find_place", "stronger"]

AUTOMATIC_FILE: t.Final = "postgresql.auto.conf"
"""What ALTER SYSTEM writes; always in the data directory, and read last."""


@dataclasses.dataclass(frozen=True)
class FileSetting:
    """One row of pg_file_settings, in the order in which the server reads them."""

    path: str
    line: int
    name: str
    value: str
    applied: bool = True
    error: str | None = None

    @property
    def source(self) -> str:
        """File and line for people."""
        return f"{self.path}:{self.line}"

    @property
    def is_automatic(self) -> bool:
        """Whether ALTER SYSTEM keeps it."""
        return os.path.basename(self.path) == AUTOMATIC_FILE


@dataclasses.dataclass(frozen=True)
class RoleSetting:
    """One value of ALTER ROLE or ALTER DATABASE … SET."""

    database: str | None
    role: str | None
    name: str
    value: str

    @property
    def source(self) -> str:
        """Role and database for people."""
        role = f"role {self.role}" if self.role else ""
        database = f"database {self.database}" if self.database else ""
        return " in ".join(part for part in (role, database) if part) or "all roles"


@dataclasses.dataclass(frozen=True)
class Place:
    """Path of our file, and how the main configuration file comes to it."""

    path: str
    main: str
    directive: str  # include, include_if_exists, include_dir
    line: int | None  # of the directive in the main file; None when it has to be appended
    later: tuple[str, ...] = ()  # files and directories that the main file includes further down

    @property
    def missing_line(self) -> str | None:
        """The line that the main file lacks."""
        return f"include {grammar.quote(os.path.basename(self.path))}" if self.line is None else None


def find_place(main: str, text: str, file_name: str) -> Place:
    """The place that the main configuration file already reads, the last included directory, or next to it."""
    directory = os.path.dirname(main)
    beside = os.path.normpath(os.path.join(directory, file_name))
    entries = [entry for entry in grammar.parse(text)[0] if entry.includes]
    targets = [os.path.normpath(os.path.join(directory, entry.value)) for entry in entries]
    found = None
    for index, (entry, target) in enumerate(zip(entries, targets)):
        if entry.includes != "include_dir" and target == beside:
            return Place(beside, main, str(entry.includes), entry.line, tuple(targets[index + 1 :]))
        if entry.includes == "include_dir":
            path = os.path.join(target, file_name)
            found = Place(path, main, "include_dir", entry.line, tuple(targets[index + 1 :]))
    return found or Place(beside, main, "include", None)


def stronger(place: Place, rows: t.Sequence[FileSetting]) -> tuple[FileSetting, ...]:
    """The rows that the server reads after our file. Exact once our file has a row; else judged by where they stand."""
    ours = [index for index, row in enumerate(rows) if row.path == place.path]
    if ours:
        return tuple(row for row in rows[ours[-1] + 1 :] if row.path != place.path)
    later = [index for index, row in enumerate(rows) if _is_later(place, row)]
    return tuple(rows[later[0] :]) if later else ()


def _is_later(place: Place, row: FileSetting) -> bool:
    if row.is_automatic:
        return True
    if place.line is None:
        return False
    if row.path == place.main:
        return row.line > place.line
    if row.path in place.later or os.path.dirname(row.path) in place.later:
        return True
    return place.directive == "include_dir" and (
        os.path.dirname(row.path) == os.path.dirname(place.path)
        and os.fsencode(os.path.basename(row.path)) > os.fsencode(os.path.basename(place.path))
    )
