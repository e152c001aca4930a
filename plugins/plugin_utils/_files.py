# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of the controller: whole or not there, and nobody else's to read or change; private to the collection.

The one place where what runs on the controller writes: authorities, bundles, audits and histories.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConcurrentRun
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError

__all__ = [
    "PRIVATE",
    "PUBLIC",
    "TEMPORARY",
    "Content",
    "append",
    "check_all_owned",
    "check_owned",
    "locked",
    "make_directories",
    "make_directory",
    "move_into_place",
    "read",
    "remove",
    "remove_leftovers",
    "replace",
    "replace_all",
    "temporary_directory",
    "told",
]

PRIVATE = 0o600
PUBLIC = 0o644
TEMPORARY = ".rampart-"  # in the name of what is not complete
_OTHERS_WRITE = 0o022
_OTHERS = 0o077
_PATIENCE = 60.0  # seconds; another run makes keys and lists in less than one
_DIRECTORY = 0o700
_LONGEST = 100  # characters of a name that a temporary one has of it, as names may be as long as they can be

Content = t.Union[bytes, t.Iterable[bytes]]


@contextlib.contextmanager
def locked(directory: str, *, patience: float = _PATIENCE) -> t.Iterator[None]:
    """Hold a directory against other runs; a kill sets it free."""
    deadline = time.monotonic() + patience
    descriptor = _opened(directory)
    try:
        while not (_locks(descriptor) and _is_still(directory, descriptor)):
            if time.monotonic() > deadline:
                raise ConcurrentRun(f"{directory}: another run has been at work in it for {patience:.0f} s")
            time.sleep(0.05)
            if not _is_still(directory, descriptor):  # who had it has removed it, and somebody may have made it anew
                os.close(descriptor)
                descriptor = -1
                descriptor = _opened(directory)
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _opened(directory: str) -> int:
    with told(directory, "read"):
        return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _is_still(directory: str, descriptor: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.stat(directory), os.fstat(descriptor))
    return False


def _locks(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read(path: str) -> bytes | None:
    """The content of a regular file; None when there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise RampartError(f"{path} is not a regular file")
            return stream.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RampartError(f"cannot read {path}: {error.strerror}") from None


def check_owned(path: str, *, secret: bool = False) -> None:
    """Raise when others could have changed this file or directory, or could read it although it is ``secret``."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise RampartError(f"cannot read {path}: {error.strerror}") from None
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid not in (0, os.geteuid()):
        raise RampartError(f"{path} belongs to the account with the number {found.st_uid}, neither to you nor to root")
    if secret and mode & _OTHERS:
        raise RampartError(f"others can read {path}: mode {mode:04o}, make it 0600 and consider what was seen")
    if stat.S_ISDIR(found.st_mode) and not os.access(path, os.R_OK | os.X_OK):
        raise RampartError(f"cannot read {path}: permission denied")
    if mode & _OTHERS_WRITE:
        raise RampartError(f"others can write {path}: mode {mode:04o}, take that right away and look at what it holds")


def check_all_owned(paths: t.Iterable[str]) -> None:
    """Raise when others could have changed one of these."""
    for path in paths:
        check_owned(path)


def replace(path: str, content: Content, mode: int) -> None:
    """Make a file hold this content, whole or in pieces, by one rename."""
    replace_all([(path, content, mode)])


def replace_all(wanted: t.Iterable[tuple[str, Content, int]]) -> None:
    """The same for several files: all of them are written before the first one gets its name."""
    written: list[tuple[str, str]] = []
    try:
        for path, content, mode in wanted:
            with told(path):
                written.append((_written(path, content, mode), path))
        for temporary, path in written:
            with told(path):
                os.rename(temporary, path)
        for directory in dict.fromkeys(os.path.dirname(path) for _temporary, path in written):
            with told(directory):
                _sync(directory)
    finally:
        for temporary, _path in written:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


def _written(path: str, content: Content, mode: int) -> str:
    directory, name = os.path.split(path)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name[:_LONGEST]}{TEMPORARY}", dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.writelines((content,) if isinstance(content, bytes) else content)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary


def remove(directory: str, names: t.Iterable[str]) -> None:
    """Take files away, and their directory when it is empty then."""
    for name in names:
        with told(os.path.join(directory, name)), contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, name))
    with told(directory):
        _sync(directory)
    with contextlib.suppress(OSError):  # not empty
        os.rmdir(directory)


def append(path: str, text: str) -> None:
    """Add whole lines at the end of a file, one run at a time; they are on the disk when this returns."""
    with told(path):
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            torn = bool(size) and os.pread(descriptor, 1, size - 1) != b"\n"
            left = (b"\n" if torn else b"") + text.encode()
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if not size:
            _sync(os.path.dirname(path))


def make_directory(path: str, mode: int) -> bool:
    """Make one directory with exactly this mode; False when it is there already, another run may be making it."""
    with told(path):
        try:
            os.mkdir(path, mode)
        except FileExistsError:
            return False
        os.chmod(path, mode)  # whatever the umask is
        _sync(os.path.dirname(path))
    return True


def make_directories(path: str) -> None:
    """Make a directory and those above it that are not there; nobody else gets into what is made."""
    if not os.path.isdir(path):
        make_directories(os.path.dirname(path))
        make_directory(path, _DIRECTORY)


def temporary_directory(path: str) -> str:
    """A new directory (0700) beside ``path`` that is going to take its name."""
    with told(path):
        return tempfile.mkdtemp(prefix=f".{os.path.basename(path)}{TEMPORARY}", dir=os.path.dirname(path))


def move_into_place(temporary: str, path: str) -> None:
    """Give a complete directory its name, by one rename."""
    with told(path):
        _sync(temporary)
        os.rename(temporary, path)
        _sync(os.path.dirname(path))


def remove_leftovers(directory: str) -> None:
    """What runs left that were killed; the lock on the directory says that no other one needs it."""
    for entry in os.scandir(directory):
        if entry.name.startswith(".") and TEMPORARY in entry.name:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


def _sync(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def told(path: str, action: str = "write") -> t.Iterator[None]:
    """Have what the system refuses named with its path."""
    try:
        yield
    except OSError as error:
        raise RampartError(f"cannot {action} {path}: {error.strerror}") from None
