# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a physical backup to a data directory that pg_verifybackup finds whole."""

from __future__ import annotations

import os
import typing as t

from .faults import RestoreFault
from .faults import VerificationFault
from .line import Line
from .packing import unpack
from .process import Child
from .pump import ChildSink

if t.TYPE_CHECKING:
    from .catalogue import Part
    from .catalogue import Record
    from .pump import Sink
    from .shelves import Shelf
    from .unsealing import Unsealing

__all__ = ["Unpacking"]


class Unpacking:
    """One backup into a directory that does not exist yet."""

    def __init__(self, shelf: Shelf, record: Record, unsealing: Unsealing) -> None:
        self._shelf = shelf
        self._record = record
        self._unsealing = unsealing
        self._parts = {part.name.split(".")[0]: part for part in record.parts}

    def unpack(self, directory: str, *, bindir: str) -> None:
        """The data directory, and what pg_verifybackup says of it."""
        if "base" not in self._parts:
            raise VerificationFault(f"the backup {self._record.id} has no base")
        method = str(self._record.entry["compression"]["method"])
        self._extract(self._parts["base"], directory, method)
        child = Child(
            [os.path.join(bindir, "pg_verifybackup"), "--quiet", directory],
            what="pg_verifybackup",
            fault=VerificationFault,
            variables={"PATH": f"{bindir}:{os.environ.get('PATH', os.defpath)}"},
        )
        try:
            child.finish()
        finally:
            child.close()

    def unpack_configuration(self, directory: str) -> bool:
        """What was outside the data directory, below ``directory``; returns whether there was something."""
        if "configuration" not in self._parts:
            return False
        self._extract(self._parts["configuration"], directory, "none")
        return True

    def _extract(self, part: Part, directory: str, method: str) -> None:
        os.makedirs(directory, mode=0o700, exist_ok=True)

        def into(line: Line) -> Sink:
            unpacker, program = None, unpack(method)
            if program:
                unpacker = line.child(program, what=method, fault=RestoreFault, reads=True, writes=True)
            # tar takes no path that leads out of the directory.
            words = [
                "tar",
                "--extract",
                "--no-same-owner",
                "--same-permissions",
                "--directory",
                directory,
                "--file",
                "-",
            ]
            tar = line.child(words, what="tar", fault=RestoreFault, reads=True)
            if unpacker is None:
                return ChildSink(tar)
            line.pump(unpacker.stdout, [ChildSink(tar)])
            return ChildSink(unpacker)

        self._unsealing.pour(self._shelf, self._record, part, into)
