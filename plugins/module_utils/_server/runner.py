# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restart through what runs a cluster: its systemd unit, else pg_ctl; private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import Cluster
from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import postmaster_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import child_process_options

__all__ = ["Runner"]


@dataclasses.dataclass(frozen=True)
class Runner:
    """How one cluster is run. Made while the server is up, as only that tells."""

    cluster: Cluster
    owner: Account
    unit: str | None  # None stands for pg_ctl
    environment: t.Mapping[str, str]  # of the server

    @classmethod
    def of(cls, cluster: Cluster, owner: Account) -> Runner:
        """A unit whose main process is this server, else pg_ctl."""
        unit = cluster.unit if cluster.unit and _main_process(cluster.unit) == str(cluster.pid) else None
        return cls(cluster, owner, unit, cluster.environment(owner))

    def __str__(self) -> str:
        return f"systemd {self.unit}" if self.unit else "pg_ctl"

    def check(self) -> None:
        """Raise Unsupported where a restart could not even be asked for."""
        if self.unit:
            if os.geteuid() != 0:
                raise Unsupported(
                    f"{self.cluster.label} is run by the systemd unit {self.unit}, so its restart needs root: use become"
                )
        elif self.cluster.pid == 1:
            raise Unsupported(
                "the server is the first process of its container, which ends with it: restart the container"
            )
        elif not os.access(self._pg_ctl, os.X_OK):
            raise Unsupported(f"no systemd unit runs {self.cluster.label}, and {self._pg_ctl} cannot be run here")

    def is_starting(self) -> bool:
        """Whether the unit is still at it."""
        return bool(self.unit) and _output(["systemctl", "is-active", "--", str(self.unit)]) == "activating"

    def restart(self, timeout: int, log_file: str | None) -> tuple[str, ...]:
        """Restart the cluster, or start it when it is down; returns what must be told.

        It says nothing about whether logins work again. A server that does not stop within the timeout cannot be told
        to stay any more, so it is ended at once, and recovers with its start. ``log_file`` is for pg_ctl.
        """
        options: dict[str, t.Any] = {}
        command = ["systemctl", "restart", str(self.unit)]
        if self.unit:
            # Starts that have failed before count for systemd, which may refuse another one.
            _output(["systemctl", "reset-failed", self.unit])
        else:
            command = self._command(timeout, log_file)
            options = {"env": dict(self.environment), **child_process_options(self.owner)}
        return self._run(command, timeout, options)

    @property
    def _pg_ctl(self) -> str:
        return os.path.join(self.cluster.bindir, "pg_ctl")

    def _command(self, timeout: int, log_file: str | None) -> list[str]:
        return [
            self._pg_ctl,
            "restart",
            "--pgdata",
            self.cluster.data_directory,
            "--mode=fast",
            "--wait",
            f"--timeout={2 * timeout}",  # what ends it sooner is here
            f"--log={log_file or os.devnull}",
        ]

    def _run(self, command: list[str], timeout: int, options: dict[str, t.Any]) -> tuple[str, ...]:
        notes: tuple[str, ...] = ()
        before = postmaster_of(self.cluster.data_directory)
        with subprocess.Popen(  # pylint: disable=ansible-bad-function # run_command needs a module object
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",
            **options,
        ) as process:
            try:
                try:
                    said, _nothing = process.communicate(timeout=timeout)
                except subprocess.TimeoutExpired:
                    if before is None or not self._end_at_once(before):
                        raise
                    notes = (
                        f"the server did not stop within timeout ({timeout} s), so it was ended at once and recovered:"
                        " a standby or an archive_command that hangs keeps a server from stopping",
                    )
                    said, _nothing = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise RampartError(f"{' '.join(command)} did not end within timeout ({timeout} s)") from None
        if process.returncode != 0:
            raise RampartError(f"{' '.join(command)} failed with status {process.returncode}: {' '.join(said.split())}")
        return notes

    def _end_at_once(self, before: Cluster) -> bool:
        """Whether the server that was to stop is still there; then it is ended as ``pg_ctl stop -m immediate`` does."""
        found = postmaster_of(before.data_directory)
        if found is None or found.pid != before.pid:
            return False
        with acting_as(self.owner), contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGQUIT)
        return True


def _main_process(unit: str) -> str:
    return _output(["systemctl", "show", "--property=MainPID", "--value", "--", unit])


def _output(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False, cwd="/"
    )
    return done.stdout.strip()
