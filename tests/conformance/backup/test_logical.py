"""Logical jobs: what is in a backup, what it was made from, and what is left when something fails."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import pytest

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = pytest.mark.with_clients

_MARKER: t.Final = "a-row-that-nobody-else-may-read"


def fill(jobs: Jobs) -> None:
    """A database with a name that file systems do not like, and one with rows."""
    with jobs.server.connect() as connection:
        connection.execute('CREATE DATABASE "we ird/%Db"')
        connection.execute("CREATE ROLE app LOGIN")
        connection.execute(
            "CREATE TABLE t AS SELECT g AS id, %s || g AS words FROM generate_series(1, 1000) AS g", [_MARKER]
        )


def test_a_backup_holds_everything_encrypted_and_restores(jobs: Jobs, tmp_path: pathlib.Path) -> None:
    fill(jobs)
    definition = jobs.define()
    done = jobs.call("run", definition)
    assert done.status == 0, done.told
    (backup,) = jobs.backups()
    entry = json.loads((backup / "backup.json").read_text())
    assert entry["complete"]
    assert entry["encryption"] == {"method": "age", "recipients": [jobs.keys.recipient]}
    assert {part["name"] for part in entry["parts"]} == {
        "roles.sql.age",
        "tablespaces.sql.age",
        "row-counts.json.age",
        "database-postgres.dump.age",
        "database-template1.dump.age",
        "database-we%20ird%2F%25Db.dump.age",
    }
    assert b"CREATE ROLE app" in jobs.database(backup, "roles.sql")
    assert ["public", "t", 1000] in json.loads(jobs.database(backup, "row-counts.json"))["postgres"]
    archive = tmp_path / "archive"
    archive.write_bytes(jobs.database(backup, "database-postgres.dump"))
    restored = subprocess.run([jobs.server.bindir / "pg_restore", "-f", "-", archive], check=True, capture_output=True)
    assert restored.stdout.decode().count(_MARKER) == 1000
    assert jobs.call("verify", definition).status == 0
    assert not [each for each in backup.iterdir() if _MARKER.encode() in each.read_bytes()]
    assert jobs.partial() == []


def test_status_metrics_and_list_tell_of_it(jobs: Jobs) -> None:
    definition = jobs.define()
    assert jobs.call("run", definition).status == 0
    status = jobs.status()
    assert (status["outcome"], status["exit_status"], status["stored"]) == ("ok", 0, [str(jobs.place)])
    assert (
        f'size_bytes{{job_name="nightly"}} {status["size"]}' in (jobs.state / "rampart_backup_nightly.prom").read_text()
    )
    (shown,) = jobs.call("list", definition).shown
    assert (shown["id"], shown["complete"]) == (status["id"], True)


def test_retention_keeps_the_last_ones(jobs: Jobs) -> None:
    definition = jobs.define(retention={"last": 2}, logical={"databases": ["postgres"]})
    for _turn in range(3):
        assert jobs.call("run", definition).status == 0
    first = jobs.status()["removed"]
    assert len(first) == 1
    assert first[0] not in [each.name for each in jobs.backups()]
    assert len(jobs.backups()) == 2


@pytest.mark.in_turn
def test_a_corrupted_byte_is_found_and_the_others_are_whole(jobs: Jobs) -> None:
    definition = jobs.define(logical={"databases": ["postgres"]})
    for _turn in range(2):
        assert jobs.call("run", definition).status == 0
    wrong, right = jobs.backups()
    part = wrong / "database-postgres.dump.age"
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 1
    part.write_bytes(data)
    done = jobs.call("verify", definition)
    assert done.status == 11
    assert str(part) in done.told
    assert {each["id"]: bool(each["damaged"]) for each in jobs.call("list", definition).shown} == {
        wrong.name: True,
        right.name: False,
    }


@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"encryption": {"method": "age", "recipients": ["age1wrong"]}}, 12, "age"),
        ({"logical": {"databases": ["nothing-*"]}}, 2, "chooses none of the databases"),
        ({"places": [{"kind": "directory", "path": "/proc/nowhere"}]}, 13, "/proc/nowhere is not there"),
        ({"cluster": {"label": "x", "bindir": "/nowhere", "host": "/nowhere"}}, 10, "cannot be started"),
    ],
)
def test_what_cannot_work_fails_and_leaves_nothing(
    jobs: Jobs, changes: dict[str, t.Any], status: int, said: str
) -> None:
    assert jobs.call("run", jobs.define()).status == 0
    before = jobs.backups()
    done = jobs.call("run", jobs.define(**changes))
    assert (done.status, said in done.told) == (status, True), done.told
    assert jobs.backups() == before
    assert jobs.partial() == []
    assert jobs.status()["outcome"] == "failed"
    assert jobs.status()["last_success"]


@pytest.mark.in_turn
def test_a_limited_role_is_told_what_it_may_not_read(jobs: Jobs) -> None:
    """Nothing of a schema that is not dumped, and nothing that the role can see although others cannot."""
    with jobs.server.connect() as connection:
        connection.execute("CREATE ROLE dumper LOGIN")
        for statement in (
            "CREATE SCHEMA kept",
            "CREATE SCHEMA other",
            "GRANT USAGE ON SCHEMA public, kept TO dumper",
            "CREATE TABLE kept.readable (id integer)",
            "GRANT SELECT ON kept.readable TO dumper",
            "CREATE FOREIGN DATA WRAPPER w",
            "CREATE SERVER own FOREIGN DATA WRAPPER w",
            "CREATE SERVER another FOREIGN DATA WRAPPER w",
            "GRANT USAGE ON FOREIGN SERVER own TO dumper",
            "CREATE USER MAPPING FOR dumper SERVER own OPTIONS (password 'its own')",
        ):
            connection.execute(statement)
        cluster = {**json.loads(jobs.define().read_text())["cluster"], "user": "dumper"}
        job = {"databases": ["postgres"], "exclude_schemas": ["other"]}
        picks = jobs.define("picks", cluster=cluster, logical=job)
        whole = jobs.define("whole", cluster=cluster, logical={"databases": ["postgres"]})
        assert jobs.call("check", whole).status == 0
        for make, of_all, of_some, unmake in (
            ("CREATE TABLE kept.t (id integer)", "SELECT on kept.t", "SELECT on kept.t", "DROP TABLE kept.t"),
            ("CREATE SEQUENCE kept.s", "SELECT on kept.s", "SELECT on kept.s", "DROP SEQUENCE kept.s"),
            ("CREATE TABLE other.t (id integer)", "SELECT on other.t", "", "DROP TABLE other.t"),
            (
                "CREATE TABLE other.t (id integer); GRANT SELECT ON other.t TO dumper",
                "USAGE on the schema other",
                "",
                "DROP TABLE other.t",
            ),
            ("SELECT lo_create(4711)", "SELECT on 1 large objects", "", "SELECT lo_unlink(4711)"),
            (
                f"CREATE USER MAPPING FOR \"{jobs.server.superuser}\" SERVER another OPTIONS (password 'x')",
                f"options of the user mapping of {jobs.server.superuser} on another",
                "",
                f'DROP USER MAPPING FOR "{jobs.server.superuser}" SERVER another',
            ),
        ):
            connection.execute(make)
            for definition, named in ((whole, of_all), (picks, of_some)):
                done = jobs.call("check", definition)
                assert done.status == (2 if named else 0), (make, done.told)
                assert f"postgres: {named}" in done.told or not named, done.told
            connection.execute(unmake)
        for name, definition in (("whole", whole), ("picks", picks)):
            done = jobs.call("run", definition)
            assert done.status == 0, done.told
            assert len(jobs.backups(name)) == 1


@pytest.mark.in_turn
def test_a_limited_role_is_refused_what_it_would_leave_out(jobs: Jobs) -> None:
    with jobs.server.connect() as connection:
        connection.execute("CREATE DATABASE app")
        connection.execute("CREATE ROLE dumper LOGIN")
        for name in ("app", "postgres", "template1"):
            with jobs.server.connect(dbname=name) as inside:
                inside.execute("GRANT USAGE ON SCHEMA public TO dumper")
    cluster = json.loads(jobs.define().read_text())["cluster"]
    definition = jobs.define(cluster={**cluster, "user": "dumper"})
    with jobs.server.connect(dbname="app") as connection:
        connection.execute("CREATE TABLE t (id integer)")
        connection.execute("GRANT SELECT ON t TO dumper")
        done = jobs.call("run", definition)
        assert done.status == 0, done.told
        assert b"SCRAM" not in jobs.database(jobs.backups()[0], "roles.sql")
        for make, unmake, named in (
            (
                "CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)",
                "DROP SUBSCRIPTION s",
                "subscription s",
            ),
            ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", "ALTER TABLE t DISABLE ROW LEVEL SECURITY", "row security of"),
        ):
            connection.execute(make)
            for command in ("check", "run"):
                done = jobs.call(command, definition)
                assert (done.status, f"app: {named}" in done.told) == (2, True), done.told
            if "SUBSCRIPTION" in make:
                connection.execute("ALTER SUBSCRIPTION s SET (slot_name = NONE)")
            connection.execute(unmake)
        assert jobs.call("run", definition).status == 0
    assert len(jobs.backups()) == 2
