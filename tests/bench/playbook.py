# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a playbook and say how long it took and what it did."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import subprocess
import time
import typing as t

from ansible_collections.rampart.postgresql.tests.bench.hosts import BenchmarkError
from ansible_collections.rampart.postgresql.tests.bench.hosts import Host

__all__ = ["HERE", "Run", "Runner"]

HERE: t.Final = pathlib.Path(__file__).resolve().parent
_LIMIT: t.Final = 300  # seconds for one run
_RECAP: t.Final = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=0\s", re.MULTILINE)
_EXECUTION: t.Final = "Using module file "

_ENVIRONMENT: t.Final = {
    "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    "ANSIBLE_FORKS": "5",
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_PIPELINING": "1",
    "ANSIBLE_RETRY_FILES_ENABLED": "0",
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of ansible-playbook."""

    seconds: float  # wall time of the whole process
    changed: t.Mapping[str, int]  # host to the number of tasks that changed something
    output: str

    @property
    def executions(self) -> int:
        """Modules that were sent to hosts; 0 unless the run was verbose."""
        return self.output.count(_EXECUTION)


class Runner:
    """Runs playbooks against one inventory, the same for both sides of a comparison."""

    def __init__(self, directory: pathlib.Path, groups: t.Mapping[str, t.Sequence[Host]]) -> None:
        lines = [line for group, hosts in groups.items() for line in (f"[{group}]", *(host.name for host in hosts))]
        self._inventory = directory / "hosts.ini"
        self._inventory.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(self, playbook: str, *, target: str, options: t.Sequence[str] = (), callback: str = "default") -> Run:
        """Run a playbook on the hosts that ``target``, a pattern, matches; any failed host is an error."""
        command = [
            *("ansible-playbook", "-i", str(self._inventory), "-i", str(HERE / "inventory.yml")),
            *("-e", f"target={target}", *options, playbook),
        ]
        begin = time.monotonic()
        process = subprocess.run(
            command,
            cwd=HERE,
            env={**os.environ, **_ENVIRONMENT, "ANSIBLE_STDOUT_CALLBACK": callback},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
        seconds = time.monotonic() - begin
        if process.returncode != 0:
            raise BenchmarkError(f"{' '.join(command)} failed:\n{process.stdout[-6000:]}{process.stderr[-2000:]}")
        changed = {host: int(count) for host, count in _RECAP.findall(process.stdout)}
        return Run(seconds=seconds, changed=changed, output=process.stdout)
