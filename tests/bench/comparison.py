# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hardening, ours and the peer's: fresh hosts for each side, a first run, then runs without a change in turns."""

from __future__ import annotations

import dataclasses
import json
import statistics
import typing as t

from ansible_collections.rampart.postgresql.tests.bench import equality
from ansible_collections.rampart.postgresql.tests.bench.hosts import BenchmarkError
from ansible_collections.rampart.postgresql.tests.bench.hosts import Host
from ansible_collections.rampart.postgresql.tests.bench.playbook import Run
from ansible_collections.rampart.postgresql.tests.bench.playbook import Runner

__all__ = ["Comparison", "Series", "compare", "count_executions", "count_executions_of_two", "spot_tampering"]

OURS: t.Final = "rampart"
PEER: t.Final = "peer"
SHIPPED: t.Final = "rampart.postgresql.harden"
_SHIPPED_RUNS: t.Final = 3
_PLAYBOOKS: t.Final = {OURS: "harden.yml", PEER: "peer.yml"}

_TWO_CLUSTERS: t.Final = [{"cluster": "17/main"}, {"cluster": "17/second"}]

_TAMPERING: t.Final = """
su postgres -c "psql -Xq -d postgres -c 'ALTER ROLE web CREATEDB'"
su postgres -c "psql -Xq -d appdb -c 'GRANT CREATE ON SCHEMA public TO PUBLIC'"
printf 'host all all 0.0.0.0/0 trust\n' >>/etc/postgresql/17/main/pg_hba.conf
"""


@dataclasses.dataclass(frozen=True)
class Series:
    """Wall times of one side, in seconds."""

    first: float
    unchanged: tuple[float, ...]

    @property
    def median(self) -> float:
        """Of the runs that change nothing."""
        return statistics.median(self.unchanged)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Both sides on the same number of hosts."""

    hosts: int
    ours: Series
    peer: Series
    shipped: tuple[float, ...]  # the shipped playbook, which takes the hosts in batches; nothing changes

    @property
    def ratio(self) -> float:
        """Our share of the peer's time, nothing changing: the median over the turns.

        The two runs of a turn follow each other, so that what else the machine does weighs on both.
        """
        return statistics.median(ours / peer for ours, peer in zip(self.ours.unchanged, self.peer.unchanged))


def compare(runner: Runner, groups: t.Mapping[str, t.Sequence[Host]], *, runs: int) -> Comparison:
    """Measure both sides on fresh hosts and make sure that they reached the same."""
    first = {side: _harden(runner, side) for side in groups}
    equality.check(groups[OURS], groups[PEER])
    seconds: dict[str, list[float]] = {side: [] for side in groups}
    for _turn in range(runs):
        for side in groups:
            seconds[side].append(_unchanged(_harden(runner, side)).seconds)
    # On one host the shipped playbook has one batch: nothing new to see.
    turns = _SHIPPED_RUNS if len(groups[OURS]) > 1 else 0
    shipped = [_unchanged(runner.run(SHIPPED, target=OURS)).seconds for _turn in range(turns)]
    series = {side: Series(first=first[side].seconds, unchanged=tuple(seconds[side])) for side in groups}
    return Comparison(hosts=len(groups[OURS]), ours=series[OURS], peer=series[PEER], shipped=tuple(shipped))


def count_executions(runner: Runner, side: str) -> int:
    """Module executions of a run that changes nothing, on the one host of a side; this run is not timed."""
    run = _unchanged(_harden(runner, side, "-vvv"))
    if not run.executions or len(run.changed) != 1:
        raise BenchmarkError(f"no module executions were seen on one host:\n{run.output[-3000:]}")
    return run.executions


def count_executions_of_two(runner: Runner) -> int:
    """The same on our one host when it has a second cluster: hardened with the first, its rules left alone."""
    options = ("-e", json.dumps({"pg_harden_clusters": _TWO_CLUSTERS}))
    _harden(runner, OURS, *options)
    return _unchanged(_harden(runner, OURS, "-vvv", *options)).executions


def spot_tampering(runner: Runner, host: Host) -> tuple[Run, Run]:
    """Tamper with a hardened host between two timed runs: the next must correct it, the one after change nothing."""
    before = equality.fingerprint(host)
    _unchanged(_harden(runner, OURS))
    host.shell(_TAMPERING)
    if equality.fingerprint(host) == before:
        raise BenchmarkError("the tampering did not reach the server")
    corrected = _harden(runner, OURS)
    if not corrected.changed[host.name] or equality.fingerprint(host) != before:
        raise BenchmarkError("the tampering was not seen: something was remembered from the run before")
    return corrected, _unchanged(_harden(runner, OURS))


def _harden(runner: Runner, side: str, *options: str) -> Run:
    return runner.run(_PLAYBOOKS[side], target=side, options=options)


def _unchanged(run: Run) -> Run:
    if any(run.changed.values()):
        raise BenchmarkError(f"a run that should change nothing changed something:\n{run.output[-6000:]}")
    return run
