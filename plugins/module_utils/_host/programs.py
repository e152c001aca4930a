# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What programs of the host say, without running one for ever; private to the collection."""

from __future__ import annotations

import shutil
import subprocess

__all__ = ["output_of"]

_TIMEOUT = 60  # seconds


def output_of(*command: str) -> str:
    """What a program writes, whatever its status; empty when it is not there or takes more than a minute."""
    if shutil.which(command[0]) is None:
        return ""
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
            env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
