# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What programs of the host say, without running one for ever; private to the collection."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import typing as t

__all__ = ["Question", "answer_of", "output_of"]

_TIMEOUT = 60  # seconds
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_NOBODY = "nobody"


class Question:
    """A program at work, so that something else can be done meanwhile."""

    def __init__(self, *command: str, as_nobody: bool = False) -> None:
        """Start it. ``as_nobody``: without root's rights, with which those of APT and RPM keep what they have worked out."""
        self._process: subprocess.Popen[str] | None = None
        if shutil.which(command[0], path=_PATH) is None:
            return
        with contextlib.suppress(OSError, subprocess.SubprocessError, KeyError):
            self._process = subprocess.Popen(  # pylint: disable=ansible-bad-function # run_command needs a module object
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="replace",
                cwd="/",
                env={"LC_ALL": "C", "PATH": _PATH},
                **(_nobody() if as_nobody else {}),
            )

    def answer(self) -> str | None:
        """What it writes, whatever its status; None when it is not there, cannot be run or takes more than a minute."""
        if self._process is None:
            return None
        with self._process as process:
            try:
                return process.communicate(timeout=_TIMEOUT)[0]
            except subprocess.TimeoutExpired:
                process.kill()
                return None


def answer_of(*command: str, as_nobody: bool = False) -> str | None:
    """What a program writes, as a question is answered."""
    return Question(*command, as_nobody=as_nobody).answer()


def output_of(*command: str) -> str:
    """The same, empty without an answer."""
    return answer_of(*command) or ""


def _nobody() -> dict[str, t.Any]:
    """For a child without root's rights; raises KeyError where no account is for that."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(_NOBODY)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
