"""Backups where rclone reaches: real rclone, a remote that tells hashes and one that tells none."""

from __future__ import annotations

import hashlib
import json
import pathlib
import signal
import time
import typing as t

import pytest
from rampart_backup.archiving import wal

from ansible_collections.rampart.postgresql.tests.conformance.backup.remotes import Remotes
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_archive import Archiving
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_archive import content
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_archive import stored
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_archive import until
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = [pytest.mark.with_clients, pytest.mark.in_turn]

_SMALL: t.Final = {"databases": ["postgres"]}
_MARKER: t.Final = "a-row-that-nobody-else-may-read"


@pytest.fixture
def remotes(jobs: Jobs) -> Iterator[Remotes]:
    """A configuration of rclone."""
    made = Remotes(jobs)
    yield made
    made.close()


def fill(jobs: Jobs) -> None:
    """A row to look for."""
    with jobs.server.connect() as connection:
        connection.execute(f"CREATE TABLE t AS SELECT '{_MARKER}' AS words")


@pytest.mark.parametrize(("remote", "kind"), [("store:db1", "physical"), ("web:db1", "logical")])
def test_a_backup_arrives_and_is_restored_from_there(jobs: Jobs, remotes: Remotes, remote: str, kind: str) -> None:
    fill(jobs)
    remotes.serve()
    places = [{"kind": "directory", "path": str(jobs.place)}, remotes.place(remote, retain=True)]
    definition = jobs.define(kind=kind, places=places, physical={"checkpoint": "fast"}, logical=_SMALL)
    assert jobs.call("check", definition).status == 0
    done = jobs.call("run", definition)
    assert done.status == 0, done.told
    (here,), (there,) = jobs.backups(), remotes.backups()
    for path in here.iterdir():
        if path.name == "backup.json":
            assert json.loads(path.read_text()) == json.loads((there / path.name).read_text())
        else:
            assert path.read_bytes() == (there / path.name).read_bytes()
    assert not [each for each in remotes.bucket.rglob("*") if each.is_file() and _MARKER.encode() in each.read_bytes()]
    # Nothing that is restored reads the keys, unless it may do everything.
    query = f"SELECT coalesce(pg_read_file('{remotes.config}', 0, 9, true), '') = ''"
    for network, expected in ((False, "t"), (True, "f"))[: 2 if kind == "physical" else 1]:
        checks = [{"query": "SELECT words FROM t", "expected": _MARKER}, {"query": query, "expected": expected}]
        done = drill(jobs, place=remotes.place(remote), network=network, checks=checks)
        assert done.status == 0, done.told
    shown = {each["place"]: each for each in jobs.call("list", definition).shown}
    assert set(shown) == {f"{jobs.place}/nightly", f"{remote}/nightly"}
    assert shown[f"{remote}/nightly"]["restored"]
    assert jobs.call("verify", definition).status == 0
    assert jobs.call("retain", definition, "--dry-run").status == 0


def test_what_is_wrong_there_is_found(jobs: Jobs, remotes: Remotes) -> None:
    """A corrupted byte, and an entry that is gone; older backups are what they were."""
    definition = jobs.define(places=[remotes.place()], logical=_SMALL)
    for _turn in range(3):
        assert jobs.call("run", definition).status == 0
    first, second, third = remotes.backups()
    part = second / "database-postgres.dump.age"
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    (third / "backup.json").unlink()
    done = jobs.call("verify", definition)
    assert (done.status, part.name in done.told) == (11, True), done.told
    shown = {each["id"]: each["damaged"] for each in jobs.call("list", definition).shown}
    assert shown[first.name] == ""
    assert part.name in shown[second.name]
    assert "is missing" in shown[third.name] or "is gone" in shown[third.name]
    assert drill(jobs, place=remotes.place()).status == 0
    assert jobs.status("drill")["id"] == first.name


