"""Clusters that are not as most are: databases that nobody may connect to, standbys, servers that were standbys."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

pytestmark = pytest.mark.with_clients

_UNUSUAL: t.Final = (
    "CREATE UNLOGGED TABLE fleeting AS SELECT g AS id FROM generate_series(1, 100) AS g",
    "CREATE TABLE lasting AS SELECT g AS id FROM generate_series(1, 200) AS g",
    "CREATE EXTENSION IF NOT EXISTS plpgsql",
    "SELECT lo_from_bytea(0, decode(repeat('ab', 100000), 'hex'))",
)


def test_a_database_that_lets_nobody_in_is_told_and_keeps_no_other_from_its_dump(jobs: Jobs) -> None:
    with jobs.server.connect() as connection:
        connection.execute("CREATE DATABASE closed")
        connection.execute("CREATE DATABASE shop")
        connection.execute("ALTER DATABASE closed ALLOW_CONNECTIONS false")
    done = jobs.call("run", jobs.define())
    assert (done.status, list(jobs.status()["missing"])) == (14, ["closed"]), done.told
    assert "lets nobody connect" in done.told
    names = {each.name for each in jobs.backups()[0].iterdir()}
    assert {"database-shop.dump.age", "database-template1.dump.age"} < names
    done = jobs.call("run", jobs.define(logical={"exclude_databases": ["closed"]}))
    assert (done.status, jobs.status()["missing"]) == (0, {}), done.told
    assert jobs.call("run", jobs.define(logical={"databases": ["shop"]})).status == 0


@pytest.mark.parametrize("kind", ["logical", "physical", "staged"])
def test_a_standby_is_backed_up_and_so_is_what_it_becomes(jobs: Jobs, workshop: Workshop, kind: str) -> None:
    with jobs.server.connect() as connection:
        for sql in _UNUSUAL:
            connection.execute(sql)
    standby = workshop.standby(jobs.server)
    try:
        cluster = json.loads(jobs.define().read_text())["cluster"]
        values: dict[str, t.Any] = {"cluster": {**cluster, "host": str(standby.socket_directory), "port": standby.port}}
        values["compression"] = {"method": "gzip"}
        values["physical"] = {"checkpoint": "fast"}
        values["kind"] = "physical" if kind == "physical" else "logical"
        if kind == "staged":
            staging = jobs.own("staging")
            values |= {"staging": str(staging), "logical": {"parallel": 2}}
        definition = jobs.define(**values)
        done = jobs.call("run", definition)
        assert done.status == 0, done.told
        assert drill(jobs).status == 0
        jobs.server.stop()
        with standby.connect() as connection:
            connection.execute("SELECT pg_promote()")
            connection.execute("INSERT INTO lasting VALUES (0)")
        done = jobs.call("run", definition)
        assert done.status == 0, done.told
        check = {"database": "postgres", "query": "SELECT count(*) FROM lasting", "expected": "201"}
        done = drill(jobs, checks=[check])
        assert done.status == 0, done.told
    finally:
        workshop.discard(standby)
