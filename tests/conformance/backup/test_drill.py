"""Drills: a backup is restored into a cluster of its own, asked, and noted; what is wrong with it is found."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Keys

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Done
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = pytest.mark.with_clients

_SQL: t.Final = (
    "CREATE ROLE app LOGIN PASSWORD 'unseen'",
    'CREATE ROLE "O\'Reilly; x" ROLE app',
    "CREATE DATABASE shop OWNER app",
    'CREATE DATABASE "we ird/%Db"',
    "ALTER DATABASE shop SET work_mem = '7MB'",
    "CREATE TABLE here (id integer)",
)
_SHOP: t.Final = (
    "CREATE SCHEMA stock AUTHORIZATION app",
    "CREATE TABLE stock.item (id integer PRIMARY KEY, name text)",
    "INSERT INTO stock.item SELECT g, 'item ' || g FROM generate_series(1, 500) AS g",
    'CREATE TABLE "Odd.name" AS SELECT 1 AS one',
    "CREATE TABLE parted (id integer) PARTITION BY RANGE (id)",
    "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100)",
    "INSERT INTO parted SELECT generate_series(1, 50)",
    "CREATE MATERIALIZED VIEW stock.names AS SELECT name FROM stock.item",
    "SELECT lo_from_bytea(0, 'a large object')",
)


def fill(jobs: Jobs) -> None:
    """Something of everything."""
    place = jobs.directory / "tablespace"
    place.mkdir()
    if os.geteuid() == 0:
        os.chown(place, jobs.server.owner.uid, jobs.server.owner.gid)
    with jobs.server.connect() as connection:
        for sql in (*_SQL, f"CREATE TABLESPACE fast LOCATION '{place}'", "CREATE DATABASE quick TABLESPACE fast"):
            connection.execute(sql)
    with jobs.server.connect(dbname="shop") as connection:
        for sql in _SHOP:
            connection.execute(sql)


def definition_of_a_drill(jobs: Jobs, **changes: t.Any) -> pathlib.Path:
    """One of the job `nightly`, with the key, which is lent to the server's account."""
    scratch = jobs.directory / "scratch"
    key = jobs.directory / "drill-identity"
    if not scratch.exists():
        shutil.copy(jobs.keys.identity, key)
        scratch.mkdir(mode=0o700)
        for path in (scratch, key):
            os.chown(path, jobs.server.owner.uid, jobs.server.owner.gid)
    values = {
        "name": "drill",
        "job": "nightly",
        "place": {"kind": "directory", "path": str(jobs.place)},
        "identity": str(key),
        "bindir": str(jobs.server.bindir),
        "scratch": str(scratch),
        "state": str(jobs.state),
        "metrics": str(jobs.state),
        **changes,
    }
    path = jobs.directory / "drill.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def drill(jobs: Jobs, **changes: t.Any) -> Done:
    """Run a drill, which leaves nothing."""
    done = jobs.call("drill", definition_of_a_drill(jobs, **changes))
    assert list((jobs.directory / "scratch").iterdir()) == []
    return done


def test_everything_comes_back_and_is_asked(jobs: Jobs) -> None:
    fill(jobs)
    definition = jobs.define()
    assert jobs.call("run", definition).status == 0
    checks = [
        {"database": "shop", "query": "SELECT count(*), max(name) FROM stock.item", "expected": "500|item 99"},
        {"database": "shop", "query": "SELECT lo_get(oid) = 'a large object' FROM pg_largeobject_metadata"},
        {"database": "shop", "query": "SELECT pg_has_role('app', 'O''Reilly; x', 'member')"},
        {"query": "SELECT spcname FROM pg_tablespace WHERE spcname !~ '^pg_'", "expected": "fast"},
        {"query": "SELECT rolpassword ~ '^(SCRAM|md5)' FROM pg_authid WHERE rolname = 'app'"},
        {"query": "SELECT setconfig FROM pg_db_role_setting", "expected": "{work_mem=7MB}"},
    ]
    done = drill(jobs, checks=checks)
    assert done.status == 0, done.told
    status = jobs.status("drill")
    assert (status["outcome"], status["checks"]) == ("ok", 6)
    assert status["tables"] == 4
    (shown,) = jobs.call("list", definition).shown
    assert shown["restored"]


@pytest.mark.in_turn
def test_rows_that_do_not_come_back_are_found(jobs: Jobs) -> None:
    """The operator's own check, and a cluster that takes no writes, fail; without them the same backup is good."""
    with jobs.server.connect() as connection:
        connection.execute("CREATE TABLE t (id integer)")
        connection.execute("INSERT INTO t SELECT generate_series(1, 10)")
    assert jobs.call("run", jobs.define()).status == 0
    assert drill(jobs).status == 0
    assert drill(jobs, settings={"default_transaction_read_only": "on"}).status == 16
    done = drill(jobs, checks=[{"query": "SELECT count(*) FROM t", "expected": "11"}])
    assert done.status == 16
    assert "gave '10' instead of '11'" in done.told
    assert jobs.status("drill")["exit_status"] == 16


