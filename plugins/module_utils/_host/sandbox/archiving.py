# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a server goes on archiving in its sandbox: what its command writes to may be known to a program only; private."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import NotConverged

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Archiving", "observe", "prove"]

_STATISTICS = """
SELECT a.archived_count AS archived, a.failed_count AS failed,
    pg_catalog.current_setting('archive_mode') <> 'off' AND NOT pg_catalog.pg_is_in_recovery() AS wanted,
    coalesce(a.last_archived_time > coalesce(a.last_failed_time, '-infinity'), false) AS works
FROM pg_catalog.pg_stat_archiver a ORDER BY 1"""
_SWITCH = "SELECT pg_catalog.pg_switch_wal()"
_PAUSE = 0.25  # seconds between two looks


@dataclasses.dataclass(frozen=True)
class Archiving:
    """What the statistics say of it."""

    archived: int
    failed: int
    wanted: bool  # whether this server, being no standby, archives at all
    works: bool  # whether the last try was a success


def observe(server: Server) -> Archiving:
    """Ask the server."""
    return Archiving(**server.session.rows(_STATISTICS)[0])


def prove(server: Server, before: Archiving) -> tuple[str, ...]:
    """Raise unless a server that archived does so now that it runs in the sandbox; returns what must be told of one that did not.

    ``before`` is what was observed before its restart.
    """
    if not before.wanted:
        return ()
    if not before.works:
        return ("archiving did not work before, so nothing tells whether it does in the sandbox",)
    first = now = observe(server)  # what came after `before` may have been archived outside the sandbox
    server.session.statement(_SWITCH)
    deadline = time.monotonic() + server.options.timeout
    while now.archived <= first.archived and now.failed <= first.failed and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        now = observe(server)
    if now.archived <= first.archived:
        raise NotConverged(
            "the server archived before, and does not in the sandbox: name in writable_paths where archive_command or"
            " archive_library writes"
        )
    return ()
