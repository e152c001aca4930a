# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories of the host that root makes, some of them for the owner of a cluster; private to the collection.

Only below directories that nobody but root can change: elsewhere whoever can would have root give them another one.
"""

from __future__ import annotations

import os
import stat

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account

__all__ = ["make_directory", "remove_directory", "unsafe_parent"]

_OTHERS_WRITE = 0o022


def unsafe_parent(path: str) -> str:
    """Why root must not make a directory of this name; empty when nothing speaks against it."""
    parents = [os.path.dirname(path)]
    while parents[-1] != "/":
        parents.append(os.path.dirname(parents[-1]))
    for number, parent in enumerate(parents):
        try:
            found = os.lstat(parent)
        except OSError as error:
            return f"{parent}: {error.strerror}"
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0:
            return f"{parent} is not a directory of root's"
        # What others may rename is safe only where they may not, which for a new entry no sticky bit sees to.
        if found.st_mode & _OTHERS_WRITE and not (number > 0 and found.st_mode & stat.S_ISVTX):
            return f"others than root can write in {parent}"
    return ""


def make_directory(path: str, *, mode: int, owner: Account) -> None:
    """Make one directory as root and give it to an account; one that is there already is an error."""
    problem = unsafe_parent(path)
    if problem:
        raise RampartError(f"cannot make {path}: {problem}", path=path)
    try:
        os.mkdir(path, 0o700)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchown(descriptor, owner.uid, owner.gid)
            os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RampartError(f"cannot make {path}: {error.strerror}", path=path) from None


def remove_directory(path: str) -> None:
    """Remove a directory that is empty."""
    try:
        os.rmdir(path)
    except OSError as error:
        raise RampartError(f"cannot remove {path}: {error.strerror}", path=path) from None
