"""Chains of base backups: what is built upon what, what comes back, and when a full one is made instead."""

from __future__ import annotations

import json
import pathlib
import shutil
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import definition_of_a_drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_replay import Past
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_restore import ask
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_staging import fill_tablespace
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_staging import staging
from ansible_collections.rampart.postgresql.tests.conformance.backup.vaults import Vault

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = pytest.mark.with_clients


def summarize(jobs: Jobs) -> None:
    """Let the server know what changes."""
    with jobs.server.connect() as connection:
        connection.execute("ALTER SYSTEM SET summarize_wal = on")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE shop")


def define(jobs: Jobs, full_every: int, **changes: t.Any) -> pathlib.Path:
    """A job of chains."""
    physical = {"checkpoint": "fast", "incremental": {"full_every": full_every}}
    return jobs.define(**{"kind": "physical", "physical": physical, **changes})


def write(jobs: Jobs, *statements: str) -> None:
    """Change something."""
    with jobs.server.connect(dbname="shop") as connection:
        for sql in statements:
            connection.execute(sql)


def make(jobs: Jobs, definition: pathlib.Path) -> dict[str, t.Any]:
    """Run the job, in a second of its own, as that is what backups are ordered by; returns the status."""
    time.sleep(1.02 - time.time() % 1)
    done = jobs.call("run", definition)
    assert done.status == 0, done.told
    return jobs.status()


def entry(jobs: Jobs, identifier: str) -> dict[str, t.Any]:
    """What the backup says of itself."""
    values = json.loads((jobs.place / "nightly" / identifier / "backup.json").read_text())
    assert isinstance(values, dict)
    return values


@pytest.mark.since(17)
@pytest.mark.parametrize("place", ["plain", pytest.param("tablespaces", marks=pytest.mark.in_turn)])
def test_a_chain_comes_back(jobs: Jobs, place: str) -> None:
    if place == "plain":
        summarize(jobs)
        definition = define(jobs, 3)
        write(jobs, "CREATE TABLE kept AS SELECT g AS id FROM generate_series(1, 100000) AS g")
    else:
        fill_tablespace(jobs)
        with jobs.server.connect() as connection:
            connection.execute("ALTER SYSTEM SET summarize_wal = on")
            connection.execute("SELECT pg_reload_conf()")
        definition = define(jobs, 3, staging=str(staging(jobs)))
    first = make(jobs, definition)
    assert (first["incremental_of"], "no manifest" in first["full_because"]) == ("", True)
    write(jobs, "INSERT INTO kept VALUES (-1)", "CREATE TABLE more AS SELECT 1 AS one")
    second = make(jobs, definition)
    write(jobs, "INSERT INTO kept VALUES (-2)", "DROP TABLE more", "CREATE INDEX ON kept (id)")
    third = make(jobs, definition)
    assert (second["incremental_of"], third["incremental_of"]) == (first["id"], second["id"])
    assert entry(jobs, third["id"])["chain"] == [first["id"], second["id"]]
    assert second["size"] < first["size"] / 2
    write(jobs, "TRUNCATE kept")
    checks = [
        {"database": "shop", "query": "SELECT min(id), to_regclass('more') IS NULL FROM kept", "expected": "-2|t"}
    ]
    done = drill(jobs, checks=checks)
    assert done.status == 0, done.told
    assert jobs.status("drill")["id"] == third["id"]
    target = jobs.place / "restored"
    done = jobs.call("restore", definition_of_a_drill(jobs), "--target", target, "--backup", second["id"])
    assert done.status == 0, done.told
    assert not pathlib.Path(f"{target}-chain").exists()
    assert ask(jobs, target, "SELECT min(id), (SELECT count(*) FROM more) FROM kept") == "-1|1"
    fourth = make(jobs, definition)
    assert (fourth["incremental_of"], "the chain has 3" in fourth["full_because"]) == ("", True)


def test_what_the_server_cannot_do_is_refused_before_anything(jobs: Jobs, major: int) -> None:
    definition = define(jobs, 7)
    said = "incremental ones came with 17" if major < 17 else "summarize_wal = off"
    for command in ("check", "run"):
        done = jobs.call(command, definition)
        assert (done.status, said in done.told, "physical.incremental" in done.told) == (2, True, True), done.told
    if major >= 17:
        summarize(jobs)
        assert jobs.call("check", definition).status == 0
    assert jobs.call("check", define(jobs, 0)).status == 0
    assert jobs.backups() == []


