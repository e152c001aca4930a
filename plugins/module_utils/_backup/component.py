# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs of one cluster, from what is wanted to what is there; private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.observe import observe
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.observe import systemctl
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.planning import planned
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import LAYOUT
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import NotConverged
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import Job
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Layout
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import State
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Outcome", "bring"]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What was found and done."""

    jobs: t.Sequence[Job]
    state: State
    plan: Plan
    after: Plan | None = None
    notes: tuple[str, ...] = ()

    def result(self) -> dict[str, t.Any]:
        """Return values of the module."""
        result = self.plan.result(self.after)
        result["warnings"] += self.notes
        return {**result, "jobs": [self._about(job) for job in self.jobs]}

    def _about(self, job: Job) -> dict[str, t.Any]:
        paths = self.state.layout.paths(job.name)
        return {
            "name": job.name,
            "state": "present" if job.present else "absent",
            "definition": paths.definition,
            "status": os.path.join(paths.state, "status", f"{job.name}.json"),
            "unit": os.path.basename(paths.service) if self.state.systemd else "",
        }


def bring(server: Server, jobs: t.Sequence[Job], *, check_mode: bool, layout: Layout = LAYOUT) -> Outcome:
    """Make the jobs as they are wanted; raise, with everything put back, unless they are so afterwards."""
    with server.lock(shared=check_mode):
        state = observe(server, jobs, layout)
        plan = Plan((planned(state, jobs, foreseen=check_mode),))
        if not plan.steps:
            return Outcome(jobs, state, plan)
        # Here and not above: runs that change nothing are spared the time to import them.
        from ansible_collections.rampart.postgresql.plugins.module_utils._backup.trial import try_definitions

        subjects = {step.subject for step in plan.steps}
        new = [job for job in jobs if job.present and layout.paths(job.name).definition in subjects]
        notes = try_definitions(server, state, new, check_mode=check_mode)
        after = None if check_mode else _Work(server, jobs, state, plan).done()
        return Outcome(jobs, state, plan, after, notes)


class _Work:
    """Timers of jobs that go are stopped before their files are removed, others are started when theirs are there."""

    def __init__(self, server: Server, jobs: t.Sequence[Job], state: State, plan: Plan) -> None:
        from ansible_collections.rampart.postgresql.plugins.module_utils._server.apply import Changes

        self._server = server
        self._jobs = jobs
        self._state = state
        self._plan = plan
        self._changes = Changes(server)

    def done(self) -> Plan:
        """Do all of it; the plan for what is there afterwards, which is empty."""
        try:
            for job in self._jobs:
                if not job.present:
                    self._stop(job)
            self._changes.make(self._plan.steps)
            self._tell_systemd()
            for job in self._jobs:
                if job.present and self._touched(job):
                    self._start(job)
            after = Plan((planned(observe(self._server, self._jobs, self._state.layout), self._jobs),))
            if after.steps:
                remaining = [f"{step.subject}: {step.description}" for step in after.steps]
                raise NotConverged(
                    f"this was applied and is still not as desired: {'; '.join(remaining)}", remaining=remaining
                )
        except BaseException as error:  # an interruption too must leave nothing half applied
            undone = self._take_back()
            if isinstance(error, RampartError):
                error.details["undone"] = undone
            raise
        return after

    def _take_back(self) -> list[str]:
        for job in self._jobs:
            if not self._state.found[job.name].scheduled:
                with contextlib.suppress(RampartError):
                    self._stop(job)
        undone = self._changes.undo()
        with contextlib.suppress(RampartError):
            self._tell_systemd()
        for job in self._jobs:
            if self._state.found[job.name].scheduled:
                with contextlib.suppress(RampartError):
                    self._start(job)
        return undone

    def _touched(self, job: Job) -> bool:
        unit = self._state.layout.paths(job.name).timer
        return any(step.subject in (unit, os.path.basename(unit)) for step in self._plan.steps)

    def _tell_systemd(self) -> None:
        if self._state.systemd:
            systemctl("daemon-reload")

    def _start(self, job: Job) -> None:
        """Anew where it was started: a timer that waits does so for its old time."""
        if self._state.systemd:
            unit = os.path.basename(self._state.layout.paths(job.name).timer)
            systemctl("enable", "--", unit)
            systemctl("restart", "--", unit)

    def _stop(self, job: Job) -> None:
        path = self._state.layout.paths(job.name).timer
        if self._state.systemd and os.path.exists(path):
            systemctl("disable", "--now", "--", os.path.basename(path))
            with contextlib.suppress(RampartError):  # it did not fail, so it is not loaded
                systemctl("reset-failed", "--", os.path.basename(path).replace(".timer", ".service"))
