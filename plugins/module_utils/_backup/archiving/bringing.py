# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From parameters to a segment that has arrived, or back; private to the collection."""

from __future__ import annotations

import dataclasses
import subprocess
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import COMPONENT
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import offered
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.observe import observe
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.observe import statistics
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.definition import kind_of
from ansible_collections.rampart.postgresql.plugins.module_utils._converge import converge
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import NotConverged
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import read_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.component import Archiving
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import State
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import Statistics
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import Wish
    from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerDown
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["bring", "following", "left_alone"]

# A record of its own: a segment in which nothing was written is not ended.
_WRITE = "SELECT pg_catalog.pg_create_restore_point('rampart_backup archives')"
_FILE = "SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()) AS file"
_SWITCH = "SELECT pg_catalog.pg_switch_wal()"
_RESTART = "the server"  # no job is called so
_PAUSE = 0.25  # seconds between two looks
_TRIES = 2  # failures that count: one may be of a command that was there before
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def bring(server: Server, archiving: Archiving, settings: Component, *, check_mode: bool) -> dict[str, t.Any]:
    """Have the server archive by the job, or no longer; raise, with everything put back, unless WAL arrives."""
    wish = archiving.wish
    # A server that archives in another way is nobody's whose parameters are to be looked at.
    concerned = wish.present or bool(offered(observe(server, wish), wish))
    components = [archiving, settings] if concerned else [archiving]
    outcome = converge(server=server, components=components, check_mode=check_mode)
    first = archiving.first
    if first is None:
        raise TypeError("nothing was observed")
    steps = following(first, wish, outcome.plan)
    notes: tuple[str, ...] = ()
    if steps and not check_mode:
        notes = _Work(server, wish, outcome.plan, steps).done()
    plan = Plan((*outcome.plan.parts, Planned(steps=steps)))
    result = {**outcome.facts, **server.facts(), **plan.result(outcome.after)}
    result["warnings"] += [*outcome.notes, *notes]
    if any(step.subject == _RESTART for step in steps):
        result["restart_required"] = []
    waiting = any(each["parameter"] == "archive_mode" for each in result["restart_required"])
    return {
        **result,
        "command": wish.command,
        "before": first.configured("archive_command"),
        "definition": "" if wish.stanza else wish.definition,
        "waiting": waiting,
    }


def left_alone(wish: Wish, down: ServerDown) -> dict[str, t.Any]:
    """What there is to tell where archiving has to end and nothing runs: it could begin again with the server."""
    found = read_file(wish.definition, account_of(0)) if wish.job else None
    warning = (
        f"{down.reason}, so its parameters were left as they are: should it archive by {wish.name} when it is started again, it"
        " keeps all its WAL until this module ends that"
    )
    told = [warning] if found is not None and kind_of(found.content) == "wal" else []
    result = {**Plan(()).result(), "warnings": told}
    definition = "" if wish.stanza else wish.definition
    return {**result, "command": wish.command, "before": "", "definition": definition, "waiting": False}


def following(state: State, wish: Wish, plan: Plan) -> tuple[Step, ...]:
    """What comes after the parameters: a restart where it may be, and a first segment. Pure."""
    pending = any(each.parameter == "archive_mode" for part in plan.parts for each in part.restart_required)
    restarts = pending and wish.allow_restart
    steps = []
    if restarts:
        said = "restart the server, as archive_mode needs it"
        steps.append(_step(_RESTART, said, "pg_ctl restart"))
    runs = state.archives or (restarts and not state.in_recovery)
    proved = state.statistics.archived and not state.statistics.outdated
    fresh = state.command != wish.command or not proved or wish.prove
    if wish.present and runs and fresh:
        steps.append(_step(wish.name, "force a segment of WAL, and wait until it is archived", _SWITCH))
    return tuple(steps)


def _step(subject: str, description: str, statement: str) -> Step:
    return Step(
        COMPONENT, subject, description, before="", after=f"{description}\n", operation=Reload(), statement=statement
    )


@dataclasses.dataclass(frozen=True)
class _Work:
    server: Server
    wish: Wish
    plan: Plan
    steps: tuple[Step, ...]

    def done(self) -> tuple[str, ...]:
        """Restart and prove; whatever goes wrong takes back what this run has set. Returns what must be told."""
        notes: tuple[str, ...] = ()
        restarted = False
        try:
            for step in self.steps:
                if step.subject == _RESTART:
                    notes += self._restart()
                    restarted = True
                else:
                    with self.server.lock(shared=False):
                        _prove(self.server, self.wish)
        except BaseException as error:  # an interruption too must not leave a server that archives nothing
            undone = self._take_back(restarted)
            if not isinstance(error, RampartError):
                raise
            error.details["undone"] = undone
            raise
        return notes

    def _restart(self) -> tuple[str, ...]:
        from ansible_collections.rampart.postgresql.plugins.module_utils._server.restart import RestartWish
        from ansible_collections.rampart.postgresql.plugins.module_utils._server.restart import restart_if_needed

        return restart_if_needed(self.server, RestartWish(), check_mode=False).notes

    def _take_back(self, restarted: bool) -> list[str]:
        if not self.plan.steps:
            return []
        from ansible_collections.rampart.postgresql.plugins.module_utils._server.apply import Changes

        with self.server.lock(shared=False):
            undone = Changes(self.server, made=self.plan.steps).undo()
        if restarted:
            try:
                self._restart()
            except RampartError as error:
                undone.append(f"NOT restarted again, and WAL is kept until it is: {error}")
            else:
                undone.append("the server was restarted with what it had before")
        return undone


def _prove(server: Server, wish: Wish) -> None:
    server.session.statement(_WRITE)
    file = str(server.session.rows(_FILE)[0]["file"])
    before = now = statistics(server)
    server.session.statement(_SWITCH)
    deadline = time.monotonic() + server.options.timeout
    while not _arrived(before, now, file) and time.monotonic() < deadline:
        if now.failed - before.failed >= _TRIES:
            break
        time.sleep(_PAUSE)
        now = statistics(server)
    if not _arrived(before, now, file):
        raise NotConverged(
            f"{file} was not archived ({now.failed - before.failed} failures in pg_stat_archiver, the last with"
            f" {now.last_failed or 'no file'}). {_reason(server, wish, now.last_failed or file)}",
            file=file,
        )


def _arrived(before: Statistics, now: Statistics, file: str) -> bool:
    """By the file itself, or by several that are older: the first may have been the work of a command before."""
    done = now.archived - before.archived
    return done > 1 or (done == 1 and now.last_archived[:24] >= file)


def _reason(server: Server, wish: Wish, file: str) -> str:
    """What the command says when it is run outside the server."""
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import child_process_options

    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
            wish.words(f"pg_wal/{file}"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd=server.cluster.data_directory,
            env=_ENVIRONMENT,
            timeout=server.options.timeout,
            **child_process_options(server.owner),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"archive_command, run by hand: {error}"
    if done.returncode == 0:
        return (
            "Run by hand, archive_command does it, so its sandbox or its environment keeps the server from that: the module"
            " service_sandbox makes the sandbox anew, with the places of the job"
        )
    said = " ".join((done.stderr or done.stdout).split())
    return f"archive_command says (exit status {done.returncode}): {said}"
