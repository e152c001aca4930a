# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster of its own, reached by a socket that nobody else reaches, and without a network: to restore into.

What is restored may hold code that runs as its superuser (pg_dump's documentation warns of it); it has to reach nobody.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import typing as t

from .definition import Cluster
from .faults import DefinitionFault
from .faults import Fault
from .faults import RestoreFault
from .process import environment
from .server import Server
from .telling import replace

__all__ = ["Programs", "Scratch"]

_WAIT = 300  # seconds for a server to start; it may have WAL to replay
_NO_NETWORK = (
    "unshare",
    "--user",
    "--map-current-user",
    "--net",
    "--",
)  # of util-linux; a socket in a directory still works
_SHOWN = 3000  # characters of its log in a message


class Programs:
    """Where the server programs of a version are; ``pattern`` holds ``{major}``."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def of(self, version: str) -> str:
        """The directory for a server_version; raises when it is not on this host."""
        match = re.match(r"\d+", version)
        major = match.group() if match else version
        bindir = self._pattern.replace("{major}", major)
        if not os.access(os.path.join(bindir, "initdb"), os.X_OK):
            raise DefinitionFault(
                f"bindir: {bindir} has no initdb: PostgreSQL {major} has to be installed on this host"
            )
        return bindir


class Scratch:
    """A cluster in ``directory``, which must not exist. A context in which it runs."""

    def __init__(
        self, *, bindir: str, directory: str, superuser: str, settings: t.Mapping[str, str], network: bool = False
    ) -> None:
        self._bindir = bindir
        self.directory = directory
        self._settings = settings
        self._network = network
        # The path of a socket has 107 bytes at most.
        self._sockets = tempfile.mkdtemp(prefix="rampart-")
        self._log = os.path.join(self._sockets, "log")
        self.cluster = Cluster(label="restored", bindir=bindir, host=self._sockets, port=5432, user=superuser)
        self.server = Server(self.cluster)

    def initialise(self, *, checksums: bool) -> None:
        """Make it empty."""
        words = ["-D", self.directory, "-U", self.cluster.user, "-E", "UTF8", "--locale=C", "--auth=trust", "--no-sync"]
        self._run("initdb", *words, *(["--data-checksums"] if checksums else []))

    def adopt(self) -> None:
        """Take what a base backup left: nothing of its configuration is used, whatever it would load or run."""
        quoted = self.cluster.user.replace('"', '""')
        hba = f'local all "{quoted}" trust\n'
        for name, text in (
            ("postgresql.conf", ""),
            ("postgresql.auto.conf", ""),
            ("pg_hba.conf", hba),
            ("pg_ident.conf", ""),
        ):
            replace(os.path.join(self.directory, name), text, mode=0o600)
        for name in ("standby.signal", "recovery.signal"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.directory, name))

    def check_pages(self) -> None:
        """Read every page of the cluster, which is stopped; raises when a checksum is wrong."""
        self._run("pg_checksums", "--check", "-D", self.directory)

    def __enter__(self) -> Scratch:
        # Nothing of what is restored may reach out, or keep the server from starting.
        fixed = {
            "listen_addresses": "",
            "unix_socket_directories": self._sockets,
            "port": "5432",
            "archive_mode": "off",
        }
        options = " ".join(_option(name, value) for name, value in {**self._settings, **fixed}.items())
        if not self._network:
            self._refuse_network()
        words = ("start", "-D", self.directory, "-w", "-t", str(_WAIT), "-l", self._log, "-o", options)
        self._run("pg_ctl", *words, before=() if self._network else _NO_NETWORK)
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self._run("pg_ctl", "stop", "-D", self.directory, "-w", "-m", "fast")
        except Fault:
            with contextlib.suppress(Fault):
                self._run("pg_ctl", "stop", "-D", self.directory, "-w", "-m", "immediate")

    def remove(self) -> None:
        """Take away the directory of its socket."""
        shutil.rmtree(self._sockets, ignore_errors=True)

    @staticmethod
    def _refuse_network() -> None:
        try:
            done = subprocess.run(
                [*_NO_NETWORK, "true"], stdin=subprocess.DEVNULL, capture_output=True, env=environment(), check=False
            )
            said = done.stderr.decode("utf-8", "replace").strip() if done.returncode else ""
        except OSError as error:
            said = str(error)
        if said:
            raise DefinitionFault(
                f"network: this host cannot start a server without a network ({said}): allow namespaces to this account"
                " (sysctl user.max_user_namespaces), or let the server have the network"
            )

    def _run(self, program: str, *words: str, before: t.Sequence[str] = ()) -> None:
        path = os.path.join(self._bindir, program)
        done = subprocess.run(
            [*before, path, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            cwd="/",
            check=False,
        )
        if done.returncode != 0:
            said = done.stdout.decode("utf-8", "replace") + self._said()
            raise RestoreFault(f"{program} ended with {done.returncode}: {said[-_SHOWN:].strip()}")

    def _said(self) -> str:
        with contextlib.suppress(OSError), open(self._log, encoding="utf-8", errors="replace") as stream:
            return stream.read()
        return ""


def _option(name: str, value: str) -> str:
    """For pg_ctl, which hands its options to a shell."""
    quoted = value.replace("'", "'\\''")
    return f"-c '{name}={quoted}'"
