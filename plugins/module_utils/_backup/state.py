# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What decides about jobs, as it was observed; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

__all__ = ["LAYOUT", "Directory", "Found", "Layout", "Paths", "Source", "State"]


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where everything is on a host."""

    program: str = "/usr/local/bin/rampart-backup"
    definitions: str = "/etc/rampart-backup"
    units: str = "/etc/systemd/system"
    cron: str = "/etc/cron.d"
    states: str = "/var/lib/rampart-backup"
    systemd: str = "/run/systemd/system"  # there when systemd runs the host (man sd_booted)

    def paths(self, name: str) -> Paths:
        """The files of one job."""
        unit = f"rampart-backup-{name}"
        return Paths(
            definition=os.path.join(self.definitions, f"{name}.json"),
            service=os.path.join(self.units, f"{unit}.service"),
            timer=os.path.join(self.units, f"{unit}.timer"),
            cron=os.path.join(self.cron, unit),
            state=os.path.join(self.states, name),
        )


LAYOUT: t.Final = Layout()


@dataclasses.dataclass(frozen=True)
class Paths:
    """What belongs to one job."""

    definition: str
    service: str
    timer: str
    cron: str
    state: str

    @property
    def files(self) -> tuple[str, ...]:
        """What root writes, in the order in which it has to be there."""
        return (self.definition, self.service, self.timer, self.cron)


@dataclasses.dataclass(frozen=True)
class Source:
    """The server that jobs read from. ``user`` is a superuser that the account logs in as without a password."""

    label: str
    bindir: str
    socket_directory: str
    port: int
    user: str
    data_directory: str
    account: str
    group: str
    unit: str = ""  # that runs the server

    @classmethod
    def of_nothing(cls, account: str) -> Source:
        """Where no server runs, of which jobs are removed only."""
        return cls("", bindir="", socket_directory="", port=0, user="", data_directory="", account=account, group="")


@dataclasses.dataclass(frozen=True)
class Found:
    """What is there of one job. ``scheduled`` says that systemd has its units as they are and starts it in time."""

    files: t.Mapping[str, bytes | None]
    scheduled: bool = False
    kind: str = ""  # of the definition that is there
    other: str = ""  # another cluster of this host that has a job of this name
    metrics: tuple[str, bytes] | None = None  # the file of the definition that is there, with its content


@dataclasses.dataclass(frozen=True)
class Directory:
    """A directory on the host. ``problem`` says why it is of no use, or why it cannot be made."""

    exists: bool
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class State:
    """Everything that planning needs."""

    source: Source
    layout: Layout
    systemd: bool
    found: t.Mapping[str, Found]  # by name of job
    directories: t.Mapping[str, Directory]
    calendars: t.Mapping[str, str]  # why systemd does not take an expression; empty where it does
    down: str = ""  # why nobody could ask the server
    commands: tuple[str, ...] = ()  # archive_command, as it runs and as it is configured; where jobs go
    unreadable: tuple[str, ...] = ()  # files that jobs need and that the account cannot read now
