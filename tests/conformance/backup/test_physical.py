"""Physical jobs: the stream is what its manifest lists, and what was stored becomes a cluster again."""

from __future__ import annotations

import gzip
import io
import json
import os
import pathlib
import shutil
import tarfile
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import definition_of_a_drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_restore import ask

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = pytest.mark.with_clients

_ROWS: t.Final = (
    "CREATE DATABASE shop",
    "CREATE TABLE t (id integer PRIMARY KEY, words text)",
    "INSERT INTO t SELECT g, 'a-row-that-nobody-else-may-read ' || g FROM generate_series(1, 2000) AS g",
)


def fill(jobs: Jobs) -> None:
    """Some rows."""
    with jobs.server.connect() as connection:
        for sql in _ROWS:
            connection.execute(sql)


@pytest.mark.parametrize(
    "method", ["gzip", pytest.param("zstd", marks=pytest.mark.in_turn), pytest.param("none", marks=pytest.mark.in_turn)]
)
def test_a_cluster_comes_back_and_is_asked(jobs: Jobs, method: str) -> None:
    fill(jobs)
    definition = jobs.define(kind="physical", compression={"method": method}, physical={"checkpoint": "fast"})
    done = jobs.call("run", definition)
    assert done.status == 0, done.told
    (backup,) = jobs.backups()
    entry = json.loads((backup / "backup.json").read_text())
    assert entry["kind"] == "physical"
    assert entry["files"] > 500
    assert entry["restore_point"].startswith("rampart-nightly-")
    assert entry["marker"] == 1
    assert not [each for each in backup.iterdir() if b"nobody-else" in each.read_bytes()]
    with jobs.server.connect() as connection:
        assert connection.execute("SELECT count(*) FROM pg_replication_slots").fetchone() == (0,)
        connection.execute("INSERT INTO t VALUES (0, 'later')")
    done = drill(jobs, checks=[{"query": "SELECT count(*) FROM t", "expected": "2000"}])
    assert done.status == 0, done.told
    assert jobs.status("drill")["indexes"] > 300
    assert jobs.status("drill")["marker"]
    (shown,) = jobs.call("list", definition).shown
    assert shown["restored"]


@pytest.mark.in_turn
def test_it_is_restored_in_earnest_as_it_was(jobs: Jobs) -> None:
    fill(jobs)
    assert jobs.call("run", jobs.define(kind="physical", physical={"checkpoint": "fast"})).status == 0
    target = jobs.place / "restored"
    done = jobs.call("restore", definition_of_a_drill(jobs), "--target", target)
    assert done.status == 0, done.told
    assert (target / "postgresql.conf").read_bytes() == jobs.server.conf_file.read_bytes()
    assert oct((target).stat().st_mode)[-3:] == "700"
    with jobs.server.connect() as connection:
        connection.execute("DROP TABLE t")
    assert ask(jobs, target, "SELECT 1") == "1"


@pytest.mark.in_turn
def test_configuration_outside_the_data_directory_comes_too_without_keys(jobs: Jobs) -> None:
    outside = jobs.directory / "etc"
    (outside / "conf.d").mkdir(parents=True)
    for name in ("pg_hba.conf", "postgresql.conf"):
        shutil.move(jobs.server.data_directory / name, outside / name)
    (outside / "conf.d" / "more.conf").write_text("work_mem = '5MB'\n")
    (outside / "server.key").write_text("a private key")
    managed = jobs.directory / "managed"
    (managed / "dropped").mkdir(parents=True)
    (managed / "linked.conf").write_text("maintenance_work_mem = '32MB'\n")
    (managed / "dropped" / "in.conf").write_text("temp_buffers = '2MB'\n")
    (outside / "conf.d" / "linked.conf").symlink_to(managed / "linked.conf")
    (outside / "dropped").symlink_to(managed / "dropped")
    (outside / "conf.d" / "dangling.conf.sample").symlink_to(managed / "nowhere")
    with (outside / "postgresql.conf").open("a") as stream:
        stream.write(f"hba_file = '{outside}/pg_hba.conf'\ninclude_dir = 'conf.d'\ninclude_dir = 'dropped'\n")
    for path in (outside, *outside.rglob("*")):
        os.chown(path, jobs.server.owner.uid, jobs.server.owner.gid, follow_symlinks=False)
    jobs.server.stop()
    jobs.server.start(options=f"-c config_file={outside}/postgresql.conf")
    definition = jobs.define(kind="physical", physical={"checkpoint": "fast"})
    done = jobs.call("run", definition)
    assert done.status == 0, done.told
    (backup,) = jobs.backups()
    with tarfile.open(fileobj=io.BytesIO(jobs.database(backup, "configuration.tar"))) as archive:
        names = sorted(archive.getnames())
        linked = archive.extractfile(str(outside / "conf.d" / "linked.conf")[1:])
        assert linked is not None and linked.read() == b"maintenance_work_mem = '32MB'\n"
    there = ("conf.d/linked.conf", "conf.d/more.conf", "dropped/in.conf", "pg_hba.conf", "postgresql.conf")
    assert names == [str(outside / name)[1:] for name in there]
    target = jobs.place / "restored"
    done = jobs.call("restore", definition_of_a_drill(jobs), "--target", target)
    assert done.status == 0, done.told
    kept = pathlib.Path(done.shown[1]["configuration"] + str(outside))
    assert (kept / "conf.d" / "more.conf").read_text() == "work_mem = '5MB'\n"
    assert drill(jobs).status == 0


