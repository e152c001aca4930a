# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where whatever reads a backup runs: without a network, without keys, and with nothing to write but its own directories.

A backup is what its database host says it is. It may hold code that runs as the superuser of the restored server
(pg_dump's documentation warns of it), and commands for psql, which runs them itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t

from ..faults import DefinitionFault
from ..streams.process import environment

__all__ = ["Sandbox"]

_PROGRAM: t.Final = os.path.abspath(__file__).rsplit(os.sep, 3)[0]  # the file, or its directory
# Of util-linux; a socket in a directory still works. Capabilities are kept for the mounts, and dropped with them.
_UNSHARE: t.Final = ("unshare", "--user", "--map-current-user", "--mount", "--keep-caps")
_ALONE: t.Final = ("--net", "--ipc")
_BEGIN: t.Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from rampart_backup.clusters import confine; confine.main()"
)
_SHARED: t.Final = ("/run", "/tmp", "/var/tmp")  # sockets of others


class Sandbox:
    """How programs are started there. ``open_to_all``: as anywhere else, where an operator lets them have the network.

    ``keys`` are files or directories that nothing inside may read, ``programs`` directories that it needs to.
    """

    def __init__(self, *, keys: t.Sequence[str], programs: t.Sequence[str], open_to_all: bool = False) -> None:
        self.open_to_all = open_to_all
        self._hidden = [
            *_SHARED,
            *(_with_siblings(path) for each in keys if each for path in (each, os.path.realpath(each))),
        ]
        self._kept = [_PROGRAM, sys.executable, *programs]

    def words(
        self, words: t.Sequence[str], *, writable: t.Sequence[str] = (), readable: t.Sequence[str] = ()
    ) -> list[str]:
        """A command line as it has to be started; its process is the program itself in the end.

        ``writable`` and ``readable`` are directories, which have to be there.
        """
        if self.open_to_all:
            return list(words)
        wishes = (("w", writable), ("h", self._hidden), ("k", [*self._kept, *readable]))
        given = [letter + each for letter, paths in wishes for each in paths]
        return [*_UNSHARE, *_ALONE, "--", *_begun(given), *words]

    def guarded(self, words: t.Sequence[str], *, writable: t.Sequence[str]) -> list[str]:
        """The command line of a program that needs the network and a key to read a backup: it only writes nowhere else."""
        if self.open_to_all:
            return list(words)
        return [*_UNSHARE, "--", *_begun(["w" + each for each in writable]), *words]

    def refuse_none(self) -> None:
        """Raise when this host does not give one."""
        if self.open_to_all:
            return
        try:
            done = subprocess.run(
                self.words(["true"]),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=environment(),
                cwd="/",
                check=False,
            )
            said = done.stderr.decode("utf-8", "replace").strip() if done.returncode else ""
        except OSError as error:
            said = str(error)
        if said:
            raise DefinitionFault(
                f"network: this host cannot start a server without a network ({said}): allow namespaces to this account"
                " (sysctl user.max_user_namespaces), or let the server have the network"
            )


def _begun(wishes: t.Sequence[str]) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _BEGIN, _PROGRAM, *wishes, "--"]


def _with_siblings(path: str) -> str:
    """A directory of this account's own has other keys, too."""
    directory = os.path.dirname(os.path.abspath(path))
    try:
        return directory if os.stat(directory).st_uid == os.geteuid() else path
    except OSError:
        return path
