# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs and hosts for the tests of this room."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import Job
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import from_task
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import LAYOUT
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Directory
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Found
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Source
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import State

__all__ = ["SOURCE", "host", "job", "written"]

SOURCE: t.Final = Source(
    label="17/main",
    bindir="/usr/lib/postgresql/17/bin",
    socket_directory="/var/run/postgresql",
    port=5432,
    user="postgres",
    data_directory="/var/lib/postgresql/17/main",
    account="postgres",
    group="postgres",
    unit="postgresql@17-main.service",
)


def job(**changes: t.Any) -> Job:
    """One job, with the defaults of its options."""
    values = {
        "name": "nightly",
        "schedule": {"calendar": "daily"},
        "encryption": {"recipients": ["age1x"]},
        "places": [{"path": "/srv/backups"}],
        **changes,
    }
    return from_task(_filled({"jobs": [values]}, ARGUMENTS))[0]


def _filled(values: t.Mapping[str, t.Any], options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What Ansible, which oldest hosts do not have, makes of values."""
    unknown = set(values) - set(options)
    assert not unknown, unknown
    return {name: _value(values.get(name), option) for name, option in options.items()}


def _value(value: t.Any, option: t.Mapping[str, t.Any]) -> t.Any:
    if value is None and not option.get("apply_defaults"):
        return option.get("default")
    inner = option.get("options")
    if inner is None:
        return value
    return [_filled(each, inner) for each in value] if option["type"] == "list" else _filled(value or {}, inner)


def host(wanted: Job, *, systemd: bool = True, files: t.Mapping[str, bytes] | None = None, **changes: t.Any) -> State:
    """A host on which nothing is amiss, with files of the job or without."""
    paths = LAYOUT.paths(wanted.name)
    ours = (LAYOUT.definitions, LAYOUT.states, paths.state)
    state = State(
        source=SOURCE,
        layout=LAYOUT,
        systemd=systemd,
        found={wanted.name: Found({path: (files or {}).get(path) for path in paths.files}, scheduled=bool(files))},
        directories={path: Directory(True) for path in (*wanted.directories, *ours)},
        calendars={wanted.schedule.calendar: ""},
    )
    return dataclasses.replace(state, **changes)


def written(steps: t.Iterable[t.Any]) -> dict[str, bytes]:
    """The files that steps leave."""
    return {step.operation.path: step.operation.after for step in steps if getattr(step.operation, "after", None)}
