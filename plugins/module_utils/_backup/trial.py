# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program itself is asked about definitions before they are written; private to the collection."""

from __future__ import annotations

import os
import subprocess
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.definition import definition
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RehearsalFailed
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import replace_file
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import child_process_options
from ansible_collections.rampart.postgresql.plugins.module_utils._server.scratch import scratch_directory

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import Job
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import State
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["try_definitions"]

_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def try_definitions(server: Server, state: State, jobs: t.Sequence[Job], *, check_mode: bool) -> tuple[str, ...]:
    """Raise when `rampart-backup check`, run as the server's account, refuses a job. Returns what must be told."""
    program = state.layout.program
    if not jobs:
        return ()
    if not server.options.rehearse:
        return ("the jobs were not tried, as the option rehearse is off",)
    if not os.access(program, os.X_OK):
        if check_mode:
            return (f"the jobs were not tried: {program} is not installed yet",)
        raise Unsupported(f"{program} is not installed: the module backup_program does that")
    with scratch_directory(server.owner) as directory:
        for job in jobs:
            path = os.path.join(directory, f"{job.name}.json")
            text = definition(job, state.source, state.layout.paths(job.name).state)
            replace_file(path, text.encode(), owner=server.owner, mode=0o600)
            _try(server, job, program, path)
    return ()


def _try(server: Server, job: Job, program: str, path: str) -> None:
    words = [program, "check", path]
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            env=_ENVIRONMENT,
            timeout=server.options.timeout,
            **child_process_options(server.owner),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unsupported(f"{job.option}: {program} check: {error}") from None
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).replace(f"{path}: ", "").split())
        raise RehearsalFailed(
            f"{job.option} ({job.name}): the program refuses this job, so nothing was touched: {_named(said)}",
            exit_status=done.returncode,
        )


def _named(said: str) -> str:
    """What the definition calls ``logical`` or ``physical`` is no option of its own."""
    if not said.startswith("error: "):
        return said
    return said[len("error: ") :].replace("logical.", "").replace("physical.", "")
