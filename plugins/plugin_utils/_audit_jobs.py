# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Audits and reviews that a control host runs by timers, as a role gives them; pure and private to the collection."""

from __future__ import annotations

import collections
import pathlib
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import checked_calendar
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import checked_unit
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import full_path
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import writable_directory
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError

__all__ = ["KINDS", "completed"]

Values = t.Mapping[str, t.Any]

KINDS: t.Final[dict[str, dict[str, t.Any]]] = {
    "audit": {},
    "access_review": {},
    "log_review": {"log_review_since": "last"},
}
"""Playbooks that can be scheduled, with the variables that each has beside its directory and its history."""

_STATES = "rampart-audit"
_DEFINITIONS = "/etc/rampart-audit"
_DOCUMENTATION = "https://docs.ansible.com/ansible/latest/collections/rampart/postgresql/"
_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
_UNIT = re.compile(r"[A-Za-z0-9:_.@%-]+\.(service|target)")
_SECONDS = 2**31 - 1
_LONGEST = (
    48  # with /var/lib/rampart-audit/NAME/cp/, 10 characters of Ansible and 17 of ssh less than the 108 of a socket
)
_PRESENT = ("present", "absent")


def completed(given: t.Any, defaults: Values) -> list[dict[str, t.Any]]:
    """Each job with what it is called, what starts it, and its variables; raises InputError for what cannot be used."""
    jobs = [_completed(each, defaults, f"jobs[{number}]") for number, each in enumerate(_list(given, "jobs"))]
    for key, expected in (
        ("name", "a name of one job only"),
        ("directory", "a directory of one job only, as each keeps a history there"),
    ):
        seen = collections.Counter(job[key] for job in jobs if job[key])
        for number, job in enumerate(jobs):
            if seen[job[key]] > 1:
                raise InputError(option=f"jobs[{number}].{key}", value=job[key], expected=expected)
    return jobs


def _completed(given: t.Any, defaults: Values, option: str) -> dict[str, t.Any]:
    if not isinstance(given, dict):
        raise InputError(option=option, value=given, expected="a dictionary")
    job = {**defaults, **{name: value for name, value in given.items() if value is not None}}
    name = _named(job, f"{option}.name")
    state = _chosen(job.get("state", "present"), f"{option}.state", _PRESENT)
    unit = f"{_STATES}-{name}"
    told = {"name": name, "unit": unit, "variables_file": f"{_DEFINITIONS}/{name}.json"}
    if state == "absent":
        return {**told, "present": False, "directory": ""}
    kind = _chosen(job.get("kind"), f"{option}.kind", tuple(KINDS))
    home = f"/var/lib/{_STATES}/{name}"
    directory = writable_directory(str(job.get("directory") or home), f"{option}.directory")
    return {
        **told,
        "present": True,
        "kind": kind,
        "directory": directory,
        "makes_directory": directory != home,
        "above": [str(path) for path in reversed(pathlib.PurePosixPath(directory).parents)],
        "account": _account(job.get("account"), f"{option}.account"),
        "calendar": checked_calendar(str(job.get("calendar") or ""), f"{option}.calendar"),
        "inventory": _paths(job.get("inventory"), f"{option}.inventory"),
        "program": _program(job, option),
        "variables": _variables(job, kind, directory, option),
        "wish": _wish(job, kind, name, directory, option),
    }


def _named(job: Values, option: str) -> str:
    name = checked_unit(str(job.get("name", "")), option)
    if len(name) > _LONGEST:
        raise InputError(
            option=option, value=name, expected=f"up to {_LONGEST} characters, as SSH has sockets below it"
        )
    return name


def _variables(job: Values, kind: str, directory: str, option: str) -> dict[str, t.Any]:
    """What stands in the file that only the account and root read; what the operator says goes before what we say."""
    given = job.get("variables") or {}
    if not isinstance(given, dict):
        raise InputError(option=f"{option}.variables", value=given, expected="a dictionary")
    if f"{kind}_directory" in given:
        raise InputError(
            option=f"{option}.variables.{kind}_directory",
            value=given[f"{kind}_directory"],
            expected="left out: directory of the job says it",
        )
    target = {"target": job["target"]} if job.get("target") else {}
    return {f"{kind}_history": True, **KINDS[kind], **target, **given, f"{kind}_directory": directory}


