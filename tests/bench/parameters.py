# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forty parameters that are as they should be: one call of our module, and one call of the peer's for each."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import statistics
import typing as t

from ansible_collections.rampart.postgresql.tests.bench.hosts import BenchmarkError
from ansible_collections.rampart.postgresql.tests.bench.hosts import Host
from ansible_collections.rampart.postgresql.tests.bench.playbook import Runner
from ansible_collections.rampart.postgresql.tests.bench.single import Task
from ansible_collections.rampart.postgresql.tests.bench.single import module_time

__all__ = ["PARAMETERS", "Timing", "measure"]

# None needs a restart, so that both servers run with the values. Each is spelt so that the peer's module recognises it.
PARAMETERS: t.Final = {
    "authentication_timeout": "30s",
    "bgwriter_delay": "100ms",
    "checkpoint_completion_target": "0.8",
    "checkpoint_timeout": "10min",
    "client_connection_check_interval": "5s",
    "cpu_tuple_cost": "0.02",
    "deadlock_timeout": "2s",
    "debug_pretty_print": "off",
    "debug_print_plan": "on",
    "default_statistics_target": "200",
    "effective_cache_size": "1GB",
    "effective_io_concurrency": "2",
    "idle_in_transaction_session_timeout": "10min",
    "idle_session_timeout": "1d",
    "jit": "off",
    "lock_timeout": "1min",
    "log_autovacuum_min_duration": "1s",
    "log_connections": "on",
    "log_destination": "stderr",
    "log_disconnections": "on",
    "log_duration": "on",
    "log_error_verbosity": "verbose",
    "log_hostname": "off",
    "log_line_prefix": "%m [%p] user=%u db=%d: ",
    "log_lock_waits": "on",
    "log_min_duration_statement": "5s",
    "log_min_error_statement": "error",
    "log_replication_commands": "on",
    "log_statement": "ddl",
    "log_temp_files": "10MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "password_encryption": "scram-sha-256",
    "random_page_cost": "1.1",
    "scram_iterations": "8192",
    "statement_timeout": "1h",
    "tcp_keepalives_count": "5",
    "temp_file_limit": "10GB",
    "wal_sender_timeout": "2min",
    "work_mem": "8MB",
}
_OURS: t.Final = "ansible_collections.rampart.postgresql.plugins.modules.settings"


@dataclasses.dataclass(frozen=True)
class Timing:
    """Runs that change nothing, in turns; seconds of the task on the controller, and of our main() on the host."""

    ours: tuple[float, ...]
    peer: tuple[float, ...]
    main: float
    executions: int

    @property
    def share(self) -> float:
        """Our share of the peer's time: the median over the turns."""
        return statistics.median(ours / peer for ours, peer in zip(self.ours, self.peer))


def measure(runner: Runner, ours: Host, peer: Host, directory: pathlib.Path, *, runs: int) -> Timing:
    """Set all parameters on both sides, make sure that both servers run with the same, then measure."""
    variables = directory / "parameters.json"
    variables.write_text(json.dumps({"parameters": PARAMETERS}), encoding="utf-8")
    mine = Task(runner, "parameters.yml", "ours", ours, variables)
    theirs = Task(runner, "parameters.yml", "peer", peer, variables)
    for task in (mine, theirs):
        task.run()
    _check(ours, peer)
    turns = [(mine.unchanged(), theirs.unchanged()) for _turn in range(runs)]
    mains = [module_time(ours, _OURS, {"parameters": PARAMETERS}) for _turn in range(runs)]
    return Timing(
        ours=tuple(seconds for seconds, _peer in turns),
        peer=tuple(seconds for _ours, seconds in turns),
        main=statistics.median(mains),
        executions=mine.executions(),
    )


def _check(ours: Host, peer: Host) -> None:
    """Both servers must say the same of all parameters."""
    names = ", ".join(f"'{name}'" for name in PARAMETERS)
    question = f"SELECT name, setting FROM pg_settings WHERE name IN ({names}) ORDER BY name"
    answers = [host.query(question) for host in (ours, peer)]
    if answers[0] != answers[1] or len(answers[0].splitlines()) != len(PARAMETERS):
        raise BenchmarkError(f"the sides differ, so there is nothing to compare:\n{answers[0]}\n{answers[1]}")
