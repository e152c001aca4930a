# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may go wrong, and the exit status that each of it ends with."""

from __future__ import annotations

import typing as t

__all__ = [
    "ArchiveFault",
    "Busy",
    "ClockFault",
    "DefinitionFault",
    "Ended",
    "Fault",
    "Incomplete",
    "PlaceFault",
    "RestoreFault",
    "SealingFault",
    "SourceFault",
    "VerificationFault",
]


class Fault(Exception):
    """Something that ends a run; the text is for a person, and holds no secret."""

    status: t.ClassVar[int] = 1


class DefinitionFault(Fault):
    """The definition of a job, or the command line, is wrong: nothing was begun."""

    status = 2

    @classmethod
    def of(cls, key: str, value: object, expected: str) -> DefinitionFault:
        """Name the key, what it holds, and what it may hold."""
        return cls(f"{key}: {value!r} is not {expected}")


class Busy(Fault):
    """Another run of the same job has not ended."""

    status = 3


class SourceFault(Fault):
    """The server, or a program that reads from it, failed."""

    status = 10


class VerificationFault(Fault):
    """What was read, or what is stored, is not what it has to be. ``backup`` names it, where another one was asked for."""

    status = 11
    backup = ""


class ArchiveFault(Fault):
    """A file of an archive of WAL is missing where it has to be, or is not what it has to be."""

    status = 11


class SealingFault(Fault):
    """Encryption failed."""

    status = 12


class PlaceFault(Fault):
    """A place did not take a backup, or lost one."""

    status = 13


class Incomplete(Fault):
    """A backup was kept without all that it has to hold."""

    status = 14


class Ended(Fault):
    """Somebody ended the program, or it was killed."""

    status = 15


class ClockFault(Fault):
    """A clock jumped, so that times of backups say nothing. What was made was kept."""

    status = 17


class RestoreFault(Fault):
    """A backup could not be restored, or what was restored is not what it has to be."""

    status = 16
