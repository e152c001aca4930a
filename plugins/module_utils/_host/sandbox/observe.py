# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What decides about the sandbox of a cluster: its server, its unit and the processes there are; private."""

from __future__ import annotations

import dataclasses
import glob
import os
import subprocess
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.dropin import allowed
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.dropin import writable
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.state import Place
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.targets import Archive
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.targets import candidates
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.targets import definitions
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.targets import pgbackrest_paths
from ansible_collections.rampart.postgresql.plugins.module_utils._host.sandbox.targets import runs
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as
from ansible_collections.rampart.postgresql.plugins.module_utils._server.runner import Runner

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import Account
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["observe", "systemctl"]

_UNITS = "/etc/systemd/system"
_NAME = "rampart-sandbox.conf"
_COMMANDS = ("archive_command", "archive_cleanup_command", "recovery_end_command", "restore_command")
_SETTINGS = """
SELECT name, setting FROM pg_catalog.pg_settings
WHERE name IN (
    'archive_cleanup_command', 'archive_command', 'external_pid_file', 'log_directory', 'recovery_end_command',
    'restore_command', 'stats_temp_directory', 'unix_socket_directories')
ORDER BY name"""
# Of a library that only the archiver loads, so pg_settings has no row for it.
_LIBRARY = "SELECT pg_catalog.current_setting('basic_archive.archive_directory', true) AS directory"
_TABLESPACES = """
SELECT pg_catalog.pg_tablespace_location(oid) AS path FROM pg_catalog.pg_tablespace
WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY oid"""
_DEFINITIONS = "/etc/rampart-backup/*.json"
_PGBACKREST = ("/etc/pgbackrest/pgbackrest.conf", "/etc/pgbackrest.conf")
_PGBACKREST_PARTS = "/etc/pgbackrest/conf.d/*.conf"
_LAUNCHER = 0xC0  # CAP_SETGID and CAP_SETUID, as the kernel numbers capabilities
_TIMEOUT = 60  # seconds


def observe(server: Server, runner: Runner, given: t.Sequence[str] = ()) -> State:
    """Read all of it, and how far the running server is confined, ``given`` being the operator's paths; write nothing."""
    if runner.unit is None:
        raise Unsupported(
            f"no systemd unit runs {server.cluster.label}, so there is nothing that could confine it: its unit has to"
            " start it"
        )
    settings = {row["name"]: row["setting"] or "" for row in server.session.rows(_SETTINGS)}
    if "archive_command" not in settings:
        raise Unsupported(f"the login {server.session.login!r} may not see what the server writes to")
    sockets = [each.strip().strip('"') for each in settings["unix_socket_directories"].split(",")]
    data = os.path.realpath(server.cluster.data_directory)
    user = systemctl("show", "--property=User", "--value", "--", runner.unit)
    path = os.path.join(_UNITS, f"{runner.unit}.d", _NAME)
    found = server.read(path, by_root=True)
    state = State(
        cluster=server.cluster.label,
        unit=runner.unit,
        started_by_root=user in ("", "root", "0"),
        data_directory=data,
        places=_places(server, data, settings, sockets),
        socket_directories=tuple(os.path.realpath(each) for each in sockets if each.startswith("/")),
        commands=tuple((name, settings[name]) for name in _COMMANDS if settings.get(name)),
        reads=_reads(server, settings),
        path=path,
        content=found.content if found else None,
        lacking=(),
    )
    if found is None:
        return dataclasses.replace(state, lacking=tuple(_left_over(server, runner.unit)))
    paths = [place.path for place in writable(state, given)]
    return dataclasses.replace(state, lacking=tuple(_lacking(server, paths, by_root=state.started_by_root)))


def _reads(server: Server, settings: t.Mapping[str, str]) -> tuple[str, ...]:
    named = [path for name in _COMMANDS for path in candidates(settings.get(name, ""))]
    named += [path for each in _jobs(server, settings) for path in each.reads]
    with acting_as(server.owner):
        return tuple(dict.fromkeys(os.path.realpath(path) for path in (*named, server.owner.home)))


def _places(server: Server, data: str, settings: t.Mapping[str, str], sockets: t.Sequence[str]) -> tuple[Place, ...]:
    """Directories that are there and that the owner may write in: others are of no use to the server either."""
    wanted = [
        (os.path.join(data, "pg_wal"), "WAL"),
        *((row["path"], "tablespace") for row in server.session.rows(_TABLESPACES)),
        (os.path.join(data, settings["log_directory"]), "log"),
        (os.path.dirname(server.cluster.log_file or ""), "log"),
        (os.path.dirname(settings["external_pid_file"]), "process number"),
        (settings.get("stats_temp_directory", ""), "statistics"),
        *((each, "socket") for each in sockets if each.startswith("/")),
        *_archives(server, settings),
    ]
    found: dict[str, Place] = {}
    for path, why in wanted:
        real = _usable(path, server.owner)
        if real is not None and not f"{real}/".startswith(f"{data}/"):
            found.setdefault(real, Place(real, why))
    return tuple(found.values())


