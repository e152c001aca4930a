# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What jobs leave on a host whose cluster is stopped or gone, and maybe its account and its programs; private to the collection."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import LAYOUT
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerDown
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server import discovery
from ansible_collections.rampart.postgresql.plugins.module_utils._server import lock
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import History
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import Job
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Layout
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import FileState
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["Remains", "down", "opened"]

_HISTORY = ".local/state/rampart-postgresql"  # below the home of root, as the account may have none any more


def down(options: Options) -> ServerDown | None:
    """Why no cluster of this host is the one that is meant; None where one runs, or is reached in another way."""
    if options.is_remote:
        return None
    try:
        discovery.choose(options)
    except ServerDown as error:
        return error
    return None


@contextlib.contextmanager
def opened(options: Options, jobs: t.Sequence[Job], layout: Layout = LAYOUT) -> t.Iterator[Server | Remains]:
    """The cluster; where it does not run and no job needs it, what its jobs left."""
    problem = None if any(job.present for job in jobs) else down(options)
    if problem is not None:
        yield Remains(options, jobs, layout, problem.reason)
        return
    with Server.open(options) as server:
        yield server


class Remains(Server):
    """A server without a session: as much of it as it takes to remove files of the host. ``reason`` says why."""

    def __init__(self, options: Options, jobs: t.Sequence[Job], layout: Layout, reason: str) -> None:
        super().__init__(options, None, t.cast("Session", None))  # nobody can be asked
        self.reason = reason
        self._jobs = jobs
        self._layout = layout

    @functools.cached_property
    def owner(self) -> Account:
        """Who ran the jobs: their states tell, of which systemd or root has made the directories."""
        found = {}
        for job in self._jobs:
            with contextlib.suppress(OSError):
                state = os.lstat(self._layout.paths(job.name).state)
                found[state.st_uid] = state.st_gid
        if len(found) > 1:
            names = ", ".join(job.name for job in self._jobs)
            raise Unsupported(f"the jobs {names} belong to several accounts, so remove them in calls of their own")
        return _account(*found.popitem()) if found else account_of(0)

    @functools.cached_property
    def history(self) -> History:
        """Where previous versions are kept."""
        directory = self.options.history_directory or os.path.join(account_of(0).home, _HISTORY)
        return History(directory=directory, keep=self.options.history_keep, owner=account_of(0))

    @contextlib.contextmanager
    def lock(self, *, shared: bool) -> t.Iterator[None]:
        """Two runs take turns by the directory of definitions; without it there is nothing to do."""
        directory = self._layout.definitions
        if not os.path.isdir(directory):
            yield
            return
        with lock.data_directory(directory, account_of(0), shared, self.options.lock_wait):
            yield

    def read(self, path: str, *, by_root: bool = False) -> FileState | None:
        """Nothing of an account that cannot be told: root follows no link that somebody put there."""
        return super().read(path, by_root=by_root) if by_root or self.owner.uid != 0 else None

    def facts(self) -> dict[str, t.Any]:
        """There is no cluster to tell of."""
        return {}


def _account(uid: int, gid: int) -> Account:
    """One that was removed has its files still."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return Account(name=str(uid), uid=uid, gid=gid, groups=(gid,), home="/")
    return account_of(uid)
