# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories that several programs work in at once, and whose names have to outlast a crash."""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from ..faults import PlaceFault

__all__ = ["as_place_fault", "is_left", "locked", "make", "refuse_absent", "sync"]


@contextlib.contextmanager
def as_place_fault(path: str) -> t.Iterator[None]:
    """Errors of the operating system are the place's."""
    try:
        yield
    except OSError as error:
        raise PlaceFault(f"{error.filename or path}: {error.strerror}") from None


@contextlib.contextmanager
def locked(path: str) -> t.Iterator[None]:
    """Nobody else names, removes or sweeps in a directory meanwhile."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_left(path: str) -> bool:
    """Whether nobody works at a file or a directory any more: who does holds a lock on it. What is none of ours is not left."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # NFS gives an exclusive lock only to whoever may write; a shared one is refused by whoever holds that.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def refuse_absent(path: str) -> None:
    """Raise where a place is not there: beside a file system that is not mounted nothing is to be written."""
    if not os.path.isdir(path):
        raise PlaceFault(f"{path} is not there")


def make(path: str) -> None:
    """Make a directory and those above it, and see their names to the disk."""
    missing = []
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for each in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(each, 0o700)
        sync(os.path.dirname(each))


def sync(path: str) -> None:
    """See the names in a directory to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
