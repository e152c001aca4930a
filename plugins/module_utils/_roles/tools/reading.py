# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds and reads the configuration files of tools on this host; private to the collection.

They are untrusted input: each is read with the rights of the cluster's owner or of whoever owns the file, and as root
only where nobody but root could have put it there.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import os
import stat
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import read_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account

__all__ = ["Configured", "configured"]

_FILES: tuple[tuple[str, str, str], ...] = (
    ("pgBackRest", "pgbackrest", "etc/pgbackrest.conf"),
    ("pgBackRest", "pgbackrest", "etc/pgbackrest/pgbackrest.conf"),
    ("pgBackRest", "pgbackrest", "etc/pgbackrest/conf.d/*.conf"),
    ("Barman", "barman", "etc/barman.conf"),
    ("Barman", "barman", "etc/barman/barman.conf"),
    ("Barman", "barman", "etc/barman.d/*.conf"),
    ("repmgr", "repmgr", "etc/repmgr.conf"),
    ("repmgr", "repmgr", "etc/repmgr/*.conf"),
    ("repmgr", "repmgr", "etc/repmgr/*/*.conf"),
    ("repmgr", "repmgr", "etc/postgresql-common/repmgr.conf"),
    ("Patroni", "patroni", "etc/patroni.y*ml"),
    ("Patroni", "patroni", "etc/patroni/*.y*ml"),
    ("Patroni", "environment", "etc/default/patroni"),
    ("Patroni", "environment", "etc/sysconfig/patroni"),
    ("postgres_exporter", "environment", "etc/default/*postgres*exporter*"),
    ("postgres_exporter", "environment", "etc/sysconfig/*postgres*exporter*"),
)
"""Tool, function that reads its language, and where it lies below the root directory."""

_LARGEST = 2**20  # bytes
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_NAMED = 5  # lines in a message


@dataclasses.dataclass(frozen=True)
class Configured:
    """Roles that files name, each with its uses; and what could not be read or understood."""

    uses: t.Mapping[str, tuple[str, ...]]
    problems: tuple[str, ...] = ()


def configured(owner: Account, *, root: str = "/") -> Configured:
    """Read what there is; ``root`` is the directory that stands for the root of the file system."""
    problems: list[str] = []
    present = [(tool, kind, path) for tool, kind, pattern in _FILES for path in _matching(root, pattern, problems)]
    for path in _matching(root, os.path.join(owner.home.strip("/"), ".pgpass"), problems):
        present.append(("replication", "password_file", path))
    uses: dict[str, list[str]] = {}
    if present:  # few hosts have many of these, and many none
        from ansible_collections.rampart.postgresql.plugins.module_utils._roles.tools import parsing

        for tool, kind, path in present:
            try:
                text = _read(path, owner, root)
            except RampartError as error:
                problems.append(f"{error}; if it names roles for {tool}, they are not known to be in use")
                continue
            named = getattr(parsing, kind)(text)
            shown = os.fsencode(path).decode("utf-8", "backslashreplace")
            for role in named.roles:
                uses.setdefault(role, []).append(f"{shown} names it for {tool}")
            if named.malformed:
                problems.append(
                    f"{shown}, {_some(named.malformed)}: not understood, so roles for {tool} may be missing"
                )
    return Configured({role: tuple(found) for role, found in uses.items()}, tuple(dict.fromkeys(problems)))


def _matching(root: str, pattern: str, problems: list[str]) -> list[str]:
    """Paths that fit, of what lies there; a pattern is about one component of a path at a time."""
    found = [root]
    for part in pattern.split("/"):
        if "*" in part:
            entries = [(path, name) for path in found for name in _entries(path, problems)]
            found = [os.path.join(path, name) for path, name in entries if fnmatch.fnmatchcase(name, part)]
        else:
            found = [os.path.join(path, part) for path in found]
    return [path for path in found if _is_there(path, problems)]


def _entries(directory: str, problems: list[str]) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except PermissionError:
        problems.append(f"cannot look into {directory}; if a file there names roles, they are not known to be in use")
    except OSError:  # not there
        pass
    return []


def _is_there(path: str, problems: list[str]) -> bool:
    try:
        os.lstat(path)
    except PermissionError:
        problems.append(f"cannot look for {path}; if it names roles, they are not known to be in use")
        return False
    except OSError:
        return False
    return True


def _read(path: str, owner: Account, root: str) -> str:
    try:
        found = os.stat(path)
    except OSError as error:
        raise RampartError(f"cannot read {path}: {error.strerror}") from None
    if found.st_size > _LARGEST:
        raise RampartError(f"{path} is larger than such files are")
    content = read_file(path, _reader(path, found.st_uid, owner, root))
    return content.text if content else ""


def _reader(path: str, uid: int, owner: Account, root: str) -> Account:
    """With whose rights. Who is not root reads with its own, and fails where these are not enough."""
    if os.geteuid() != 0:
        return account_of(os.geteuid())
    if uid != 0:
        return account_of(uid)
    return account_of(0) if _is_roots(path, root) else owner


def _is_roots(path: str, root: str) -> bool:
    """Whether nobody but root could have put something else there: no link on the way, nothing that others may write."""
    place = os.path.realpath(root)
    way = [place]
    for part in os.path.relpath(path, root).split(os.path.sep):
        place = os.path.join(place, part)
        way.append(place)
    if os.path.realpath(path) != place:
        return False
    return all(found.st_uid == 0 and not found.st_mode & _OTHERS_WRITE for found in map(os.lstat, way))


def _some(lines: t.Sequence[int]) -> str:
    more = f" and {len(lines) - _NAMED} more" if len(lines) > _NAMED else ""
    return f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines[:_NAMED]))}{more}"
