# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a physical backup to a data directory that pg_verifybackup finds whole."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import typing as t

from .. import telling
from ..faults import RestoreFault
from ..faults import VerificationFault
from ..streams.line import Line
from ..streams.packing import unpack
from ..streams.process import Child
from ..streams.pump import ChildSink
from ..streams.pump import carried
from ..streams.pump import write_all

if t.TYPE_CHECKING:
    from ..faults import Fault
    from ..places.catalogue import Part
    from ..places.catalogue import Record
    from ..places.repository import BackrestShelf
    from ..places.shelves import Shelf
    from ..streams.pump import Sink
    from ..streams.unsealing import Unsealing
    from .sandbox import Sandbox

__all__ = ["FromRepository", "Unpacking"]

_MANIFEST = "backup_manifest"
_TABLESPACE = "tablespace-"
_OID = re.compile(r"[0-9]{1,10}")
_MAP = "tablespace_map"
_OLD_MAP = f"{_MAP}.rampart"
# The one of the origin never lies there under its name, whatever ends the restore.
_SET_MAP_ASIDE: t.Final = ("--transform", rf"flags=r;s,^\(\./\)*{_MAP}$,{_OLD_MAP},")
_ESCAPED = re.compile(r"[\\\n\r]")


class Unpacking:
    """One backup into a directory that does not exist yet."""

    def __init__(self, shelf: Shelf, record: Record, unsealing: Unsealing, sandbox: Sandbox) -> None:
        self._shelf = shelf
        self._sandbox = sandbox
        self._record = record
        self._unsealing = unsealing

    def unpack(self, directory: str, *, bindir: str) -> None:
        """The data directory, its tablespaces beside it, and what pg_verifybackup says of them."""
        self._sandbox.refuse_none()
        if self._record.needs:
            self._combine(directory, bindir)
            return
        locations = self._member(self._record, directory)
        _set_map(directory, locations)
        _verify(directory, bindir=bindir, sandbox=self._sandbox)

    def _member(self, record: Record, directory: str) -> dict[str, str]:
        """What one backup holds. Returns where its tablespaces are, by number."""
        parts = _by_name(record)
        if "base" not in parts:
            raise VerificationFault(f"the backup {record.id} has no base")
        self._extract(record, parts["base"], directory, *_SET_MAP_ASIDE)
        if _MANIFEST in parts:
            self._save(record, parts[_MANIFEST], os.path.join(directory, _MANIFEST))
        locations = {}
        for name, part in parts.items():
            if name.startswith(_TABLESPACE):
                oid = name[len(_TABLESPACE) :]
                if not _OID.fullmatch(oid):  # it becomes part of a path
                    raise VerificationFault(f"the backup {record.id} has a tablespace {oid!r}, which is no number")
                locations[oid] = os.path.join(f"{directory}-tablespaces", oid)
                self._extract(record, part, locations[oid])
                if os.path.islink(os.path.join(directory, "pg_tblspc")):
                    raise VerificationFault(f"{directory}/pg_tblspc leads out of the data directory")
                os.symlink(locations[oid], os.path.join(directory, "pg_tblspc", oid))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, _OLD_MAP))
        return locations

    def _combine(self, directory: str, bindir: str) -> None:
        """One that is built upon others: all of them, each found whole, and pg_combinebackup makes one of them."""
        records = {record.id: record for record in self._shelf.records()}
        lost = [each for each in self._record.needs if each not in records or records[each].removed]
        if lost:
            raise RestoreFault(f"the backup {self._record.id} is built upon {lost[0]}, which is not there any more")
        beside = f"{directory}-chain"
        os.makedirs(beside, mode=0o700)
        try:
            members: list[str] = []
            locations: dict[str, str] = {}
            for number, record in enumerate([*(records[each] for each in self._record.needs), self._record]):
                members.append(os.path.join(beside, str(number)))
                try:
                    locations = self._member(record, members[-1])
                    _verify(members[-1], bindir=bindir, sandbox=self._sandbox)
                except VerificationFault as fault:
                    fault.backup = record.id
                    raise
            final = {oid: os.path.join(f"{directory}-tablespaces", oid) for oid in locations}
            moved = [f"--tablespace-mapping={_unequal(locations[oid])}={_unequal(final[oid])}" for oid in final]
            for made in (directory, *(os.path.dirname(each) for each in final.values())):
                os.makedirs(made, mode=0o700, exist_ok=True)
            words = ["--no-sync", "--manifest-checksums=SHA256", *moved, "--output", directory, *members]
            confined = self._sandbox.words(
                [os.path.join(bindir, "pg_combinebackup"), *words], writable=_beside(directory), readable=[beside]
            )
            _run(confined, "pg_combinebackup", RestoreFault)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        _set_map(directory, final)
        _verify(directory, bindir=bindir, sandbox=self._sandbox)

    def unpack_configuration(self, directory: str) -> bool:
        """What was outside the data directory, below ``directory``; returns whether there was something."""
        part = _by_name(self._record).get("configuration")
        if part is None:
            return False
        self._extract(self._record, part, directory, packed=False)
        return True

    def unpack_logs(self, directory: str) -> int:
        """Logs of a server, each compared with what it was; returns how many."""
        self._sandbox.refuse_none()
        part = _by_name(self._record).get("logs")
        if part is None:
            raise VerificationFault(f"the backup {self._record.id} has no logs")
        self._extract(self._record, part, directory)
        wanted = {str(each["name"]): str(each["sha256"]) for each in self._record.entry["logs"]}
        found = {name: _hashed(os.path.join(directory, name)) for name in os.listdir(directory)}
        if found != wanted:
            names = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
            raise VerificationFault(f"the logs are not those that were kept: {', '.join(names)}")
        return len(found)

    def _extract(self, record: Record, part: Part, directory: str, *options: str, packed: bool = True) -> None:
        os.makedirs(directory, mode=0o700, exist_ok=True)

        def into(line: Line) -> Sink:
            # tar takes no path that leads out of the directory.
            words = [
                "tar",
                "--extract",
                "--no-same-owner",
                "--same-permissions",
                *options,
                "--directory",
                directory,
                "--file",
                "-",
            ]
            confined = self._sandbox.words(words, writable=[directory])
            return ChildSink(line.child(confined, what="tar", fault=RestoreFault, reads=True))

        self._pour(record, part, into, packed=packed)

    def _save(self, record: Record, part: Part, path: str) -> None:
        with open(path, "xb", buffering=0) as stream:
            self._pour(record, part, lambda _line: _FileSink(stream))

    def _pour(self, record: Record, part: Part, into: t.Callable[[Line], Sink], *, packed: bool = True) -> None:
        """Let a part flow unpacked into what ``into`` makes of a line."""
        method = str(record.entry["compression"]["method"]) if packed else "none"

        def unpacked(line: Line) -> Sink:
            program = unpack(method)
            if not program:
                return into(line)
            confined = self._sandbox.words(program)
            unpacker = line.child(confined, what=method, fault=RestoreFault, reads=True, writes=True)
            line.pump(unpacker.stdout, [into(line)], hashed=False)
            return ChildSink(unpacker)

        self._unsealing.pour(self._shelf, record, part, unpacked)


