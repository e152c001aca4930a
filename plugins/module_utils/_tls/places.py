# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who could put another file in the place of one: the directories that lead to it; private to the collection."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

__all__ = ["account_name", "exposed", "way_to"]

_LINKS = 40  # as the kernel's own limit
_ROOT = 0


def way_to(path: str) -> t.Iterator[tuple[str, os.stat_result]]:
    """Every directory, link and file on the way, each link followed; OSError where the way ends before."""
    ahead, reached, links = _parts(path), os.path.sep, 0
    yield reached, os.lstat(reached)
    while ahead:
        place = os.path.join(reached, ahead.pop(0))
        found = os.lstat(place)
        yield place, found
        if not stat.S_ISLNK(found.st_mode):
            reached = place
            continue
        links += 1
        if links > _LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        ahead, reached = _parts(os.path.join(reached, os.readlink(place))) + ahead, os.path.sep


def exposed(path: str, owner: Account) -> str:
    """Why somebody else than root and the owner of the cluster could replace a file; empty when nobody could."""
    directory = os.path.dirname(path)
    with acting_as(owner):
        try:
            real = os.path.realpath(directory)
            for place, found in way_to(directory):
                reason = _reason(place, found, owner, last=place == real)
                if reason:
                    return reason
        except OSError:  # whoever cannot even look will not write either, and is told then
            return ""
    return ""


def _reason(place: str, found: os.stat_result, owner: Account, *, last: bool) -> str:
    if found.st_uid not in (_ROOT, owner.uid):
        return f"{place} belongs to {account_name(found.st_uid)}"
    if stat.S_ISLNK(found.st_mode):
        return ""
    mode = stat.S_IMODE(found.st_mode)
    if mode & stat.S_ISVTX and not last:  # nobody can take away there what is another's
        return ""
    if mode & stat.S_IWOTH:
        return f"everybody can write in {place} (mode {mode:04o})"
    if mode & stat.S_IWGRP and not _of_nobody_else(found.st_gid, owner):
        return f"group {_group(found.st_gid)} can write in {place} (mode {mode:04o})"
    return ""


def _of_nobody_else(gid: int, owner: Account) -> bool:
    """Whether a group is root's, or has the owner of the cluster as its only member."""
    if gid == _ROOT:
        return True
    try:
        named = set(grp.getgrgid(gid).gr_mem)
    except KeyError:
        named = set()
    return named | {each.pw_name for each in pwd.getpwall() if each.pw_gid == gid} <= {owner.name, "root"}


def account_name(uid: int) -> str:
    """For people; a uid that has none is told as it is."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _parts(path: str) -> list[str]:
    return os.path.abspath(path).strip(os.path.sep).split(os.path.sep)
