# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A candidate configuration is started in a throw-away cluster before a live file is touched; private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RehearsalFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ExpectedParameter
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ParameterBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._server import premises
from ansible_collections.rampart.postgresql.plugins.module_utils._server import throw_away
from ansible_collections.rampart.postgresql.plugins.module_utils._server import verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import child_process_options
from ansible_collections.rampart.postgresql.plugins.module_utils._server.mirror import Mirror
from ansible_collections.rampart.postgresql.plugins.module_utils._server.scratch import scratch_directory

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["rehearse", "rehearse_present"]

_START_TIMEOUT = 60  # seconds for a server without data; it takes less than one
_PAUSE = 0.05

# What must not reach the outside world, and what keeps the throw-away cluster small.
_OVERRIDES = {
    "archive_command": "",
    "autovacuum": "off",
    "fsync": "off",
    "huge_pages": "off",
    "listen_addresses": "",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "lc_messages": "C",
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
    "shared_buffers": "1MB",
    "unix_socket_permissions": "0700",
    "wal_buffers": "64kB",
}
# Files at the top of a data directory that belong to the running server, and those that initdb makes anew.
_NOT_CONFIGURATION = frozenset(
    {
        "backup_label",
        "current_logfiles",
        "log",
        "pg_log",
        "postmaster.opts",
        "postmaster.pid",
        "recovery.signal",
        "standby.signal",
        "tablespace_map",
    }
)
_LOADED_ANEW = ("log_directory",)  # parameters that a reload bends where a start breaks
_AT_LOGIN = frozenset({"local_preload_libraries", "session_preload_libraries"})  # what can break every login
_ON_DEMAND = ("archive_library", "oauth_validator_libraries")  # what is missed only when it is needed


def rehearse(server: Server, plan: Plan) -> tuple[str, ...]:
    """Raise RehearsalFailed when the server's own binary rejects the planned files. Returns what must be told."""
    if not plan.files():
        return ()
    values = {effect.name: effect.value for effect in plan.effects() if isinstance(effect, ParameterBecomes)}
    return _rehearse(server, _Candidate(plan.files(), values, frozenset(values), plan.expected(), at_once=False))


def rehearse_present(server: Server, values: t.Mapping[str, str]) -> tuple[str, ...]:
    """The same for the files as they are, before a start that gives parameters these values."""
    return _rehearse(server, _Candidate({}, values, frozenset({*values, *_LOADED_ANEW}), (), at_once=True))


@dataclasses.dataclass(frozen=True)
class _Candidate:
    files: t.Mapping[str, bytes | None]
    values: t.Mapping[str, str]  # what parameters become, for messages
    touched: frozenset[str]  # names of parameters whose coming values are looked at
    expected: t.Sequence[ExpectedParameter]
    at_once: bool  # whether the start follows


def _rehearse(server: Server, candidate: _Candidate) -> tuple[str, ...]:
    if not server.options.rehearse:
        return ("the candidate configuration was not rehearsed, as the option rehearse is off",)
    programs = [os.path.join(server.cluster.bindir, name) for name in ("initdb", "postgres")]
    missing = [program for program in programs if not os.access(program, os.X_OK)]
    if missing:
        return (f"the candidate configuration was not rehearsed: {' and '.join(missing)} cannot be run here",)
    with scratch_directory(server.owner) as directory:
        _Rehearsal(server, candidate, directory).run()
    return ()