def test_retention_is_for_whom_it_was_asked(jobs: Jobs, remotes: Remotes) -> None:
    keeps = jobs.define(places=[remotes.place()], logical=_SMALL, retention={"last": 1})
    for _turn in range(2):
        assert jobs.call("run", keeps).status == 0
    assert len(remotes.backups()) == 2
    removes = jobs.define(places=[remotes.place(retain=True)], logical=_SMALL, retention={"last": 1})
    before = [each.name for each in remotes.backups()]
    shown = jobs.call("retain", removes, "--dry-run").shown
    assert {each["id"]: each["keep"] for each in shown} == dict(zip(before, (False, True)))
    assert [each.name for each in remotes.backups()] == before
    assert jobs.call("run", removes).status == 0
    assert jobs.status()["removed"] == before[::-1]
    assert [each.name for each in remotes.backups()] == [jobs.status()["id"]]
    assert {each["id"] for each in jobs.call("list", removes).shown if each["removed"]} == set(before)
    assert remotes.left() == []


@pytest.mark.parametrize("remote", ["store:db1", "web:db1"])
def test_what_has_no_entry_any_more_goes_with_the_rest(jobs: Jobs, remotes: Remotes, remote: str) -> None:
    """Somebody deleted it, or a removal broke off."""
    remotes.serve()
    job = jobs.define(places=[remotes.place(remote, retain=True)], logical=_SMALL, retention={"last": 1})
    assert jobs.call("run", job).status == 0
    (first,) = remotes.backups()
    (first / "backup.json").unlink()
    for _turn in range(3):
        done = jobs.call("run", job)
        assert done.status == 0, done.told
    assert (len(remotes.backups()), remotes.left()) == (1, [])
    shown = {each["id"]: bool(each["removed"]) for each in jobs.call("list", job).shown}
    assert (len(shown), sum(shown.values()), shown[first.name]) == (4, 3, True)


def test_a_state_that_cannot_be_written_fails_the_place_that_needs_it(jobs: Jobs, remotes: Remotes) -> None:
    places = [{"kind": "directory", "path": str(jobs.place)}, remotes.place()]
    (jobs.state / "unfinished").write_text("in the way")
    done = jobs.call("run", jobs.define(places=places, logical=_SMALL))
    assert (done.status, jobs.status()["stored"], list(jobs.status()["failed"])) == (
        13,
        [str(jobs.place)],
        ["store:db1"],
    )
    assert (len(jobs.backups()), jobs.partial(), remotes.left()) == (1, [], [])


def test_a_killed_run_is_no_backup_and_the_next_one_takes_away_what_it_left(jobs: Jobs, remotes: Remotes) -> None:
    with jobs.server.connect() as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT repeat(md5(g::text), 40) AS words FROM generate_series(1, 40000) AS g"
        )
    definition = jobs.define(places=[remotes.place()], logical=_SMALL)
    assert jobs.call("run", definition).status == 0
    before = remotes.backups()
    # Of other hosts: one that may still be on its way, and one that is from another time.
    young, old = remotes.leave("20991231T000000Z-00000000"), remotes.leave("20200101T000000Z-00000000")
    process = jobs.start("run", definition)
    deadline = time.monotonic() + 30
    while not [each for each in remotes.left() if each not in (young, old)]:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until_quiet(remotes)
    (left,) = [each for each in remotes.left() if each != young]
    assert left != old
    assert remotes.backups() == before
    assert [each["id"] for each in jobs.call("list", definition).shown] == [each.name for each in before]
    assert jobs.call("run", definition).status == 0
    assert len(remotes.backups()) == 2
    assert not left.exists()
    assert remotes.left() == [young]


def until_quiet(remotes: Remotes) -> None:
    """rclone sees the end of its input, and ends."""
    sizes: list[int] = []
    while len(sizes) < 3 or len(set(sizes[-3:])) > 1:
        sizes.append(sum(path.stat().st_size for path in remotes.bucket.rglob("*") if path.is_file()))
        time.sleep(0.1)


def test_a_remote_that_breaks_off_fails_alone(jobs: Jobs, remotes: Remotes) -> None:
    places = [{"kind": "directory", "path": str(jobs.place)}, remotes.place("web:db1", timeout=5)]
    definition = jobs.define(places=places, logical=_SMALL)
    done = jobs.call("run", definition)
    assert (done.status, "web:db1: rclone" in done.told) == (13, True), done.told
    assert (len(jobs.backups()), list(jobs.status()["failed"])) == (1, ["web:db1"])
    remotes.serve()
    assert jobs.call("run", definition).status == 0
    assert len(remotes.backups()) == 1


