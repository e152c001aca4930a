# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What waits for a restart of a server; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Waiting", "faulty_lines", "waiting"]

# Reading pg_file_settings makes the session compare the files with what runs, which sets pending_restart; so it is read
# first, and in the same session. The flag stays when a line that was never in force is taken out again: then neither a
# file nor what runs knows of it.
_WAITING = """
SELECT w.name, w.running, w.configured
FROM (SELECT count(*) AS lines FROM pg_catalog.pg_file_settings) c
CROSS JOIN LATERAL (
  SELECT s.name, pg_catalog.current_setting(s.name) AS running,
         coalesce((SELECT f.setting FROM pg_catalog.pg_file_settings f
                   WHERE pg_catalog.lower(f.name) = pg_catalog.lower(s.name) ORDER BY f.seqno DESC LIMIT 1),
                  s.boot_val, '') AS configured,
         s.sourcefile IS NOT NULL AS in_force,
         EXISTS (SELECT FROM pg_catalog.pg_file_settings f
                 WHERE pg_catalog.lower(f.name) = pg_catalog.lower(s.name)) AS in_file
  FROM pg_catalog.pg_settings s
  WHERE s.pending_restart AND c.lines >= 0
  OFFSET 0
) w
WHERE w.in_force OR w.in_file
ORDER BY w.name"""

# That a value waits is an error of its line too; that one of no line any more does, an error without a place.
_FAULTY_LINES = """
SELECT pg_catalog.format('%s (line %s of %s)', f.error, f.sourceline, f.sourcefile) AS fault
FROM pg_catalog.pg_file_settings f
WHERE f.error IS NOT NULL AND f.sourcefile IS NOT NULL AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_settings s WHERE s.pending_restart AND pg_catalog.lower(s.name) = pg_catalog.lower(f.name))
ORDER BY f.seqno"""

_FAULTY_RULES = """
SELECT pg_catalog.format('%s (line %s of %s)', r.error, r.line_number, pg_catalog.current_setting('hba_file')) AS fault
FROM pg_catalog.pg_hba_file_rules r WHERE r.error IS NOT NULL
ORDER BY r.line_number"""


@dataclasses.dataclass(frozen=True)
class Waiting:
    """A parameter that a restart would change; values as the server and the file spell them."""

    name: str
    running: str
    configured: str


def waiting(server: Server) -> tuple[Waiting, ...]:
    """Every parameter whose value on disk, loaded or not, needs a restart."""
    if not server.session.is_superuser:
        raise Unsupported(
            f"what waits for a restart needs a superuser, which {server.session.login} is not: pg_file_settings is"
            " theirs only"
        )
    return tuple(Waiting(**row) for row in server.session.rows(_WAITING))


def faulty_lines(server: Server) -> list[str]:
    """What the running server finds wrong in its files as they are now: it would not start with them."""
    return [row["fault"] for query in (_FAULTY_LINES, _FAULTY_RULES) for row in server.session.rows(query)]
