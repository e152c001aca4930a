# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pg_hba.conf with thousands of rules: our module, the peer's, and one that does nothing with them."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import statistics
import typing as t

from ansible_collections.rampart.postgresql.tests.bench.hosts import Host
from ansible_collections.rampart.postgresql.tests.bench.playbook import Runner
from ansible_collections.rampart.postgresql.tests.bench.single import Task
from ansible_collections.rampart.postgresql.tests.bench.single import Values
from ansible_collections.rampart.postgresql.tests.bench.single import module_time

__all__ = ["COUNT", "OURS", "Timing", "measure"]

COUNT: t.Final = 3000
OURS: t.Final = "rampart.postgresql.hba"
PEER: t.Final = "community.postgresql.postgresql_pg_hba"
EMPTY: t.Final = "empty module"
_MODULES: t.Final = {
    OURS: "ansible_collections.rampart.postgresql.plugins.modules.hba",
    PEER: "ansible_collections.community.postgresql.plugins.modules.postgresql_pg_hba",
    EMPTY: "ansible_collections.rampart.postgresql.tests.bench.library.empty",
}
"""A module to its name as Python imports it."""
_TAGS: t.Final = {OURS: "ours", PEER: "peer", EMPTY: "empty"}

_HBA_FILE: t.Final = "/etc/postgresql/17/main/pg_hba.conf"


@dataclasses.dataclass(frozen=True)
class Timing:
    """One module that is given all rules and changes nothing; medians in seconds."""

    module: str
    task: float  # on the controller: from the start of the task to its result
    main: float  # on the host: from the first line of main() to exit_json


def measure(runner: Runner, ours: Host, peer: Host, directory: pathlib.Path, *, runs: int) -> list[Timing]:
    """Write the rules once with each side's module, then measure calls that change nothing."""
    rules = [_rule(number) for number in range(COUNT)]
    return [
        _measure(EMPTY, runner, ours, {"rules": rules}, directory, runs),
        _measure(OURS, runner, ours, {"rules": rules}, directory, runs),
        _measure(
            PEER,
            runner,
            peer,
            {"rules": [_for_peer(rule) for rule in rules], "dest": _HBA_FILE, "overwrite": True},
            directory,
            runs,
        ),
    ]


def _measure(name: str, runner: Runner, host: Host, arguments: Values, directory: pathlib.Path, runs: int) -> Timing:
    variables = directory / f"{_TAGS[name]}.json"
    variables.write_text(json.dumps(arguments), encoding="utf-8")
    task = Task(runner, "module.yml", _TAGS[name], host, variables)
    task.run()
    tasks = [task.unchanged() for _turn in range(runs)]
    mains = [module_time(host, _MODULES[name], arguments) for _turn in range(runs)]
    return Timing(module=name, task=statistics.median(tasks), main=statistics.median(mains))


def _rule(number: int) -> dict[str, t.Any]:
    """The rule with this number. The first lets the owner of the cluster in, or nobody could go on."""
    if number == 0:
        return {"type": "local", "databases": ["all"], "users": ["all"], "method": "peer"}
    return {
        "type": "hostssl",
        "databases": [f"database_{number % 40}"],
        "users": [f"user_{number}"],
        "address": f"10.{number // 250}.{number % 250}.0/24",
        "method": "scram-sha-256",
    }


def _for_peer(rule: Values) -> dict[str, t.Any]:
    found = {"contype": rule["type"], "databases": rule["databases"][0], "users": rule["users"][0]}
    if "address" in rule:
        found["source"] = rule["address"]
    return {**found, "method": rule["method"]}
