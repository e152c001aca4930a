# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host shows to values that depend on it, with the rights of the cluster's owner; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import stat
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._host.addresses import host_addresses
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import listening
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.deciding import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.deciding import Directory
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.deciding import log_directory
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wish

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["circumstances"]


def circumstances(server: Server, destination: str, wishes: t.Sequence[Wish]) -> Circumstances:
    """Version, name and log of the cluster; the directory of the log that the wishes name."""
    seen = Circumstances(
        major=server.major,
        cluster=server.cluster.label.strip(os.path.sep).replace(os.path.sep, "-"),
        destination=destination,
        log_file=server.cluster.log_file,
        addresses=host_addresses() if any(map(listening.concerns_the_host, wishes)) else (),
    )
    path = log_directory(wishes, seen)
    if path is None or not os.path.isabs(path):
        return seen
    with acting_as(server.owner):
        return dataclasses.replace(seen, log_directory=_directory(path, server.owner.uid))


def _directory(path: str, uid: int) -> Directory:
    """A directory as this account meets it; of a missing one, whether it could be made."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return Directory(path, exists=False, usable=_may_write(os.path.dirname(path)))
    except OSError:
        return Directory(path, exists=True, usable=False)
    usable = stat.S_ISDIR(found.st_mode) and _may_write(path)
    return Directory(path, exists=True, usable=usable, mode=stat.S_IMODE(found.st_mode), foreign=found.st_uid != uid)


def _may_write(directory: str) -> bool:
    return os.path.isdir(directory) and os.access(directory, os.W_OK | os.X_OK, effective_ids=True)
