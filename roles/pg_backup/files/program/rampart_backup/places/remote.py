# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups wherever rclone reaches: objects that are written once, below ``REMOTE/JOB``.

Parts are ``ID/PART``. A backup is one that has ``ID/backup.json``, which is written last. What became of it are objects in
``catalogue/``, one for each event, since objects cannot be added to.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import re
import secrets
import stat
import subprocess
import time
import typing as t

from .. import telling
from ..faults import DefinitionFault
from ..faults import Fault
from ..faults import PlaceFault
from ..faults import VerificationFault
from ..streams.process import Child
from ..streams.process import environment
from ..streams.pump import Carried
from ..streams.pump import carried
from ..streams.pump import write_all
from . import catalogue
from .store import ENTRY
from .store import is_identifier
from .store import is_part

if t.TYPE_CHECKING:
    from ..definition import Job
    from ..definition import Rclone
    from .catalogue import Record

__all__ = ["RemoteStore", "ToRemote", "refuse_impossible", "refuse_readable"]

_EVENTS: t.Final = "catalogue"
_NOT_FOUND: t.Final = 3  # exit status of rclone for a directory that is not there
_HASHES: t.Final = ("sha256", "sha1", "md5")  # that some remotes have, the best first
_SAFE: t.Final = datetime.timedelta(days=7)  # no run of another host lasts so long
_TRIES: t.Final = "--low-level-retries=6"  # 11 s of an S3 that refuses connections; the 10 of rclone itself are 200 s
_MODIFIED: t.Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.]\d+)?(Z|[+-]\d\d:\d\d)")
_SHOWN: t.Final = 1000  # characters of what rclone said, in a message

Listing = dict[str, set[str]]


def refuse_impossible(place: Rclone) -> None:
    """Raise what speaks against a place that can be known without asking the other side."""
    refuse_readable(place)
    name = place.remote.partition(":")[0]
    known = _Program(place).ask("listremotes").decode("utf-8", "replace").splitlines()
    if f"{name}:" not in known:
        raise DefinitionFault(f"remote: {place.config} has no remote {name!r}")


def refuse_readable(place: Rclone) -> None:
    """Raise unless the configuration is a file that nobody else reads."""
    try:
        found = os.stat(place.config)
    except OSError as error:
        raise DefinitionFault(f"config: {place.config}: {error.strerror}") from None
    if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid not in (0, os.geteuid()):
        raise DefinitionFault(
            f"config: {place.config} holds keys: it has to be a file of this account's own that nobody else reads (mode 0600)"
        )


class _Program:
    """rclone with a configuration, which alone holds the keys: none is on a command line or in the environment."""

    def __init__(self, place: Rclone) -> None:
        self._place = place

    def words(self, *words: str) -> list[str]:
        """A command. It is tried once: a second time would write its output a second time."""
        options = ("--quiet", "--ask-password=false", "--retries=1", _TRIES, "--contimeout=30s")
        return ["rclone", "--config", self._place.config, *options, f"--timeout={self._place.timeout}s", *words]

    def ask(self, *words: str, missing: bytes | None = None) -> bytes:
        """What a command writes; ``missing`` where a directory is not there. Raises ``PlaceFault`` when it fails."""
        try:
            done = subprocess.run(
                self.words(*words),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=environment(),
                cwd="/",
                check=False,
            )
        except OSError as error:
            raise PlaceFault(f"rclone cannot be started: {error}") from None
        if done.returncode == _NOT_FOUND and missing is not None:
            return missing
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace")[-_SHOWN:].strip()
            raise PlaceFault(f"rclone {words[0]} ended with {done.returncode}: {said or 'it said nothing'}")
        return done.stdout

    def child(self, *words: str, **options: t.Any) -> Child:
        """Start a command."""
        return Child(self.words(*words), what=f"rclone {words[0]}", fault=PlaceFault, **options)

    def hashes(self, remote: str) -> tuple[str, ...]:
        """What the remote can say of an object. One that cannot take a stream would have it on a disk here first."""
        try:
            about = json.loads(self.ask("backend", "features", remote))
            names = {_plain(each) for each in about.get("Hashes") or ()}
            streams = about.get("Features", {}).get("PutStream", True)
        except (AttributeError, PlaceFault, ValueError):
            return _HASHES  # an old rclone does not tell
        if not streams:
            raise PlaceFault(
                f"{remote} takes no streams, so that rclone would keep each part on a disk of this host first"
            )
        return tuple(each for each in _HASHES if each in names)


