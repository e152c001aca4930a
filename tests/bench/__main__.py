# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure, and print what was found. The exit status says whether everything could be measured, not how it came out."""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
import tempfile
import time

from ansible_collections.rampart.postgresql.tests.bench import certificates
from ansible_collections.rampart.postgresql.tests.bench import comparison
from ansible_collections.rampart.postgresql.tests.bench import parameters
from ansible_collections.rampart.postgresql.tests.bench import privileges
from ansible_collections.rampart.postgresql.tests.bench import report
from ansible_collections.rampart.postgresql.tests.bench import rules
from ansible_collections.rampart.postgresql.tests.bench import single
from ansible_collections.rampart.postgresql.tests.bench.comparison import OURS
from ansible_collections.rampart.postgresql.tests.bench.comparison import PEER
from ansible_collections.rampart.postgresql.tests.bench.hosts import BenchmarkError
from ansible_collections.rampart.postgresql.tests.bench.hosts import started
from ansible_collections.rampart.postgresql.tests.bench.playbook import Runner

_CALLS = 3  # of one module


class Benchmark:
    """The parts of a run, each with hosts of its own."""

    def __init__(self, directory: pathlib.Path, runs: int) -> None:
        self._directory = directory
        self._runs = runs
        self._suffix = os.getpid()
        self._begin = time.monotonic()
        self.comparisons: list[comparison.Comparison] = []
        self.bars: list[report.Bar] = []
        self.notes: list[str] = []

    def _say(self, what: str) -> None:
        print(f"{time.monotonic() - self._begin:4.0f} s  {what}", file=sys.stderr, flush=True)

    def _names(self, side: str, count: int) -> list[str]:
        return [f"bench-{side}-{count}{letter}-{self._suffix}" for letter in "abc"[:count]]

    def one_host(self) -> list[rules.Timing]:
        """The hardening on one host, what it executes, tampering between runs, and thousands of rules."""
        with started([*self._names(OURS, 1), *self._names(PEER, 1)], mounts=single.mounts()) as (ours, peer):
            runner = Runner(self._directory, {OURS: [ours], PEER: [peer]})
            self._compare(runner, {OURS: [ours], PEER: [peer]})
            self._say("counting module executions")
            executions = {side: comparison.count_executions(runner, side) for side in (OURS, PEER)}
            self.notes.append(f"module executions on one host: {executions[OURS]}, peer {executions[PEER]}")
            self.bars.append(report.Bar("module executions, one cluster", executions[OURS], 3, digits=0))
            self._say("tampering between timed runs")
            corrected, after = comparison.spot_tampering(runner, ours)
            self.notes.append(
                f"tampered with between two timed runs: corrected in {corrected.seconds:.1f} s,"
                f" {sum(corrected.changed.values())} changed; then {after.seconds:.1f} s, 0 changed"
            )
            self._say("a certificate that is good")
            seconds = certificates.measure(ours, runs=_CALLS)
            self.bars.append(report.Bar("certificate, self-signed, no change, seconds of module time", seconds, 1.0))
            self._say(f"{rules.COUNT} rules")
            timings = rules.measure(runner, ours, peer, self._directory, runs=_CALLS)
            # The last on this host, as thousands of roles stay.
            self._say(f"{privileges.TABLES} tables")
            seconds = privileges.measure(ours, runs=_CALLS)
            what = (
                f"privileges, {privileges.ROLES} roles, {privileges.TABLES} tables, no change, seconds of module time"
            )
            self.bars.append(report.Bar(what, seconds, 5.0))
            seconds = privileges.measure_roles(ours, runs=_CALLS)
            what = f"role_attributes, {privileges.ROLES} roles, no change, seconds of module time"
            self.bars.append(report.Bar(what, seconds, 1.5))
        mine = next(timing for timing in timings if timing.module == rules.OURS)
        self.bars.append(report.Bar(f"hba, {rules.COUNT} rules, seconds of module time", mine.main, 0.6))
        return timings

    def parameters(self) -> parameters.Timing:
        """Parameters with one module each, nothing else."""
        self._say(f"{len(parameters.PARAMETERS)} parameters")
        with started(self._names("parameters", 2), mounts=single.mounts()) as (ours, peer):
            runner = Runner(self._directory, {OURS: [ours], PEER: [peer]})
            timing = parameters.measure(runner, ours, peer, self._directory, runs=_CALLS)
        what = f"settings, {len(parameters.PARAMETERS)} parameters"
        self.bars += [
            report.Bar(f"{what}, share of the peer's task time", timing.share, report.SHARE_OF_CALLS, digits=3),
            report.Bar(f"{what}, seconds of module time", timing.main, 0.6),
            report.Bar(f"{what}, module executions", timing.executions, 1, digits=0),
        ]
        return timing

    def two_clusters(self) -> None:
        """What a further cluster on a host costs, in module executions."""
        self._say("a host with two clusters")
        with started(self._names("second", 1), mounts={}, second=True) as (host,):
            runner = Runner(self._directory, {OURS: [host]})
            executions = comparison.count_executions_of_two(runner)
        self.notes.append(f"module executions on a host with two clusters: {executions}")
        self.bars.append(report.Bar("module executions, two clusters", executions, 4, digits=0))

    def three_hosts(self) -> None:
        """The hardening on three hosts at once."""
        with started([*self._names(OURS, 3), *self._names(PEER, 3)], mounts={}) as hosts:
            groups = {OURS: hosts[:3], PEER: hosts[3:]}
            self._compare(Runner(self._directory, groups), groups)

    def _compare(self, runner: Runner, groups: dict[str, list[comparison.Host]]) -> None:
        self._say(f"hardening, hosts on each side: {len(groups[OURS])}")
        found = comparison.compare(runner, groups, runs=self._runs)
        self.comparisons.append(found)
        self._say(f"nothing to change: {found.ours.median:.1f} s, peer {found.peer.median:.1f} s")
        where = "one host" if found.hosts == 1 else f"{found.hosts} hosts"
        self.bars.append(
            report.Bar(
                f"no change, {where}, share of the peer's time", found.ratio, report.SHARE[found.hosts], digits=3
            )
        )


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runs", type=int, default=5, help="runs without a change that are timed, for each side (default 5)"
    )
    parser.add_argument("--parameters", action="store_true", help="only one module with parameters")
    arguments = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        benchmark = Benchmark(pathlib.Path(directory), arguments.runs)
        try:
            tables = [report.parameters(benchmark.parameters())]
            if not arguments.parameters:
                timings = benchmark.one_host()
                benchmark.two_clusters()
                benchmark.three_hosts()
                tables = [report.comparisons(benchmark.comparisons), *tables, report.rules(rules.COUNT, timings)]
        except BenchmarkError as error:
            print(f"bench: could not be measured: {error}", file=sys.stderr)
            return 1
    print("\n\n".join(tables), "", sep="\n")
    print(*benchmark.notes, *benchmark.bars, sep="\n")
    print(f"bench: everything was measured, in {(time.monotonic() - begin) / 60:.1f} min")
    return 0


if __name__ == "__main__":
    sys.exit(main())