def _wish(job: Values, kind: str, name: str, directory: str, option: str) -> dict[str, t.Any]:
    """What the filter backup_unit makes units of. The account's group is added where it is known."""
    inventory = _paths(job.get("inventory"), f"{option}.inventory")
    program = _program(job, option)
    home = f"/var/lib/{_STATES}/{name}"
    working = _path(job, "working_directory", option) if job.get("working_directory") else home
    collections_path = _optional_paths(job.get("collections_path"), f"{option}.collections_path", without=":")
    words = [*(f"--inventory {_quoted(path)}" for path in inventory), "--extra-vars"]
    words += [f"@{_DEFINITIONS}/{name}.json", f"rampart.postgresql.{kind}"]
    environment = [f"ANSIBLE_HOME={home}/.ansible", f"ANSIBLE_SSH_CONTROL_PATH_DIR={home}/cp", "ANSIBLE_NOCOLOR=true"]
    environment += [f"ANSIBLE_COLLECTIONS_PATH={':'.join(collections_path)}"] if collections_path else []
    return {
        "name": f"{_STATES}-{name}",
        "writer": "role pg_audit_schedule",
        "title": f"Run the playbook {kind} of rampart.postgresql for {name}",
        "documentation": _DOCUMENTATION,
        "program": f'"{program}"',
        "command": " ".join(words),
        "conclude": "",
        "account": _account(job.get("account"), f"{option}.account"),
        "states": _STATES,
        "state": name,
        "calendar": str(job.get("calendar") or ""),
        "random_delay": _seconds(job, "random_delay", option),
        "timeout": _seconds(job, "timeout", option),
        "directory": working,
        "environment": environment,
        "on_failure": _units(job.get("on_failure"), f"{option}.on_failure"),
        "writable": [directory],
        "read": [working, program, *inventory, *collections_path],
    }


def _quoted(path: str) -> str:
    """A path, which has no quotes and no backslashes, as a word of a command in a unit."""
    return '"' + path.replace("%", "%%").replace("$", "$$") + '"'


def _chosen(value: t.Any, option: str, choices: t.Sequence[str]) -> str:
    if value not in choices:
        raise InputError(option=option, value=value, expected=f"one of {', '.join(choices)}")
    return str(value)


def _account(value: t.Any, option: str) -> str:
    if not isinstance(value, str) or not _ACCOUNT.fullmatch(value) or value == "root":
        raise InputError(option=option, value=value, expected="the name of an account of this host that is not root")
    return value


def _units(value: t.Any, option: str) -> str:
    """Units in one line. A specifier such as %n may stand for the name of the unit that failed."""
    units = str(value or "").split()
    if not all(_UNIT.fullmatch(unit) for unit in units):
        raise InputError(option=option, value=value, expected="names of units, such as 'alert@%n.service'")
    return " ".join(units)


def _seconds(job: Values, name: str, option: str) -> int:
    value = job.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _SECONDS:
        raise InputError(
            option=f"{option}.{name}", value=value, expected=f"a whole number of seconds from 0 to {_SECONDS}"
        )
    return value


def _path(job: Values, name: str, option: str) -> str:
    return full_path(str(job.get(name) or ""), f"{option}.{name}", "a full path")


def _program(job: Values, option: str) -> str:
    """In the first word of a command systemd knows no escape for a dollar sign."""
    program = _path(job, "ansible_playbook", option)
    if re.search("[$%]", program):
        raise InputError(
            option=f"{option}.ansible_playbook", value=program, expected="a full path without dollar and percent signs"
        )
    return program


def _paths(value: t.Any, option: str) -> list[str]:
    paths = _optional_paths(value, option)
    if not paths:
        raise InputError(option=option, value=value, expected="a full path of an inventory on this host at least")
    return paths


def _optional_paths(value: t.Any, option: str, *, without: str = "") -> list[str]:
    paths = [full_path(str(path), option, "full paths") for path in _list(value or [], option)]
    wrong = next((path for path in paths if without and without in path), None)
    if wrong is not None:
        raise InputError(option=option, value=wrong, expected=f"full paths without {without!r}")
    return paths


def _list(value: t.Any, option: str) -> list[t.Any]:
    if not isinstance(value, list):
        raise InputError(option=option, value=value, expected="a list")
    return value
