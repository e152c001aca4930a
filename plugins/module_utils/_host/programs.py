# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What programs of the host say, without running one for ever; private to the collection."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import typing as t

__all__ = ["answer_of", "output_of"]

_TIMEOUT = 60  # seconds
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_NOBODY = "nobody"


def output_of(*command: str) -> str:
    """What a program writes, whatever its status; empty when it is not there or takes more than a minute."""
    return answer_of(*command) or ""


def answer_of(*command: str, as_nobody: bool = False) -> str | None:
    """The same; None when it is not there, cannot be run or takes too long.

    ``as_nobody`` is for programs that keep what they have worked out where root lets them, as those of APT and RPM do.
    """
    if shutil.which(command[0], path=_PATH) is None:
        return None
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command needs a module object
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            timeout=_TIMEOUT,
            env={"LC_ALL": "C", "PATH": _PATH},
            **(_nobody() if as_nobody else {}),
        )
    except (OSError, subprocess.SubprocessError, KeyError):
        return None
    return done.stdout


def _nobody() -> dict[str, t.Any]:
    """For a child without root's rights; raises KeyError where no account is for that."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(_NOBODY)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
