# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was observed of an account and the files of its cluster; private to the collection."""

from __future__ import annotations

import dataclasses

__all__ = ["Finding", "Found", "Package", "State"]


@dataclasses.dataclass(frozen=True)
class Found:
    """One file or directory with its mode. ``kind`` says how far it may be open."""

    path: str
    kind: str  # data directory, directory, configuration, authentication, inner configuration, key, personal
    mode: int
    uid: int


@dataclasses.dataclass(frozen=True)
class Finding:
    """Where a password lies; never the password. ``line`` 0: the file as a whole."""

    path: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.path}{f', line {self.line}' if self.line else ''}: {self.problem}"


@dataclasses.dataclass(frozen=True)
class Package:
    """A package of the server or of its libraries. ``sources`` are the package lists of this host that have this version."""

    name: str
    version: str = ""
    candidate: str = ""  # the version that would be installed now
    sources: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that planning needs."""

    owner: str
    uid: int
    group_access: bool  # whether the cluster was made for its group to read (initdb --allow-group-access)
    files: tuple[Found, ...]
    findings: tuple[Finding, ...]
    packages: tuple[Package, ...]  # that of the server first; none where it is of none
    unpackaged: tuple[str, ...]  # libraries of the server that no package has
