# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit costs: `scripts/bench --audit` prints it beside a ping, and for a fleet whose facts are there already.

The ping and the audit reach the same host in turns. The fleet is the facts of that host under many names: the playbook assesses
them and writes its reports without talking to anybody. Memory is that of ansible-playbook and all that it started.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import typing as t

from ansible_collections.rampart.postgresql.tests.bench import report
from ansible_collections.rampart.postgresql.tests.bench.hosts import BenchmarkError
from ansible_collections.rampart.postgresql.tests.bench.hosts import started

_ENVIRONMENT: t.Final = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "1", "ANSIBLE_FORKS": "5"}
_LIMIT: t.Final = 600  # seconds
_FLEETS: t.Final = (250, 500, 1000)
_CONSTANT: t.Final = 1.0  # seconds on the controller
_SECONDS, _MEMORY = 60.0, 1024.0  # of 1,000 hosts; MiB
_EVERY: t.Final = 0.1  # seconds between two looks at the memory
_PLAYBOOK: t.Final = "rampart.postgresql.audit"


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of one run: seconds of the clock, seconds of all processors, and MiB at the most."""

    seconds: float
    processor: float
    memory: float


def run(*words: str) -> Cost:
    """Run a program of Ansible; any failure is an error."""
    begin, spent = time.monotonic(), _spent()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            words,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        watch = _Watch(process.pid)
        try:
            status = process.wait(_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise BenchmarkError(f"{words[0]} took longer than {_LIMIT} s") from None
        seconds = time.monotonic() - begin
        peak = watch.end()
        if status != 0:
            output.seek(0)
            raise BenchmarkError(f"{' '.join(words)} failed:\n{output.read()[-4000:].decode(errors='replace')}")
    return Cost(seconds, _spent() - spent, peak)


def _spent() -> float:
    """Seconds of processor time of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Watch:
    """The memory of a process and of all that it started, looked at again and again."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(_EVERY):
            self._peak = max(self._peak, sum(map(_memory, _family(self._pid))) / 1024)

    def end(self) -> float:
        """The most, in MiB."""
        self._ended.set()
        self._thread.join()
        return self._peak


def _family(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as stream:
            children = [int(word) for word in stream.read().split()]
    except OSError:
        return []
    return [pid, *(member for child in children for member in _family(child))]


def _memory(pid: int) -> int:
    """KiB of its own and its share of what it shares."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as stream:
            return next((int(line.split()[1]) for line in stream if line.startswith("Pss:")), 0)
    except OSError:
        return 0


def one_host(directory: pathlib.Path, runs: int) -> tuple[report.Bar, str, pathlib.Path]:
    """The audit beside the ping, and where the facts are."""
    with started([f"bench-audit-{os.getpid()}"], mounts={}) as (host,):
        inventory = directory / "one.json"
        variables = {"ansible_connection": "community.docker.docker", "ansible_python_interpreter": "/usr/bin/python3"}
        inventory.write_text(json.dumps({"postgresql": {"hosts": {host.name: variables}}}), encoding="utf-8")
        words = ("--inventory", str(inventory))
        kept = directory / "one"
        pings, audits = [], []
        for _turn in range(runs + 1):  # the first of each fills caches
            pings.append(run("ansible", *words, "postgresql", "--module-name", "ansible.builtin.ping"))
            audits.append(run("ansible-playbook", *words, _PLAYBOOK, *_told(audit_directory=str(kept))))
        _check(kept, 1)
        (ping, of_ping), (audit, of_audit) = _medians(pings[1:]), _medians(audits[1:])
        beyond = report.Bar("audit of one host, seconds beyond twice a ping", audit - 2 * ping, _CONSTANT)
        note = f"one host: ping {ping:.2f} s ({of_ping:.2f} s of processors), audit {audit:.2f} s ({of_audit:.2f} s)"
        return beyond, note, kept / "facts" / f"{host.name}.json"


def _medians(costs: list[Cost]) -> tuple[float, float]:
    return statistics.median(one.seconds for one in costs), statistics.median(one.processor for one in costs)


def _check(directory: pathlib.Path, hosts: int) -> None:
    """A host that is not assessed costs less than one that is."""
    with open(directory / "report.json", encoding="utf-8") as stream:
        line = next(line for line in stream if line.startswith(' "summary": '))
    summary = json.loads(line.partition(": ")[2].rstrip().rstrip(","))
    if summary["hosts"] != hosts or summary["not_assessed"] != 0:
        raise BenchmarkError(f"not all of {hosts} hosts were assessed: {summary}")


def fleet(directory: pathlib.Path, facts: pathlib.Path, hosts: int) -> Cost:
    """The audit of so many hosts whose facts are there."""
    names = [f"db{number:04}.example.org" for number in range(hosts)]
    inventory = directory / f"{hosts}.json"
    inventory.write_text(json.dumps({"postgresql": {"hosts": dict.fromkeys(names, {})}}), encoding="utf-8")
    kept = directory / str(hosts)
    (kept / "facts").mkdir(parents=True)
    for name in names:
        (kept / "facts" / f"{name}.json").write_bytes(facts.read_bytes())
    told = _told(audit_directory=str(kept), audit_gather=False)
    cost = run("ansible-playbook", "--inventory", str(inventory), _PLAYBOOK, *told)
    _check(kept, hosts)
    return cost


def _told(**variables: object) -> tuple[str, str]:
    return ("--extra-vars", json.dumps(variables))


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="turns of ping and audit (default 5)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = pathlib.Path(name)
        try:
            beyond, note, facts = one_host(directory, arguments.runs)
            costs = {hosts: fleet(directory, facts, hosts) for hosts in _FLEETS}
        except BenchmarkError as error:
            print(f"bench: could not be measured: {error}", file=sys.stderr)
            return 1
        size = facts.stat().st_size / 1024
    print(note)
    print(f"facts of a host: {size:.0f} KiB")
    for hosts, cost in costs.items():
        each = cost.processor / hosts * 1000
        print(f"{hosts} hosts: {cost.seconds:.1f} s, {cost.memory:.0f} MiB, {each:.0f} ms of processors each")
    most = costs[_FLEETS[-1]]
    print(beyond)
    print(report.Bar(f"{_FLEETS[-1]} hosts, seconds", most.seconds, _SECONDS))
    print(report.Bar(f"{_FLEETS[-1]} hosts, MiB of all processes", most.memory, _MEMORY, digits=0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