def _plain(name: str) -> str:
    """Older ones write SHA-1."""
    return name.lower().replace("-", "")


class _Upload:
    """An object on its way, hashed here."""

    def __init__(self, program: _Program, path: str, hashes: t.Iterable[str]) -> None:
        self.path = path
        self._child = program.child("rcat", path, reads=True)
        self._digests = {name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", *hashes}}
        self._size = 0

    def write(self, data: memoryview) -> None:
        """Take bytes."""
        try:
            write_all(self._child.stdin.fileno(), data)
        except BrokenPipeError:
            self._child.finish()
            raise PlaceFault(f"{self._child.what} took less than it was given") from None
        for digest in self._digests.values():
            digest.update(data)
        self._size += len(data)

    def finish(self) -> tuple[Carried, dict[str, str]]:
        """The end of it; returns what was sent, and its hashes."""
        self._child.end_input()
        self._child.finish()
        self.close()
        found = {name: digest.hexdigest() for name, digest in self._digests.items()}
        return Carried(self._size, found["sha256"]), found

    def close(self) -> None:
        """Stop it, if it has not ended."""
        self._child.close()


class RemoteStore:
    """The backups of one job."""

    def __init__(self, place: Rclone, job: str) -> None:
        self._program = _Program(place)
        base = place.remote.rstrip("/")
        self.path = f"{base}{'' if base.endswith(':') else '/'}{job}"
        self._base = base

    def _at(self, *names: str) -> str:
        return "/".join((self.path, *names))

    def backup(self, identifier: str) -> str:
        """Where a backup is."""
        if not is_identifier(identifier):
            raise PlaceFault(f"{identifier!r} is no name of a backup")
        return self._at(identifier)

    def part(self, identifier: str, name: str) -> str:
        """Where a part of it is."""
        if name != ENTRY and not is_part(name):
            raise PlaceFault(f"{name!r} is no name for a part of a backup")
        return f"{self.backup(identifier)}/{name}"

    def hashes(self) -> tuple[str, ...]:
        """What can be asked of objects."""
        return self._program.hashes(self._base)

    def upload(self, path: str, hashes: t.Iterable[str]) -> _Upload:
        """Begin an object."""
        return _Upload(self._program, path, hashes)

    def arrived(self, path: str, sent: Carried, hashes: t.Mapping[str, str]) -> Carried:
        """What is there now, in the words of the other side where it has a hash, else read back."""
        answer = self._program.ask(
            "lsjson", "--hash", *(word for name in hashes for word in ("--hash-type", name)), path, missing=b"[]"
        )
        for each in json.loads(answer or b"[]"):
            if each["Name"] == path.rpartition("/")[2]:
                found = {_plain(name): str(value) for name, value in (each.get("Hashes") or {}).items() if value}
                known = [name for name in _HASHES if name in found and name in hashes]
                if not known:
                    return self.read_back(path)
                wrong = [name for name in known if found[name] != hashes[name]]
                return Carried(int(each["Size"]), f"{wrong[0]}:{found[wrong[0]]}" if wrong else sent.sha256)
        raise PlaceFault(f"{path} is not there after it was sent")

    def read_back(self, path: str) -> Carried:
        """Every byte of an object."""
        with self.reading(path) as stream:
            return carried(stream)

    @contextlib.contextmanager
    def reading(self, path: str) -> t.Iterator[t.IO[bytes]]:
        """The bytes of an object. Leaving the context without an error raises what rclone failed with."""
        child = self._program.child("cat", path, writes=True)
        try:
            yield child.stdout
            child.finish()
        finally:
            child.close()

    def open(self, identifier: str, part: str) -> contextlib.AbstractContextManager[t.IO[bytes]]:
        """Read a part."""
        return self.reading(self.part(identifier, part))

    def put(self, path: str, values: t.Mapping[str, t.Any]) -> None:
        """Write a small object of JSON. The line ends on both sides: one that is torn does not spoil the next."""
        upload = self.upload(path, hashes := self.hashes())
        try:
            upload.write(memoryview(b"\n" + json.dumps(values, sort_keys=True).encode() + b"\n"))
            sent, digests = upload.finish()
        finally:
            upload.close()
        found = self.arrived(path, sent, {name: digests[name] for name in hashes})
        if found != sent:
            raise VerificationFault(f"{path}: {found.size} bytes arrived, with the checksum {found.sha256}, not {sent}")

    def add(self, event: catalogue.Event) -> None:
        """Note what happened, under a name that nobody else takes."""
        name = f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(8)}.json"
        self.put(self._at(_EVENTS, name), {**event, "object": name, "nanoseconds": time.time_ns()})

    def listing(self) -> Listing:
        """The names of what is there, by backup."""
        return _by_backup(self._times())

    def _times(self) -> dict[str, str]:
        """When each object came, by its path; by the clock of the other side where that tells it."""
        words = ("--recursive", "--files-only", "--use-server-modtime", "--no-mimetype")
        answer = self._program.ask("lsjson", *words, self.path, missing=b"[]")
        return {str(each["Path"]): _utc(str(each.get("ModTime", ""))) for each in json.loads(answer or b"[]")}

    def _objects(self, *patterns: str) -> list[dict[str, t.Any]]:
        """Small objects, all of them with one command."""
        wanted = [word for each in patterns for word in ("--include", each)]
        answer = self._program.ask("cat", *wanted, self.path, missing=b"")
        found = []
        for line in answer.splitlines():
            with contextlib.suppress(ValueError):
                values = json.loads(line)
                if isinstance(values, dict):
                    found.append(values)
        return found

    def entries(self) -> dict[str, dict[str, t.Any]]:
        """What the backups say of themselves."""
        return {str(each.get("id", "")): each for each in self._objects(f"/*/{ENTRY}")}

    def records(self) -> list[Record]:
        """All backups that are or were there. One that is gone without having been removed is damaged."""
        found = self._objects(f"/*/{ENTRY}", f"/{_EVENTS}/*.json")
        times = self._times()
        events = [_told(each, times) for each in found if "event" in each]
        entries = {str(each.get("id", "")): each for each in found if "event" not in each}
        listing = _by_backup(times)
        there = {name for name in listing if ENTRY in listing[name] and name in entries}
        known = {record.id for record in catalogue.fold(events)}
        # Of a run that was killed before it noted what it had made.
        events += [
            {"event": "made", "backup": entries[name], "at": times[f"{name}/{ENTRY}"]} for name in sorted(there - known)
        ]
        events.sort(key=_order)
        gone = [
            {"event": "damaged", "id": identifier, "what": "its entry is gone"} for identifier in sorted(known - there)
        ]
        return catalogue.fold([*events, *gone])

    def verify(self, record: Record) -> None:
        """Read every byte of a backup again; raises what is wrong with it."""
        if self.entries().get(record.id) != record.entry:
            raise VerificationFault(f"{self.part(record.id, ENTRY)} is missing, or is not what the catalogue says")
        for part in record.parts:
            path = self.part(record.id, part.name)
            try:
                found = self.read_back(path)
            except PlaceFault as fault:
                raise VerificationFault(f"{path}: {fault}") from None
            if found != Carried(part.size, part.sha256):
                raise VerificationFault(
                    f"{path} has {found.size} bytes and the checksum {found.sha256}, not those it was stored with"
                )

    def remove(self, record: Record, *, at: str) -> None:
        """Take a backup away: first what makes it one, if it still is, then its parts."""
        if ENTRY in self.names(self.backup(record.id)):
            self.delete(self.part(record.id, ENTRY))
        self.add({"event": "removed", "id": record.id, "at": at})
        self.purge(record.id)

    def purge(self, identifier: str) -> None:
        """Take away all that there is of one; ``purge`` of rclone would take older versions of objects as well."""
        path = self.backup(identifier)
        self._program.ask("delete", path, missing=b"")
        with contextlib.suppress(PlaceFault):  # a directory without anything in it does no harm
            self._program.ask("rmdirs", path, missing=b"")

    def names(self, path: str, *, directories: bool = False) -> list[str]:
        """Of the objects, or of the directories, right below a path."""
        kind = "--dirs-only" if directories else "--files-only"
        answer = self._program.ask("lsjson", kind, "--no-modtime", "--no-mimetype", path, missing=b"[]")
        return sorted(str(each["Name"]) for each in json.loads(answer or b"[]"))

    def delete(self, path: str) -> None:
        """Take away an object."""
        self._program.ask("deletefile", path)

    def discard(self, path: str) -> None:
        """Take away a part that is not whole, if it can be."""
        with contextlib.suppress(PlaceFault):
            self.delete(path)

    def sweep(self, own: t.Iterable[str]) -> list[str]:
        """Take away what killed runs left: ours at once, that of others when none of them can still be running.

        Returns which of ``own`` are still there. What cannot be removed is told, and does no harm.
        """
        listing, own = self.listing(), set(own)
        whole = self.entries() if own & set(listing) else {}
        before = f"{datetime.datetime.now(datetime.timezone.utc) - _SAFE:%Y%m%dT%H%M%SZ}"
        left = []
        for identifier, names in sorted(listing.items()):
            ours = identifier in own and identifier not in whole
            if ours or (ENTRY not in names and identifier < before):
                try:
                    self.purge(identifier)
                except PlaceFault as fault:
                    left += [identifier] if ours else []
                    telling.log(f"what a run left in {self.path}/{identifier} stays: {fault}", level="warning")
        return left