@pytest.mark.in_turn
def test_the_metrics_of_a_job_tell_only_of_proofs_that_there_were(jobs: Jobs) -> None:
    """A drill that fails is none, and a run that fails takes none back."""

    def measured(name: str = "nightly") -> dict[str, float]:
        lines = (jobs.state / f"rampart_backup_{name}.prom").read_text(encoding="utf-8").splitlines()
        pairs = [line.split() for line in lines if not line.startswith("#")]
        return {metric.removeprefix("rampart_backup_").partition("_timestamp")[0]: float(at) for metric, at in pairs}

    definition = jobs.define(logical={"databases": ["postgres"]})
    assert not (jobs.state / "rampart_backup_nightly.prom").exists()
    assert jobs.call("run", definition).status == 0
    made = measured()
    assert abs(made["last_verified"] - made["last_success"]) < 60
    assert "last_restored" not in made
    assert drill(jobs, checks=[{"query": "SELECT 1", "expected": "2"}]).status == 16
    assert "last_success" not in measured("drill")
    assert jobs.call("run", definition).status == 0
    assert "last_restored" not in measured()
    assert drill(jobs).status == 0
    assert jobs.call("run", definition).status == 0
    good = measured()
    assert abs(good["last_restored"] - measured("drill")["last_success"]) < 60
    assert jobs.call("run", jobs.define(logical={"databases": ["nothing-*"]})).status == 2
    failed = measured()
    assert [failed[name] for name in ("last_restored", "last_verified", "last_success")] == [
        good[name] for name in ("last_restored", "last_verified", "last_success")
    ]


@pytest.mark.in_turn
def test_other_numbers_of_rows_are_found(jobs: Jobs) -> None:
    """An event trigger that comes back before a materialized view is filled takes a row away while that is restored."""
    take = "CREATE FUNCTION take() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.t WHERE id = 1; END'"
    with jobs.server.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT generate_series(1, 10) AS id")
        connection.execute("CREATE MATERIALIZED VIEW v AS SELECT 1 AS one")
        connection.execute(take)
    assert jobs.call("run", jobs.define()).status == 0
    assert drill(jobs).status == 0
    with jobs.server.connect() as connection:
        connection.execute("CREATE EVENT TRIGGER taking ON ddl_command_end EXECUTE FUNCTION take()")
    assert jobs.call("run", jobs.define()).status == 0
    done = drill(jobs)
    assert (done.status, "postgres: public.t had 10 rows, and was restored with 9" in done.told) == (16, True), (
        done.told
    )


@pytest.mark.in_turn
def test_what_is_restored_reaches_no_network_unless_it_may(jobs: Jobs) -> None:
    """The interfaces that a program of the restored server sees."""
    assert jobs.call("run", jobs.define(logical={"databases": ["postgres"]})).status == 0
    query = "CREATE TEMP TABLE n (n text); COPY n FROM PROGRAM 'grep -c : /proc/net/dev'; SELECT n > '1' FROM n"
    assert drill(jobs, checks=[{"query": query, "expected": "f"}]).status == 0
    assert drill(jobs, checks=[{"query": query, "expected": "t"}], network=True).status == 0


@pytest.mark.in_turn
def test_a_wrong_key_is_told_and_the_backup_is_not_called_damaged(jobs: Jobs) -> None:
    definition = jobs.define(
        encryption={"method": "age", "recipients": [Keys.make(jobs.directory / "other").recipient]}
    )
    assert jobs.call("run", definition).status == 0
    done = drill(jobs)
    assert done.status == 12
    assert "no identity matched" in done.told
    (shown,) = jobs.call("list", definition).shown
    assert (shown["damaged"], shown["restored"]) == ("", "")


@pytest.mark.in_turn
def test_a_corrupted_byte_is_found_and_noted(jobs: Jobs) -> None:
    definition = jobs.define()
    assert jobs.call("run", definition).status == 0
    assert drill(jobs).status == 0
    part: pathlib.Path = jobs.backups()[0] / "database-postgres.dump.age"
    data = bytearray(part.read_bytes())
    data[-20] ^= 1
    part.write_bytes(data)
    done = drill(jobs)
    assert done.status == 11, done.told
    (shown,) = jobs.call("list", definition).shown
    assert "database-postgres.dump.age" in shown["refuted"]
    assert jobs.status("drill")["last_success"]
