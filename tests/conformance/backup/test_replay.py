"""A base backup and the WAL after it, replayed to a moment: what was written before it is there, what came later is not."""

from __future__ import annotations

import contextlib
import os
import pathlib
import time
import typing as t

import pytest
from rampart_backup.archiving import wal

from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Keys
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_archive import Archiving
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_archive import stored
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_archive import until
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import definition_of_a_drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.vaults import Vault

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Done
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = pytest.mark.with_clients

_ROWS: t.Final = "SELECT pg_catalog.string_agg(words, ' ' ORDER BY words) FROM public.t"


class Past:
    """A server that archives, its base backup, and rows after it: ``early``, a moment, ``late``."""

    def __init__(self, jobs: Jobs, **changes: t.Any) -> None:
        self.jobs = jobs
        self.server = jobs.server
        self.changes = {"encryption": {"method": "age", "recipients": [jobs.keys.recipient]}, **changes}
        self.archiving = Archiving(jobs, **self.changes)
        with self.server.connect() as connection:
            connection.execute("ALTER SYSTEM SET max_prepared_transactions = 5")
        self.archiving.begin()
        self.write("base")
        self.back_up()

    def back_up(self, name: str = "nightly") -> str:
        """Make a base backup; returns its name."""
        definition = self.jobs.define(name, kind="physical", physical={"checkpoint": "fast"}, **self.changes)
        done = self.jobs.call("run", definition)
        assert done.status == 0, done.told
        return str(self.jobs.status(name)["id"])

    def write(self, words: str) -> str:
        """Commit a row; returns the position after it."""
        with self.server.connect() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS t (words text)")
            connection.execute("INSERT INTO t VALUES (%s)", [words])
        return str(self.server.query("SELECT pg_current_wal_insert_lsn()")[0][0])

    def now(self) -> str:
        """By the server's clock, with an offset of its own."""
        words = 'YYYY-MM-DD"T"HH24:MI:SS.US'
        query = f"SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC' + interval '2 hours', '{words}+02:00')"
        return str(self.server.query(query)[0][0])

    def archived(self, place: pathlib.Path | None = None) -> list[str]:
        """End the segment, and wait until it is in the archive; returns the names of all segments there."""
        (name,) = self.server.query("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")[0]
        self.server.query("SELECT pg_switch_wal()")
        until(lambda: name in stored(place or self.jobs.place))
        return [each for each in stored(place or self.jobs.place) if wal.is_segment(each)]

    def drill(self, target: str, expected: str, **changes: t.Any) -> Done:
        """Replay until then; the rows have to be these."""
        checks = [{"query": _ROWS, "expected": expected}]
        given = {"archive": "wal", "until": target, "checks": checks, **changes}
        return drill(self.jobs, **given)


def test_to_a_time_with_what_was_prepared_then(jobs: Jobs) -> None:
    """The row before it is there and the row after it is not; a transaction that was prepared can still be committed."""
    past = Past(jobs)
    with past.server.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO t VALUES ('prepared')")
        connection.execute("PREPARE TRANSACTION 'one'")
    past.write("early")
    time.sleep(0.01)
    moment = past.now()
    time.sleep(0.01)
    past.write("late")
    past.server.query("COMMIT PREPARED 'one'")
    past.archived()
    checks = [
        {"query": _ROWS, "expected": "base early"},
        {"query": "COMMIT PREPARED 'one'", "expected": ""},
        {"query": _ROWS, "expected": "base early prepared"},
    ]
    done = past.drill(moment, "", checks=checks)
    assert done.status == 0, done.told
    status = jobs.status("drill")
    assert (status["timeline"], status["marker"], status["until"][-1]) == (1, True, "Z")


@pytest.mark.in_turn
def test_to_other_targets(jobs: Jobs) -> None:
    """A position, a restore point that is no job's, and the end; each from the newest backup that ended before it."""
    past = Past(jobs, compression={"method": "none"})
    position = past.write("early")
    with past.server.connect() as connection:
        connection.execute("SELECT pg_create_restore_point('here, before')")
    past.write("late")
    past.back_up()
    past.write("latest")
    past.archived()
    older, newer = (each.name for each in jobs.backups())
    for target, rows, backup in (
        (position, "base early", older),
        ("point here, before", "base early", older),
        ("end", "base early late latest", newer),
    ):
        done = past.drill(target, rows)
        assert done.status == 0, done.told
        status = jobs.status("drill")
        assert (status["id"], status["marker"]) == (backup, True)
    for target, words in (
        ("1 hour ago", "no good backup of 'nightly' ended before"),
        ("0/1", "the earliest target is 0/"),
        ("point nobody-made-it", "no restore point"),
    ):
        done = past.drill(target, "")
        assert (done.status, words in done.told) == (16, True), done.told


@pytest.mark.in_turn
def test_from_a_vault_by_a_key_that_reads(jobs: Jobs) -> None:
    vault = Vault(jobs)
    try:
        past = Past(jobs, places=[vault.place()])
        position = past.write("early")
        past.write("late")
        past.archived(vault.root)
        place = vault.place("reads")
        done = past.drill(position, "base early", place=place)
        assert done.status == 0, done.told
        done = past.drill("end", "", place=place, archive="nothing")
        assert (done.status, "no WAL of that cluster" in done.told) == (13, True), done.told
    finally:
        vault.close()


