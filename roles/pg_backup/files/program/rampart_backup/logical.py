# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps: what belongs to no database, and each database by pg_dump, read whole again while it flows."""

from __future__ import annotations

import dataclasses
import re
import typing as t
import urllib.parse

from .faults import DefinitionFault
from .faults import SourceFault
from .faults import VerificationFault
from .line import Line
from .pump import ChildSink
from .server import Snapshot
from .server import conninfo

if t.TYPE_CHECKING:
    from .definition import Job
    from .pump import Carried
    from .pump import Sink
    from .sealing import Sealing
    from .server import About
    from .server import Server

__all__ = ["Dumped", "databases", "dump_database", "dump_globals", "refuse_impossible"]

_WARNING = re.compile(r"^[^\n]*\bwarning: [^\n]*", re.MULTILINE | re.IGNORECASE)
_ZSTD_AND_LZ4 = 160000  # pg_dump 16 release notes: --compress takes a method


@dataclasses.dataclass(frozen=True)
class Dumped:
    """One part as it went through. ``counts`` are rows by schema and table in the dump's own snapshot."""

    plain: Carried
    sealed: Carried
    counts: tuple[tuple[str, str, int], ...] | None = None


def refuse_impossible(job: Job, about: About) -> None:
    """What a job asks for and this version does not have."""
    method = job.compression.method
    if method in ("zstd", "lz4") and about.number < _ZSTD_AND_LZ4:
        raise DefinitionFault(
            f"compression.method: pg_dump of PostgreSQL {about.version} knows gzip only, {method} came with 16"
        )


def databases(job: Job, server: Server) -> list[str]:
    """The names of those to dump; none is an error."""
    found = server.databases()
    chosen = [name for name in found if job.logical.wants_database(name)]
    if not chosen:
        raise DefinitionFault(
            f"logical.databases: {list(job.logical.databases)!r} chooses none of the databases {', '.join(found)}"
        )
    return chosen


def part_name(database: str) -> str:
    """The name of a file for a database: its own, what a file system may not like as percent signs."""
    return f"database-{urllib.parse.quote(database, safe='')}.dump"


def dump_globals(server: Server, what: str, sealing: Sealing, sinks: t.Sequence[Sink]) -> Dumped:
    """``what`` is roles or tablespaces."""
    words = server.words("pg_dumpall", f"--{what}-only", "-l", "postgres")
    with Line() as line:
        source = line.child(
            words, what=f"pg_dumpall --{what}-only", fault=SourceFault, writes=True, variables=server.variables
        )
        plain, sealed = sealing.seal(line, source.stdout, (), sinks)
        line.finish()
        _refuse_warnings("pg_dumpall", source.said())
        return Dumped(plain.result(), sealed.result())


def dump_database(job: Job, server: Server, database: str, sealing: Sealing, sinks: t.Sequence[Sink]) -> Dumped:
    """Dump one, and count its rows, if that is asked, in the same snapshot."""
    with Snapshot(server, database) as snapshot, Line() as line:
        if job.logical.row_counts:
            snapshot.begin_counting()
        words = [*_words(job, server, database), "--snapshot", snapshot.name, "-d", conninfo(database)]
        source = line.child(
            words, what=f"pg_dump of {database}", fault=SourceFault, writes=True, variables=server.variables
        )
        reader = line.child(
            [server.program("pg_restore"), "-f", "/dev/null"],
            what=f"pg_restore, which reads the dump of {database} again,",
            fault=VerificationFault,
            reads=True,
        )
        plain, sealed = sealing.seal(line, source.stdout, [ChildSink(reader)], sinks)
        line.finish()
        _refuse_warnings(f"pg_dump of {database}", source.said())
        counts = tuple(snapshot.counts()) if job.logical.row_counts else None
        return Dumped(plain.result(), sealed.result(), counts)


def _words(job: Job, server: Server, database: str) -> list[str]:
    words = server.words("pg_dump", "-Fc", "--no-sync", *_compression(job))
    if job.logical.picks_schemas:
        schemas = [name for name in server.schemas(database) if job.logical.wants_schema(name)]
        if not schemas:
            raise DefinitionFault(f"logical.schemas chooses no schema of the database {database}")
        words += [f"--schema={_exactly(name)}" for name in schemas]
    return words


def _exactly(name: str) -> str:
    """A name as a pattern of pg_dump that means this name only."""
    quoted = name.replace('"', '""')
    return f'"{quoted}"'


def _compression(job: Job) -> list[str]:
    method, level = job.compression.method, job.compression.level
    if method == "none":
        return ["-Z", "0"]
    if method == "gzip":
        return [] if level < 0 else ["-Z", str(level)]
    return [f"--compress={method}" + ("" if level < 0 else f":{level}")]


def _refuse_warnings(what: str, said: str) -> None:
    """A dump that leaves something out says so in a warning, and ends with 0."""
    warnings = _WARNING.findall(said)
    if warnings:
        raise SourceFault(f"{what} warned: {' | '.join(warnings[:5])}")