def _archives(server: Server, settings: t.Mapping[str, str]) -> list[tuple[str, str]]:
    found = [(server.session.rows(_LIBRARY)[0]["directory"] or "", "archive_library")]
    found += [(path, "archive_command") for each in _jobs(server, settings) for path in each.writes]
    for name in _COMMANDS:
        command = settings.get(name, "")
        found += [(path, name) for path in candidates(command)]
        if runs(command, "pgbackrest"):
            texts = [server.read(path, by_root=True) for path in _PGBACKREST]
            text = next((each.text for each in texts if each is not None), "")
            parts = [server.read(path, by_root=True) for path in sorted(glob.glob(_PGBACKREST_PARTS))]
            text = "\n".join([text, *(each.text for each in parts if each is not None)])
            # Its locks are made where other programs of pgBackRest look for them.
            found += [(_there(path), "pgBackRest") for path in pgbackrest_paths(text)]
    return found


def _jobs(server: Server, settings: t.Mapping[str, str]) -> list[Archive]:
    """What jobs of this collection need that the server archives by, or is going to: it cannot while they are closed to it."""
    named = [path for name in _COMMANDS for path in definitions(settings.get(name, ""))]
    others = sorted(glob.glob(_DEFINITIONS)) if os.geteuid() == 0 else []
    found = {path: server.read(path, by_root=True) for path in (*named, *others)}
    jobs = {path: Archive.of(each.content) for path, each in found.items() if each is not None}
    return [job for path, job in jobs.items() if path in named or job.cluster == server.cluster.label]


def _there(path: str) -> str:
    """The directory, or the one that it will be made in."""
    return path if os.path.isdir(path) else os.path.dirname(path)


def _usable(path: str, owner: Account) -> str | None:
    if not os.path.isabs(path):
        return None
    with acting_as(owner):
        real = os.path.realpath(path)
        if os.path.isdir(real) and os.access(real, os.W_OK | os.X_OK, effective_ids=True) and allowed(real):
            return real
    return None


def _lacking(server: Server, paths: t.Sequence[str], *, by_root: bool) -> list[str]:
    process = f"/proc/{server.cluster.pid}"
    status = _status(server)
    found = []
    if status.get("NoNewPrivs") != "1":
        found.append("the server may gain privileges")
    if int(status.get("CapBnd", "0"), 16) & ~(_LAUNCHER if by_root else 0):
        found.append("the server has capabilities that it does not need")
    with acting_as(server.owner):  # root without CAP_SYS_PTRACE, as in many containers, may not follow its links
        if not _closed(f"{process}/root/usr"):
            found.append("the system is not protected")
        found += [f"{path} is {closed}" for path in paths for closed in [_closed(f"{process}/root{path}")] if closed]
    return found


def _left_over(server: Server, unit: str) -> list[str]:
    """A run that was killed has taken the drop-in away and restarted nothing."""
    with acting_as(server.owner):
        confined = _closed(f"/proc/{server.cluster.pid}/root/usr") and not _closed("/usr")
    if not confined or systemctl("show", "--property=ProtectSystem", "--value", "--", unit) != "no":
        return []
    return ["the system is protected, although its unit does not say so"]


def _status(server: Server) -> dict[str, str]:
    try:
        with (
            acting_as(server.owner),
            open(f"/proc/{server.cluster.pid}/status", encoding="ascii", errors="replace") as lines,
        ):
            return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)
    except OSError as error:
        raise RampartError(f"the server's process cannot be looked at: {error.strerror}") from None


def _closed(path: str) -> str:
    """How the server is kept from writing there; empty when it is not."""
    try:
        return "read-only" if os.statvfs(path).f_flag & os.ST_RDONLY else ""
    except FileNotFoundError:  # a tablespace or an archive that is away now
        return ""
    except OSError:  # another drop-in has an opinion
        return "hidden"


def systemctl(*arguments: str) -> str:
    """What systemctl answers; raises when it fails."""
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
            ["systemctl", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unsupported(f"systemctl {arguments[0]}: {error}") from None
    if done.returncode != 0:
        raise Unsupported(f"systemctl {' '.join(arguments)}: {' '.join(done.stderr.split())}")
    return done.stdout.strip()
