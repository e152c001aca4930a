# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logs of the server: each file once, when the server has closed it, all new ones as one archive."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import re
import stat
import tarfile
import threading
import typing as t

from .. import telling
from ..faults import DefinitionFault
from ..faults import SourceFault
from ..streams import packing
from ..streams.line import Line
from ..streams.pump import ChildSink
from ..streams.pump import carried
from .source import Dumped
from .source import Wanted

if t.TYPE_CHECKING:
    from ..definition import Job
    from ..streams.pump import Sink
    from ..streams.sealing import Sealing
    from .server import About
    from .server import Server

__all__ = ["Logs", "pattern", "stem"]

# pg_current_logfile knows only the formats that its version has, which are those that log_destination may name.
_SETTINGS = """
SELECT pg_catalog.json_build_object(
  'collector', pg_catalog.current_setting('logging_collector') = 'on',
  'directory', pg_catalog.current_setting('log_directory'),
  'data_directory', pg_catalog.current_setting('data_directory'),
  'name', pg_catalog.current_setting('log_filename'),
  'current', (SELECT coalesce(pg_catalog.json_agg(f.name) FILTER (WHERE f.name IS NOT NULL), '[]') FROM (
    SELECT pg_catalog.pg_current_logfile(d.kind) AS name FROM (
      SELECT pg_catalog.lower(pg_catalog.btrim(w.word)) AS kind
      FROM pg_catalog.unnest(pg_catalog.string_to_array(pg_catalog.current_setting('log_destination'), ',')) AS w(word)
    ) AS d WHERE d.kind IN ('stderr', 'csvlog', 'jsonlog')) AS f))
"""
_SUFFIXES = (".log", ".csv", ".json")  # of the files of one moment: the server changes .log for the others
_CONVERSION = re.compile("(?:%.)+")


@dataclasses.dataclass(frozen=True)
class _Found:
    """A file. ``modified`` in nanoseconds."""

    name: str
    size: int
    modified: int
    sha256: str = ""


def pattern(log_filename: str) -> re.Pattern[str]:
    """Of the names that a server gives to its logs by that setting."""
    base = log_filename[: -len(".log")] if log_filename.endswith(".log") else log_filename
    words = [re.escape(each) for each in _CONVERSION.split(base)]
    return re.compile(".+".join(words) + r"(?:\.log|\.csv|\.json)" + ("" if base != log_filename else "?"))


def stem(name: str) -> str:
    """What the files of all formats of one moment have in common; the one of stderr is open whatever is written."""
    return next((name[: -len(each)] for each in _SUFFIXES if name.endswith(each)), name)


