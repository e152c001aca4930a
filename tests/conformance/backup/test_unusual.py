"""Clusters that are not as most are: databases that nobody may connect to, standbys, servers that were standbys."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

pytestmark = [pytest.mark.with_clients, pytest.mark.in_turn]

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


def test_databases_of_other_encodings_and_owners_who_choose_one(jobs: Jobs) -> None:
    """One of them must not keep the others from their dumps."""
    with jobs.server.connect() as connection:
        connection.execute("CREATE ROLE owner")
        for encoding in ("LATIN1", "SQL_ASCII", "EUC_JP"):
            connection.execute(
                f"CREATE DATABASE {encoding}_ ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
            )
        connection.execute("CREATE DATABASE chosen OWNER owner")
        connection.execute("ALTER DATABASE chosen SET client_encoding = 'LATIN1'")
    for name in ("latin1_", "chosen"):
        with jobs.server.connect(dbname=name, client_encoding="UTF8") as connection:
            connection.execute("CREATE TABLE \"g\u00e4rten\" AS SELECT '\u00fc'::text AS word")
    with jobs.server.connect(dbname="sql_ascii_", client_encoding="SQL_ASCII") as connection:
        connection.execute(b"CREATE TABLE \"g\xe4rten\" AS SELECT '\xfc'::text AS word")
    with jobs.server.connect(dbname="sql_ascii_", client_encoding="SQL_ASCII") as connection:
        connection.execute(b'CREATE SCHEMA "r\xe4ume"')
        connection.execute(b'CREATE TABLE "r\xe4ume"."t\xfcr" AS SELECT 1 AS one')
    with jobs.server.connect(dbname="latin1_", client_encoding="UTF8") as connection:
        connection.execute('CREATE SCHEMA "r\u00e4ume"')
        connection.execute('CREATE TABLE "r\u00e4ume"."t\u00fcr" AS SELECT 1 AS one')
    with jobs.server.connect(dbname="euc_jp_", client_encoding="UTF8") as connection:
        connection.execute("CREATE TABLE \"\u5ead\" AS SELECT '\u5ead'::text AS word")
    done = jobs.call("run", jobs.define())
    assert done.status == 0, done.told
    query = "SELECT count(*) FROM pg_class WHERE relname LIKE 'g%rten'"
    done = drill(
        jobs, checks=[{"database": each, "query": query, "expected": "1"} for each in ("latin1_", "sql_ascii_")]
    )
    assert done.status == 0, done.told
    assert jobs.status("drill")["tables"] == 6
    chosen = {"databases": ["sql_ascii_", "latin1_"], "schemas": ["r?ume"], "exclude_schemas": ["raume"]}
    done = jobs.call("run", jobs.define(logical=chosen))
    assert done.status == 0, done.told
    archive = jobs.directory / "archive"
    for name in ("sql_ascii_", "latin1_"):
        archive.write_bytes(jobs.database(jobs.backups()[-1], f"database-{name}.dump"))
        read = subprocess.run([jobs.server.bindir / "pg_restore", "-f", "-", archive], check=True, capture_output=True)
        assert b"t\xfcr" in read.stdout
    done = jobs.call("run", jobs.define(logical={**chosen, "schemas": ["r\u00e4ume"]}))
    assert (done.status, list(jobs.status()["missing"])) == (14, ["sql_ascii_"]), done.told


def test_segments_of_another_size(jobs: Jobs) -> None:
    server = jobs.server
    wal = jobs.define("wal", kind="wal")
    server.stop()
    settings, hba = server.conf_file.read_text(), (server.data_directory / "pg_hba.conf").read_text()
    shutil.rmtree(server.data_directory)
    words = (
        "--username",
        server.superuser,
        "--auth",
        "trust",
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--wal-segsize=1",
    )
    server.owner.run([server.bindir / "initdb", f"--pgdata={server.data_directory}", *words])
    (server.data_directory / "pg_hba.conf").write_text(hba)
    with server.owner.acting(), server.conf_file.open("w") as stream:
        stream.write(
            f"{settings}\nmin_wal_size = 2MB\nmax_wal_size = 8MB\narchive_mode = on\narchive_command = '{jobs.program} archive {wal} %p'\n"
        )
    server.start()
    base = jobs.define("base", kind="physical", physical={"checkpoint": "fast"}, compression={"method": "gzip"})
    for _turn in range(3):
        done = jobs.call("run", base)
        assert done.status == 0, done.told
        with server.connect() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS much (words text)")
            connection.execute("INSERT INTO much SELECT repeat(md5(g::text), 50) FROM generate_series(1, 2000) AS g")
            wanted = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with server.connect() as connection:
            last = connection.execute("SELECT last_archived_wal FROM pg_stat_archiver").fetchone()
        if last and wanted and last >= wanted:
            break
    done = jobs.call("run", wal)
    assert done.status == 0, done.told
    done = drill(jobs, job="base", archive="wal", until="end")
    assert done.status == 0, done.told
    done = jobs.call(
        "run", jobs.define("base", kind="physical", physical={"checkpoint": "fast"}, retention={"last": 1})
    )
    assert done.status == 0, done.told
    done = jobs.call("run", wal)
    assert done.status == 0, done.told
    files = sorted(each.name for each in jobs.place.glob("wal/*/0*/*"))
    entry = json.loads((jobs.backups("base")[-1] / "backup.json").read_text())
    assert entry["wal_segment_size"] == 2**20
    assert len(files) <= 4, files


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
