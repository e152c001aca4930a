# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two runs against one cluster take turns; private to the collection.

The lock is on the data directory, so it spans file, SQL and restart work. Where only a connection is there an advisory
lock must do; it is per database, so it counts between runs that log in to the same one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConcurrentRun
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["advisory", "data_directory"]

_PAUSE = 0.1  # seconds between two attempts
_KEY = 0x72616D70  # "ramp" in ASCII: one number for the whole collection
_TAKE = f"SELECT pg_catalog.pg_try_advisory_lock({_KEY}) AS taken"
_RELEASE = f"SELECT pg_catalog.pg_advisory_unlock({_KEY}) AS released"


@contextlib.contextmanager
def data_directory(path: str, owner: Account, shared: bool, wait: int) -> t.Iterator[None]:
    """Hold a lock on the data directory itself: nothing is created, and nobody but the owner can hold it."""
    try:
        with acting_as(owner):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise Unsupported(f"cannot open the data directory {path} as {owner.name}: {error.strerror}") from None
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        _wait_for(lambda: _lock_file(descriptor, kind), path, wait)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def advisory(session: Session, wait: int) -> t.Iterator[None]:
    """Hold the collection's advisory lock in the session's database."""
    _wait_for(lambda: bool(session.rows(_TAKE)[0]["taken"]), session.database, wait)
    try:
        yield
    finally:
        with contextlib.suppress(RampartError):  # a session that ended has given its locks back
            session.rows(_RELEASE)


def _lock_file(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(take: t.Callable[[], bool], subject: str, wait: int) -> None:
    deadline = time.monotonic() + wait
    while not take():
        if time.monotonic() >= deadline:
            raise ConcurrentRun(
                f"another run holds the cluster in {subject}; gave up after lock_wait ({wait} s)", lock_wait=wait
            )
        time.sleep(_PAUSE)
