# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base backups: one stream of pg_basebackup, hashed against its own manifest while it flows."""

from __future__ import annotations

import io
import os
import secrets
import tarfile
import typing as t

from . import marker
from . import packing
from .faults import DefinitionFault
from .faults import SourceFault
from .line import Line
from .manifest import Checker
from .pump import ChildSink
from .server import Session
from .source import Dumped
from .source import Wanted
from .source import refuse_warnings
from .unsealing import in_memory

if t.TYPE_CHECKING:
    from .definition import Job
    from .pump import Sink
    from .sealing import Sealing
    from .server import About
    from .server import Server

__all__ = ["Physical"]

_TABLESPACES = """
SELECT coalesce(pg_catalog.json_agg(t.spcname ORDER BY t.spcname), '[]')
FROM pg_catalog.pg_tablespace AS t WHERE t.spcname NOT IN ('pg_default', 'pg_global')
"""
_FILES = """
SELECT pg_catalog.json_build_object(
  'data_directory', pg_catalog.current_setting('data_directory'),
  'files', (SELECT pg_catalog.json_agg(s.setting) FROM pg_catalog.pg_settings AS s
            WHERE s.name IN ('config_file', 'hba_file', 'ident_file') AND s.setting <> ''),
  'max_wal_senders', pg_catalog.current_setting('max_wal_senders')::integer,
  'max_replication_slots', pg_catalog.current_setting('max_replication_slots')::integer,
  'wal_level', pg_catalog.current_setting('wal_level'))
"""
_MOMENT = """
SELECT pg_catalog.to_char(pg_catalog.clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
"""


class Physical:
    """The source of a physical job."""

    def __init__(self, job: Job, server: Server, about: About, identifier: str = "") -> None:
        self._job = job
        self._server = server
        self._about = about
        self._identifier = identifier
        self._checker = Checker()
        self._restore_point = ""
        self._point_lsn = ""
        self._stopped = ""
        self._marker = 0

    def refuse_impossible(self) -> None:
        """What one stream cannot hold, and a server that lets nobody read it so."""
        tablespaces = self._server.ask(_TABLESPACES)
        if tablespaces:
            raise DefinitionFault(
                f"kind: a physical job is one stream, which holds no tablespaces ({', '.join(tablespaces)}): dump this"
                " cluster with a logical job, or use pgBackRest"
            )
        files = self._server.ask(_FILES)
        for name in ("max_wal_senders", "max_replication_slots"):
            if files[name] < 1:
                raise DefinitionFault(f"kind: the server has {name} = 0, and a base backup takes one")
        packing.refuse_missing(self._job.compression)
        if files["wal_level"] == "minimal":
            raise DefinitionFault("kind: the server has wal_level = minimal, with which no base backup can be made")
        self._server.identify()

    def parts(self) -> t.Iterator[Wanted]:
        """What lies outside the data directory, and the data directory."""
        files = self._server.ask(_FILES)
        outside = _outside(str(files["data_directory"]), files["files"])
        if outside:
            text = _archive(outside)
            yield Wanted("configuration.tar", lambda sealing, sinks: _seal(text, sealing, sinks))
        yield Wanted(
            "base.tar" + packing.PACKED[self._job.compression.method],
            self._base,
        )

    def facts(self) -> dict[str, t.Any]:
        """The WAL that the backup needs, from its own manifest."""
        ranges = self._checker.ranges
        return {
            "timeline": int(ranges[-1]["Timeline"]),
            "start_lsn": str(ranges[0]["Start-LSN"]),
            "stop_lsn": str(ranges[-1]["End-LSN"]),
            "files": self._checker.files,
            "stopped": self._stopped,
            "restore_point": self._restore_point,
            "restore_point_lsn": self._point_lsn,
            "marker": self._marker,
        }

    def plan(self) -> dict[str, t.Any]:
        """The data directory."""
        return {"data_directory": self._server.ask(_FILES)["data_directory"]}

    def _base(self, sealing: Sealing, sinks: t.Sequence[Sink]) -> Dumped:
        packer_words = packing.pack(self._job.compression)
        words = (
            "-D",
            "-",
            "-Ft",
            "-X",
            "fetch",
            "--manifest-checksums=SHA256",
            f"--checkpoint={self._job.physical.checkpoint}",
        )
        if self._job.physical.marker:
            self._marker = marker.begin(self._server, self._about, job=self._job.name, backup=self._identifier)
        with Session(self._server) as session, Line() as line:
            # The slot holds the WAL until it is fetched, and goes with its session, whatever that ends by.
            session.ask(
                f"SELECT 1 FROM pg_create_physical_replication_slot('rampart_backup_{secrets.token_hex(4)}', true, true)"
            )
            source = line.child(
                self._server.words("pg_basebackup", *words),
                what="pg_basebackup",
                fault=SourceFault,
                writes=True,
                variables=self._server.variables,
            )
            if not packer_words:
                plain, sealed = sealing.seal(line, source.stdout, [self._checker], sinks)
            else:
                packer = line.child(packer_words, what=packer_words[0], fault=SourceFault, reads=True, writes=True)
                line.pump(source.stdout, [self._checker, ChildSink(packer)])
                plain, sealed = sealing.seal(line, packer.stdout, (), sinks)
            line.finish()
            refuse_warnings("pg_basebackup", source.said())
            self._checker.verify()
            self._mark(session)
            return Dumped(plain.result(), sealed.result())

    def _mark(self, session: Session) -> None:
        """When it ended by the server's own clock, and a name in the WAL to recover to, where the server can write one."""
        self._stopped = session.ask(_MOMENT)
        wanted = self._job.physical.restore_point and not self._about.standby
        name = f"rampart-{self._job.name}-{secrets.token_hex(4)}"[:63] if wanted else ""
        if self._marker:
            names = {"job": self._job.name, "backup": self._identifier}
            marker.end(self._server, self._marker, **names, restore_point=name)
        if wanted:
            self._point_lsn = session.ask(f"SELECT pg_create_restore_point('{name}')")
            self._restore_point = name


def _outside(data_directory: str, files: t.Sequence[str]) -> list[str]:
    """Configuration that a base backup does not hold, as Debian keeps it: these files and what lies beside them."""
    inside = os.path.realpath(data_directory) + os.sep
    directories = sorted({os.path.dirname(each) for each in files if not os.path.realpath(each).startswith(inside)})
    found = []
    for directory in directories:
        for root, _names, names in os.walk(directory):
            # Keys and passwords are kept elsewhere, or made anew.
            found += [os.path.join(root, name) for name in sorted(names) if name.endswith((".conf", ".conf.sample"))]
    return sorted({*found, *(each for each in files if not os.path.realpath(each).startswith(inside))})


def _archive(paths: t.Sequence[str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path in paths:
            try:
                archive.add(path, recursive=False)
            except OSError as error:
                raise SourceFault(f"{path} is part of the configuration and cannot be read: {error.strerror}") from None
    return stream.getvalue()


def _seal(text: bytes, sealing: Sealing, sinks: t.Sequence[Sink]) -> Dumped:
    with in_memory(text) as source, Line() as line:
        plain, sealed = sealing.seal(line, source, (), sinks)
        line.finish()
        return Dumped(plain.result(), sealed.result())
