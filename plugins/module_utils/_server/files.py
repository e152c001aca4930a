# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of a cluster: read, replaced atomically, previous versions kept; private to the collection.

Always with the rights of the cluster's owner. Where a file is says the server, and whoever is superuser in it decides
what it says: a path of root's would be read, given away and overwritten at their wish.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import stat
import tempfile
import time

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConcurrentRun
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

__all__ = ["FileState", "History", "change_mode", "check_writable", "move_file", "read_file", "replace_file"]

_SECURITY_CONTEXT = "security.selinux"
_TEMPORARY = ".rampart-"  # in the name of a file that is not complete
_MOST = 64 * 2**20  # bytes: a larger file is no configuration, and must not fill the memory of root


@dataclasses.dataclass(frozen=True)
class FileState:
    """One file as it was read. ``path`` is what was asked for, ``real_path`` where links lead."""

    path: str
    real_path: str
    content: bytes
    mode: int
    uid: int
    gid: int
    modified: float  # seconds since the epoch
    changed: float = 0.0  # the same, of its attributes or its name: nobody can set it back

    @property
    def text(self) -> str:
        """The content as text; undecodable bytes survive a round trip through surrogateescape."""
        return self.content.decode("utf-8", "surrogateescape")


def read_file(path: str, owner: Account) -> FileState | None:
    """Read a regular file of at most 64 MiB with the rights of the owner of the cluster; None when there is none."""
    try:
        with acting_as(owner):
            real_path = os.path.realpath(path)
            descriptor = os.open(real_path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as stream:
                found = os.fstat(stream.fileno())
                if not stat.S_ISREG(found.st_mode):
                    raise RampartError(f"{path} is not a regular file", path=path)
                content = stream.read(_MOST + 1)  # what it says of its size may change
                if len(content) > _MOST:
                    raise RampartError(f"{path} is larger than {_MOST // 2**20} MiB", path=path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _file_error("read", path, error, owner) from None
    return FileState(
        path=path,
        real_path=real_path,
        content=content,
        mode=stat.S_IMODE(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
        modified=found.st_mtime,
        changed=found.st_ctime,
    )


def check_writable(path: str, *, owner: Account, parents: bool = False) -> None:
    """Raise what ``replace_file`` would meet where the directory is not there or takes no new file."""
    with acting_as(owner):
        directory = os.path.dirname(os.path.realpath(path))
        while parents and not os.path.lexists(directory):
            directory = os.path.dirname(directory)
        if not os.path.isdir(directory):
            code = errno.ENOTDIR if os.path.lexists(directory) else errno.ENOENT
        elif os.access(directory, os.W_OK | os.X_OK, effective_ids=True):
            return
        else:
            code = errno.EROFS if os.statvfs(directory).f_flag & os.ST_RDONLY else errno.EACCES
    raise _file_error("write", path, OSError(code, os.strerror(code)), owner)


def replace_file(
    path: str, content: bytes | None, *, owner: Account, mode: int | None = None, parents: bool = False
) -> None:
    """Make ``path`` hold ``content`` by one rename, or remove it (None).

    Mode, group and security context of the original are kept unless ``mode`` says otherwise.
    """
    try:
        with acting_as(owner):
            real_path = os.path.realpath(path)
            if content is None:
                _remove(real_path)
                return
            if parents:
                os.makedirs(os.path.dirname(real_path), mode=0o700, exist_ok=True)
            _write_and_rename(real_path, content, mode)
    except OSError as error:
        raise _file_error("write", path, error, owner) from None


def move_file(source: str, target: str, *, owner: Account) -> None:
    """Give ``target`` the file ``source`` of the same directory by one rename, which needs no room on the disk."""
    try:
        with acting_as(owner):
            os.rename(source, target)
            _sync_directory(os.path.dirname(target))
    except OSError as error:
        raise _file_error("write", target, error, owner) from None


def change_mode(path: str, before: int, after: int, *, owner: Account) -> None:
    """Give a file or directory another mode with the owner's rights, unless it has not the one that it had."""
    try:
        with acting_as(owner):
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if stat.S_IMODE(os.fstat(descriptor).st_mode) != before:
                    raise ConcurrentRun(f"the mode of {path} was changed by somebody else while this run was planning")
                os.fchmod(descriptor, after)
            finally:
                os.close(descriptor)
    except OSError as error:
        raise _file_error("change the mode of", path, error, owner) from None


def _write_and_rename(path: str, content: bytes, mode: int | None) -> None:
    try:
        original: os.stat_result | None = os.stat(path)
    except FileNotFoundError:
        original = None
    directory, name = os.path.split(path)
    prefix = f".{name}{_TEMPORARY}"
    _remove_leftovers(directory, prefix)
    descriptor, temporary = tempfile.mkstemp(prefix=prefix, dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            _dress(stream.fileno(), path, original, mode)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_directory(directory)


def _remove_leftovers(directory: str, prefix: str) -> None:
    """Temporary files of a run that was killed; the lock on the cluster says that no other run needs them."""
    for entry in os.listdir(directory):
        if entry.startswith(prefix):
            os.unlink(os.path.join(directory, entry))


def _dress(descriptor: int, path: str, original: os.stat_result | None, mode: int | None) -> None:
    """Give the new file what the old one had."""
    if original is not None:
        found = os.fstat(descriptor)
        if found.st_gid != original.st_gid:
            with contextlib.suppress(PermissionError):  # the owner may only hand over to groups of its own
                os.fchown(descriptor, -1, original.st_gid)
        with contextlib.suppress(OSError):  # no SELinux here
            os.setxattr(descriptor, _SECURITY_CONTEXT, os.getxattr(path, _SECURITY_CONTEXT))
    if mode is None:
        mode = stat.S_IMODE(original.st_mode) if original is not None else 0o600
    os.fchmod(descriptor, mode)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    _sync_directory(os.path.dirname(path))


def _sync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _file_error(action: str, path: str, error: OSError, owner: Account) -> RampartError:
    reason = error.strerror or str(error)
    if error.errno in (errno.EACCES, errno.EPERM):
        return Unsupported(f"cannot {action} {path} as {owner.name}: permission denied", path=path)
    return RampartError(f"cannot {action} {path}: {reason}; nothing was changed there", path=path)


@dataclasses.dataclass(frozen=True)
class History:
    """Previous versions of the files of one cluster, outside its data directory, owned by the cluster's owner."""

    directory: str
    keep: int
    owner: Account

    def add(self, state: FileState) -> str:
        """Keep a version; the oldest beyond ``keep`` go. Returns the path of the copy."""
        folder = os.path.join(self.directory, os.path.dirname(state.path).strip(os.path.sep).replace(os.path.sep, "_"))
        name = os.path.basename(state.path)
        seconds, rest = divmod(time.time_ns(), 10**9)  # one look at the clock, or versions could be out of order
        stamp = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(seconds))}.{rest:09d}Z"
        copy = os.path.join(folder, f"{name}.{stamp}")
        replace_file(copy, state.content, owner=self.owner, mode=0o600, parents=True)
        entries = self._entries(folder)
        killed = [entry for entry in entries if entry.startswith(f".{name}.") and _TEMPORARY in entry]
        versions = [entry for entry in entries if entry.startswith(f"{name}.")]
        for stale in (*killed, *versions[: -self.keep]):
            replace_file(os.path.join(folder, stale), None, owner=self.owner)
        return copy

    def _entries(self, folder: str) -> list[str]:
        try:
            with acting_as(self.owner):
                return sorted(os.listdir(folder))
        except OSError as error:
            raise _file_error("list", folder, error, self.owner) from None
