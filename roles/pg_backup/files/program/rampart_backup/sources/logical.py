# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps: what belongs to no database, and each database by pg_dump, read whole again while it flows."""

from __future__ import annotations

import functools
import json
import os
import typing as t
import urllib.parse

from ..faults import DefinitionFault
from ..faults import SourceFault
from ..faults import VerificationFault
from ..streams.line import Line
from ..streams.process import Child
from ..streams.pump import ChildSink
from ..streams.unsealing import in_memory
from .server import Snapshot
from .server import conninfo
from .source import Dumped
from .source import Wanted
from .source import refuse_warnings
from .staging import Staging

if t.TYPE_CHECKING:
    from ..definition import Job
    from ..faults import Fault
    from ..streams.pump import Sink
    from ..streams.sealing import Sealing
    from .server import About
    from .server import Server

__all__ = ["Logical"]

_COUNTS = "row-counts.json"
_ZSTD_AND_LZ4 = 160000  # pg_dump 16 release notes: --compress takes a method


# What a role that is no superuser leaves out of a dump without an error, or cannot read, by database and schema (tried on 13
# to 18). Members of extensions are not dumped, but for rows of their tables of configuration.
_UNSEEN = """
WITH dumped AS (
  SELECT c.oid, c.relkind, n.oid AS namespace, n.nspname, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND (NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                     AND d.objid = c.oid AND d.deptype = 'e')
         OR EXISTS (SELECT FROM pg_catalog.pg_extension AS e WHERE c.oid = ANY (e.extconfig))))
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(u.schema, u.what) ORDER BY u.what), '[]') FROM (
  SELECT NULL AS schema, 'subscription ' || s.subname AS what FROM pg_catalog.pg_subscription AS s
  JOIN pg_catalog.pg_database AS d ON d.oid = s.subdbid WHERE d.datname = pg_catalog.current_database()
  UNION ALL SELECT NULL, pg_catalog.format('options of the user mapping of %s on %s', m.usename, m.srvname)
  FROM pg_catalog.pg_user_mappings AS m JOIN pg_catalog.pg_foreign_server AS f ON f.oid = m.srvid
  WHERE m.umoptions IS NULL AND NOT pg_catalog.pg_has_role(f.srvowner, 'USAGE')
    AND NOT (m.usename = current_user AND pg_catalog.has_server_privilege(f.oid, 'USAGE'))
  UNION ALL SELECT NULL, pg_catalog.format('SELECT on %s large objects', pg_catalog.count(*))
  FROM pg_catalog.pg_largeobject_metadata AS l
  WHERE NOT pg_catalog.pg_has_role(l.lomowner, 'USAGE') AND NOT EXISTS (
    SELECT FROM pg_catalog.aclexplode(l.lomacl) AS a WHERE a.privilege_type = 'SELECT'
    AND (a.grantee = 0 OR pg_catalog.pg_has_role(a.grantee, 'USAGE')))
  HAVING pg_catalog.count(*) > 0
  UNION ALL SELECT o.nspname, 'row security of ' || o.name FROM dumped AS o WHERE pg_catalog.row_security_active(o.oid)
  UNION ALL SELECT o.nspname, 'SELECT on ' || o.name FROM dumped AS o
  WHERE CASE o.relkind WHEN 'S' THEN NOT pg_catalog.has_sequence_privilege(o.oid, 'SELECT')
        ELSE NOT pg_catalog.has_table_privilege(o.oid, 'SELECT') END
  UNION ALL SELECT DISTINCT o.nspname, 'USAGE on the schema ' || o.nspname FROM dumped AS o
  WHERE NOT pg_catalog.has_schema_privilege(o.namespace, 'USAGE')) AS u
"""
_SHOWN = 10  # of these in a message