@pytest.mark.in_turn
def test_what_one_stream_cannot_hold_is_refused_before_anything(jobs: Jobs) -> None:
    place = jobs.directory / "tablespace"
    place.mkdir()
    os.chown(place, jobs.server.owner.uid, jobs.server.owner.gid)
    definition = jobs.define(kind="physical", physical={"checkpoint": "fast"})
    with jobs.server.connect() as connection:
        connection.execute(f"CREATE TABLESPACE fast LOCATION '{place}'")
    for command in ("check", "run"):
        done = jobs.call(command, definition)
        assert (done.status, "which holds no tablespaces (fast): name a directory" in done.told) == (2, True), done.told
    with jobs.server.connect() as connection:
        connection.execute("DROP TABLESPACE fast")
    assert jobs.call("check", definition).status == 0
    few = jobs.directory / "few"
    few.mkdir()
    for program in ("dirname", "readlink", "sh"):  # what the test's own psql is made of
        (few / program).symlink_to(shutil.which(program) or program)
    done = jobs.call("check", jobs.define("other", kind="physical"), env={"PATH": str(few)})
    assert (done.status, "gzip is not installed" in done.told) == (2, True), done.told
    (jobs.place / "link").symlink_to(jobs.server.data_directory / "base")
    for within in (jobs.server.data_directory, jobs.place / "link" / "backups"):
        places = [{"kind": "directory", "path": str(jobs.place)}, {"kind": "directory", "path": str(within)}]
        done = jobs.call("check", jobs.define("within", kind="physical", places=places))
        assert (done.status, f"places[1].path: {within} is in" in done.told) == (2, True), done.told
    rules = jobs.server.hba_file.read_text()
    jobs.server.hba_file.write_text("local all all trust\n")
    jobs.server.reload()
    done = jobs.call("check", definition)
    assert (done.status, "no pg_hba.conf entry for replication" in done.told) == (10, True), done.told
    jobs.server.hba_file.write_text(rules)
    jobs.server.reload()
    assert jobs.call("run", definition).status == 0
    assert jobs.backups()


@pytest.mark.in_turn
def test_a_stored_archive_is_the_data_directory(jobs: Jobs) -> None:
    assert jobs.call("run", jobs.define(kind="physical", physical={"checkpoint": "fast"})).status == 0
    data = gzip.decompress(jobs.database(jobs.backups()[0], "base.tar.gz"))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = set(archive.getnames())
    assert {"backup_label", "backup_manifest", "global/pg_control", "PG_VERSION"} <= names


@pytest.mark.in_turn
def test_rows_tell_which_moment_came_back(jobs: Jobs) -> None:
    """An entry that says more than the backup holds is of another moment; without a marker nothing is compared."""
    definition = jobs.define(kind="physical", physical={"checkpoint": "fast"})
    for number in (1, 2):
        assert jobs.call("run", definition).status == 0
        with jobs.server.connect() as connection:
            rows = connection.execute("SELECT phase, number, backup FROM rampart_backup.marker ORDER BY 1").fetchall()
        assert rows == [(phase, number, jobs.status()["id"]) for phase in ("begun", "ended")]
    assert drill(jobs).status == 0
    older, newest = jobs.backups()
    entry = json.loads((newest / "backup.json").read_text())
    for part in entry["parts"]:
        shutil.copy(older / part["name"], newest / part["name"])
    parts = json.loads((older / "backup.json").read_text())["parts"]
    catalogue = jobs.place / "nightly" / "catalogue.jsonl"
    before = catalogue.read_text().splitlines(keepends=True)[0]
    catalogue.write_text(before + json.dumps({"event": "made", "backup": {**entry, "parts": parts}}) + "\n")
    done = drill(jobs)
    assert (done.status, "an older state was restored" in done.told) == (16, True), done.told
    assert jobs.call("run", jobs.define(kind="physical", physical={"checkpoint": "fast", "marker": False})).status == 0
    done = drill(jobs)
    assert (done.status, jobs.status("drill")["marker"]) == (0, False), done.told


@pytest.mark.in_turn
def test_a_schema_that_others_may_change_gets_no_marker(jobs: Jobs) -> None:
    definition = jobs.define(kind="physical", physical={"checkpoint": "fast"})
    with jobs.server.connect() as connection:
        connection.execute("CREATE ROLE app")
        connection.execute("CREATE SCHEMA rampart_backup AUTHORIZATION app")
    done = jobs.call("run", definition)
    assert (done.status, "is not a schema of superusers" in done.told) == (2, True), done.told
    with jobs.server.connect() as connection:
        connection.execute("ALTER SCHEMA rampart_backup OWNER TO CURRENT_USER")
    assert jobs.call("run", definition).status == 0
