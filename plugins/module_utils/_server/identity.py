# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acting as the owner of a cluster: the owner is not trusted with root; private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import grp
import os
import pwd
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported

__all__ = ["Account", "account_of", "acting_as", "child_process_options"]


@dataclasses.dataclass(frozen=True)
class Account:
    """An operating system account with everything a switch needs."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


@functools.cache
def account_of(uid: int) -> Account:
    """The account of a uid, its supplementary groups included; asked once, not for each process of a server."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise Unsupported(f"uid {uid} owns the cluster but has no account on this host") from None
    groups = {entry.pw_gid, *(group.gr_gid for group in grp.getgrall() if entry.pw_name in group.gr_mem)}
    return Account(name=entry.pw_name, uid=uid, gid=entry.pw_gid, groups=tuple(sorted(groups)), home=entry.pw_dir)


@contextlib.contextmanager
def acting_as(account: Account) -> t.Iterator[None]:
    """Switch effective uid, gid and groups for a while; nothing to do when they are the account's already.

    Import everything before: the zip file of a module is readable by root only.
    """
    if os.geteuid() == account.uid:
        yield
        return
    if os.geteuid() != 0:
        raise Unsupported(f"only root or {account.name} can do this, not uid {os.geteuid()}: use become")
    gid, groups = os.getegid(), os.getgroups()
    os.setgroups(account.groups)
    try:
        os.setegid(account.gid)
        os.seteuid(account.uid)
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)


def child_process_options(account: Account) -> dict[str, t.Any]:
    """Keyword arguments for subprocess, so that the child is the account's for good."""
    if os.geteuid() != 0 or account.uid == 0:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": list(account.groups)}
