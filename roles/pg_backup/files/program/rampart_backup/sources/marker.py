# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows that a physical job writes before and after its base backup: by them a drill knows which moment came back.

``begun`` is committed before the base backup begins, so it is in it; ``ended`` is committed after it, so it comes with
the WAL. Each run of a job counts one further: a clock that jumps changes nothing.
"""

from __future__ import annotations

import typing as t

from ..faults import DefinitionFault
from ..faults import RestoreFault
from ..faults import SourceFault

if t.TYPE_CHECKING:
    from ..places.catalogue import Record
    from .server import About
    from .server import Server

__all__ = ["begin", "check", "end"]

_DATABASE = "postgres"
# Who owns or may change what is written here could have a trigger run as the superuser.
_STATE = """
SELECT pg_catalog.json_build_object(
  'there', c.oid IS NOT NULL,
  'foreign', NOT coalesce(a.rolsuper, true) OR NOT coalesce(b.rolsuper, true)
    OR coalesce(c.relkind <> 'r' OR c.relhasrules OR c.relrowsecurity OR c.relhassubclass, false)
    OR EXISTS (SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = c.oid)
    OR EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE n.oid IS NOT NULL AND NOT r.rolsuper
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS s WHERE s.rolsuper
                               AND pg_catalog.pg_has_role(r.oid, s.oid, 'MEMBER'))
               AND pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE')))
FROM (SELECT) AS one
LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'rampart_backup'
LEFT JOIN pg_catalog.pg_roles AS a ON a.oid = n.nspowner
LEFT JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = 'marker'
LEFT JOIN pg_catalog.pg_roles AS b ON b.oid = c.relowner
"""
# A standby that does not answer must not hold up a backup, nor one who holds a lock.
_PREPARE = "SET synchronous_commit = local; SET lock_timeout = '30s'; SET client_min_messages = warning;"
_MAKE = """
CREATE SCHEMA IF NOT EXISTS rampart_backup;
CREATE TABLE IF NOT EXISTS rampart_backup.marker (job text, phase text, number bigint NOT NULL, backup text NOT NULL,
  restore_point text NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (job, phase));
COMMENT ON TABLE rampart_backup.marker IS 'Written by rampart-backup: by its rows a drill knows which moment it restored.';
"""
_BEGIN = """
INSERT INTO rampart_backup.marker AS m VALUES ({job}, 'begun', 1, {backup}, '', pg_catalog.clock_timestamp())
ON CONFLICT (job, phase) DO UPDATE SET number = m.number + 1, backup = excluded.backup, at = excluded.at
RETURNING m.number;
"""
_END = """
INSERT INTO rampart_backup.marker AS m
VALUES ({job}, 'ended', {number}, {backup}, {point}, pg_catalog.clock_timestamp())
ON CONFLICT (job, phase) DO UPDATE SET number = excluded.number, backup = excluded.backup,
  restore_point = excluded.restore_point, at = excluded.at
RETURNING m.number;
"""
_ROWS = """
SELECT coalesce(pg_catalog.json_object_agg(m.phase, pg_catalog.json_build_array(m.number, m.backup)), '{{}}')
FROM rampart_backup.marker AS m WHERE m.job = {job}
"""


def begin(server: Server, about: About, *, job: str, backup: str) -> int:
    """Write ``begun``; returns its number, 0 where nothing can be written: on a standby, or as a lesser role."""
    if about.standby or not about.superuser:
        return 0
    state = server.ask(_STATE, database=_DATABASE)
    if state["foreign"]:
        raise DefinitionFault(
            "marker: rampart_backup in the database postgres is not a schema of superusers alone with a plain"
            " table of theirs: drop it, or let the job write no marker"
        )
    make = "" if state["there"] else _MAKE
    sql = _PREPARE + make + _BEGIN.format(job=_literal(job), backup=_literal(backup))
    return int(server.answer(sql, database=_DATABASE))


def end(server: Server, number: int, *, job: str, backup: str, restore_point: str) -> None:
    """Write ``ended``, before the restore point is, so that whoever recovers to it has the row."""
    values = {"job": _literal(job), "backup": _literal(backup), "point": _literal(restore_point)}
    server.answer(_PREPARE + _END.format(number=number, **values), database=_DATABASE)


def check(server: Server, record: Record, *, past_end: bool) -> bool:
    """Whether there was a marker to compare; raises when what was restored is of another moment than the backup.

    ``past_end``: WAL was replayed beyond the restore point, so that ``ended`` has to be there.
    """
    number = int(record.entry.get("marker", 0))
    if not number:
        return False
    marked = record.entry.get("marked") or {}  # of pgBackRest, which names backups itself, for all jobs of a stanza
    job, identifier = str(marked.get("job", record.job)), str(marked.get("backup", record.id))
    try:
        rows = server.ask(_ROWS.format(job=_literal(job)), database=_DATABASE)
    except SourceFault as fault:
        raise RestoreFault(f"the marker of the job {job} did not come back: {fault}") from None
    for phase in ("begun", "ended") if past_end else ("begun",):
        found, backup = rows.get(phase, (0, "none"))
        if found < number or (found == number and backup != identifier):
            raise RestoreFault(
                f"the marker {phase!r} of the job {job} is of the backup {backup} ({found}), and not of"
                f" {identifier} ({number}) or a later one: an older state was restored"
            )
    return True


def _literal(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'"