@pytest.mark.in_turn
def test_what_is_not_reached_or_not_whole_is_a_failure(jobs: Jobs) -> None:
    past = Past(jobs)
    past.write("early")
    second = past.archived()[-1]
    past.write("late")
    past.archived()
    done = past.drill("2099-01-01T00:00:00Z", "")
    words = "recovery ended before configured recovery target was reached"
    assert (done.status, words in done.told) == (16, True), done.told
    there = stored(jobs.place)
    whole = there[second].read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 1
    there[second].write_bytes(damaged)
    done = past.drill("end", "")
    assert (done.status, f"{there[second].name} is stored with the checksum" in done.told) == (11, True), done.told
    there[second].unlink()
    done = past.drill("end", "")
    assert (done.status, f"{second} is missing in the archive" in done.told) == (11, True), done.told
    assert jobs.status("drill")["outcome"] == "failed"
    assert not jobs.call("list", jobs.directory / "nightly.json").shown[0]["damaged"]
    there[second].write_bytes(whole)
    for path in (there[second], jobs.place):
        os.chown(path, past.server.owner.uid, past.server.owner.gid)
    done = past.drill("end", "base early late")
    assert done.status == 0, done.told
    other = Keys.make(jobs.directory / "other")
    jobs.define("wal", kind="wal", encryption={"method": "age", "recipients": [other.recipient]})
    past.write("sealed for another key")
    past.archived()
    done = past.drill("end", "")
    assert (done.status, "no identity matched" in done.told) == (12, True), done.told


@pytest.mark.in_turn
def test_what_a_killed_drill_left_the_next_one_takes_away(jobs: Jobs) -> None:
    past = Past(jobs)
    past.archived()
    checks = [{"query": "SELECT pg_sleep(600)"}]
    definition = definition_of_a_drill(jobs, archive="wal", until="end", checks=checks)
    process = jobs.start("drill", definition)
    scratch = jobs.directory / "scratch"
    until(
        lambda: list(scratch.glob("drill-*/data/postmaster.pid")) and "pg_sleep" in _commands(process.pid), seconds=120
    )
    (left,) = scratch.iterdir()
    number = int((left / "data" / "postmaster.pid").read_text().split()[0])
    sockets = pathlib.Path(os.readlink(left / "sockets"))
    process.kill()
    process.communicate()
    assert pathlib.Path(f"/proc/{number}").exists()
    assert sockets.exists()
    done = past.drill("end", "base")
    assert done.status == 0, done.told
    assert not pathlib.Path(f"/proc/{number}").exists()
    assert not sockets.exists()


def _commands(parent: int) -> str:
    """What the children of a process were started with."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append((path.parent / "cmdline").read_text())
    return " ".join(found)


@pytest.mark.in_turn
def test_a_restored_cluster_is_its_own_and_goes_on_with_a_timeline_of_its_own(jobs: Jobs) -> None:
    past = Past(jobs)
    position = past.write("early")
    past.write("late")
    past.archived()
    source = definition_of_a_drill(jobs, archive="wal")
    target = jobs.place / "restored"
    words = ("restore", source, "--target", target, "--until", position)
    done = jobs.call(*words, "--dry-run")
    assert (done.status, done.shown[0]["until"], target.exists()) == (0, position, False), done.told
    done = jobs.call(*words)
    assert done.status == 0, done.told
    assert done.shown[1]["reached"]["lsn"]
    for name in ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf"):
        assert (target / name).read_bytes() == (past.server.data_directory / name).read_bytes()
    assert not [name for name in ("recovery.signal", "standby.signal", "postmaster.opts") if (target / name).exists()]
    assert not [path for path in (target / "pg_wal").iterdir() if "fetching" in path.name]
    inode = (target / "PG_VERSION").stat().st_ino
    assert jobs.call(*words).status == 2
    done = jobs.call("restore", source, "--target", target, "--until", "F/0", "--replace")
    assert (done.status, (target / "PG_VERSION").stat().st_ino) == (16, inode), done.told
    past.server.stop()
    with started(jobs, target) as ask:
        assert ask(_ROWS) == "base early"
        ask("INSERT INTO t VALUES ('new')")
        assert ask("SELECT pg_walfile_name(pg_current_wal_insert_lsn())").startswith("00000002")
        name = ask("SELECT pg_walfile_name(pg_switch_wal())")
        until(lambda: name in stored(jobs.place))
    done = past.drill("end", "base early new")
    assert done.status == 0, done.told
    assert jobs.status("drill")["timeline"] == 2


@contextlib.contextmanager
def started(jobs: Jobs, target: pathlib.Path) -> Iterator[Callable[[str], str]]:
    """The cluster in ``target`` with its own configuration, but another port."""
    server = jobs.server
    words: list[str | os.PathLike[str]] = [
        server.bindir / "pg_ctl",
        "-D",
        target,
        "-w",
        "-l",
        jobs.directory / "scratch" / "log",
    ]
    options = f"-c listen_addresses= -c unix_socket_directories={jobs.directory / 'scratch'} -c port=5555"
    server.owner.run([*words, "-o", options, "start"])
    where = f"host={jobs.directory / 'scratch'} port=5555 user={server.superuser} dbname=postgres"
    try:
        yield lambda query: server.owner.run(
            [server.bindir / "psql", "-X", "-A", "-t", "-d", where, "-c", query]
        ).strip()
    finally:
        server.owner.run([*words, "-m", "fast", "stop"])
        (jobs.directory / "scratch" / "log").unlink()
