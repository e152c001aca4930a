# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directory of a log and what removes old files from it, as they are on the host; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import stat
import subprocess
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["State", "observe", "unsafe"]

_PROGRAM = "systemd-tmpfiles"
_PLACE = "/etc/tmpfiles.d"
_VERSION = re.compile(r"systemd ([0-9]+)")
_OTHERS_WRITE = 0o022


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that planning needs. ``version`` is systemd's."""

    cluster: str
    directory: str
    path: str  # of our file
    content: bytes | None
    problem: str  # why root must not remove anything from the directory; empty when nothing speaks against it
    version: int


def observe(server: Server, directory: str) -> State:
    """Look at the directory, ``{cluster}`` in it made the name of the cluster, and at our file."""
    cluster = server.cluster.label.strip(os.path.sep).replace(os.path.sep, "-")
    directory = os.path.normpath(directory.replace("{cluster}", cluster))
    path = os.path.join(_PLACE, f"rampart-postgresql-{re.sub('[^A-Za-z0-9_.-]', '_', cluster)}.conf")
    found = server.read(path, by_root=True)
    return State(
        cluster=server.cluster.label,
        directory=directory,
        path=path,
        content=found.content if found else None,
        problem=unsafe(directory, server.owner.uid),
        version=_version(),
    )


def unsafe(directory: str, owner: int, *, root: int = 0) -> str:
    """Why root must not clean up there: the way to it, or what lies in it, is in the hands of others.

    The directory itself may be the owner's to replace: systemd-tmpfiles does not follow a link in its place.
    """
    parents = []
    path = os.path.dirname(directory)
    while path not in parents:
        parents.append(path)
        path = os.path.dirname(path)
    for number, parent in enumerate(parents):
        try:
            found = os.lstat(parent)
        except OSError as error:
            return f"{parent}: {error.strerror}"
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != root:
            return f"{parent} is not a directory of root's"
        if number > 0 and found.st_mode & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX:
            return f"others than root can write in {parent}"
    try:
        found = os.lstat(directory)
    except FileNotFoundError:
        return ""
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
        return f"{directory} is not a directory of the cluster's owner, so files of others may lie in it"
    return ""


def _version() -> int:
    program = shutil.which(_PROGRAM)
    if program is None:
        raise Unsupported(f"old log files cannot be removed: this host has no {_PROGRAM}")
    done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
        [program, "--version"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=30
    )
    found = _VERSION.match(done.stdout)
    if found is None:
        raise Unsupported(f"{program} does not say its version: {' '.join((done.stdout + done.stderr).split())}")
    return int(found.group(1))
