# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directory of a throw-away cluster, which outlives no run by much; private to the collection."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import REHEARSAL_PREFIX
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

__all__ = ["scratch_directory"]

_PARENT = "/tmp"  # a socket's path may have at most 107 bytes, so the directory must be near the root
_GRACE = 10  # seconds in which a directory may be made and not be locked yet


@contextlib.contextmanager
def scratch_directory(owner: Account) -> t.Iterator[str]:
    """A directory of the owner's, gone in the end; what killed runs left goes first."""
    with acting_as(owner):
        _remove_leftovers()
        directory = tempfile.mkdtemp(prefix=REHEARSAL_PREFIX, dir=_PARENT)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # ends with this process, however that ends
        yield directory
    finally:
        with acting_as(owner):
            shutil.rmtree(directory, ignore_errors=True)
        os.close(descriptor)


def _remove_leftovers() -> None:
    """What runs left that were killed: a directory, and maybe a server in it. To be called as the owner."""
    for name in os.listdir(_PARENT):
        if name.startswith(REHEARSAL_PREFIX):
            with contextlib.suppress(OSError):  # not ours, or gone meanwhile
                _remove_leftover(os.path.join(_PARENT, name))


def _remove_leftover(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid() or time.time() - found.st_ctime < _GRACE:
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):  # ended meanwhile, or another account's
                if os.readlink(f"/proc/{pid}/cwd").startswith(directory + os.sep):
                    os.kill(int(pid), signal.SIGKILL)
        shutil.rmtree(directory, ignore_errors=True)
    finally:
        os.close(descriptor)
