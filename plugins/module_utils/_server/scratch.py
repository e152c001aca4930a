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
import subprocess
import tempfile
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import REHEARSAL_PREFIX
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import child_process_options

__all__ = ["scratch_directory"]

_PARENT = "/tmp"  # a socket's path may have at most 107 bytes, so the directory must be near the root
_GRACE = 10  # seconds in which a directory may be made and not be locked yet
# Waits for the end of the run, however it comes, and removes what the run did not, its server first. A server that
# initdb runs has its number with a minus sign in the file.
_UNDERTAKER = """
cat
for attempt in 1 2 3 4 5 6 7 8 9; do
  [ -d "$1" ] || exit 0
  read -r process <"$1/data/postmaster.pid" && kill -QUIT "${process#-}"
  rm -rf "$1" || sleep 0.5
done
"""


@contextlib.contextmanager
def scratch_directory(owner: Account) -> t.Iterator[str]:
    """A directory of the owner's, gone in the end; what is left of a host that went down goes first."""
    with acting_as(owner):
        _remove_leftovers()
        directory = tempfile.mkdtemp(prefix=REHEARSAL_PREFIX, dir=_PARENT)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # ends with this process, however that ends
        with _undertaker(directory, owner):
            yield directory
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _undertaker(directory: str, owner: Account) -> t.Iterator[None]:
    """A process that removes the directory if this one is killed."""
    process = subprocess.Popen(  # pylint: disable=ansible-bad-function # run_command needs a module object
        ["/bin/sh", "-c", _UNDERTAKER, "sh", directory],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        **child_process_options(owner),
    )
    with process:  # which closes the pipe that it waits at, and waits for it
        try:
            yield
        finally:
            with acting_as(owner):
                shutil.rmtree(directory, ignore_errors=True)


def _remove_leftovers() -> None:
    """What runs left with whose undertaker nobody was left: a directory, maybe a server. To be called as the owner."""
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
