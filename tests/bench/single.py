# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One module that changes nothing: what its task takes on the controller, and what its main() takes on the host."""

from __future__ import annotations

import dataclasses
import datetime
import importlib.util
import json
import pathlib
import typing as t

from ansible_collections.rampart.postgresql.tests.bench.hosts import BenchmarkError
from ansible_collections.rampart.postgresql.tests.bench.hosts import Host
from ansible_collections.rampart.postgresql.tests.bench.playbook import HERE
from ansible_collections.rampart.postgresql.tests.bench.playbook import Run
from ansible_collections.rampart.postgresql.tests.bench.playbook import Runner

__all__ = ["Task", "Values", "module_time", "mounts"]

_LIBRARY: t.Final = "/opt/bench"  # where hosts see the modules, to call them without Ansible around

Values = t.Mapping[str, t.Any]


def mounts() -> dict[str, str]:
    """What a host must see so that modules can be called without Ansible around; here to there."""
    collections = f"{_LIBRARY}/ansible_collections"
    return {
        _folder_of("ansible"): f"{_LIBRARY}/ansible",
        _folder_of("ansible_collections.community.postgresql"): f"{collections}/community/postgresql",
        str(HERE.parent.parent): f"{collections}/rampart/postgresql",
    }


@dataclasses.dataclass(frozen=True)
class Task:
    """One task of a playbook, which its tag selects."""

    runner: Runner
    playbook: str
    tag: str
    host: Host
    variables: pathlib.Path  # a file

    def run(self) -> tuple[float, bool]:
        """Seconds that the task took and whether it changed something."""
        run = self._run(callback="ansible.posix.json")
        (play,) = json.loads(run.output)["plays"]
        (task,) = play["tasks"]
        duration = task["task"]["duration"]
        begin, end = (datetime.datetime.fromisoformat(duration[name].rstrip("Z")) for name in ("start", "end"))
        return (end - begin).total_seconds(), bool(task["hosts"][self.host.name]["changed"])

    def unchanged(self) -> float:
        """Seconds of a run that changes nothing."""
        seconds, changed = self.run()
        if changed:
            raise BenchmarkError(f"{self.playbook}, {self.tag}: something was changed again")
        return seconds

    def executions(self) -> int:
        """Modules that a run sends to the host."""
        return self._run("-vvv").executions

    def _run(self, *options: str, callback: str = "default") -> Run:
        return self.runner.run(
            self.playbook,
            target=self.host.name,
            options=("--tags", self.tag, "-e", f"@{self.variables}", *options),
            callback=callback,
        )


def module_time(host: Host, package: str, arguments: Values) -> float:
    """Seconds from the first line of main() to exit_json, in a process that has imported the module already.

    ``package`` is the module's name as Python imports it; it must change nothing.
    """
    host.write("/root/module_time.py", (HERE / "module_time.py").read_text(encoding="utf-8"))
    host.write("/root/arguments.json", json.dumps(arguments))
    output = host.shell(
        f"export PYTHONPATH={_LIBRARY} PYTHONDONTWRITEBYTECODE=1\n"
        f"python3 /root/module_time.py {package} </root/arguments.json"
    )
    found: dict[str, t.Any] = json.loads(output.splitlines()[-1])
    if found["result"].get("failed") or found["result"].get("changed"):
        raise BenchmarkError(f"{package}, called without Ansible around: {found['result']}")
    return float(found["seconds"])


def _folder_of(package: str) -> str:
    specification = importlib.util.find_spec(package)
    folders = list(specification.submodule_search_locations or ()) if specification else []
    if not folders:
        raise BenchmarkError(f"{package} is not installed")
    return str(pathlib.Path(folders[0]).resolve())
