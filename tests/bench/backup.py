# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the backup program costs beside PostgreSQL's own clients: `scripts/bench --backups` prints tables and bars.

The same database, with the same compression, to files on the same disk, in turns. What checks a dump is measured apart: a
program that only takes bytes stands in its place, and encryption is off. Both are added again, one after the other.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time
import typing as t

from ansible_collections.rampart.postgresql.tests.bench import report
from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs
from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_MAJOR: t.Final = 17
_SCALE: t.Final = 137  # of pgbench: 2 GiB
_PROGRAMS: t.Final = ("pg_basebackup", "pg_dump", "pg_dumpall", "psql")
# What `pgbench --initialize --init-steps=dtGvp` makes.
_PGBENCH: t.Final = (
    "CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))",
    "CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84))",
    "CREATE TABLE pgbench_accounts (aid int NOT NULL, bid int, abalance int, filler char(84)) WITH (fillfactor = 100)",
    "CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88))",
    "INSERT INTO pgbench_branches SELECT bid, 0 FROM generate_series(1, SCALE) AS bid",
    "INSERT INTO pgbench_tellers SELECT tid, (tid - 1) / 10 + 1, 0 FROM generate_series(1, 10 * SCALE) AS tid",
    "INSERT INTO pgbench_accounts SELECT aid, (aid - 1) / 100000 + 1, 0, '' FROM generate_series(1, 100000 * SCALE) AS aid",
    "VACUUM ANALYZE pgbench_accounts",
    "ALTER TABLE pgbench_accounts ADD PRIMARY KEY (aid)",
    "CHECKPOINT",
)
_MEBIBYTE: t.Final = 1024
_RATIO, _MEMORY = 1.10, 64.0  # MiB


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of one run. Seconds of the clock, MiB and seconds of a processor of the process that is ours."""

    seconds: float
    memory: float = 0.0
    processor: float = 0.0


class Bench:
    """One server, and a directory on a disk."""

    def __init__(self, server: Server, directory: pathlib.Path) -> None:
        self._server = server
        self._jobs = Jobs(server, directory)
        self._unchecked = directory / "programs"
        self._unchecked.mkdir()
        for name in _PROGRAMS:
            (self._unchecked / name).symlink_to(server.bindir / name)
        taker = self._unchecked / "pg_restore"
        taker.write_text("#!/bin/sh\nexec cat >/dev/null\n")
        taker.chmod(0o755)

    def fill(self, scale: int) -> None:
        """The database of pgbench; what it dirtied is written before anything is measured."""
        with self._server.connect() as connection:
            for statement in _PGBENCH:
                connection.execute(statement.replace("SCALE", str(scale)).encode())

    def size(self) -> float:
        """Of the database, in MiB."""
        with self._server.connect() as connection:
            row = connection.execute("SELECT pg_catalog.pg_database_size('postgres')").fetchone()
        return int(row[0]) / 2**20 if row else 0.0

    def plain(self, kind: str) -> Cost:
        """PostgreSQL's own client, to a file."""
        server, target = self._server, self._jobs.place / "plain"
        connection = ["-h", str(server.socket_directory), "-p", str(server.port), "-U", server.superuser]
        words: list[str | os.PathLike[str]]
        if kind == "logical":
            words = [server.bindir / "pg_dump", *connection, "-Fc", "-f", target, "-d", "postgres"]
        else:
            words = [server.bindir / "pg_basebackup", *connection, "-Ft", "-z", "-X", "fetch", "-D", target]
            words += ["--manifest-checksums=SHA256", "--checkpoint=fast"]
        begin = time.monotonic()
        server.owner.run(words, timeout=3600)
        cost = Cost(time.monotonic() - begin)
        shutil.rmtree(target) if target.is_dir() else target.unlink()
        return cost

    def ours(self, kind: str, *, checked: bool, sealed: bool) -> Cost:
        """The program."""
        values: dict[str, t.Any] = {
            "logical": {"databases": ["postgres"], "row_counts": False},
            "physical": {"checkpoint": "fast", "restore_point": False},
            "encryption": {"method": "age", "recipients": [self._jobs.keys.recipient]}
            if sealed
            else {"method": "none"},
        }
        definition = self._jobs.define(kind=kind, **values)
        if not checked:
            text = definition.read_text(encoding="utf-8")
            definition.write_text(text.replace(str(self._server.bindir), str(self._unchecked)), encoding="utf-8")
        begin = time.monotonic()
        running = self._jobs.start("run", definition)
        peak = processor = 0.0
        while running.poll() is None:
            peak = max(peak, _peak(running.pid))
            processor = max(processor, _processor(running.pid))
            time.sleep(0.02)
        cost = Cost(time.monotonic() - begin, peak, processor)
        if running.returncode != 0:
            raise RuntimeError(running.communicate()[1])
        running.communicate()
        shutil.rmtree(self._jobs.place / "nightly")
        return cost

    def close(self) -> None:
        """Leave nothing."""
        self._jobs.remove()