def _by_backup(times: t.Iterable[str]) -> Listing:
    found: Listing = {}
    for path in times:
        directory, _slash, name = path.partition("/")
        if is_identifier(directory):
            found.setdefault(directory, set()).add(name)
    return found


def _utc(text: str) -> str:
    """A time as rclone tells it, which may be of any zone, as the catalogue has it; empty for what is none."""
    found = _MODIFIED.fullmatch(text)
    if found is None:
        return ""
    offset = "+00:00" if found.group(2) == "Z" else found.group(2)
    return telling.stamp(datetime.datetime.fromisoformat(found.group(1) + offset).astimezone(datetime.timezone.utc))


def _told(event: catalogue.Event, times: t.Mapping[str, str]) -> catalogue.Event:
    """With the time at which it came, if that is known."""
    came = times.get(f"{_EVENTS}/{event.get('object', '')}", "")
    return {**event, "at": came} if came else event


def _order(event: catalogue.Event) -> tuple[str, int]:
    moment = event.get("nanoseconds")
    return str(event.get("at", "")), moment if isinstance(moment, int) else 0


class ToRemote:
    """A delivery. What has begun is written down on this host until it has ended, for the next run to take away."""

    def __init__(self, place: Rclone, job: Job, identifier: str) -> None:
        refuse_impossible(place)
        self._store = RemoteStore(place, job.name)
        self._identifier = identifier
        self._unfinished = _Unfinished(job, place.name)
        self._hashes = self._store.hashes()
        self._upload: _Upload | None = None
        self._committed = False
        left = self._store.sweep(self._unfinished.read())
        self._unfinished.write([*left, identifier])

    def begin(self, name: str) -> None:
        """A part begins."""
        self._upload = self._store.upload(self._store.part(self._identifier, name), self._hashes)

    def _current(self) -> _Upload:
        if self._upload is None:
            raise PlaceFault("no part has begun")
        return self._upload

    def write(self, data: memoryview) -> None:
        """Bytes of it."""
        self._current().write(data)

    def accept(self) -> Carried:
        """It is whole."""
        upload = self._current()
        sent, digests = upload.finish()
        self._upload = None
        return self._store.arrived(upload.path, sent, {name: digests[name] for name in self._hashes})

    def drop(self) -> None:
        """It will never be: rclone is stopped, as the end of its input would be the end of an object to it."""
        upload = self._current()
        upload.close()
        self._upload = None
        self._store.discard(upload.path)

    def commit(self, entry: t.Mapping[str, t.Any]) -> None:
        """The backup is whole; it is one from the moment when its entry is there."""
        self._store.put(self._store.part(self._identifier, ENTRY), entry)
        self._committed = True
        self._unfinished.forget(self._identifier)
        self._store.add({"event": "made", "backup": dict(entry), "at": telling.now()})

    def abandon(self) -> None:
        """Leave nothing of it, or leave it to the next run."""
        if self._upload is not None:
            self._upload.close()
            self._upload = None
        if self._committed:
            return
        with contextlib.suppress(Fault):
            self._store.purge(self._identifier)
            self._unfinished.forget(self._identifier)


class _Unfinished:
    """Backups that this host has begun in a place and not ended, a file in the state of the job, which has a lock."""

    def __init__(self, job: Job, place: str) -> None:
        self._path = os.path.join(job.state, "unfinished", f"{job.name}.json")
        self._place = place

    def read(self) -> list[str]:
        """Their identifiers."""
        found = telling.read_json(self._path).get(self._place, [])
        return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []

    def write(self, identifiers: t.Sequence[str]) -> None:
        """Replace them."""
        values = telling.read_json(self._path)
        values.pop(self._place, None)
        os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
        telling.replace(
            self._path,
            json.dumps({**values, **({self._place: list(identifiers)} if identifiers else {})}, sort_keys=True) + "\n",
            mode=0o600,
        )

    def forget(self, identifier: str) -> None:
        """It has ended."""
        self.write([each for each in self.read() if each != identifier])
