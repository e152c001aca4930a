# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server says of its archiving; private to the collection."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import Line
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import State
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import Statistics
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import Wish
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["observe", "statistics"]

_LINES = """
SELECT pg_catalog.lower(f.name) AS name, coalesce(f.setting, '') AS value, f.sourcefile AS path, f.sourceline AS number
FROM pg_catalog.pg_file_settings f
WHERE pg_catalog.lower(f.name) IN ('archive_command', 'archive_library', 'archive_mode')
ORDER BY f.seqno"""
_RUNNING = """
SELECT pg_catalog.current_setting('archive_mode') AS mode, pg_catalog.current_setting('archive_command') AS command,
    coalesce(pg_catalog.current_setting('archive_library', true), '') AS library,
    pg_catalog.pg_is_in_recovery() AS in_recovery"""
_STATISTICS = """
SELECT a.archived_count AS archived, a.failed_count AS failed,
    coalesce(a.last_archived_wal, '') AS last_archived, coalesce(a.last_failed_wal, '') AS last_failed,
    coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false) AS fails,
    coalesce(a.last_archived_time < pg_catalog.pg_postmaster_start_time() AND a.last_archived_time < (
        SELECT pg_catalog.max((pg_catalog.pg_stat_file(f.sourcefile, true)).modification)
        FROM pg_catalog.pg_file_settings f WHERE pg_catalog.lower(f.name) = 'archive_command'), false) AS outdated
FROM pg_catalog.pg_stat_archiver a ORDER BY 1"""


def observe(server: Server, wish: Wish) -> State:
    """Read all of it; write nothing."""
    if not server.session.is_superuser:
        raise Unsupported(
            f"what archives needs a superuser, which {server.session.login} is not: pg_file_settings is theirs only"
        )
    lines = tuple(Line(**row) for row in server.session.rows(_LINES))
    problem = _problem(server, wish) if wish.present else None
    return State(
        lines=lines,
        major=server.major,
        statistics=statistics(server),
        problem=problem or "",
        missing=problem is None,
        **server.session.rows(_RUNNING)[0],
    )


def statistics(server: Server) -> Statistics:
    """How archiving goes."""
    return Statistics(**server.session.rows(_STATISTICS)[0])


def _problem(server: Server, wish: Wish) -> str | None:
    """What is wrong with the definition of the job; None where there is none."""
    if wish.stanza:
        return ""
    found = server.read(wish.definition, by_root=True)
    if found is None:
        return None
    try:
        values = json.loads(found.content)
        kind, label = values["kind"], values["cluster"]["label"]
    except (ValueError, KeyError, TypeError):
        return f"the name of a job, and {wish.definition} is no definition of one"
    if kind != "wal":
        return f"a job of kind wal, and that one is {kind}"
    return "" if label == server.cluster.label else f"a job of this cluster, and that one is of {label}"
