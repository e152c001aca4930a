# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a physical backup to a data directory that pg_verifybackup finds whole."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t

from . import telling
from .faults import RestoreFault
from .faults import VerificationFault
from .line import Line
from .packing import unpack
from .process import Child
from .pump import ChildSink
from .pump import write_all

if t.TYPE_CHECKING:
    from .catalogue import Part
    from .catalogue import Record
    from .pump import Sink
    from .sandbox import Sandbox
    from .shelves import Shelf
    from .unsealing import Unsealing

__all__ = ["Unpacking", "link_tablespaces", "verify"]

_MANIFEST = "backup_manifest"
_TABLESPACE = "tablespace-"
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
        self._parts = {part.name.split(".")[0]: part for part in record.parts}

    def unpack(self, directory: str, *, bindir: str) -> None:
        """The data directory, its tablespaces beside it, and what pg_verifybackup says of them."""
        self._sandbox.refuse_none()
        if "base" not in self._parts:
            raise VerificationFault(f"the backup {self._record.id} has no base")
        method = str(self._record.entry["compression"]["method"])
        self._extract(self._parts["base"], directory, method, *_SET_MAP_ASIDE)
        if _MANIFEST in self._parts:
            self._save(self._parts[_MANIFEST], os.path.join(directory, _MANIFEST), method)
        locations = {}
        for name, part in self._parts.items():
            if name.startswith(_TABLESPACE):
                oid = name[len(_TABLESPACE) :]
                locations[oid] = os.path.join(f"{directory}-tablespaces", oid)
                self._extract(part, locations[oid], method)
        link_tablespaces(directory, locations)
        verify(directory, bindir=bindir, sandbox=self._sandbox)

    def unpack_configuration(self, directory: str) -> bool:
        """What was outside the data directory, below ``directory``; returns whether there was something."""
        if "configuration" not in self._parts:
            return False
        self._extract(self._parts["configuration"], directory, "none")
        return True

    def _extract(self, part: Part, directory: str, method: str, *options: str) -> None:
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

        self._pour(part, method, into)

    def _save(self, part: Part, path: str, method: str) -> None:
        with open(path, "xb", buffering=0) as stream:
            self._pour(part, method, lambda _line: _FileSink(stream))

    def _pour(self, part: Part, method: str, into: t.Callable[[Line], Sink]) -> None:
        """Let a part flow unpacked into what ``into`` makes of a line."""

        def unpacked(line: Line) -> Sink:
            program = unpack(method)
            if not program:
                return into(line)
            confined = self._sandbox.words(program)
            unpacker = line.child(confined, what=method, fault=RestoreFault, reads=True, writes=True)
            line.pump(unpacker.stdout, [into(line)])
            return ChildSink(unpacker)

        self._unsealing.pour(self._shelf, self._record, part, unpacked)


class _FileSink:
    def __init__(self, stream: t.IO[bytes]) -> None:
        self._stream = stream

    def write(self, data: memoryview) -> None:
        write_all(self._stream.fileno(), data)

    def end(self) -> None:
        """Whoever opened it closes it."""


def link_tablespaces(directory: str, locations: t.Mapping[str, str]) -> None:
    """Let a data directory have its tablespaces there, by number, and nowhere else.

    A server that starts on a base backup makes the links anew from its map: where that named the places of the origin,
    a restored server would write there.
    """
    if os.path.islink(os.path.join(directory, "pg_tblspc")):
        raise VerificationFault(f"{directory}/pg_tblspc leads out of the data directory")
    for oid, location in locations.items():
        os.symlink(location, os.path.join(directory, "pg_tblspc", oid))
    lines = [f"{oid} {_ESCAPED.sub(_escape, location)}" for oid, location in locations.items()]
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(directory, _OLD_MAP))
        telling.replace(os.path.join(directory, _MAP), "".join(f"{line}\n" for line in lines), mode=0o600)


def _escape(match: re.Match[str]) -> str:
    return f"\\{match.group()}"


def verify(directory: str, *, bindir: str, sandbox: Sandbox) -> None:
    """What pg_verifybackup says; the map of tablespaces is ours."""
    words = [os.path.join(bindir, "pg_verifybackup"), "--quiet", f"--ignore={_MAP}", directory]
    readable = [each for each in (directory, f"{directory}-tablespaces") if os.path.isdir(each)]
    child = Child(
        sandbox.words(words, readable=readable),
        what="pg_verifybackup",
        fault=VerificationFault,
        variables={"PATH": f"{bindir}:{os.environ.get('PATH', os.defpath)}"},
    )
    try:
        child.finish()
    finally:
        child.close()
