# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of jobs."""

from __future__ import annotations

import typing as t

from .logical import Logical
from .logs import Logs
from .physical import Physical

if t.TYPE_CHECKING:
    from ..definition import Job
    from .server import About
    from .server import Server
    from .source import Source

__all__ = ["source"]


def source(job: Job, server: Server, about: About, identifier: str = "") -> Source:
    """Where the bytes of a job come from. ``identifier`` is that of the backup that is made of them, if one is."""
    if job.kind == "logical":
        return Logical(job, server, about)
    return Logs(job, server, about) if job.kind == "logs" else Physical(job, server, about, identifier)