class _Rehearsal:
    def __init__(self, server: Server, candidate: _Candidate, directory: str) -> None:
        self._server = server
        self._candidate = candidate
        self._directory = directory
        self._data_directory = os.path.join(directory, "data")
        # Libraries and TLS may depend on variables; what is judged here has to be English.
        self._child = {
            "env": {**server.cluster.environment(server.owner), "LC_ALL": "C"},
            **child_process_options(server.owner),
        }

    def run(self) -> None:
        """Initialise, lay out, start, judge."""
        self._initialise()
        with acting_as(self._server.owner):
            mirror = self._lay_out()
        log, found = self._start(mirror)
        log = self._told(log, mirror)
        reasons = [*(found or verdict.reasons(log, self._candidate.files)), *self._premises(mirror)]
        reasons = verdict.with_names(reasons, self._candidate.values)
        if reasons:
            raise RehearsalFailed(
                "the server would not run with this configuration, so nothing was touched: " + "; ".join(reasons),
                log=log.splitlines()[-20:],
            )

    def _initialise(self) -> None:
        command = [
            os.path.join(self._server.cluster.bindir, "initdb"),
            f"--pgdata={self._data_directory}",
            "--auth=reject",
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
        ]
        done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            **self._child,
        )
        if done.returncode != 0:
            raise RehearsalFailed(f"the throw-away cluster could not be made: {' '.join(done.stderr.split())}")

    def _lay_out(self) -> Mirror:
        """Mirror the configuration; put what lies beside the live data into the throw-away data directory."""
        paths, candidates = self._server.paths, self._candidate.files
        live = [paths.config_file, paths.hba_file, paths.ident_file]
        mirror = Mirror(directory=self._directory, live=live, candidates=candidates)
        data_directory = self._server.cluster.data_directory
        for name in sorted({*os.listdir(data_directory), *_names_in(data_directory, candidates)} - _NOT_CONFIGURATION):
            target = os.path.join(self._data_directory, name)
            if not os.path.lexists(target):
                os.symlink(mirror.path(os.path.join(data_directory, name)), target)
        automatic = os.path.join(data_directory, "postgresql.auto.conf")
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(mirror.path(automatic), os.path.join(self._data_directory, "postgresql.auto.conf"))
        return mirror

    def _arguments(self, mirror: Mirror) -> list[str]:
        """The live command line, then ours, which wins."""
        settings = {
            **_OVERRIDES,
            "config_file": mirror.path(self._server.paths.config_file),
            "hba_file": self._access_file("hba_file", mirror),
            "ident_file": self._access_file("ident_file", mirror),
            "data_directory": self._data_directory,
            "external_pid_file": os.path.join(self._directory, "pid"),
            "unix_socket_directories": self._directory,
        }
        ours = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        return [*_without_places(self._server.cluster.arguments), "-D", self._data_directory, *ours]

    def _access_file(self, name: str, mirror: Mirror) -> str:
        """The twin of the file that is or will be in force."""
        path: str | None = getattr(self._server.paths, name)
        if name in self._candidate.touched:
            path = self._coming(name, mirror) or path
        return mirror.path(str(path))

    def _premises(self, mirror: Mirror) -> list[str]:
        live = premises.running(self._server)
        values = {name: self._coming(name, mirror) for name in premises.asked_for(self._candidate.touched, live)}
        known = {name: value for name, value in values.items() if value is not None}
        # What the server cannot even name is a fault that the throw-away cluster has told.
        return premises.faults(self._server, known, live, at_once=self._candidate.at_once) if known == values else []

    def _coming(self, name: str, mirror: Mirror) -> str | None:
        """The value that a parameter of the live server will have, as the server's own program says."""
        arguments = [*self._server.cluster.arguments, "-D", self._data_directory]
        arguments += ["-c", f"config_file={mirror.path(self._server.paths.config_file)}"]
        done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
            [os.path.join(self._server.cluster.bindir, "postgres"), "-C", name, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            **self._child,
        )
        if done.returncode != 0:
            return None
        value = done.stdout.rstrip("\n").replace(self._data_directory, self._server.cluster.data_directory)
        return mirror.live_text(value)

    def _told(self, text: str, mirror: Mirror) -> str:
        """Text of the rehearsal for the operator, with the operator's own paths."""
        return mirror.live_text(text).replace(self._directory, "the throw-away directory")

    def _start(self, mirror: Mirror) -> tuple[str, list[str]]:
        """Start the server, wait for its verdict, ask it what only it knows, stop it; its log, and what else is wrong."""
        # The server shares the place in the file that reading moves: it must write at the end wherever that is.
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND
        with acting_as(self._server.owner):
            descriptor = os.open(os.path.join(self._directory, "log"), flags, 0o600)
        with os.fdopen(descriptor, "r+b") as log:
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function # run_command needs a module object
                [os.path.join(self._server.cluster.bindir, "postgres"), *self._arguments(mirror)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                **self._child,
            )
            try:
                found = self._ask(process, log, mirror)
            finally:
                _stop(process)
            log.seek(0)
            return log.read().decode("utf-8", "replace"), found

    def _ask(self, process: subprocess.Popen[bytes], log: t.BinaryIO, mirror: Mirror) -> list[str]:
        """What a server that runs knows better than its log."""
        candidate = self._candidate
        if not _wait_for_verdict(process, log):
            return [] if process.poll() is not None else [f"it was not ready within {_START_TIMEOUT} s"]
        libraries = [library for name in _ON_DEMAND for library in premises.items(candidate.values.get(name, ""))]
        if not candidate.expected and not libraries and _AT_LOGIN.isdisjoint(candidate.touched):
            return []
        running = throw_away.Running(self._server, process, self._directory, self._access_file("hba_file", mirror))
        return running.faults(candidate.expected, libraries)


def _names_in(directory: str, candidates: t.Iterable[str]) -> set[str]:
    """First components of the candidates below a directory."""
    return {
        os.path.relpath(path, directory).split(os.sep, maxsplit=1)[0]
        for path in candidates
        if path.startswith(directory + os.sep)
    }


def _without_places(arguments: tuple[str, ...]) -> list[str]:
    """The live command line without what says where the cluster is and who may reach it."""
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in ("-D", "-p", "-h", "-k"):
            skip = True
        elif not re.match(r"-[Dphk].|-i$", argument):
            kept.append(argument)
    return kept


def _wait_for_verdict(process: subprocess.Popen[bytes], log: t.BinaryIO) -> bool:
    """Whether the server came up."""
    deadline = time.monotonic() + _START_TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        log.seek(0)
        if verdict.READY.encode() in log.read():
            return True
        time.sleep(_PAUSE)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
