# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pg_hba.conf with thousands of rules: our module, the peer's, and one that does nothing with them."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.util
import json
import pathlib
import statistics
import typing as t

from ansible_collections.rampart.postgresql.tests.bench.hosts import BenchmarkError
from ansible_collections.rampart.postgresql.tests.bench.hosts import Host
from ansible_collections.rampart.postgresql.tests.bench.playbook import HERE
from ansible_collections.rampart.postgresql.tests.bench.playbook import Runner

__all__ = ["COUNT", "OURS", "Timing", "measure", "mounts"]

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

_LIBRARY: t.Final = "/opt/bench"  # where hosts see the modules, to call them without Ansible around
_HBA_FILE: t.Final = "/etc/postgresql/17/main/pg_hba.conf"

Values = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Timing:
    """One module that is given all rules and changes nothing; medians in seconds."""

    module: str
    task: float  # on the controller: from the start of the task to its result
    main: float  # on the host: from the first line of main() to exit_json


def mounts() -> dict[str, str]:
    """What a host must see so that modules can be called without Ansible around; here to there."""
    collections = f"{_LIBRARY}/ansible_collections"
    return {
        _folder_of("ansible"): f"{_LIBRARY}/ansible",
        _folder_of("ansible_collections.community.postgresql"): f"{collections}/community/postgresql",
        str(HERE.parent.parent): f"{collections}/rampart/postgresql",
    }


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
    _task(runner, name, host, variables)
    tasks = []
    for _turn in range(runs):
        seconds, changed = _task(runner, name, host, variables)
        if changed:
            raise BenchmarkError(f"{name} changed something again")
        tasks.append(seconds)
    mains = [_main(host, name, arguments) for _turn in range(runs)]
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


def _task(runner: Runner, name: str, host: Host, variables: pathlib.Path) -> tuple[float, bool]:
    """Seconds that the task took and whether it changed something."""
    run = runner.run(
        "module.yml",
        target=host.name,
        options=("--tags", _TAGS[name], "-e", f"@{variables}"),
        callback="ansible.posix.json",
    )
    (play,) = json.loads(run.output)["plays"]
    (task,) = play["tasks"]
    duration = task["task"]["duration"]
    begin, end = (datetime.datetime.fromisoformat(duration[name].rstrip("Z")) for name in ("start", "end"))
    return (end - begin).total_seconds(), bool(task["hosts"][host.name]["changed"])


def _main(host: Host, name: str, arguments: Values) -> float:
    """Seconds from the first line of main() to exit_json, in a process that has imported the module already."""
    host.write("/root/module_time.py", (HERE / "module_time.py").read_text(encoding="utf-8"))
    host.write("/root/arguments.json", json.dumps(arguments))
    output = host.shell(
        f"export PYTHONPATH={_LIBRARY} PYTHONDONTWRITEBYTECODE=1\n"
        f"python3 /root/module_time.py {_MODULES[name]} </root/arguments.json"
    )
    found: dict[str, t.Any] = json.loads(output.splitlines()[-1])
    if found["result"].get("failed") or found["result"].get("changed"):
        raise BenchmarkError(f"{name}, called without Ansible around: {found['result']}")
    return float(found["seconds"])


def _folder_of(package: str) -> str:
    specification = importlib.util.find_spec(package)
    folders = list(specification.submodule_search_locations or ()) if specification else []
    if not folders:
        raise BenchmarkError(f"{package} is not installed")
    return str(pathlib.Path(folders[0]).resolve())
