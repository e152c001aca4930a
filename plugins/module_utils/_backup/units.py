# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of a job, or its file for cron; pure; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.calendar import to_cron

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import Job
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Layout
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Source

__all__ = ["cron", "service", "timer"]

_SHARED = ("/tmp", "/var/tmp")
_HOMES = ("/home", "/root", "/run/user")

_SERVICE = """\
# Written by rampart.postgresql (module backup_job). It may write in the paths below and nowhere else.
[Unit]
Description=Backup {name} of PostgreSQL {label}
Documentation=https://www.postgresql.org/docs/current/backup.html
{after}
[Service]
Type=oneshot
ExecStart={program} run {definition}
ExecStopPost=-{program} conclude job {definition}
User={account}
Group={group}
UMask=0077
TimeoutStartSec={timeout}
TimeoutStopSec=60
KillMode=mixed
StateDirectory=rampart-backup/{name}
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
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
{writable}"""

_TIMER = """\
# Written by rampart.postgresql (module backup_job).
[Unit]
Description=When the backup {name} of PostgreSQL {label} is made

[Timer]
OnCalendar={calendar}
RandomizedDelaySec={delay}
Persistent={persistent}
AccuracySec=1s

[Install]
WantedBy=timers.target
"""

_CRON = """\
# Written by rampart.postgresql (module backup_job): backup {name} of PostgreSQL {label}.
SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
{columns} {account} {delay}nice -n 10 ionice -c 2 -n 7{timeout} {program} run {definition}; exec {program} conclude job {definition}
"""


def service(job: Job, source: Source, layout: Layout) -> str:
    """What runs the job. Nothing in it would start the server."""
    read = [path for place in job.places for path in place.files]
    return _SERVICE.format(
        name=job.name,
        label=_text(source.label),
        after=f"After={source.unit}\n" if source.unit.endswith(".service") else "",
        program=layout.program,
        definition=layout.paths(job.name).definition,
        account=source.account,
        group=source.group,
        timeout=f"{job.timeout}s" if job.timeout else "infinity",
        home="read-only" if _any_within((*job.directories, *read), _HOMES) else "yes",
        tmp="no" if _any_within((*job.directories, *read, source.socket_directory), _SHARED) else "yes",
        # One that is away must not keep the program from starting: it tells, which a unit that fails before does not.
        writable="".join(f'ReadWritePaths="-{path.replace("%", "%%")}"\n' for path in sorted(job.directories)),
    )


def timer(job: Job, source: Source) -> str:
    """When the service is started."""
    return _TIMER.format(
        name=job.name,
        label=_text(source.label),
        calendar=job.schedule.calendar,
        delay=f"{job.schedule.random_delay}s",
        persistent="yes" if job.schedule.persistent else "no",
    )


def cron(job: Job, source: Source, layout: Layout) -> str | None:
    """The same for hosts without systemd; None for a calendar that cron cannot say."""
    columns = to_cron(job.schedule.calendar)
    if columns is None:
        return None
    delay = job.schedule.random_delay
    return _CRON.format(
        name=job.name,
        label=_text(source.label).replace("%%", "%"),
        columns=columns,
        account=source.account,
        delay=f"sleep $(shuf -n 1 -i 0-{delay}); " if delay else "",
        timeout=f" timeout -k 60 {job.timeout}" if job.timeout else "",
        program=layout.program,
        definition=layout.paths(job.name).definition,
    )


def _text(label: str) -> str:
    """A data directory may have any name; in a line of a unit it is one line."""
    return "".join(each if each.isprintable() else "?" for each in label).replace("%", "%%").rstrip("\\")


def _any_within(paths: t.Iterable[str], directories: t.Sequence[str]) -> bool:
    return any(path == each or path.startswith(f"{each}/") for path in paths for each in directories)