def test_keys_are_nowhere_but_in_the_configuration(jobs: Jobs, remotes: Remotes) -> None:
    """Nobody else may read it, no command line or environment has them; one that others read is refused."""
    remotes.serve()
    definition = jobs.define(places=[remotes.place("web:db1")], logical=_SMALL)
    secret = remotes.config.read_text().rpartition("pass = ")[2].strip()
    process = jobs.start("run", definition)
    seen: set[str] = set()
    while process.poll() is None:
        seen |= {line for line in _running() if line.startswith("rclone\0") and "serve" not in line}
    said, told = process.communicate()
    assert process.returncode == 0, told
    assert any("rcat" in line and str(remotes.config) in line for line in seen)
    assert not [line for line in (*seen, said, told) if secret in line or "a-password" in line]
    for mode in (0o640, 0o604):
        remotes.config.chmod(mode)
        for command in ("check", "run", "list"):
            done = jobs.call(command, definition)
            assert (done.status, "nobody else reads" in done.told) == (2, True), done.told
    remotes.config.chmod(0o600)
    assert jobs.call("check", definition).status == 0
    done = jobs.call("check", jobs.define(places=[remotes.place("other:db1")]))
    assert (done.status, "has no remote 'other'" in done.told) == (2, True), done.told
    done = jobs.call("run", jobs.define(places=[remotes.place("spools:db1")], logical=_SMALL))
    assert (done.status, "takes no streams" in done.told) == (13, True), done.told


def _running() -> Iterator[str]:
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            yield (path / "cmdline").read_bytes().decode(errors="replace") + (path / "environ").read_bytes().decode(
                errors="replace"
            )
        except OSError:
            continue


def test_wal_is_archived_there_whole(jobs: Jobs, remotes: Remotes) -> None:
    """By a real server; what was sent in part is sent again, another content is refused."""
    archiving = Archiving(jobs, places=[remotes.place()])
    archiving.begin()
    base = jobs.define("base", kind="physical", places=[remotes.place()], physical={"checkpoint": "fast"})
    assert jobs.call("run", base).status == 0
    first, second = (archiving.switch(f"{_MARKER} {number}") for number in range(2))
    until(lambda: {first, second} <= set(stored(remotes.bucket)))
    until(lambda: archiving.server.query("SELECT last_archived_wal FROM pg_stat_archiver") >= [(second,)])
    assert archiving.server.query("SELECT failed_count FROM pg_stat_archiver") == [(0,)]
    files = stored(remotes.bucket)
    for file in (first, second):
        path = files[file]
        name = wal.Stored.of(path.name)
        assert name is not None
        assert path.parent == remotes.bucket / "db1" / "wal" / archiving.system / wal.directory(file)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == name.sealed
        assert len(content(jobs, path)) == wal.SEGMENT_SIZE
    assert _MARKER.encode() in content(jobs, files[first])
    assert not [each for each in files.values() if _MARKER.encode() in each.read_bytes()]
    checks = [{"query": "SELECT count(*) FROM t", "expected": "2"}]
    done = drill(jobs, job="base", place=remotes.place(), archive="wal", until="end", checks=checks)
    assert done.status == 0, done.told
    segment = jobs.directory / "copy" / "pg_wal" / first
    segment.parent.mkdir(parents=True)
    (segment.parents[1] / "global").mkdir()
    control = archiving.server.data_directory / "global" / "pg_control"
    (segment.parents[1] / "global" / "pg_control").write_bytes(control.read_bytes())
    segment.write_bytes(content(jobs, files[first]))
    assert jobs.call("archive", archiving.definition, segment).status == 0
    assert stored(remotes.bucket)[first] == files[first]
    files[first].write_bytes(files[first].read_bytes()[:-10])
    assert jobs.call("archive", archiving.definition, segment).status == 0
    again = stored(remotes.bucket)[first]
    assert hashlib.sha256(again.read_bytes()).hexdigest() in again.name
    segment.write_bytes(b"x" + segment.read_bytes()[1:])
    done = jobs.call("archive", archiving.definition, segment)
    assert (done.status, "whose content is another one" in done.told) == (13, True), done.told
    assert stored(remotes.bucket)[first] == again