class FromRepository:
    """One backup of pgBackRest, which compares every file with its checksum while it writes it."""

    def __init__(self, shelf: BackrestShelf, record: Record, sandbox: Sandbox) -> None:
        self._shelf = shelf
        self._record = record
        self._sandbox = sandbox

    def unpack(self, directory: str, *, bindir: str) -> None:
        """The data directory, and its tablespaces beside it; ``bindir`` is not needed."""
        self._sandbox.refuse_none()
        self._shelf.restore(self._record, directory, f"{directory}-tablespaces", sandbox=self._sandbox)

    def unpack_configuration(self, _directory: str) -> bool:
        """It holds nothing from outside the data directory."""
        return False


class _FileSink:
    def __init__(self, stream: t.IO[bytes]) -> None:
        self._stream = stream

    def write(self, data: memoryview) -> None:
        write_all(self._stream.fileno(), data)

    def end(self) -> None:
        """Whoever opened it closes it."""


def _hashed(path: str) -> str:
    if os.path.islink(path) or not os.path.isfile(path):
        return "no file"
    with open(path, "rb", buffering=0) as stream:
        return carried(stream).sha256


def _by_name(record: Record) -> dict[str, Part]:
    return {part.name.split(".")[0]: part for part in record.parts}


def _set_map(directory: str, locations: t.Mapping[str, str]) -> None:
    """Let a server that starts on a base backup find tablespaces where they are, and nowhere else.

    It makes their links anew from this map: where that named the places of the origin, it would write there.
    """
    if locations:
        lines = [f"{oid} {_ESCAPED.sub(_escape, location)}\n" for oid, location in locations.items()]
        telling.replace(os.path.join(directory, _MAP), "".join(lines), mode=0o600)


def _escape(match: re.Match[str]) -> str:
    return f"\\{match.group()}"


def _unequal(path: str) -> str:
    """A path in a mapping of pg_combinebackup."""
    return path.replace("=", "\\=")


def _beside(directory: str) -> list[str]:
    """A data directory and its tablespaces."""
    return [each for each in (directory, f"{directory}-tablespaces") if os.path.isdir(each)]


def _verify(directory: str, *, bindir: str, sandbox: Sandbox) -> None:
    """What pg_verifybackup says; the map of tablespaces is ours."""
    words = [os.path.join(bindir, "pg_verifybackup"), "--quiet", f"--ignore={_MAP}", directory]
    _run(
        sandbox.words(words, readable=_beside(directory)),
        "pg_verifybackup",
        VerificationFault,
        PATH=f"{bindir}:{os.environ.get('PATH', os.defpath)}",
    )


def _run(words: t.Sequence[str], what: str, fault: type[Fault], **variables: str) -> None:
    child = Child(words, what=what, fault=fault, variables=variables)
    try:
        child.finish()
    finally:
        child.close()
