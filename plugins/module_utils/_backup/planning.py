# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done for jobs to be as they are wanted; pure; private to the collection."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.calendar import KNOWN
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.definition import definition
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.definition import metrics_file
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import cron
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import of_job
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import service
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import timer
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import MakeDirectory
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import Job
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import State

__all__ = ["COMPONENT", "planned"]

COMPONENT = "backup_job"
_MODE = 0o644
_WHAT = ("the definition", "the unit", "the timer", "the file for cron")  # in the order of Paths.files


def planned(state: State, jobs: t.Sequence[Job], *, foreseen: bool = False) -> Planned:
    """Directories first, then the files of each job in the order in which they have to be there, then its timer.

    ``foreseen``: in check mode a server archives still by a job although it will not any more.
    """
    steps: list[Step] = []
    for job in jobs:
        _refuse(state, job)
        if not foreseen and _archives(state, job):
            option, value = ("kind", job.kind) if job.present else ("state", "absent")
            raise InputError(option=f"{job.option}.{option}", value=value, expected=_archives(state, job))
        files = _files(state, job)
        steps += _directories(state, job, {step.subject for step in steps})
        changed = [_file(state, job, path, files[path]) for path in _order(job, list(files))]
        steps += [step for step in changed if step is not None]
        steps += _timer(state, job)
        steps += _old_metrics(state, job)
    return Planned(
        steps=tuple(steps),
        findings=(
            *(
                f"{path}: the account {state.source.account} cannot read it yet, and a job needs it for its place"
                for path in state.unreadable
            ),
            *filter(None, (_archives(state, job) for job in jobs)),
        ),
        warnings=tuple(
            f"{job.name}: nobody could ask whether the cluster archives its WAL by it ({state.down}): if it does so when it"
            " is started again, it keeps all its WAL until wal_archiving, with state: absent, ends that"
            for job in jobs
            if state.down and state.found[job.name].kind == "wal"
        ),
    )


def _refuse(state: State, job: Job) -> None:
    other = state.found[job.name].other
    if other:
        raise InputError(
            option=f"{job.option}.name", value=job.name, expected=f"it is a job of the cluster {other} here"
        )
    if not job.present:
        return
    calendar = job.schedule.calendar
    problem = state.calendars[calendar]
    if problem:
        raise InputError(
            option=f"{job.option}.schedule.calendar",
            value=calendar,
            expected=f"a calendar expression of systemd (man systemd.time): {problem}",
        )
    if not state.systemd:
        _refuse_cron(job)
    data = state.source.data_directory
    for path, option in job.directories.items():
        problem = state.directories[path].problem
        if path == data or path.startswith(f"{data}/"):
            problem = "it is in the data directory"
        if problem:
            expected = f"a directory of {state.source.account}, or one to make below directories of root's: {problem}"
            raise InputError(option=option, value=path, expected=expected)


def _archives(state: State, job: Job) -> str:
    """Why a job has to stay, as one of the kind wal: a server whose archive_command fails keeps all its WAL, until the disk is full."""
    words = [word for command in state.commands for word in command.split()]
    if job.kind == "wal" or state.layout.paths(job.name).definition not in words:
        return ""
    return f"the server archives its WAL by {job.name}: end that first (wal_archiving, with state: absent)"


def _refuse_cron(job: Job) -> None:
    if "." in job.name:
        raise InputError(
            option=f"{job.option}.name",
            value=job.name,
            expected="without systemd, a name without dots: cron reads no other",
        )


def _files(state: State, job: Job) -> dict[str, str | None]:
    """What each file has to hold."""
    paths = state.layout.paths(job.name)
    files: dict[str, str | None] = dict.fromkeys(paths.files)
    if not job.present:
        return files
    files[paths.definition] = definition(job, state.source, paths.state)
    scheduled = of_job(job, state.source, state.layout)
    if state.systemd:
        files[paths.service] = service(scheduled)
        files[paths.timer] = timer(scheduled)
        return files
    files[paths.cron] = cron(scheduled)
    if files[paths.cron] is None:
        raise InputError(
            option=f"{job.option}.schedule.calendar",
            value=job.schedule.calendar,
            expected=f"this host has no systemd, and cron can do {KNOWN}",
        )
    return files


def _order(job: Job, paths: list[str]) -> list[str]:
    return paths if job.present else paths[::-1]


def _file(state: State, job: Job, path: str, text: str | None) -> Step | None:
    before = state.found[job.name].files[path]
    after = None if text is None else text.encode()
    if before == after:
        return None
    what = dict(zip(state.layout.paths(job.name).files, _WHAT))[path]
    return Step(
        component=COMPONENT,
        subject=path,
        description=f"{'remove' if after is None else 'write'} {what} of the backup {job.name}",
        before=(before or b"").decode("utf-8", "replace"),
        after=text or "",
        operation=WriteFile(path, before, after, mode=_MODE, by_root=True),
    )


def _directories(state: State, job: Job, made: t.Container[str]) -> list[Step]:
    if not job.present:
        return []
    layout = state.layout
    wanted = {layout.definitions: (0o755, False)}
    if not state.systemd:  # which makes those of units itself
        wanted.update({layout.states: (0o755, False), layout.paths(job.name).state: (0o700, True)})
    wanted.update({path: (0o755 if path == job.metrics else 0o700, True) for path in job.directories})
    return [
        Step(
            component=COMPONENT,
            subject=path,
            description=f"make a directory of {state.source.account if owned else 'root'}, mode {mode:04o}",
            before="",
            after=f"directory of {state.source.account if owned else 'root'}, mode {mode:04o}",
            operation=MakeDirectory(path, mode, owned),
        )
        for path, (mode, owned) in wanted.items()
        if not state.directories[path].exists and path not in made
    ]


def _timer(state: State, job: Job) -> list[Step]:
    if not state.systemd or not job.present or state.found[job.name].scheduled:
        return []
    unit = os.path.basename(state.layout.paths(job.name).timer)
    return [
        Step(
            component=COMPONENT,
            subject=unit,
            description="enable and start the timer",
            before="",
            after="enabled, active",
            operation=Reload(),
            statement=f"systemctl enable --now {unit}",
        )
    ]


def _old_metrics(state: State, job: Job) -> list[Step]:
    """Of a job that is no more, or measures itself elsewhere: an alarm about their age would never end."""
    old = state.found[job.name].metrics
    if old is None or (job.metrics and old[0] == metrics_file(job.name, job.metrics)):
        return []
    path, content = old
    return [
        Step(
            component=COMPONENT,
            subject=path,
            description=f"remove old metrics of the backup {job.name}",
            before="",  # they change with each run
            after="",
            operation=WriteFile(path, content, None, remembered=False),
        )
    ]
