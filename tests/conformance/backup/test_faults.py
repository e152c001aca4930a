"""Whatever dies, fills up or is cut off: an alarm, nothing half-done under a final name, and every older backup whole."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.disks import small_disk
from ansible_collections.rampart.postgresql.tests.conformance.backup.vaults import Vault

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Done
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = [pytest.mark.with_clients, pytest.mark.in_turn]

_SLOW: t.Final = """
CREATE TABLE big (words text);
INSERT INTO big SELECT string_agg(md5(g::text || i), '') FROM generate_series(1, 20000) AS g, generate_series(1, 25) AS i GROUP BY g
"""


@pytest.fixture
def vault(jobs: Jobs) -> Iterator[Vault]:
    """One that trusts two keys."""
    made = Vault(jobs)
    yield made
    made.close()


@pytest.fixture
def job(jobs: Jobs, vault: Vault) -> pathlib.Path:
    """One that goes to both kinds of places, was run once, and now has more to do."""
    return prepared(jobs, vault)


def prepared(jobs: Jobs, vault: Vault, **changes: t.Any) -> pathlib.Path:
    """A job that was run once, tells somebody of failures, and now has more to do."""
    places = [{"kind": "directory", "path": str(jobs.place)}, vault.place()]
    values = {"logical": {"databases": ["postgres"]}, "physical": {"checkpoint": "fast"}, "compression": {"level": 9}}
    notify = {"command": ["/bin/sh", "-c", f"cat >>{jobs.state}/told; echo >>{jobs.state}/told"]}
    definition = jobs.define(**{"places": places, "notify": notify, **values, **changes})
    assert jobs.call("run", definition).status == 0
    with jobs.server.connect() as connection:
        connection.execute(_SLOW)
    return definition


def alarmed(jobs: Jobs, status: int, *, told: bool = True) -> None:
    """The status, the metrics, and whoever is to be told say that the last run failed, and when one went well."""
    found = jobs.status()
    assert (found["outcome"], found["exit_status"]) == ("failed", status)
    metrics = (jobs.state / "rampart_backup_nightly.prom").read_text()
    assert f'last_run_exit_status{{job_name="nightly"}} {status}\n' in metrics
    assert "last_success_timestamp_seconds" in metrics
    if told:
        assert json.loads((jobs.state / "told").read_text().splitlines()[-1])["exit_status"] == status


def fails_while(
    jobs: Jobs,
    definition: pathlib.Path,
    act: Callable[[subprocess.Popen[str]], object],
    *,
    kept: int = 0,
    **options: t.Any,
) -> Done:
    """Start a run, wait until its dump flows, do something to it, and wait for its end."""
    before = jobs.backups()
    running = jobs.start("run", definition, **options)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        if flows(jobs.place):
            break
        time.sleep(0.01)
    assert running.poll() is None, running.communicate()
    act(running)
    said, told = running.communicate(timeout=120)
    assert len(set(jobs.backups()) - set(before)) == kept
    assert set(before) <= set(jobs.backups())
    return type(jobs.call("status", definition))(running.returncode, said, told)


def flows(place: pathlib.Path) -> bool:
    """Whether a part of some size is on its way."""
    parts = (each for name in ("database-postgres*", "base.tar*") for each in place.rglob(f"*/{name}"))
    with contextlib.suppress(FileNotFoundError):  # given up meanwhile
        return any(each.stat().st_size > 2**18 for each in parts if each.parent.name[0] == ".")
    return False


def still_whole(jobs: Jobs, vault: Vault, definition: pathlib.Path) -> None:
    """The next run works, leaves nothing of the one that failed, and everything older is as it was."""
    done = jobs.call("run", definition)
    assert done.status == 0, done.told
    assert (jobs.partial(), vault.partial()) == ([], [])
    assert (len(jobs.backups()), len(vault.backups())) == (2, 2)
    assert jobs.call("verify", definition).status == 0


def children(process: subprocess.Popen[str], name: str) -> list[int]:
    """The processes of a program that a run has started."""
    done = subprocess.run(["pgrep", "-P", str(process.pid), "-f", name], capture_output=True, text=True, check=False)
    return [int(each) for each in done.stdout.split()]


def test_the_program_is_killed(jobs: Jobs, vault: Vault, job: pathlib.Path) -> None:
    done = fails_while(jobs, job, lambda running: running.kill())
    assert done.status == -signal.SIGKILL  # systemd calls the unit failed, and starts this:
    assert jobs.call("conclude", "job", job).status == 0
    alarmed(jobs, 15)
    assert jobs.call("conclude", "job", job).status == 0
    assert len((jobs.state / "told").read_text().splitlines()) == 1
    assert jobs.partial()
    still_whole(jobs, vault, job)
    dump = f"{jobs.server.bindir}/pg_dump.*--snapshot"  # other versions have theirs at the same time
    assert subprocess.run(["pgrep", "-f", dump], check=False, capture_output=True).returncode == 1


def test_the_program_is_told_to_end(jobs: Jobs, vault: Vault, job: pathlib.Path) -> None:
    done = fails_while(jobs, job, lambda running: running.terminate())
    assert (done.status, "SIGTERM" in done.told) == (15, True), done.told
    assert (jobs.partial(), vault.partial()) == ([], [])
    assert jobs.status()["outcome"] == "failed"
    still_whole(jobs, vault, job)


@pytest.mark.parametrize(("program", "status"), [("pg_dump", 10), ("pg_restore", 11), ("age", 12)])
def test_a_program_of_it_is_killed(jobs: Jobs, vault: Vault, job: pathlib.Path, program: str, status: int) -> None:
    def kill(running: subprocess.Popen[str]) -> None:
        found = children(running, program)
        assert found
        for each in found:
            os.kill(each, signal.SIGKILL)

    done = fails_while(jobs, job, kill)
    assert done.status == status, done.told
    assert (jobs.partial(), vault.partial()) == ([], [])
    alarmed(jobs, status)
    still_whole(jobs, vault, job)


def test_one_dump_that_cannot_be_read_again_keeps_no_other_from_the_backup(
    jobs: Jobs, vault: Vault, job: pathlib.Path
) -> None:
    with jobs.server.connect() as connection:
        connection.execute("CREATE DATABASE shop")
    values = json.loads(job.read_text())
    job = jobs.define(**{**values, "logical": {"databases": ["postgres", "shop"]}})
    done = fails_while(jobs, job, lambda running: kill_children(running, "pg_restore"), kept=1)
    assert (done.status, list(jobs.status()["missing"])) == (14, ["postgres"]), done.told
    alarmed(jobs, 14)
    names = {each.name for each in jobs.backups()[-1].iterdir()}
    assert ("database-shop.dump.age" in names, "database-postgres.dump.age" in names) == (True, False)
    assert len(vault.backups()) == 2


def test_a_place_that_is_not_there_is_not_made(jobs: Jobs) -> None:
    """As a file system that is not mounted would be filled beside."""
    places = [{"kind": "directory", "path": str(path)} for path in (jobs.place, jobs.own("mounted") / "here")]
    done = jobs.call("run", jobs.define(logical={"databases": ["postgres"]}, places=places))
    assert (done.status, "mounted/here is not there" in done.told) == (13, True), done.told
    assert (list((jobs.directory / "mounted").iterdir()), len(jobs.backups())) == ([], 1)
    wal = jobs.server.data_directory / "pg_wal" / "000000010000000000000001"
    done = jobs.call("archive", jobs.define("wal", kind="wal", places=places), wal)
    assert (done.status, "mounted/here is not there" in done.told) == (13, True), done.told
    assert len(list(jobs.place.glob("wal/*/*/*"))) == 1


def test_a_table_that_cannot_be_read_is_told_as_what_it_is(jobs: Jobs) -> None:
    with jobs.server.connect() as connection:
        connection.execute("CREATE TABLE lost AS SELECT 1 AS one")
        found = connection.execute("SELECT pg_relation_filepath('lost')").fetchone()
        assert found is not None
        connection.execute("CHECKPOINT")
    jobs.server.restart()
    (jobs.server.data_directory / str(found[0])).unlink()
    done = jobs.call("run", jobs.define())
    assert (done.status, list(jobs.status()["missing"])) == (14, ["postgres"]), done.told
    assert "could not open file" in jobs.status()["missing"]["postgres"]


def kill_children(running: subprocess.Popen[str], program: str) -> None:
    """All that a run has of a program."""
    found = children(running, program)
    assert found, program
    for each in found:
        os.kill(each, signal.SIGKILL)


@pytest.mark.parametrize(("program", "status"), [("pg_basebackup", 10), ("server", 10), ("", -signal.SIGKILL)])
def test_something_of_a_base_backup_is_killed(jobs: Jobs, vault: Vault, program: str, status: int) -> None:
    def kill(running: subprocess.Popen[str]) -> None:
        if program == "server":
            kill_server(jobs)
        elif program:
            kill_children(running, program)
        else:
            running.kill()

    job = prepared(jobs, vault, kind="physical")
    done = fails_while(jobs, job, kill)
    assert done.status == status, done.told
    if program == "server":
        jobs.server.start()
    if program:
        assert (jobs.partial(), vault.partial()) == ([], [])
    else:
        # The next run tells of it, where nobody else does.
        assert "was killed" in jobs.call("run", job).told
        jobs.backups()[-1].rename(jobs.directory / "aside")
        return
    alarmed(jobs, status)
    with jobs.server.connect() as connection:
        assert connection.execute("SELECT count(*) FROM pg_replication_slots").fetchone() == (0,)
    still_whole(jobs, vault, job)


def kill_server(jobs: Jobs) -> None:
    """All of it, the postmaster first."""
    postmaster = int((jobs.server.data_directory / "postmaster.pid").read_text().splitlines()[0])
    done = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True, check=True)
    doomed = (postmaster, *map(int, done.stdout.split()))
    for each in doomed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    while any(_runs(each) for each in doomed):
        time.sleep(0.01)
    # Whoever began them may be slow to notice, and a number that is taken keeps a server from starting.
    for path in (jobs.server.data_directory / "postmaster.pid", *jobs.server.socket_directory.glob(".s.PGSQL.*")):
        path.unlink()


def _runs(process: int) -> bool:
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def test_the_server_is_killed(jobs: Jobs, vault: Vault, job: pathlib.Path) -> None:
    done = fails_while(jobs, job, lambda _running: kill_server(jobs))
    assert done.status == 10, done.told
    alarmed(jobs, 10)
    assert (jobs.partial(), vault.partial()) == ([], [])
    jobs.server.start()
    still_whole(jobs, vault, job)


def test_the_server_dies(jobs: Jobs, vault: Vault, job: pathlib.Path) -> None:
    done = fails_while(jobs, job, lambda _running: jobs.server.stop(mode="immediate"))
    assert done.status in (10, 14), done.told
    assert (jobs.partial(), vault.partial()) == ([], [])
    assert jobs.call("run", job).status == 10
    jobs.server.start()
    still_whole(jobs, vault, job)


def test_the_database_is_dropped_meanwhile(jobs: Jobs, vault: Vault, job: pathlib.Path) -> None:
    with jobs.server.connect() as connection:
        connection.execute("CREATE DATABASE doomed TEMPLATE postgres")
    places = [{"kind": "directory", "path": str(jobs.place)}, vault.place()]
    values = {"databases": ["doomed", "postgres"]}
    definition = jobs.define("other", places=places, logical=values, compression={"level": 9})

    def drop(_running: subprocess.Popen[str]) -> None:
        with jobs.server.connect() as connection:
            connection.execute("UPDATE pg_database SET datallowconn = false WHERE datname = 'doomed'")
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'doomed'")
            connection.execute("DROP DATABASE doomed")

    running = jobs.start("run", definition)
    while not any(each.stat().st_size > 2**18 for each in (jobs.place / "other").rglob("database-doomed*")):
        assert running.poll() is None
        time.sleep(0.01)
    drop(running)
    _said, told = running.communicate(timeout=120)
    assert running.returncode == 14, told
    assert list(jobs.status("other")["missing"]) == ["doomed"]
    (backup,) = jobs.backups("other")
    assert "database-postgres.dump.age" in [each.name for each in backup.iterdir()]
    assert "database-doomed.dump.age" not in [each.name for each in backup.iterdir()]
    (shown,) = jobs.call("list", definition).shown
    assert shown["complete"] is False


def test_the_connection_to_the_vault_is_cut(jobs: Jobs, vault: Vault, job: pathlib.Path) -> None:
    running = jobs.start("run", job)
    while not flows(vault.root):
        assert running.poll() is None
        time.sleep(0.01)
    (ssh,) = children(running, "^ssh ")
    os.kill(ssh, signal.SIGKILL)
    _said, told = running.communicate(timeout=120)
    assert running.returncode == 13, told
    assert (len(jobs.backups()), len(vault.backups())) == (2, 1)
    assert jobs.status()["stored"] == [str(jobs.place)]
    assert jobs.call("run", job).status == 0
    assert (len(jobs.backups()), len(vault.backups())) == (3, 2)
    assert vault.partial() == []


@pytest.mark.parametrize(("whose", "signal_number"), [("sshd", 9), ("sshd", 19), ("vault", 19)])
def test_the_vaults_end_is_killed_or_stalls(jobs: Jobs, vault: Vault, whose: str, signal_number: int) -> None:
    places = [{"kind": "directory", "path": str(jobs.place)}, vault.place(timeout=1)]
    job = prepared(jobs, vault, places=places)
    running = jobs.start("run", job)
    while not flows(vault.root):
        assert running.poll() is None
        time.sleep(0.01)
    found = vault.processes(whose)
    assert found
    for each in found:
        os.kill(each, signal_number)
    try:
        _said, told = running.communicate(timeout=120)
    finally:
        for each in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)
    assert running.returncode == 13, told
    alarmed(jobs, 13)
    assert (len(jobs.backups()), len(vault.backups())) == (2, 1)
    assert jobs.status()["stored"] == [str(jobs.place)]
    assert jobs.call("run", job).status == 0
    assert (len(jobs.backups()), len(vault.backups()), vault.partial()) == (3, 2, [])
    assert jobs.call("verify", job).status == 0


def test_the_vault_refuses(jobs: Jobs, vault: Vault, job: pathlib.Path) -> None:
    trusted = vault.directory / "authorized_keys"
    keys = trusted.read_text()
    trusted.write_text("")
    done = jobs.call("run", job)
    assert (done.status, "Permission denied" in done.told) == (13, True), done.told
    alarmed(jobs, 13)
    trusted.write_text(keys)
    vault.root.rename(vault.directory / "elsewhere")
    done = jobs.call("run", job)
    assert (done.status, "is not there" in done.told, vault.root.exists()) == (13, True, False), done.told
    (vault.directory / "elsewhere").rename(vault.root)
    values = json.loads(job.read_text())
    done = jobs.call("run", jobs.define(**{**values, "encryption": {"method": "none"}}))
    assert (done.status, "is not encrypted" in done.told) == (13, True), done.told
    alarmed(jobs, 13)
    assert len(vault.backups()) == 1
    assert jobs.call("run", jobs.define(**values)).status == 0
    assert (len(vault.backups()), vault.partial()) == (2, [])


def test_two_runs_at_once(jobs: Jobs, job: pathlib.Path) -> None:
    def another(_running: subprocess.Popen[str]) -> None:
        second.append(jobs.call("run", job))

    second: list[Done] = []
    running = jobs.start("run", job)
    while not jobs.partial():
        assert running.poll() is None
        time.sleep(0.01)
    another(running)
    assert running.wait(120) == 0
    assert (second[0].status, "another run of nightly has not ended" in second[0].told) == (3, True)
    assert jobs.status()["outcome"] == "ok"
    assert json.loads((jobs.state / "told").read_text())["exit_status"] == 3


def test_the_disk_is_full(jobs: Jobs, vault: Vault, job: pathlib.Path) -> None:
    small = jobs.directory / "small"
    with small_disk(jobs.server.owner, small):
        values = json.loads(job.read_text())
        places = [{"kind": "directory", "path": str(small)}, vault.place()]
        done = jobs.call("run", jobs.define(**{**values, "places": places}))
        assert (done.status, "No space left" in done.told) == (13, True), done.told
        alarmed(jobs, 13)
        assert jobs.status()["stored"] == [vault.name]
        assert [each.name for each in (small / "nightly").iterdir()] == []
        assert len(vault.backups()) == 2


def test_the_disk_of_the_state_is_full(jobs: Jobs) -> None:
    """Nothing can be written down, so it has to be said."""
    small, told = jobs.directory / "small", jobs.place / "told"
    notify = {"command": ["/bin/sh", "-c", f"cat >{told}"]}
    with small_disk(jobs.server.owner, small, "64k"):
        changes: dict[str, t.Any] = {"state": str(small), "notify": notify, "logical": {"databases": ["postgres"]}}
        definition = jobs.define(metrics=str(small), **changes)
        assert jobs.call("run", definition).status == 0
        assert not told.exists()
        with (small / "rest").open("wb", buffering=0) as stream, contextlib.suppress(OSError):
            while stream.write(bytes(4096)):
                pass
        done = jobs.call("run", definition)
        assert (done.status, "No space left" in done.told) == (1, True), done.told
        assert json.loads(told.read_text())["outcome"] == "failed"
        (small / "rest").unlink()
        assert jobs.call("run", definition).status == 0
    assert jobs.call("verify", definition).status == 0
    assert len(jobs.backups()) == 3


def test_the_disk_of_the_vault_is_full(jobs: Jobs, vault: Vault) -> None:
    with small_disk(jobs.server.owner, vault.root):
        job = prepared(jobs, vault)
        done = jobs.call("run", job)
        assert (done.status, "No space left" in done.told) == (13, True), done.told
        alarmed(jobs, 13)
        assert (len(jobs.backups()), len(vault.backups()), vault.partial()) == (2, 1, [])
        tending = jobs.directory / "vault.json"
        tending.write_text(json.dumps({"roots": [{"path": str(vault.root)}], "state": str(jobs.state)}))
        assert jobs.call("tend", tending).status == 0
        part = next(vault.backups()[0].glob("database-*"))
        data = bytearray(part.read_bytes())
        data[len(data) // 2] ^= 1
        part.write_bytes(data)
        done = jobs.call("tend", tending)
        assert (done.status, str(part) in done.told) == (11, True)


def test_a_warning_of_pg_dump_is_a_failure(jobs: Jobs) -> None:
    """Of a type that is of no kind that it knows pg_dump leaves the definition out, warns, and ends with 0."""
    with jobs.server.connect() as connection:
        connection.execute("CREATE DATABASE odd")
    with jobs.server.connect(dbname="odd") as connection:
        connection.execute("CREATE TYPE t AS ENUM ('one')")
        connection.execute("UPDATE pg_type SET typtype = 'z' WHERE typname = 't'")
    definition = jobs.define(logical={"databases": ["odd", "postgres"]})
    done = jobs.call("run", definition)
    assert (done.status, "pg_dump of odd warned: " in done.told) == (14, True), done.told
    assert list(jobs.status()["missing"]) == ["odd"]
    with jobs.server.connect(dbname="odd") as connection:
        connection.execute("UPDATE pg_type SET typtype = 'e' WHERE typname = 't'")
    assert jobs.call("run", definition).status == 0


def test_whoever_is_to_be_told(jobs: Jobs) -> None:
    told = jobs.state / "told"
    notify = {"command": ["/bin/sh", "-c", f"cat >>{told}; echo >>{told}"], "when": "always"}
    definition = jobs.define(notify=notify, logical={"databases": ["postgres"]})
    assert jobs.call("run", definition).status == 0
    assert len(told.read_text().splitlines()) == 1
    assert '"outcome": "ok"' in told.read_text()
    quiet = jobs.define(notify={**notify, "when": "failure"}, logical={"databases": ["postgres"]})
    assert jobs.call("run", quiet).status == 0
    assert len(told.read_text().splitlines()) == 1
    assert jobs.call("run", jobs.define(notify={**notify, "when": "failure"}, logical={"databases": ["x"]})).status == 2
    assert '"outcome": "failed"' in told.read_text().splitlines()[1]
