# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run of the kind wal does: see whether the server archives, and by the job, and how far behind it is.

PostgreSQL itself starts what archives (`archive`); this is what notices that it does not, or that it does in vain.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import sys
import typing as t

from ..conclusion import concluding
from ..faults import Fault
from ..faults import SourceFault
from ..faults import VerificationFault
from ..sources.server import Server
from ..streams import packing
from . import keeping

if t.TYPE_CHECKING:
    from ..conclusion import Conclusion
    from ..definition import Job

__all__ = ["Archiver", "check", "problems", "run", "wanting"]

_ARCHIVER = """
SELECT pg_catalog.json_build_object(
  'mode', pg_catalog.current_setting('archive_mode'),
  'command', pg_catalog.current_setting('archive_command'),
  'library', coalesce(pg_catalog.current_setting('archive_library', true), ''),
  'timeout', (SELECT s.setting::integer FROM pg_catalog.pg_settings AS s WHERE s.name = 'archive_timeout'),
  'standby', pg_catalog.pg_is_in_recovery(),
  'segment_size', (SELECT i.bytes_per_wal_segment FROM pg_catalog.pg_control_init() AS i),
  'waiting', w.files, 'oldest', w.seconds,
  'archived', coalesce(a.last_archived_wal, ''),
  'archived_unix', EXTRACT(epoch FROM a.last_archived_time)::double precision,
  'failing', CASE WHEN a.last_failed_time > coalesce(a.last_archived_time, '-infinity') THEN a.last_failed_wal
             ELSE '' END)
FROM pg_catalog.pg_stat_archiver AS a, (
  SELECT pg_catalog.count(*) AS files,
         coalesce(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.min(f.modification)), 0)::double precision
  FROM pg_catalog.pg_ls_archive_statusdir() AS f WHERE f.name LIKE '%.ready') AS w(files, seconds)
"""


_HARMLESS: t.Final = re.compile(r"""[A-Za-z0-9_./:+,%@'" -]*""")  # nothing by which a shell runs or redirects anything
_START_NOTHING: t.Final = ("", ":", "echo", "false", "printf", "test", "true")


@dataclasses.dataclass(frozen=True)
class Archiver:
    """What a server says of its archiving. ``segment_size`` in bytes, ``timeout`` and ``oldest`` in seconds.

    ``waiting`` files are not archived yet, the oldest of them since ``oldest``; ``failing`` is the one that was tried
    last and in vain.
    """

    mode: str
    command: str
    library: str
    timeout: int
    standby: bool
    segment_size: int
    waiting: int
    oldest: float
    archived: str
    archived_unix: float | None
    failing: str

    @property
    def works(self) -> bool:
        """Whether this server archives now: a standby does with ``always`` only."""
        return self.mode == "always" or (self.mode == "on" and not self.standby)


def wanting(archiver: Archiver, job: str, wanted: str) -> list[str]:
    """What is missing before a server archives by a job; ``wanted`` is its archive_command."""
    found = []
    if archiver.mode == "off":
        found.append("archive_mode is off, which takes a restart to change")
    if archiver.library:
        found.append(f"archive_library is {archiver.library!r}, so that archive_command is not used")
    elif archiver.mode == "off":
        found.append(f"archive_command has to be {wanted!r}")
    elif archiver.command != wanted and not _is_ours(archiver.command, job):
        found.append(f"archive_command is {archiver.command!r}, not {wanted!r}")
    return found


def _is_ours(command: str, job: str) -> bool:
    """Whether it is what archives by the job, or a program that starts it, and nothing that could hide its exit status."""
    if not _HARMLESS.fullmatch(command):
        return False
    try:
        *before, program, verb, definition, path = shlex.split(command)
    except ValueError:
        return False
    names = (os.path.basename(program), verb, os.path.basename(definition), path)
    starts = not before or os.path.basename(before[0]) not in _START_NOTHING
    return starts and names == ("rampart-backup", "archive", f"{job}.json", "%p")


def problems(archiver: Archiver, *, seconds: int, files: int) -> list[str]:
    """How far a server is behind, if it is by more than so many seconds or files, or fails."""
    if not archiver.works:
        return []
    found = []
    if archiver.waiting and archiver.failing:
        found.append(f"archiving {archiver.failing} failed, the log of the server says why")
    if archiver.waiting and archiver.oldest > seconds:
        found.append(f"the oldest file of WAL waits for {archiver.oldest:.0f} seconds, {seconds} may pass")
    if archiver.waiting > files:
        found.append(f"{archiver.waiting} files of WAL wait, {files} may be")
    return found


def _wanted(definition: str) -> str:
    return shlex.join([os.path.abspath(sys.argv[0]), "archive", os.path.abspath(definition)]) + " %p"


def _asked(job: Job) -> Archiver:
    return Archiver(**Server(job.cluster).ask(_ARCHIVER))


def check(job: Job, definition: str) -> dict[str, t.Any]:
    """What is missing before the server archives by this job; raises when it never could."""
    packing.refuse_missing(job.compression)
    archiver = _asked(job)
    notes = []
    if archiver.timeout == 0:
        notes.append("archive_timeout is 0: what is written waits until a segment is full, however long that takes")
    return {
        "archive_mode": archiver.mode,
        "archive_command": archiver.command,
        "missing": wanting(archiver, job.name, _wanted(definition)),
        "notes": notes,
    }


def run(job: Job, definition: str) -> int:
    """Watch; returns the exit status. Whatever is found is in the journal, the status and the metrics."""
    os.umask(0o077)
    with concluding(job.name, job.state, job.metrics, job.notify) as conclusion:
        with conclusion.judged():
            _watch(job, definition, conclusion)
        return conclusion.tell()


def _watch(job: Job, definition: str, conclusion: Conclusion) -> None:
    archiver = _asked(job)
    conclusion.values.update(
        waiting=archiver.waiting,
        oldest_seconds=round(archiver.oldest, 3),
        last_archived=archiver.archived,
        last_archived_unix=archiver.archived_unix,
        standby=archiver.standby,
    )
    conclusion.measures.update(
        wal_waiting_files=archiver.waiting,
        wal_oldest_waiting_seconds=archiver.oldest,
        wal_last_archived_timestamp_seconds=archiver.archived_unix,
    )
    behind = wanting(archiver, job.name, _wanted(definition))
    behind += problems(archiver, seconds=job.wal.behind_seconds, files=job.wal.behind_files)
    removed, missing = _keep(job, archiver.segment_size)
    conclusion.values.update(removed=removed, gaps=missing)
    _raise(behind, missing)


def _keep(job: Job, segment_size: int) -> tuple[int, list[str]]:
    """Let go what no backup needs, in directories of this host; returns how many files, and what is missing."""
    removed, missing = 0, []
    for kept in keeping.retain(job):
        removed += len(kept.superfluous)
        if os.path.basename(os.path.dirname(kept.archive.path)) == job.name:
            missing += [f"{kept.archive.path}: {each}" for each in kept.gaps(segment_size)]
    return removed, missing


def _raise(behind: t.Sequence[str], missing: t.Sequence[str]) -> None:
    fault: type[Fault] = SourceFault if behind else VerificationFault
    if behind or missing:
        raise fault("; ".join([*behind, *missing]))
