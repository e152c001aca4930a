# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is of jobs on a host: files, units, directories, the server; private to the collection."""

from __future__ import annotations

import grp
import os
import subprocess
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.definition import cluster_of
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.definition import kind_of
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.definition import metrics_of
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.remains import Remains
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Directory
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Found
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Source
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server.directories import unsafe_parent
from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import running_clusters
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import acting_as

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import Job
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Layout
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["observe", "systemctl"]

_CLIENTS = ("pg_dump", "pg_dumpall", "pg_restore", "psql")
_TIMEOUT = 60  # seconds
_COMMANDS = """
SELECT pg_catalog.current_setting('archive_command') AS running, coalesce((
    SELECT f.setting FROM pg_catalog.pg_file_settings f WHERE pg_catalog.lower(f.name) = 'archive_command'
    ORDER BY f.seqno DESC LIMIT 1), '') AS configured"""
_SHOWN = "--property=Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload"


def observe(server: Server, jobs: t.Sequence[Job], layout: Layout) -> State:
    """Read everything that planning needs; write nothing."""
    systemd = os.path.isdir(layout.systemd)
    gone = isinstance(server, Remains)
    source = Source.of_nothing(server.owner.name) if gone else _source(server, needed=any(job.present for job in jobs))
    shown = _shown(jobs) if systemd else {}
    others = {cluster.label for cluster in running_clusters()} - {source.label}
    calendars = {job.schedule.calendar for job in jobs if job.present}
    paths = {path for job in jobs for path in job.directories}
    ours = [layout.definitions, layout.states, *(layout.paths(job.name).state for job in jobs)]
    with acting_as(server.owner):
        files = {path for job in jobs for place in job.places for path in place.files}
        unreadable = tuple(sorted(path for path in files if not os.access(path, os.R_OK, effective_ids=True)))
    return State(
        source=source,
        down=server.reason if isinstance(server, Remains) else "",
        layout=layout,
        systemd=systemd,
        found={job.name: _found(server, job, layout, shown, others) for job in jobs},
        directories={
            **{path: _directory(server, path) for path in sorted(paths)},
            **{path: Directory(os.path.isdir(path)) for path in ours},
        },
        calendars={each: _problem(each) if systemd else "" for each in sorted(calendars)},
        commands=_commands(server) if not gone and any(job.kind != "wal" for job in jobs) else (),
        unreadable=unreadable,
    )


def _commands(server: Server) -> tuple[str, ...]:
    """Who is no superuser may not see them."""
    return tuple(server.session.rows(_COMMANDS)[0].values()) if server.session.is_superuser else ()


def _source(server: Server, *, needed: bool) -> Source:
    cluster, session = server.cluster, server.session
    if needed and not session.is_superuser:
        raise Unsupported(
            f"the login {session.login!r} is no superuser, whom it takes to schedule jobs; a job that is to log in as a lesser"
            " role has its own option user"
        )
    missing = [name for name in _CLIENTS if not os.access(os.path.join(cluster.bindir, name), os.X_OK)]
    if needed and missing:
        raise Unsupported(f"{cluster.bindir} lacks {', '.join(missing)}: install PostgreSQL's clients of this version")
    return Source(
        label=cluster.label,
        bindir=cluster.bindir,
        socket_directory=cluster.socket_directory,
        port=cluster.port,
        user=session.login,
        data_directory=os.path.realpath(cluster.data_directory),
        account=server.owner.name,
        group=grp.getgrgid(server.owner.gid).gr_name,
        unit=cluster.unit or "",
    )


def _found(
    server: Server, job: Job, layout: Layout, shown: t.Mapping[str, t.Mapping[str, str]], others: t.Container[str]
) -> Found:
    paths = layout.paths(job.name)
    contents = {}
    for path in paths.files:
        found = server.read(path, by_root=True)
        contents[path] = found.content if found else None
    service = shown.get(os.path.basename(paths.service), {})
    timer = shown.get(os.path.basename(paths.timer), {})
    other = cluster_of(contents[paths.definition])
    metrics = metrics_of(job.name, contents[paths.definition])
    measured = server.read(metrics) if metrics else None
    return Found(
        files=contents,
        scheduled=timer.get("ActiveState") == "active"
        and timer.get("UnitFileState") == "enabled"
        and all(
            each.get("LoadState") == "loaded" and each.get("NeedDaemonReload") == "no" for each in (service, timer)
        ),
        kind=kind_of(contents[paths.definition]),
        other=other if other in others else "",
        metrics=(metrics, measured.content) if measured else None,
    )


def _shown(jobs: t.Sequence[Job]) -> dict[str, dict[str, str]]:
    """What systemd has of the units of all jobs."""
    units = [f"rampart-backup-{job.name}.{kind}" for job in jobs for kind in ("service", "timer")]
    blocks = systemctl("show", _SHOWN, "--", *units).split("\n\n") if units else []
    found = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in blocks]
    return {each.get("Id", ""): each for each in found}


def _directory(server: Server, path: str) -> Directory:
    if not os.path.lexists(path):
        return Directory(False, unsafe_parent(path))
    with acting_as(server.owner):
        usable = os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK, effective_ids=True)
    return Directory(True, "" if usable else f"it is no directory in which {server.owner.name} can write")


def _problem(calendar: str) -> str:
    status, said = _run(["systemd-analyze", "calendar", "--", calendar])
    if status != 0:
        return said.splitlines()[0] if said else "systemd-analyze does not say why"
    return "it never comes" if "Next elapse: never" in said else ""


def systemctl(*arguments: str) -> str:
    """What systemctl answers; raises when it fails."""
    status, said = _run(["systemctl", *arguments])
    if status != 0:
        raise Unsupported(f"systemctl {' '.join(arguments)}: {' '.join(said.split())}")
    return said


def _run(words: list[str]) -> tuple[int, str]:
    """Status, and what was said: the output, or the errors where it failed."""
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            env={**os.environ, "LC_ALL": "C"},
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unsupported(f"{words[0]}: {error}") from None
    return done.returncode, (done.stderr if done.returncode else done.stdout).strip()
