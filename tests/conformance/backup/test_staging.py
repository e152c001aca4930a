"""Staging: what cannot flow lies on the host while a run lasts, and comes back where the operator wants it."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.disks import small_disk
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import definition_of_a_drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import fill
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_restore import ask

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = pytest.mark.with_clients

_ROWS: t.Final = (
    "CREATE TABLE kept TABLESPACE fast AS SELECT g AS id, 'nobody-else ' || g AS w FROM generate_series(1, 999) g"
)


def staging(jobs: Jobs, name: str = "staging") -> pathlib.Path:
    """A directory of the account's, which others may not enter."""
    path = jobs.directory / name
    path.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(path, jobs.server.owner.uid, jobs.server.owner.gid)
    return path


def fill_tablespace(jobs: Jobs) -> pathlib.Path:
    """A table and its index in a tablespace."""
    place = staging(jobs, "tablespace")
    with jobs.server.connect() as connection:
        connection.execute(f"CREATE TABLESPACE fast LOCATION '{place}'")
        connection.execute("CREATE DATABASE shop")
    with jobs.server.connect(dbname="shop") as connection:
        connection.execute(_ROWS)
        connection.execute("CREATE INDEX ON kept (id) TABLESPACE fast")
    return place


@pytest.mark.parametrize("method", ["gzip", pytest.param("none", marks=pytest.mark.in_turn)])
def test_a_cluster_with_tablespaces_comes_back_beside_its_data_directory(jobs: Jobs, method: str) -> None:
    origin = fill_tablespace(jobs)
    path = staging(jobs)
    definition = jobs.define(
        kind="physical", staging=str(path), compression={"method": method}, physical={"checkpoint": "fast"}
    )
    done = jobs.call("run", definition)
    assert done.status == 0, done.told
    assert list(path.iterdir()) == []
    (backup,) = jobs.backups()
    entry = json.loads((backup / "backup.json").read_text())
    ((oid, name, location),) = ((each["oid"], each["name"], each["location"]) for each in entry["tablespaces"])
    assert (entry["staging"], name, location) == (True, "fast", str(origin))
    suffix = {"gzip": ".gz", "none": ""}[method]
    parts = {f"base.tar{suffix}.age", f"tablespace-{oid}.tar{suffix}.age", f"backup_manifest{suffix}.age"}
    assert {part["name"] for part in entry["parts"]} == parts
    assert not [each for each in backup.iterdir() if b"nobody-else" in each.read_bytes()]
    if method == "none":
        done = drill(jobs, checks=[{"database": "shop", "query": "SELECT count(*) FROM kept", "expected": "999"}])
        assert done.status == 0, done.told
    target = jobs.place / "restored"
    before = {each: each.stat().st_mtime_ns for each in origin.rglob("*")}
    done = jobs.call("restore", definition_of_a_drill(jobs), "--target", target)
    assert done.status == 0, done.told
    beside = f"{target}-tablespaces/{oid}"
    assert os.readlink(target / "pg_tblspc" / oid) == beside
    assert (target / "tablespace_map").read_text() == f"{oid} {beside}\n"
    assert ask(jobs, target, "SELECT count(*) FROM kept") == "999"
    assert os.readlink(target / "pg_tblspc" / oid) == beside
    assert {each: each.stat().st_mtime_ns for each in origin.rglob("*")} == before


@pytest.mark.in_turn
def test_a_directory_that_does_not_do_is_refused_before_anything(jobs: Jobs) -> None:
    fill_tablespace(jobs)
    inside = jobs.server.data_directory / "staging"
    inside.mkdir()
    wide = staging(jobs, "wide")
    wide.chmod(0o777)
    good = staging(jobs)
    link = jobs.directory / "link"
    link.symlink_to(good)
    os.chown(inside, jobs.server.owner.uid, jobs.server.owner.gid)
    for path, said in (
        (jobs.directory / "nothing", "No such file"),
        (wide, "where nobody else can write"),
        (link, "is no directory"),
        (inside, "would be part of the backup"),
    ):
        for command in ("check", "run"):
            done = jobs.call(command, jobs.define(kind="physical", staging=str(path)))
            assert (done.status, said in done.told) == (2, True), done.told
    assert jobs.call("check", jobs.define(kind="physical", staging=str(good))).status == 0
    assert jobs.backups() == []


@pytest.mark.in_turn
def test_a_parallel_dump_comes_back(jobs: Jobs) -> None:
    fill(jobs)
    path = staging(jobs)
    definition = jobs.define(staging=str(path), logical={"parallel": 3})
    done = jobs.call("run", definition)
    assert done.status == 0, done.told
    assert list(path.iterdir()) == []
    (backup,) = jobs.backups()
    entry = json.loads((backup / "backup.json").read_text())
    assert (entry["staging"], entry["parallel"]) == (True, 3)
    assert (backup / "database-we%20ird%2F%25Db.tar.age").exists()
    checks = [
        {"database": "shop", "query": "SELECT count(*), max(name) FROM stock.item", "expected": "500|item 99"},
        {"database": "shop", "query": "SELECT lo_get(oid) = 'a large object' FROM pg_largeobject_metadata"},
    ]
    done = drill(jobs, checks=checks)
    assert done.status == 0, done.told
    assert jobs.status("drill")["tables"] == 4


@pytest.mark.in_turn
@pytest.mark.parametrize("kind", ["logical", "physical"])
def test_what_a_killed_run_left_is_swept_and_an_end_leaves_nothing(jobs: Jobs, kind: str) -> None:
    fill_tablespace(jobs)
    with jobs.server.connect(dbname="shop") as connection:
        connection.execute("CREATE TABLE big AS SELECT g, md5(g::text) FROM generate_series(1, 200000) AS g")
    path = staging(jobs)
    values: dict[str, t.Any] = {"kind": kind, "staging": str(path), "logical": {"parallel": 2, "databases": ["shop"]}}
    definition = jobs.define(**values, physical={"checkpoint": "fast"})
    for number in (signal.SIGKILL, signal.SIGTERM):
        left = set(path.iterdir())
        running = jobs.start("run", definition)
        deadline = time.monotonic() + 60
        while not any(list(each.iterdir()) for each in set(path.iterdir()) - left):
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(running.pid, number)
        running.communicate(timeout=60)
        assert jobs.backups() == []
        assert len(list(path.iterdir())) == (1 if number == signal.SIGKILL else 0)
    assert jobs.status()["outcome"] == "failed"
    assert jobs.call("run", definition).status == 0
    assert list(path.iterdir()) == []
    assert jobs.partial() == []


@pytest.mark.in_turn
def test_the_disk_of_the_staging_is_full(jobs: Jobs) -> None:
    fill_tablespace(jobs)
    path = staging(jobs)
    physical = jobs.define(kind="physical", staging=str(path), physical={"checkpoint": "fast"})
    assert jobs.call("run", physical).status == 0
    with small_disk(jobs.server.owner, path):
        with jobs.server.connect(dbname="shop") as connection:
            connection.execute("CREATE TABLE big AS SELECT g, md5(g::text) FROM generate_series(1, 100000) AS g")
        for definition in (
            physical,
            jobs.define("dumps", staging=str(path), logical={"parallel": 2, "databases": ["shop"]}),
        ):
            done = jobs.call("run", definition)
            assert (done.status, "No space left" in done.told) == (10, True), done.told
            assert list(path.iterdir()) == []
            assert jobs.partial() == []
        assert len(jobs.backups()) == 1
        assert jobs.call("verify", physical).status == 0
