# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What decides about the sandbox of one cluster, as it was observed; private to the collection."""

from __future__ import annotations

import dataclasses

__all__ = ["Place", "State"]


@dataclasses.dataclass(frozen=True)
class Place:
    """A directory that the server writes in; ``path`` is where links lead, ``why`` what it is for."""

    path: str
    why: str


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that planning needs, of the live server and of its unit."""

    cluster: str
    unit: str
    started_by_root: bool  # the unit's programs begin as root and switch to the owner themselves, as Debian's do
    data_directory: str
    places: tuple[Place, ...]  # of the server itself, that its owner may write in
    socket_directories: tuple[str, ...]
    commands: tuple[tuple[str, str], ...]  # parameters that name a command, with their values
    reads: tuple[str, ...]  # what the commands name, to write or to run or to read, and the home of the owner
    path: str  # of the drop-in
    content: bytes | None
    lacking: tuple[str, ...]  # how the running server is less confined, or more, than the drop-in that is there says
