# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server says about a start, wherever it says it; private to the collection."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log import LogTail

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import Cluster

__all__ = ["StartLog"]

_LONGEST = 8192  # bytes of the journal that are shown


class StartLog:
    """What a server says about a start: on its standard error, into its collector's files, into the journal.

    ``collected`` is the file that the collector of the log writes to, ``other`` the one for the standard error of a
    server that pg_ctl starts and whose standard error was no file before.
    """

    def __init__(
        self, cluster: Cluster, owner: Account, *, unit: str | None, collected: str | None, other: str | None
    ) -> None:
        known = cluster.log_file or _of_the_collector(cluster.pid, owner)
        self.path = known or (None if unit else other)
        self._owner = owner
        self._unit = None if known else unit
        self._since = int(time.time())
        self._tail = LogTail(self.path, owner)
        self._directory = None if collected is None else os.path.dirname(collected)
        self._suffix = os.path.splitext(collected or "")[1]
        self._sizes = self._collected()

    def lines(self) -> list[str]:
        """The new lines of all places, the last ones when there are many."""
        found = [*self._journal(), *self._tail.lines()]
        for path, size in sorted(self._collected().items()):
            if size > self._sizes.get(path, 0):
                found += LogTail(path, self._owner, begin=self._sizes.get(path, 0)).lines()
        return found

    def _collected(self) -> dict[str, int]:
        """The files of the collector with their sizes: it begins another one with each start."""
        found: dict[str, int] = {}
        if self._directory is not None:
            with contextlib.suppress(OSError), acting_as(self._owner):
                for entry in os.scandir(self._directory):
                    if entry.is_file() and os.path.splitext(entry.name)[1] == self._suffix:
                        found[entry.path] = entry.stat().st_size
        return found

    def _journal(self) -> list[str]:
        if self._unit is None or shutil.which("journalctl") is None:
            return []
        done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
            ["journalctl", f"--unit={self._unit}", f"--since=@{self._since}", "--output=cat", "--no-pager", "--quiet"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
        )
        return done.stdout[-_LONGEST:].splitlines()


def _of_the_collector(pid: int, owner: Account) -> str | None:
    """Where the standard error of a server goes whose own one is a pipe to the collector: that was forked before."""
    with contextlib.suppress(OSError), acting_as(owner):
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as stream:  # no decoder can be imported here
            children = stream.read().split()
        for child in children:
            target = os.readlink(f"/proc/{int(child)}/fd/2")
            if os.path.isabs(target) and os.path.isfile(target):
                return target
    return None
