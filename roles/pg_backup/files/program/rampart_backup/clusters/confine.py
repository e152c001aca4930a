# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs first inside the namespaces of a ``sandbox``: makes them small, and becomes the program.

It is started by Python alone, without the rest of the program, as often as a program is confined. Every mount becomes
read-only, but for the directories that may be written; keys and the sockets of other servers are out of sight.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import sys
import typing as t

__all__ = ["main", "mounts"]

# include/uapi/linux/mount.h and prctl.h
_RDONLY, _REMOUNT, _BIND = 1, 32, 4096
_FLAGS: t.Final = {"nosuid": 2, "nodev": 4, "noexec": 8, "nosymfollow": 256}  # nobody may take them from a mount
_AMBIENT, _CLEAR_ALL = 47, 4
_NO_NEW_PRIVILEGES = 38
_SHARED_MEMORY = "/dev/shm"
_FAILED = 125  # exit status


def mounts(mountinfo: str) -> list[tuple[str, int]]:
    """Where something is mounted, and the flags that have to stay: proc(5), mountinfo."""
    found = []
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        path = os.fsdecode(os.fsencode(fields[4]).decode("unicode_escape").encode("latin-1"))
        found.append((path, sum(_FLAGS.get(each, 0) for each in fields[5].split(","))))
    return found


def main() -> t.NoReturn:
    """Arguments: directories to write, to hide, to keep in sight within what is hidden, each after its letter."""
    end = sys.argv.index("--")
    wishes = [(each[0], os.path.realpath(each[1:])) for each in sys.argv[1:end]]
    try:
        with contextlib.suppress(PermissionError):  # it leads a session already
            os.setsid()  # away from the terminal of whoever started it
        _confine(*([path for letter, path in wishes if letter == wanted] for wanted in "whk"))
        os.execvp(sys.argv[end + 1], sys.argv[end + 1 :])
    except OSError as error:
        print(f"the sandbox cannot be made: {error}", file=sys.stderr)
    sys.exit(_FAILED)


def _confine(writable: t.Sequence[str], hidden: t.Sequence[str], kept: t.Sequence[str]) -> None:
    for path in writable:
        _mount(path, path, "", _BIND)
    before = _mounted()
    for path, flags in before:
        if path not in writable:
            with contextlib.suppress(OSError):  # whether it had to work is asked below
                _mount("", path, "", _REMOUNT | _BIND | _RDONLY | flags)
    for path, _flags in before:
        if not _is_within(path, writable) and not _is_read_only(path):
            raise OSError(f"{path} stays writable")
    for path in hidden:
        _hide(path, [*writable, *kept])
    if os.path.isdir(_SHARED_MEMORY) and not _leads_to(_SHARED_MEMORY, writable):
        _mount("tmpfs", _SHARED_MEMORY, "tmpfs", _FLAGS["nosuid"] | _FLAGS["nodev"])
    _call("prctl", _AMBIENT, _CLEAR_ALL, 0, 0, 0)
    _call("prctl", _NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _mounted() -> list[tuple[str, int]]:
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
        return mounts(stream.read())


def _is_read_only(path: str) -> bool:
    """One that cannot be reached, as something else covers it or this account may not, counts."""
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return True


def _hide(path: str, kept: t.Sequence[str]) -> None:
    """Cover it; a directory that something to be kept lies in, entry by entry."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return
    if stat.S_ISLNK(mode):
        return
    if not _leads_to(path, kept):
        try:
            if stat.S_ISDIR(mode):
                _mount("tmpfs", path, "tmpfs", _RDONLY)
            else:
                _mount("/dev/null", path, "", _BIND)
        except FileNotFoundError:  # others work in these directories too: what is gone needs no cover
            if os.path.lexists(path):
                raise
    elif stat.S_ISDIR(mode) and not _is_within(path, kept):
        for name in os.listdir(path):
            inner = os.path.join(path, name)
            if not _leads_to(inner, kept):
                _hide(inner, kept)


def _leads_to(path: str, targets: t.Iterable[str]) -> bool:
    return any(_is_within(each, [path]) for each in targets)


def _is_within(path: str, directories: t.Iterable[str]) -> bool:
    return any(path == each or path.startswith(each.rstrip("/") + "/") for each in directories)


def _mount(source: str, target: str, kind: str, flags: int) -> None:
    _call("mount", *(os.fsencode(each) or None for each in (source, target, kind)), flags, None)


def _call(name: str, *arguments: bytes | int | None) -> None:
    given = [ctypes.c_ulong(each) if isinstance(each, int) else each for each in arguments]
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*given) != 0:
        number = ctypes.get_errno()
        raise OSError(
            number, os.strerror(number), *(os.fsdecode(each) for each in arguments if isinstance(each, bytes))
        )
