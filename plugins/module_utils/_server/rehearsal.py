# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A candidate configuration is started in a throw-away cluster before a live file is touched; private to the collection."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RehearsalFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import REHEARSAL_PREFIX
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import child_process_options
from ansible_collections.rampart.postgresql.plugins.module_utils._server.mirror import Mirror
from ansible_collections.rampart.postgresql.plugins.module_utils._server.throw_away import check_expected

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["rehearse"]

_PARENT = "/tmp"  # a socket's path may have at most 107 bytes, so the directory must be near the root
_START_TIMEOUT = 60  # seconds for a server without data; it takes less than one
_PAUSE = 0.05
_GRACE = 10  # seconds in which a directory may be made and not be locked yet

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
_MESSAGE = re.compile(r"(?P<level>PANIC|FATAL|ERROR|WARNING|LOG|CONTEXT|DETAIL|HINT): +(?P<text>.*)")
_ROUTINE = re.compile(
    r"starting PostgreSQL|listening on|database system (is|was) shut ?down|configuration file \S+ contains errors"
)
_EXPRESSION = "invalid regular expression"
_READY = "database system is ready to accept connections"


def rehearse(server: Server, plan: Plan) -> tuple[str, ...]:
    """Raise RehearsalFailed when the server's own binary rejects the planned files. Returns what must be told."""
    if not any(isinstance(step.operation, WriteFile) for step in plan.steps):
        return ()
    if not server.options.rehearse:
        return ("the candidate configuration was not rehearsed, as the option rehearse is off",)
    programs = [os.path.join(server.cluster.bindir, name) for name in ("initdb", "postgres")]
    missing = [program for program in programs if not os.access(program, os.X_OK)]
    if missing:
        return (f"the candidate configuration was not rehearsed: {' and '.join(missing)} cannot be run here",)
    with _scratch_directory(server) as directory:
        _Rehearsal(server, plan, directory).run()
    return ()


@contextlib.contextmanager
def _scratch_directory(server: Server) -> t.Iterator[str]:
    with acting_as(server.owner):
        _remove_leftovers()
        directory = tempfile.mkdtemp(prefix=REHEARSAL_PREFIX, dir=_PARENT)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # ends with this process, however that ends
        yield directory
    finally:
        with acting_as(server.owner):
            shutil.rmtree(directory, ignore_errors=True)
        os.close(descriptor)


def _remove_leftovers() -> None:
    """What runs left that were killed: a directory, and maybe a server in it. To be called as the owner."""
    for name in os.listdir(_PARENT):
        if name.startswith(REHEARSAL_PREFIX):
            with contextlib.suppress(OSError):  # not ours, or gone meanwhile
                _remove_leftover(os.path.join(_PARENT, name))


def _remove_leftover(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.geteuid() or time.time() - found.st_ctime < _GRACE:
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):  # ended meanwhile, or another account's
                if os.readlink(f"/proc/{pid}/cwd").startswith(directory + os.sep):
                    os.kill(int(pid), signal.SIGKILL)
        shutil.rmtree(directory, ignore_errors=True)
    finally:
        os.close(descriptor)