@pytest.mark.since(17)
@pytest.mark.in_turn
def test_a_full_one_is_made_where_nothing_can_be_built_upon(jobs: Jobs) -> None:
    summarize(jobs)
    vault = Vault(jobs)
    try:
        places = [{"kind": "directory", "path": str(jobs.place)}, vault.place()]
        definition = define(jobs, 9, places=places)
        first = make(jobs, definition)
        assert make(jobs, definition)["incremental_of"] == first["id"]
        shutil.rmtree(vault.root / "nightly" / first["id"])
        third = make(jobs, definition)
        assert (third["incremental_of"], f"has no good backup {first['id']}" in third["full_because"]) == ("", True)
        (manifest,) = (jobs.state / "incremental" / "nightly").glob("*.manifest")
        assert manifest.name == f"{third['id']}.manifest"
        # What the server has forgotten it says itself.
        write(jobs, "CREATE TABLE t (id integer)", "SELECT pg_switch_wal()", "CHECKPOINT")
        with jobs.server.connect() as connection:
            connection.execute("ALTER SYSTEM SET summarize_wal = off")
        jobs.server.restart()
        for each in (jobs.server.data_directory / "pg_wal" / "summaries").iterdir():
            each.unlink()
        with jobs.server.connect() as connection:
            connection.execute("ALTER SYSTEM SET summarize_wal = on")
            connection.execute("SELECT pg_reload_conf()")
        fourth = make(jobs, definition)
        assert (fourth["incremental_of"], "the server refused" in fourth["full_because"]) == ("", True)
        (jobs.state / "incremental" / "nightly" / f"{fourth['id']}.manifest").unlink()
        assert "no manifest" in make(jobs, definition)["full_because"]
        assert (jobs.partial(), vault.partial()) == ([], [])
    finally:
        vault.close()


@pytest.mark.since(17)
@pytest.mark.in_turn
def test_one_whose_ground_is_damaged_is_not_chosen_and_a_chain_is_kept_whole(jobs: Jobs) -> None:
    summarize(jobs)
    definition = define(jobs, 2, retention={"last": 1})
    chain = [make(jobs, definition)["id"] for _turn in range(2)]
    # The newest one stays, and so does all that it is built upon.
    assert [each.name for each in jobs.backups()] == chain
    full = make(jobs, definition)
    assert [each.name for each in jobs.backups()] == [full["id"]]
    increment = make(jobs, definition)
    part = jobs.place / "nightly" / full["id"] / "base.tar.gz.age"
    data = bytearray(part.read_bytes())
    data[-20] ^= 1
    part.write_bytes(data)
    done = drill(jobs)
    assert done.status == 11, done.told
    states = {each["id"]: each for each in jobs.call("list", definition).shown}
    assert part.name in states[full["id"]]["refuted"]
    assert (states[increment["id"]]["damaged"], full["id"] in states[increment["id"]]["broken"]) == ("", True)
    assert drill(jobs).status == 16  # nothing is good


class Chained(Past):
    """A server whose base backups are built upon each other, with a tablespace."""

    def back_up(self, name: str = "nightly") -> str:
        """A base backup, in a second of its own."""
        physical = {"checkpoint": "fast", "incremental": {"full_every": 3}}
        path = self.jobs.directory / "staging"
        definition = self.jobs.define(name, kind="physical", physical=physical, staging=str(path), **self.changes)
        return str(make(self.jobs, definition)["id"])


@pytest.mark.since(17)
@pytest.mark.in_turn
def test_wal_is_replayed_upon_a_chain(jobs: Jobs) -> None:
    fill_tablespace(jobs)
    staging(jobs)
    with jobs.server.connect() as connection:
        connection.execute("ALTER SYSTEM SET summarize_wal = on")
    past = Chained(jobs)
    write(jobs, "INSERT INTO kept VALUES (-1)")
    past.write("early")
    last = past.back_up()
    assert entry(jobs, last)["incremental_of"]
    write(jobs, "INSERT INTO kept VALUES (-2)")
    past.write("late")
    past.archived()
    checks = [
        {"query": "SELECT count(*) FROM t", "expected": "3"},
        {"database": "shop", "query": "SELECT min(id), count(*) FROM kept", "expected": "-2|1001"},
    ]
    done = past.drill("end", "", checks=checks)
    assert done.status == 0, done.told
    assert jobs.status("drill")["id"] == last
