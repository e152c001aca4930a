# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two runs against one cluster take turns; private to the collection."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConcurrentRun
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

__all__ = ["data_directory"]

_PAUSE = 0.1  # seconds between two attempts


@contextlib.contextmanager
def data_directory(path: str, owner: Account, shared: bool, wait: int) -> t.Iterator[None]:
    """Hold a lock on the data directory itself: nothing is created, and nobody but the owner can hold it."""
    try:
        with acting_as(owner):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise Unsupported(f"cannot open the data directory {path} as {owner.name}: {error.strerror}") from None
    try:
        _acquire(descriptor, path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, wait)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: str, kind: int, wait: int) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise ConcurrentRun(
                    f"another run holds the cluster in {path}; gave up after lock_wait ({wait} s)", lock_wait=wait
                ) from None
            time.sleep(_PAUSE)
        else:
            return