class _Rehearsal:
    def __init__(self, server: Server, plan: Plan, directory: str) -> None:
        self._server = server
        self._plan = plan
        self._directory = directory
        self._data_directory = os.path.join(directory, "data")

    def run(self) -> None:
        """Initialise, lay out, start, judge."""
        self._initialise()
        with acting_as(self._server.owner):
            mirror = self._lay_out()
        log = mirror.live_text(self._start(mirror)).replace(self._directory, "the throw-away directory")
        reasons = self._complaints(log) if _READY in log else _reasons(log)
        if reasons:
            raise RehearsalFailed(
                "the server would not run with this configuration, so nothing was touched: " + "; ".join(reasons),
                log=log.splitlines()[-20:],
            )

    def _complaints(self, log: str) -> list[str]:
        """What a server that came up says of the candidate: it starts without the mappings of a faulty pg_ident.conf."""
        path = self._server.paths.ident_file
        mappings = _complaints_about(log, path) if path in self._plan.files() else []
        return _warnings_about(log, self._plan) + mappings

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
            **child_process_options(self._server.owner),
        )
        if done.returncode != 0:
            raise RehearsalFailed(f"the throw-away cluster could not be made: {' '.join(done.stderr.split())}")

    def _lay_out(self) -> Mirror:
        """Mirror the configuration; put what lies beside the live data into the throw-away data directory."""
        paths, candidates = self._server.paths, self._plan.files()
        live = [paths.config_file, paths.hba_file, paths.ident_file]
        mirror = Mirror(directory=self._directory, live=live, candidates=candidates)
        data_directory = self._server.cluster.data_directory
        for name in sorted({*os.listdir(data_directory), *_names_in(data_directory, candidates)} - _NOT_CONFIGURATION):
            target = os.path.join(self._data_directory, name)
            if not os.path.lexists(target):
                os.symlink(mirror.path(os.path.join(data_directory, name)), target)
        automatic = os.path.join(data_directory, "postgresql.auto.conf")
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(automatic, os.path.join(self._data_directory, "postgresql.auto.conf"))
        return mirror

    def _arguments(self, mirror: Mirror) -> list[str]:
        """The live command line, then ours, which wins."""
        paths = self._server.paths
        settings = {
            **_OVERRIDES,
            "config_file": mirror.path(paths.config_file),
            "hba_file": mirror.path(paths.hba_file),
            "ident_file": mirror.path(paths.ident_file),
            "data_directory": self._data_directory,
            "external_pid_file": os.path.join(self._directory, "pid"),
            "unix_socket_directories": self._directory,
        }
        ours = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        return [*_without_places(self._server.cluster.arguments), "-D", self._data_directory, *ours]

    def _start(self, mirror: Mirror) -> str:
        """Start the server, wait for its verdict, ask it what only it knows, stop it; returns its log."""
        with acting_as(self._server.owner):
            descriptor = os.open(os.path.join(self._directory, "log"), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        with os.fdopen(descriptor, "r+b") as log:
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function # run_command needs a module object
                [os.path.join(self._server.cluster.bindir, "postgres"), *self._arguments(mirror)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                **child_process_options(self._server.owner),
            )
            try:
                if _wait_for_verdict(process, log):
                    hba_file = mirror.path(self._server.paths.hba_file)
                    check_expected(self._plan.expected(), self._server, process, self._directory, hba_file)
            finally:
                _stop(process)
            log.seek(0)
            return log.read().decode("utf-8", "replace")


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
        if _READY.encode() in log.read():
            return True
        time.sleep(_PAUSE)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)


def _reasons(log: str) -> list[str]:
    """Why the server ended, without what it says at every start and end."""
    lines = [line for line in log.splitlines() if line.strip()]
    found = [match.group("text") for match in map(_MESSAGE.search, lines) if match]
    reasons = list(dict.fromkeys(text for text in found if not _ROUTINE.search(text)))
    # What is wrong with the number of connections is told before there is a log: without a level.
    return reasons or lines[-1:] or ["it ended without saying why"]


def _complaints_about(log: str, path: str) -> list[str]:
    """Messages of a server that came up about lines of its pg_ident.conf."""
    found = [match for match in map(_MESSAGE.search, log.splitlines()) if match]
    complaints = []
    for message, following in zip(found, [*found[1:], None]):
        text = message.group("text")
        context = following.group("text") if following and following.group("level") == "CONTEXT" else ""
        # Before 16 it is not said where an expression stands; with one in pg_hba.conf there would be no start.
        if f'"{path}"' in text or context.endswith(f'of configuration file "{path}"') or _EXPRESSION in text:
            complaints.append(f"{text} ({context})" if context else text)
    return complaints


def _warnings_about(log: str, plan: Plan) -> list[str]:
    """Warnings of a server that came up, as far as they quote something that the candidate files hold."""
    candidates = b"\n".join(content for content in plan.files().values() if content)
    warnings = [m.group("text") for m in map(_MESSAGE.search, log.splitlines()) if m and m.group("level") == "WARNING"]
    return [text for text in warnings if any(word.encode() in candidates for word in re.findall(r'"([^"]+)"', text))]