def _peak(process: int) -> float:
    """The most memory that it had, in MiB."""
    with contextlib.suppress(OSError, StopIteration):
        lines = pathlib.Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / _MEBIBYTE
    return 0.0


def _processor(process: int) -> float:
    """What it took of a processor, without its children, in seconds."""
    with contextlib.suppress(OSError, IndexError):
        fields = pathlib.Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


_STEPS: t.Final = {
    "logical": (
        ("pg_dump -Fc", None),
        ("the runner", (False, False)),
        ("with every dump read again", (True, False)),
        ("and with age", (True, True)),
    ),
    "physical": (
        ("pg_basebackup -Ft -z", None),
        ("the runner, every file checked", (True, False)),
        ("and with age", (True, True)),
    ),
}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, default=_SCALE, help="of pgbench")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    workshop = Workshop()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="rampart-bench-", dir="/var/tmp"))
    directory.chmod(0o755)
    try:
        bench = Bench(workshop.server(_MAJOR), directory)
        bench.fill(given.scale)
        print(f"PostgreSQL {_MAJOR}, a database of {bench.size():.0f} MiB, {os.cpu_count()} processors\n")
        for kind in _STEPS:
            _measure(bench, kind, given.runs)
        bench.close()
    finally:
        workshop.close()
        subprocess.run(["rm", "-rf", directory], check=True)


def _measure(bench: Bench, kind: str, runs: int) -> None:
    found: dict[str, list[Cost]] = {what: [] for what, _how in _STEPS[kind]}
    for _turn in range(runs):
        for what, how in _STEPS[kind]:
            found[what].append(bench.plain(kind) if how is None else bench.ours(kind, checked=how[0], sealed=how[1]))
    seconds = {what: statistics.median(each.seconds for each in costs) for what, costs in found.items()}
    (base, *_others), rows = found, []
    for what, costs in found.items():
        ratio = statistics.median(mine.seconds / plain.seconds for mine, plain in zip(costs, found[base]))
        memory = max(each.memory for each in costs)
        spread = f"{min(each.seconds for each in costs):.1f}-{max(each.seconds for each in costs):.1f}"
        processor = statistics.median(each.processor for each in costs)
        own = [f"{memory:.0f} MiB", f"{processor:.1f} s"] if memory else ["", ""]
        rows.append([what, f"{seconds[what]:.1f} s ({spread})", f"{ratio:.2f}", *own])
    runner = list(found)[1]
    ratio = statistics.median(mine.seconds / plain.seconds for mine, plain in zip(found[runner], found[base]))
    most = max(each.memory for costs in found.values() for each in costs)
    print(report.table([kind, "median (range)", "ratio", "our memory", "our processor time"], rows))
    print(report.Bar(f"{kind}: the runner's time, share of {base}'s", ratio, _RATIO))
    print(report.Bar(f"{kind}: peak memory of our own processes, MiB", most, _MEMORY, digits=0), end="\n\n")


if __name__ == "__main__":
    main()
