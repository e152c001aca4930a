# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as the module looks at them before it asks a server, on the controller; private to the collection."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import from_task
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError

__all__ = ["refuse"]

Values = t.Mapping[str, t.Any]

_DICTIONARIES = [name for name, option in ARGUMENTS["jobs"]["options"].items() if option["type"] == "dict"]


def refuse(clusters: t.Sequence[Values]) -> None:
    """Raise for the first job that the module would refuse, whichever cluster it is of."""
    seen: dict[str, str] = {}
    for each in clusters:
        for number, job in enumerate(each["jobs"]):
            _refuse_types(job, f"jobs[{number}]")
        try:
            done = ArgumentSpecValidator(ARGUMENTS).validate({"jobs": each["jobs"]})
        except TypeError as error:
            raise RampartError(f"jobs: a value is of another type than its option: {error}") from None
        if done.error_messages:
            raise RampartError(f"jobs: {'; '.join(done.error_messages)}")
        cluster = str(each.get("cluster", "this host"))
        for wanted in from_task(done.validated_parameters):
            if wanted.name in seen:
                expected = (
                    f"a name of one job only, and {seen[wanted.name]} has it: names are the same for all clusters"
                )
                raise InputError(option=f"{wanted.option}.name", value=wanted.name, expected=expected)
            seen[wanted.name] = cluster


def _refuse_types(job: Values, option: str) -> None:
    """Ansible itself stumbles over a number where it looks for options."""
    for name in _DICTIONARIES:
        value = job.get(name)
        if value is not None and not isinstance(value, (dict, str)):
            raise InputError(option=f"{option}.{name}", value=value, expected="a dictionary with options of its own")
