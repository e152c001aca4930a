# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of what the program does in time, or its file for cron; pure; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.calendar import to_cron
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import LAYOUT

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import Job
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Layout
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Source

__all__ = ["Scheduled", "cron", "of_job", "service", "timer"]

_SHARED = ("/tmp", "/var/tmp")
_HOMES = ("/home", "/root", "/run/user")

_SERVICE = """\
# Written by rampart.postgresql ({writer}). It may write in the paths below and nowhere else.
[Unit]
Description={title}
Documentation={documentation}
{after}{on_failure}
[Service]
Type=oneshot
ExecStart={program} {command}
{conclude}{directory}{environment}User={account}
Group={group}
UMask=0077
TimeoutStartSec={timeout}
TimeoutStopSec=60
KillMode=mixed
StateDirectory={states}/{state}
StateDirectoryMode=0700

Nice=10
IOSchedulingClass=best-effort
IOSchedulingPriority=7
CPUWeight=20
IOWeight=20

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome={home}
PrivateTmp={tmp}
PrivateDevices=yes
{network}ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
{namespaces}RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
{writable}"""

_TIMER = """\
# Written by rampart.postgresql ({writer}).
[Unit]
Description={title}

[Timer]
OnCalendar={calendar}
RandomizedDelaySec={delay}
Persistent={persistent}
AccuracySec=1s

[Install]
WantedBy=timers.target
"""

_CRON = """\
# Written by rampart.postgresql ({writer}): {title}.
SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
{columns} {account} {delay}nice -n 10 ionice -c 2 -n 7{timeout} {program} {command}; exec {program} {conclude}
"""


@dataclasses.dataclass(frozen=True)
class Scheduled:
    """What is started in time. ``command`` are words for the program, ``conclude`` those that follow whatever became of it.

    ``state`` is a directory below ``states`` in ``/var/lib``. It may write in ``writable``, and reads ``read`` where that is usually
    hidden. It is started in ``directory`` with the variables of ``environment``, each as ``NAME=value``. ``on_failure`` are units that
    are started when it fails. Times in seconds, 0 for none.
    """

    writer: str
    title: str
    command: str
    conclude: str
    account: str
    group: str
    state: str
    calendar: str
    random_delay: int = 0
    persistent: bool = True
    timeout: int = 0
    writable: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    network: bool = True
    namespaces: bool = False  # whether it may make some
    after: str = ""
    program: str = LAYOUT.program
    states: str = "rampart-backup"
    directory: str = ""
    environment: tuple[str, ...] = ()
    on_failure: str = ""
    documentation: str = "https://www.postgresql.org/docs/current/backup.html"


def of_job(job: Job, source: Source, layout: Layout) -> Scheduled:
    """A job. Nothing in it would start the server."""
    definition = layout.paths(job.name).definition
    return Scheduled(
        writer="module backup_job",
        title=f"Backup {job.name} of PostgreSQL {source.label}",
        command=f"run {definition}",
        conclude=f"conclude job {definition}",
        account=source.account,
        group=source.group,
        state=job.name,
        calendar=job.schedule.calendar,
        random_delay=job.schedule.random_delay,
        persistent=job.schedule.persistent,
        timeout=job.timeout,
        writable=tuple(sorted(job.directories)),
        read=(source.socket_directory, *(path for place in job.places for path in place.files)),
        after=source.unit if source.unit.endswith(".service") else "",
        program=layout.program,
    )


def service(wish: Scheduled) -> str:
    """What runs it, in the sandbox."""
    needed = (*wish.writable, *wish.read)
    return _SERVICE.format(
        writer=wish.writer,
        title=_line(wish.title),
        after=f"After={wish.after}\n" if wish.after else "",
        documentation=wish.documentation,
        on_failure=f"OnFailure={wish.on_failure}\n" if wish.on_failure else "",
        program=wish.program,
        command=wish.command,
        conclude=f"ExecStopPost=-{wish.program} {wish.conclude}\n" if wish.conclude else "",
        directory=f"WorkingDirectory={_escaped(wish.directory)}\n" if wish.directory else "",
        environment="".join(f'Environment="{_escaped(each)}"\n' for each in wish.environment),
        account=wish.account,
        group=wish.group,
        states=wish.states,
        state=wish.state,
        timeout=f"{wish.timeout}s" if wish.timeout else "infinity",
        home="read-only" if _any_within(needed, _HOMES) else "yes",
        tmp="no" if _any_within(needed, _SHARED) else "yes",
        network="" if wish.network else "PrivateNetwork=yes\n",
        namespaces="" if wish.namespaces else "RestrictNamespaces=yes\n",
        # One that is away must not keep the program from starting: it tells, which a unit that fails before does not.
        writable="".join(f'ReadWritePaths="-{_escaped(path)}"\n' for path in wish.writable),
    )


def timer(wish: Scheduled) -> str:
    """When the service is started."""
    return _TIMER.format(
        writer=wish.writer,
        title=_line(wish.title),
        calendar=wish.calendar,
        delay=f"{wish.random_delay}s",
        persistent="yes" if wish.persistent else "no",
    )


def cron(wish: Scheduled) -> str | None:
    """The same for hosts without systemd; None for a calendar that cron cannot say."""
    columns = to_cron(wish.calendar)
    if columns is None:
        return None
    return _CRON.format(
        writer=wish.writer,
        title=_line(wish.title).replace("%%", "%"),
        columns=columns,
        account=wish.account,
        delay=f"sleep $(shuf -n 1 -i 0-{wish.random_delay}); " if wish.random_delay else "",
        timeout=f" timeout -k 60 {wish.timeout}" if wish.timeout else "",
        program=wish.program,
        command=wish.command,
        conclude=wish.conclude,
    )


def _line(title: str) -> str:
    """A data directory may have any name; in a line of a unit it is one line."""
    return "".join(each if each.isprintable() else "?" for each in title).replace("%", "%%").rstrip("\\")


def _escaped(text: str) -> str:
    """As it is, and no specifier."""
    return text.replace("%", "%%")


def _any_within(paths: t.Iterable[str], directories: t.Sequence[str]) -> bool:
    return any(path == each or path.startswith(f"{each}/") for path in paths for each in directories)
