# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a logical backup to a running cluster: roles, tablespaces, databases, in this order."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import typing as t

from ..faults import RestoreFault
from ..faults import VerificationFault
from ..sources.server import Snapshot
from ..sources.server import conninfo
from ..streams.line import Line
from ..streams.process import Child
from ..streams.pump import ChildSink
from ..streams.unsealing import in_memory

if t.TYPE_CHECKING:
    from ..places.catalogue import Part
    from ..places.catalogue import Record
    from ..places.shelves import Shelf
    from ..streams.unsealing import Unsealing
    from .scratch import Scratch

__all__ = ["Restoring"]

_MEANWHILE = "rampart_restore"  # a database to be connected to while the others are made
_LOCATION = re.compile(r"^(CREATE TABLESPACE .* LOCATION )'(?:[^']|'')*';$", re.MULTILINE)
_STAGED = re.compile(r"\.tar(?:\.(?:age|gpg))?$")  # a dump of several files
_RESTRICT = re.compile(r"^\\(?:un)?restrict [0-9A-Za-z]+$", re.MULTILINE)  # pg_dumpall's own; older ones do not know it
_BARE = re.compile(r"[a-z_][a-z0-9_]*")


class Restoring:
    """One backup into one cluster that is running and empty."""

    def __init__(self, shelf: Shelf, record: Record, unsealing: Unsealing, scratch: Scratch) -> None:
        self._shelf = shelf
        self._record = record
        self._unsealing = unsealing
        self._scratch = scratch
        self._parts = {part.name.split(".")[0]: part for part in record.parts if part.database is None}

    def restore(self) -> None:
        """All of it; raises ``RestoreFault`` or what else went wrong."""
        self._psql(self._without_bootstrap(self._text("roles")), "the roles")
        self._psql(self._with_own_places(self._text("tablespaces")), "the tablespaces")
        self._psql(f"CREATE DATABASE {_MEANWHILE} TEMPLATE template0;", "a database", database="template1")
        for part in self._databases():
            self._database(part)
        self._psql(f"DROP DATABASE {_MEANWHILE};", "a database", database="template1")

    def compare_counts(self) -> int:
        """Compare the rows of each table with those at the time of the dump; returns how many tables were compared."""
        if "row-counts" not in self._parts:
            return 0
        expected = json.loads(self._unsealing.collect(self._shelf, self._record, self._parts["row-counts"]))
        compared = 0
        for database, tables in expected.items():
            with Snapshot(self._scratch.server, database) as snapshot:
                snapshot.begin_counting()
                found = {(schema, table): count for schema, table, count in snapshot.counts()}
            for schema, table, count in tables:
                if found.get((schema, table)) != count:
                    shown = found.get((schema, table), "no table")
                    raise RestoreFault(f"{database}: {schema}.{table} had {count} rows, and was restored with {shown}")
                compared += 1
        return compared

    def _databases(self) -> list[Part]:
        return [part for part in self._record.parts if part.database is not None]

    def _text(self, name: str) -> str:
        if name not in self._parts:
            raise VerificationFault(f"the backup {self._record.id} has no {name}")
        return self._unsealing.collect(self._shelf, self._record, self._parts[name]).decode()

    def _without_bootstrap(self, roles: str) -> str:
        """The cluster was made with that role."""
        name = self._scratch.cluster.user
        quoted = name.replace('"', '""')
        made = {f'CREATE ROLE "{quoted}";'} | ({f"CREATE ROLE {name};"} if _BARE.fullmatch(name) else set())
        return "\n".join(line for line in roles.split("\n") if line not in made)

    def _with_own_places(self, tablespaces: str) -> str:
        """Beside the data directory, as this is not the host that they were on."""
        numbers: list[int] = []

        def place(match: re.Match[str]) -> str:
            numbers.append(len(numbers))
            path = os.path.join(self._scratch.tablespaces, str(len(numbers)))
            os.makedirs(path, mode=0o700)
            quoted = path.replace("'", "''")
            return f"{match.group(1)}'{quoted}';"

        return _LOCATION.sub(place, tablespaces)

    def _psql(self, sql: str, what: str, *, database: str = "postgres") -> None:
        words = self._scratch.server.words(
            "psql", "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-d", conninfo(database)
        )
        with in_memory(self._restricted(sql).encode()) as source, Line() as line:
            child = line.child(
                self._scratch.confined(words),
                what=f"restoring {what} with psql",
                fault=RestoreFault,
                reads=True,
                variables=self._scratch.server.restoring,
            )
            line.pump(source, [ChildSink(child)])
            line.finish()

    def _restricted(self, sql: str) -> str:
        """What the server is to read, and psql is not to obey: whoever wrote it may have put commands of psql into it."""
        sql = _RESTRICT.sub("", sql)
        if self._scratch.restricts():
            return f"\\restrict {secrets.token_hex(16)}\n{sql}"
        if self._scratch.open_to_all and "\\" in sql:
            raise RestoreFault(
                "a backslash is in what psql has to run: this version of psql might take it for a command, so restore"
                " this without a network, or with a later minor version"
            )
        return sql

    def _database(self, part: Part) -> None:
        words = ("--create", "--clean", "--if-exists", "--exit-on-error", "-d", conninfo(_MEANWHILE))
        if _STAGED.search(part.name):
            self._staged(part, words)
            return

        def program(line: Line) -> ChildSink:
            return ChildSink(
                line.child(
                    self._scratch.confined(self._scratch.server.words("pg_restore", *words)),
                    what=f"restoring {part.database} with pg_restore",
                    fault=RestoreFault,
                    reads=True,
                    variables=self._scratch.server.restoring,
                )
            )

        self._unsealing.pour(self._shelf, self._record, part, program)

    def _staged(self, part: Part, words: t.Sequence[str]) -> None:
        """One that several connections dumped is restored by as many, from files beside the data directory."""
        directory = f"{self._scratch.directory}-dump"
        os.makedirs(directory, mode=0o700)
        try:
            words_of_tar = ["tar", "--extract", "--no-same-owner", "--directory", directory, "--file", "-"]
            unpack = self._scratch.confined(words_of_tar, writable=[directory])

            def into(line: Line) -> ChildSink:
                return ChildSink(line.child(unpack, what="tar", fault=RestoreFault, reads=True))

            self._unsealing.pour(self._shelf, self._record, part, into)
            jobs = f"--jobs={int(self._record.entry['parallel'])}"
            child = Child(
                self._scratch.confined(
                    self._scratch.server.words("pg_restore", *words, jobs, directory), readable=[directory]
                ),
                what=f"restoring {part.database} with pg_restore",
                fault=RestoreFault,
                variables=self._scratch.server.restoring,
            )
            try:
                child.finish()
            finally:
                child.close()
        finally:
            shutil.rmtree(directory, ignore_errors=True)
