# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The marker and the restore point of a backup that pgBackRest makes, of which annotations tell in its repository."""

from __future__ import annotations

import secrets
import typing as t

from ..places import notes
from . import marker
from .server import Server

if t.TYPE_CHECKING:
    from ..definition import Job

__all__ = ["Marks"]


class Marks:
    """Of one backup. ``annotates``: whether this version of pgBackRest can tell of them; without that there are none."""

    def __init__(self, job: Job, *, annotates: bool) -> None:
        self._job = job
        self._wanted = annotates
        self._server = Server(job.cluster)
        self._backup = secrets.token_hex(8)
        self._number = 0
        self.restore_point = ""

    def begin(self) -> list[str]:
        """Before the backup; returns options for it."""
        if not self._wanted or not self._job.backrest.marker:
            return []
        self._number = marker.begin(self._server, self._server.about(), job=self._job.name, backup=self._backup)
        return [f"--annotation={notes.MARKER}={self._job.name}/{self._number}/{self._backup}"] if self._number else []

    def end(self) -> list[str]:
        """After it; returns options for its annotation."""
        if not self._wanted or not self._job.backrest.restore_point:
            return []
        about = self._server.about()
        if about.standby or not about.superuser:
            return []
        name = f"rampart-{self._job.name}-{self._backup[:8]}"[:63]
        if self._number:
            marker.end(self._server, self._number, job=self._job.name, backup=self._backup, restore_point=name)
        position = self._server.answer(f"SELECT pg_catalog.pg_create_restore_point('{name}')")
        self.restore_point = name
        return [f"--annotation={notes.POINT}={name}/{position}"]
