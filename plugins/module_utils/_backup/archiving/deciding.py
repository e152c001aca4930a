# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wanted of archiving, what was observed of it, and the parameters that follow; pure; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ManagedElsewhere

__all__ = ["COMPONENT", "FILE_NAME", "Line", "State", "Statistics", "Wish", "offered", "refuse"]

COMPONENT: t.Final = "wal_archiving"
FILE_NAME: t.Final = "zz_rampart.conf"  # of the module `settings`
_SECTION: t.Final = "pg_backup"
_BACKREST: t.Final = "/usr/bin/pgbackrest"
_NOTHING: t.Final = "/bin/true"  # what PostgreSQL's documentation names: with none at all WAL piles up
_HARMLESS = frozenset({"", "(disabled)", _NOTHING, "/usr/bin/true", "true", ":", "exit 0"})
_RUNS = frozenset({"on", "always"})


@dataclasses.dataclass(frozen=True)
class Wish:
    """The options. ``archive_timeout`` in seconds, None leaves it alone."""

    job: str
    program: str
    definition: str
    stanza: str = ""  # of pgBackRest, which then archives instead of a job
    present: bool = True
    archive_timeout: int | None = 300
    replace: bool = False
    allow_restart: bool = False
    prove: bool = False  # where the job has changed, and the command has not
    foreseen: bool = False  # in check mode the definition may be yet to be written

    @property
    def name(self) -> str:
        """Of the job, or of the stanza."""
        return self.stanza or self.job

    def words(self, path: str) -> list[str]:
        """What archives a file of WAL."""
        if self.stanza:
            return [_BACKREST, f"--stanza={self.stanza}", "archive-push", path]
        return [self.program, "archive", self.definition, path]

    @property
    def command(self) -> str:
        """The value of archive_command. No word of it has a character that a shell or the server would read."""
        return " ".join(self.words("%p"))

    def is_ours(self, command: str) -> bool:
        """Whether it is that of a job of ours, whichever, which a stanza may follow too, or of the stanza."""
        if self.stanza and command == self.command:
            return True
        directory = re.escape(os.path.dirname(self.definition))
        return bool(re.fullmatch(rf"{re.escape(self.program)} archive {directory}/[A-Za-z0-9_.-]+\.json %p", command))


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a file of the configuration."""

    name: str
    value: str
    path: str
    number: int

    @property
    def is_ours(self) -> bool:
        """Whether it is in the file that this collection writes."""
        return os.path.basename(self.path) == FILE_NAME


@dataclasses.dataclass(frozen=True)
class Statistics:
    """What pg_stat_archiver says. Files are those of WAL, empty for none."""

    archived: int = 0
    failed: int = 0
    last_archived: str = ""
    last_failed: str = ""
    fails: bool = False  # the last try was no success
    outdated: bool = False  # the last success is older than the configuration, and than the server's start


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that planning needs. ``mode``, ``command`` and ``library`` are what the server runs with."""

    lines: tuple[Line, ...]  # of these parameters, in the order in which the server reads them
    mode: str
    command: str
    library: str
    major: int
    in_recovery: bool
    statistics: Statistics = Statistics()
    problem: str = ""  # of the definition
    missing: bool = False  # it is not there

    @property
    def runs(self) -> bool:
        """Whether the archiver runs."""
        return self.mode in _RUNS

    @property
    def archives(self) -> bool:
        """Whether WAL of this server is archived by itself: a standby does not, unless it is told to."""
        return self.runs and (not self.in_recovery or self.mode == "always")

    def configured(self, name: str, *, elsewhere: bool = False) -> str:
        """What the files say, the last one winning; ``elsewhere`` without our own. What runs where no file says it."""
        found = [line for line in self.lines if line.name == name and not (elsewhere and line.is_ours)]
        if found:
            return found[-1].value
        running = {"archive_mode": self.mode, "archive_command": self.command, "archive_library": self.library}[name]
        return "" if any(line.name == name for line in self.lines) else running

    def where(self, name: str) -> str:
        """The place that decides, for people."""
        found = [line for line in self.lines if line.name == name]
        return f"{found[-1].path}:{found[-1].number}" if found else "what the server was started with"


def offered(state: State, wish: Wish) -> dict[str, dict[str, str]]:
    """The section of the server's parameters that is ours; an empty one is taken out, none is left as it is."""
    return {_SECTION: _wanted(state, wish)} if wish.present else _ending(state, wish)


def _wanted(state: State, wish: Wish) -> dict[str, str]:
    values = {"archive_command": wish.command}
    if state.configured("archive_mode", elsewhere=True) != "always":  # which a standby has who archives itself
        values["archive_mode"] = "on"
    if wish.archive_timeout is not None:
        values["archive_timeout"] = str(wish.archive_timeout)
    if state.configured("archive_library", elsewhere=True):
        values["archive_library"] = ""
    return values


def _ending(state: State, wish: Wish) -> dict[str, dict[str, str]]:
    command = state.configured("archive_command")
    ended = any(line.is_ours and line.name == "archive_command" and line.value == _NOTHING for line in state.lines)
    if command != wish.command and not ended:
        return {}
    if wish.allow_restart or not state.runs or _others_archive(state):
        return {_SECTION: {}}
    # Until its restart the archiver runs; without a command that ends well, WAL would fill the disk.
    return {_SECTION: {"archive_mode": "off", "archive_command": _NOTHING}}


def _others_archive(state: State) -> bool:
    """Whether the server archives by what other places say, as it did before."""
    mode, command, library = (
        state.configured(name, elsewhere=True) for name in ("archive_mode", "archive_command", "archive_library")
    )
    return mode in _RUNS and (command not in _HARMLESS or bool(library))


def refuse(state: State, wish: Wish) -> None:
    """Raise for what a job must not take over without being told to, and for a definition that is of no use."""
    if not wish.present:
        return
    if state.missing and not wish.foreseen:
        expected = f"a job that is defined: {wish.definition} is not there, and the module backup_job writes it"
        raise InputError(option="job", value=wish.job, expected=expected)
    if state.problem:
        raise InputError(option="job", value=wish.job, expected=state.problem)
    if wish.replace:
        return
    for name in ("archive_command", "archive_library"):
        value = state.configured(name)
        if value in _HARMLESS or wish.is_ours(value):
            continue
        raise ManagedElsewhere(
            f"{name} is {value!r} ({state.where(name)}), which archives the WAL of this server already, so nothing was"
            " changed. replace: true gives the WAL to this job instead; whoever archives now then gets none any more",
            managed_by=name,
        )