class Logical:
    """The source of a logical job."""

    def __init__(self, job: Job, server: Server, about: About) -> None:
        self._job = job
        self._server = server
        self._about = about
        self._counts: dict[str, list[tuple[str, str, int]]] = {}
        self._staging = Staging(job.staging, job.name)

    @property
    def _parallel(self) -> int:
        return self._job.logical.parallel

    def refuse_impossible(self) -> None:
        """What a job asks for and this version does not have, or databases that are none."""
        method = self._job.compression.method
        if method in ("zstd", "lz4") and self._about.number < _ZSTD_AND_LZ4:
            raise DefinitionFault(
                f"compression.method: pg_dump of PostgreSQL {self._about.version} knows gzip only, {method} came with 16"
            )
        if self._parallel > 1:
            self._staging.refuse_unusable()
        databases = self._databases()
        if not self._about.superuser:
            self._refuse_unseen(databases)

    def _refuse_unseen(self, databases: t.Sequence[str]) -> None:
        unseen = [f"{name}: {what}" for name in databases for what in self._unseen(name)]
        if unseen:
            more = f" and {len(unseen) - _SHOWN} more" if len(unseen) > _SHOWN else ""
            raise DefinitionFault(
                "cluster.user: a role that is no superuser leaves out of its dumps, or cannot read:"
                f" {'; '.join(unseen[:_SHOWN])}{more}. Dump as the superuser, or leave these databases out"
            )

    def _unseen(self, database: str) -> t.Iterator[str]:
        """What belongs to no schema is not dumped where schemas are picked."""
        logical = self._job.logical
        for schema, what in self._server.ask(_UNSEEN, database=database):
            if not logical.picks_schemas or (schema is not None and logical.wants_schema(schema)):
                yield what

    def _databases(self) -> list[str]:
        found = self._server.databases()
        chosen = [name for name in found if self._job.logical.wants_database(name)]
        if not chosen:
            raise DefinitionFault(
                f"logical.databases: {list(self._job.logical.databases)!r} chooses none of the databases {', '.join(found)}"
            )
        return chosen

    def _closed(self) -> list[str]:
        return [name for name in self._server.closed_databases() if self._job.logical.wants_database(name)]

    def nothing_new(self) -> bool:
        """There is always a cluster."""
        return False

    def parts(self) -> t.Iterator[Wanted]:
        """Roles and tablespaces, the databases, and how many rows they have."""
        for what in ("roles", "tablespaces"):
            yield Wanted(f"{what}.sql", functools.partial(self._globals, what))
        for name in self._databases():
            if self._parallel > 1:
                yield Wanted(f"{_file(name)}.tar", functools.partial(self._staged, name), database=name)
            else:
                yield Wanted(f"{_file(name)}.dump", functools.partial(self._database, name), database=name)
        for name in self._closed():
            yield Wanted(f"{_file(name)}.dump", functools.partial(_refuse_closed, name), database=name)
        if self._counts:
            yield Wanted(_COUNTS, self._counted)

    def facts(self) -> dict[str, t.Any]:
        """Where the server was when it began and when it ended."""
        return {
            "start_lsn": self._about.lsn,
            "stop_lsn": self._server.about().lsn,
            "timeline": self._about.timeline,
            "role_passwords": self._about.superuser,
            **({"staging": True, "parallel": self._parallel} if self._staging.used else {}),
        }

    def plan(self) -> dict[str, t.Any]:
        """The databases, and those that nobody can dump."""
        closed = self._closed()
        return {"databases": self._databases(), **({"closed": closed} if closed else {})}

    def stored(self) -> None:
        """The next dump does not ask for this one."""

    def close(self) -> None:
        """Of what was staged."""
        self._staging.close()

    def _globals(self, what: str, sealing: Sealing, sinks: t.Sequence[Sink]) -> Dumped:
        # Verifiers are for superusers; roles are restored without, and the catalogue says so.
        limited = [] if self._about.superuser else ["--no-role-passwords"]
        words = self._server.words("pg_dumpall", f"--{what}-only", *limited, "-l", "postgres")
        name = f"pg_dumpall --{what}-only"
        with Line() as line:
            source = line.child(words, what=name, fault=SourceFault, writes=True, variables=self._server.variables)
            plain, sealed = sealing.seal(line, source.stdout, (), sinks)
            line.finish()
            refuse_warnings(name, source.said())
            return Dumped(plain.result(), sealed.result())

    def _database(self, name: str, sealing: Sealing, sinks: t.Sequence[Sink]) -> Dumped:
        """Dump one, and count its rows, if that is asked, in the same snapshot."""
        with Snapshot(self._server, name) as snapshot, Line() as line:
            if self._job.logical.row_counts:
                snapshot.begin_counting()
            words = [*self._words(name, "-Fc"), "--snapshot", snapshot.name, "-d", conninfo(name)]
            source = line.child(
                words, what=f"pg_dump of {name}", fault=SourceFault, writes=True, variables=self._server.variables
            )
            reader = line.child(
                [self._server.program("pg_restore"), "-f", "/dev/null"],
                what=f"pg_restore, which reads the dump of {name} again,",
                fault=VerificationFault,
                reads=True,
            )
            plain, sealed = sealing.seal(line, source.stdout, [ChildSink(reader)], sinks)
            line.finish()
            refuse_warnings(f"pg_dump of {name}", source.said())
            if self._job.logical.row_counts:
                self._counts[name] = snapshot.counts()
            return Dumped(plain.result(), sealed.result())

    def _staged(self, name: str, sealing: Sealing, sinks: t.Sequence[Sink]) -> Dumped:
        """The same by several connections, which write files; these are read again, and flow as one archive."""
        directory = self._staging.directory()
        try:
            with Snapshot(self._server, name) as snapshot:
                if self._job.logical.row_counts:
                    snapshot.begin_counting()
                words = [*self._words(name, "-Fd", f"--jobs={self._parallel}"), "--snapshot", snapshot.name]
                said = self._child(
                    [*words, "-f", f"{directory}/dump", "-d", conninfo(name)], f"pg_dump of {name}", SourceFault
                )
                refuse_warnings(f"pg_dump of {name}", said)
                counts = snapshot.counts() if self._job.logical.row_counts else None
            reader = f"pg_restore, which reads the dump of {name} again,"
            self._child(
                [self._server.program("pg_restore"), "-f", "/dev/null", f"{directory}/dump"], reader, VerificationFault
            )
            with Line() as line:
                words = ["tar", "--create", "--file", "-", "--directory", f"{directory}/dump", "."]
                packer = line.child(words, what="tar", fault=SourceFault, writes=True)
                plain, sealed = sealing.seal(line, packer.stdout, (), sinks)
                line.finish()
            if counts is not None:
                self._counts[name] = counts
            return Dumped(plain.result(), sealed.result())
        finally:
            self._staging.close()  # before the next one takes room

    def _child(self, words: t.Sequence[str], what: str, fault: type[Fault]) -> str:
        """Run one program to its end; returns what it said."""
        child = Child(words, what=what, fault=fault, variables=self._server.variables)
        try:
            return child.finish()
        finally:
            child.close()

    def _counted(self, sealing: Sealing, sinks: t.Sequence[Sink]) -> Dumped:
        text = json.dumps(self._counts, sort_keys=True, ensure_ascii=True).encode()
        with in_memory(text) as source, Line() as line:
            plain, sealed = sealing.seal(line, source, (), sinks)
            line.finish()
            return Dumped(plain.result(), sealed.result())

    def _words(self, database: str, *form: str) -> list[str]:
        words = self._server.words("pg_dump", *form, "--no-sync", *self._compression())
        if self._job.logical.picks_schemas:
            found = self._server.schemas(database)
            schemas = [word for name, word in found.items() if self._job.logical.wants_schema(name)]
            if not schemas:
                raise SourceFault(f"logical.schemas chooses no schema of the database {database}")
            words += ["--strict-names", *(f"--schema={_exactly(name)}" for name in schemas)]
        return words

    def _compression(self) -> list[str]:
        method, level = self._job.compression.method, self._job.compression.level
        if method == "none":
            return ["-Z", "0"]
        if method == "gzip":
            return [] if level < 0 else ["-Z", str(level)]
        return [f"--compress={method}" + ("" if level < 0 else f":{level}")]


def _file(database: str) -> str:
    """What a file system may not like becomes percent signs."""
    return f"database-{urllib.parse.quote(os.fsencode(database), safe='')}"


def _refuse_closed(name: str, _sealing: Sealing, _sinks: t.Sequence[Sink]) -> Dumped:
    raise SourceFault(
        f"the database {name} lets nobody connect (ALTER DATABASE ... ALLOW_CONNECTIONS false), so that nothing can dump it:"
        " allow connections, or leave it out (logical.exclude_databases)"
    )


def _exactly(name: str) -> str:
    """A name as a pattern of pg_dump that means this name only."""
    quoted = name.replace('"', '""')
    return f'"{quoted}"'
