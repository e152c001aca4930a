# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Base backups: one stream of pg_basebackup, hashed against its own manifest while it flows."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import secrets
import tarfile
import typing as t

from .. import telling
from ..definition import Directory
from ..faults import DefinitionFault
from ..faults import SourceFault
from ..streams import packing
from ..streams.line import Line
from ..streams.manifest import Checker
from ..streams.process import Child
from ..streams.pump import ChildSink
from ..streams.unsealing import in_memory
from . import incremental
from . import marker
from .incremental import Link
from .incremental import Manifests
from .server import Session
from .source import Dumped
from .source import Instead
from .source import Wanted
from .source import refuse_warnings
from .staging import Staging
from .staging import is_within

if t.TYPE_CHECKING:
    from ..definition import Job
    from ..streams.pump import Pump
    from ..streams.pump import Sink
    from ..streams.sealing import Sealing
    from .server import About
    from .server import Server

__all__ = ["Physical"]

_TABLESPACES = """
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
  'oid', t.oid::text, 'name', t.spcname, 'location', pg_catalog.pg_tablespace_location(t.oid)) ORDER BY t.spcname), '[]')
FROM pg_catalog.pg_tablespace AS t WHERE t.spcname NOT IN ('pg_default', 'pg_global')
"""
_FILES = """
SELECT pg_catalog.json_build_object(
  'data_directory', pg_catalog.current_setting('data_directory'),
  'files', (SELECT pg_catalog.json_agg(s.setting) FROM pg_catalog.pg_settings AS s
            WHERE s.name IN ('config_file', 'hba_file', 'ident_file') AND s.setting <> ''),
  'max_wal_senders', pg_catalog.current_setting('max_wal_senders')::integer,
  'max_replication_slots', pg_catalog.current_setting('max_replication_slots')::integer,
  'wal_level', pg_catalog.current_setting('wal_level'),
  'wal_segment_size', (SELECT i.bytes_per_wal_segment FROM pg_catalog.pg_control_init() AS i))
"""
_INCLUDED = """
SELECT coalesce(pg_catalog.json_agg(DISTINCT f.sourcefile), '[]') FROM pg_catalog.pg_file_settings AS f
WHERE f.sourcefile IS NOT NULL
"""
_MANIFEST = "backup_manifest"
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
        self._staging = Staging(job.staging, job.name)
        self._tablespaces: list[dict[str, str]] = []
        self._manifests = Manifests(job, identifier) if job.physical.full_every else None
        self._upon: Link | None = None
        self._full_because = ""

    def refuse_impossible(self) -> None:
        """What one stream cannot hold, and a server that lets nobody read it so."""
        files = self._server.ask(_FILES)
        self._tablespaces = self._server.ask(_TABLESPACES)
        if self._tablespaces and not self._staging:
            names = ", ".join(each["name"] for each in self._tablespaces)
            raise DefinitionFault(
                f"kind: a physical job is one stream, which holds no tablespaces ({names}): name a directory in which"
                " the backup may lie in clear while the job runs (staging), dump this cluster with a logical job, or"
                " use pgBackRest"
            )
        for outside in (str(files["data_directory"]), *(each["location"] for each in self._tablespaces)):
            if self._tablespaces:
                self._staging.refuse_unusable(outside=outside)
            self._refuse_within(outside)
        for name in ("max_wal_senders", "max_replication_slots"):
            if files[name] < 1:
                raise DefinitionFault(f"kind: the server has {name} = 0, and a base backup takes one")
        packing.refuse_missing(self._job.compression)
        if files["wal_level"] == "minimal":
            raise DefinitionFault("kind: the server has wal_level = minimal, with which no base backup can be made")
        if self._manifests is not None:
            incremental.refuse_impossible(self._server, self._about)
        self._server.identify()

    def _refuse_within(self, directory: str) -> None:
        """A backup that is kept there would be part of the next one, and of the one after it twice."""
        for number, place in enumerate(self._job.places):
            if isinstance(place, Directory) and is_within(place.path, directory):
                raise DefinitionFault(f"places[{number}].path: {place.path} is in {directory}, which is backed up")

    def nothing_new(self) -> bool:
        """There is always a cluster."""
        return False

    def parts(self) -> t.Iterator[Wanted]:
        """What lies outside the data directory, and the data directory."""
        files = self._server.ask(_FILES)
        included = self._server.ask(_INCLUDED) if self._about.superuser else []
        outside = _outside(str(files["data_directory"]), files["files"], included)
        if outside:
            text = _archive(outside)
            yield Wanted("configuration.tar", lambda sealing, sinks: _seal(text, sealing, sinks))
        if self._manifests is not None:
            self._manifests.abandon()
            self._upon = self._chosen(self._manifests)
        if self._tablespaces:
            yield from self._staged()
            return
        if self._upon is not None:
            yield Wanted(f"base.tar{self._suffix}", self._increment)
        if self._upon is None:
            yield Wanted(f"base.tar{self._suffix}", self._base)

    def _chosen(self, manifests: Manifests) -> Link | None:
        """What is built upon; None for a full backup, and why it is one."""
        link = manifests.last()
        self._full_because = incremental.unfit(link, self._about, self._job)
        if link is not None and not self._full_because:
            self._full_because = incremental.absent(self._job, link)
        return None if self._full_because else link

    def _increment(self, sealing: Sealing, sinks: t.Sequence[Sink]) -> Dumped:
        """A server that lacks what it has to know of the WAL refuses before it sends anything."""
        try:
            return self._base(sealing, sinks)
        except SourceFault as fault:
            if self._checker.begun:
                raise
            self._upon, self._full_because = None, f"the server refused an incremental backup: {fault}"
            raise Instead(self._full_because) from None

    def _staged(self) -> t.Iterator[Wanted]:
        """The archives that pg_basebackup wrote in clear, and the manifest of all of them."""
        try:
            directory = self._written()
        except SourceFault as fault:
            if self._upon is None or self._staging.holds_something():
                raise
            self._upon, self._full_because = None, f"the server refused an incremental backup: {fault}"
            telling.log(self._full_because, level="warning", job=self._job.name)
            directory = self._written()
        self._prepare_checker()
        for name in sorted(name for name in os.listdir(directory) if name.endswith(".tar")):
            oid = name[: -len(".tar")]
            reader: Sink = self._checker if oid == "base" else self._checker.tablespace(oid)
            called = f"{name if oid == 'base' else f'tablespace-{name}'}{self._suffix}"
            yield Wanted(called, functools.partial(self._from_file, os.path.join(directory, name), reader))
        manifest = functools.partial(self._from_file, os.path.join(directory, _MANIFEST), self._checker.manifest())
        yield Wanted(f"{_MANIFEST}{self._suffix}", manifest)
        self._checker.verify()

    def _written(self) -> str:
        directory = self._staging.directory()
        with self._held() as session:
            words = self._server.words("pg_basebackup", "-D", directory, "--no-sync", *self._words())
            child = Child(words, what="pg_basebackup", fault=SourceFault, variables=self._server.variables)
            try:
                refuse_warnings("pg_basebackup", child.finish())
            finally:
                child.close()
            self._mark(session)
        return directory

    def _prepare_checker(self) -> None:
        self._checker.close()
        self._checker = Checker(self._manifests.begin() if self._manifests is not None else None)

    def facts(self) -> dict[str, t.Any]:
        """The WAL that the backup needs, from its own manifest."""
        ranges = self._checker.ranges
        return {
            "timeline": int(ranges[-1]["Timeline"]),
            "start_lsn": str(ranges[0]["Start-LSN"]),
            "stop_lsn": str(ranges[-1]["End-LSN"]),
            "wal_segment_size": int(self._server.ask(_FILES)["wal_segment_size"]),
            "files": self._checker.files,
            "stopped": self._stopped,
            "restore_point": self._restore_point,
            "restore_point_lsn": self._point_lsn,
            "marker": self._marker,
            **({} if self._manifests is None else self._chain()),
            **({"staging": True, "tablespaces": self._tablespaces} if self._staging.used else {}),
        }

    def _chain(self) -> dict[str, t.Any]:
        chain = self._upon.chain if self._upon is not None else ()
        return {
            "incremental_of": chain[-1] if chain else "",
            "chain": list(chain),  # all that it needs, the full one first
            "full_because": self._full_because,
        }

    def stored(self) -> None:
        """The next one may be built upon this one."""
        if self._manifests is None:
            return
        self._manifests.keep(
            Link(
                id=self._identifier,
                chain=(*(self._upon.chain if self._upon is not None else ()), self._identifier),
                system_identifier=self._about.system_identifier,
                timeline=int(self._checker.ranges[-1]["Timeline"]),
                checksums=self._about.checksums,
                keys=self._job.encryption.recipients,
            )
        )

    def plan(self) -> dict[str, t.Any]:
        """The data directory."""
        return {"data_directory": self._server.ask(_FILES)["data_directory"]}

    def close(self) -> None:
        """Of what was staged, and of a manifest of what did not become a backup."""
        self._staging.close()
        self._checker.close()
        if self._manifests is not None:
            self._manifests.abandon()

    @property
    def _suffix(self) -> str:
        return packing.PACKED[self._job.compression.method]

    def _words(self) -> list[str]:
        words = ["-Ft", "-X", "fetch", "--manifest-checksums=SHA256", f"--checkpoint={self._job.physical.checkpoint}"]
        if self._manifests is not None and self._upon is not None:
            words.append(f"--incremental={self._manifests.path(self._upon.id)}")
        return words

    @contextlib.contextmanager
    def _held(self) -> t.Iterator[Session]:
        """A session whose slot holds the WAL until it is fetched; it goes with the session, whatever that ends by."""
        if self._job.physical.marker:
            self._marker = marker.begin(self._server, self._about, job=self._job.name, backup=self._identifier)
        with Session(self._server) as session:
            session.ask(
                f"SELECT 1 FROM pg_create_physical_replication_slot('rampart_backup_{secrets.token_hex(4)}', true, true)"
            )
            yield session

    def _base(self, sealing: Sealing, sinks: t.Sequence[Sink]) -> Dumped:
        self._prepare_checker()
        with self._held() as session, Line() as line:
            source = line.child(
                self._server.words("pg_basebackup", "-D", "-", *self._words()),
                what="pg_basebackup",
                fault=SourceFault,
                writes=True,
                variables=self._server.variables,
            )
            plain, sealed = self._packed(line, source.stdout, self._checker, sealing, sinks)
            line.finish()
            refuse_warnings("pg_basebackup", source.said())
            self._checker.verify()
            self._mark(session)
            return Dumped(plain.result(), sealed.result())

    def _from_file(self, path: str, reader: Sink, sealing: Sealing, sinks: t.Sequence[Sink]) -> Dumped:
        with open(path, "rb", buffering=0) as source, Line() as line:
            plain, sealed = self._packed(line, source, reader, sealing, sinks)
            line.finish()
            os.unlink(path)
            return Dumped(plain.result(), sealed.result())

    def _packed(
        self, line: Line, source: t.IO[bytes], reader: Sink, sealing: Sealing, sinks: t.Sequence[Sink]
    ) -> tuple[Pump, Pump]:
        """What is read flows to ``reader`` as it is, and to ``sinks`` packed and encrypted."""
        words = packing.pack(self._job.compression)
        if not words:
            return sealing.seal(line, source, [reader], sinks)
        packer = line.child(words, what=self._job.compression.method, fault=SourceFault, reads=True, writes=True)
        line.pump(source, [reader, ChildSink(packer)], hashed=False)
        return sealing.seal(line, packer.stdout, (), sinks)

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


def _outside(data_directory: str, files: t.Sequence[str], included: t.Sequence[str]) -> list[str]:
    """Configuration that a base backup does not hold, as Debian keeps it: files, what lies beside them, and what they include."""
    inside = os.path.realpath(data_directory) + os.sep
    directories = sorted({os.path.dirname(each) for each in files if not os.path.realpath(each).startswith(inside)})
    found = [*files, *included]
    for directory in directories:
        for root, _names, names in os.walk(directory):
            # Keys and passwords are kept elsewhere, or made anew.
            paths = [os.path.join(root, name) for name in names if name.endswith((".conf", ".conf.sample"))]
            found += [each for each in paths if os.path.exists(each) or not os.path.islink(each)]
    return sorted({each for each in found if not os.path.realpath(each).startswith(inside)})


def _archive(paths: t.Sequence[str]) -> bytes:
    """Links are what they lead to: who restores has nothing but this."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", dereference=True) as archive:
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