class Logs:
    """The source of a job that keeps logs."""

    def __init__(self, job: Job, server: Server, about: About) -> None:
        self._job = job
        self._server = server
        self._timeline = about.timeline
        self._state = os.path.join(job.state, "logs", f"{job.name}.json")
        self._directory = ""
        self._same: dict[str, _Found] = {}  # files that were kept before
        self._new: list[_Found] = []
        self._kept: list[_Found] = []
        self._left_out: dict[str, str] = {}

    def refuse_impossible(self) -> None:
        """A server that writes no logs of its own, a directory that cannot be read, a program that is not here."""
        settings = self._server.ask(_SETTINGS)
        if not settings["collector"]:
            raise DefinitionFault(
                "kind: the server has logging_collector = off, so that it closes no files of logs that could be kept"
            )
        packing.refuse_missing(self._job.compression)
        self._directory = os.path.join(str(settings["data_directory"]), str(settings["directory"]))
        try:
            self._find(pattern(str(settings["name"])), [os.path.basename(each) for each in settings["current"]])
        except OSError as error:
            raise DefinitionFault(f"kind: log_directory {self._directory}: {error.strerror}") from None

    def _find(self, names: re.Pattern[str], current: t.Sequence[str]) -> None:
        known = telling.read_json(self._state)
        with self._opened() as directory:
            found = self._closed(directory, names, current)
            for each in found:
                sha256, size, modified = known.get(each.name) or ("", -1, 0)
                touched = each.size == size and each.modified != modified
                if touched and self._hashed(directory, each.name) != sha256:
                    size = -1  # another content of the same length
                if each.size == size:
                    self._same[each.name] = dataclasses.replace(each, sha256=str(sha256))
                elif each.name not in self._left_out:
                    self._new.append(each)

    @contextlib.contextmanager
    def _opened(self) -> t.Iterator[int]:
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _closed(self, directory: int, names: re.Pattern[str], current: t.Sequence[str]) -> list[_Found]:
        """Files that the server writes no more."""
        found = []
        for name in sorted(each for each in os.listdir(directory) if names.fullmatch(each)):
            try:
                state = os.stat(name, dir_fd=directory, follow_symlinks=False)
            except FileNotFoundError:
                self._left_out[name] = "it was gone before it was read"
                continue
            if stat.S_ISREG(state.st_mode):
                found.append(_Found(name, state.st_size, state.st_mtime_ns))
            else:
                self._left_out[name] = "it is no file but a link or something else"
        if not current and found:  # nobody knows: the newest one is not closed
            current = [max(found, key=lambda each: (each.modified, each.name)).name]
        stems = {stem(name) for name in current}
        return [each for each in found if stem(each.name) not in stems]

    def _hashed(self, directory: int, name: str) -> str:
        with self._reading(directory, name) as stream:
            return "" if stream is None else carried(stream).sha256

    @contextlib.contextmanager
    def _reading(self, directory: int, name: str) -> t.Iterator[t.IO[bytes] | None]:
        """A file by its own name; None for one that is gone meanwhile, or became something else, which is told."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(name, flags, dir_fd=directory)
        except OSError as error:
            if os.access(name, os.F_OK, dir_fd=directory, follow_symlinks=False) and not _is_link(directory, name):
                raise SourceFault(f"{self._directory}/{name} cannot be read: {error.strerror}") from None
            self._left_out[name] = "it was gone, or became a link, before it was read"
            yield None
            return
        with os.fdopen(descriptor, "rb") as stream:
            yield stream

    def nothing_new(self) -> bool:
        """Whether all that is closed was kept before."""
        self._tell()
        return not self._new

    def _tell(self) -> None:
        for name, why in sorted(self._left_out.items()):
            telling.log(f"{self._directory}/{name} is not kept: {why}", level="warning", job=self._job.name)

    def parts(self) -> t.Iterator[Wanted]:
        """One archive."""
        yield Wanted(f"logs.tar{packing.PACKED[self._job.compression.method]}", self._packed)

    def _packed(self, sealing: Sealing, sinks: t.Sequence[Sink]) -> Dumped:
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb", buffering=0) as source, _Writer(self._write, writing) as writer, Line() as line:
            words = packing.pack(self._job.compression)
            if words:
                packer = line.child(
                    words, what=self._job.compression.method, fault=SourceFault, reads=True, writes=True
                )
                line.pump(source, [ChildSink(packer)])
                plain, sealed = sealing.seal(line, packer.stdout, (), sinks)
            else:
                plain, sealed = sealing.seal(line, source, (), sinks)
            line.finish()
            writer.finish()
            return Dumped(plain.result(), sealed.result())

    def _write(self, target: t.IO[bytes]) -> None:
        told = set(self._left_out)
        with self._opened() as directory, tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            for each in self._new:
                with self._reading(directory, each.name) as stream:
                    if stream is not None:
                        self._kept.append(_added(archive, each.name, stream))
        for name in set(self._left_out) - told:
            telling.log(f"{self._directory}/{name} vanished", level="warning", job=self._job.name)

    def facts(self) -> dict[str, t.Any]:
        """Which files they are."""
        return {
            "timeline": self._timeline,
            "files": len(self._kept),
            "logs": [{"name": each.name, "size": each.size, "sha256": each.sha256} for each in self._kept],
            "left_out": dict(sorted(self._left_out.items())),
        }

    def stored(self) -> None:
        """The next run does not keep them again."""
        kept = {each.name: [each.sha256, each.size, each.modified] for each in (*self._same.values(), *self._kept)}
        os.makedirs(os.path.dirname(self._state), mode=0o700, exist_ok=True)
        telling.replace(self._state, json.dumps(kept, sort_keys=True, indent=0) + "\n", mode=0o600)

    def plan(self) -> dict[str, t.Any]:
        """What would be kept now."""
        return {"log_directory": self._directory, "logs": [each.name for each in self._new], "left_out": self._left_out}

    def close(self) -> None:
        """Nothing was put anywhere."""


class _Writer:
    """A thread that writes an archive into a pipe."""

    def __init__(self, write: t.Callable[[t.IO[bytes]], None], descriptor: int) -> None:
        self._write = write
        self._target = os.fdopen(descriptor, "wb", buffering=0)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            with self._target:
                self._write(self._target)
        except BaseException as error:  # handed to whoever asks how it ended
            self._error = error

    def __enter__(self) -> _Writer:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Whoever reads has ended before, so that nothing waits."""

    def finish(self) -> None:
        """Raise what it failed with."""
        self._thread.join()
        if isinstance(self._error, OSError):
            raise SourceFault(f"the logs cannot be read: {self._error.strerror or self._error}")
        if self._error is not None:
            raise self._error


class _Hashing(io.RawIOBase):
    def __init__(self, stream: t.IO[bytes]) -> None:
        super().__init__()
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.digest.update(data)
        return data


def _added(archive: tarfile.TarFile, name: str, stream: t.IO[bytes]) -> _Found:
    state = os.fstat(stream.fileno())
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = state.st_size, int(state.st_mtime), 0o600
    hashing = _Hashing(stream)
    archive.addfile(member, t.cast("t.IO[bytes]", hashing))
    return _Found(name, state.st_size, state.st_mtime_ns, hashing.digest.hexdigest())


def _is_link(directory: int, name: str) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    except OSError:
        return True
