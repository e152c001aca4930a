"""Whatever dies, fills up or is cut off: an alarm, nothing half-done under a final name, and every older backup whole."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.vaults import Vault

if t.TYPE_CHECKING:
    import pathlib
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
    places = [{"kind": "directory", "path": str(jobs.place)}, vault.place()]
    definition = jobs.define(places=places, logical={"databases": ["postgres"]}, compression={"level": 9})
    assert jobs.call("run", definition).status == 0
    with jobs.server.connect() as connection:
        connection.execute(_SLOW)
    return definition


def fails_while(jobs: Jobs, definition: pathlib.Path, act: Callable[[subprocess.Popen[str]], None]) -> Done:
    """Start a run, wait until its dump flows, do something to it, and wait for its end."""
    before = jobs.backups()
    running = jobs.start("run", definition)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        if any(
            each.stat().st_size > 2**18
            for each in jobs.place.rglob("*/database-postgres*")
            if each.parent.name[0] == "."
        ):
            break
        time.sleep(0.01)
    assert running.poll() is None, running.communicate()
    act(running)
    said, told = running.communicate(timeout=120)
    assert jobs.backups() == before
    return type(jobs.call("status", definition))(running.returncode, said, told)


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
    assert done.status == -signal.SIGKILL  # systemd calls the unit failed
    assert jobs.partial()
    still_whole(jobs, vault, job)
    assert subprocess.run(["pgrep", "-f", "pg_dump.*--snapshot"], check=False, capture_output=True).returncode == 1


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
    assert jobs.status()["outcome"] == "failed"
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
    while not any(
        each.stat().st_size > 2**18 for each in vault.root.rglob("database-postgres*") if each.parent.name[0] == "."
    ):
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


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system of a few megabytes takes root")
def test_the_disk_is_full(jobs: Jobs, vault: Vault, job: pathlib.Path) -> None:
    small = jobs.directory / "small"
    small.mkdir()
    owner = jobs.server.owner
    options = f"size=1m,mode=0700,uid={owner.uid},gid={owner.gid}"
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", small], check=False, capture_output=True
    ).returncode:
        pytest.skip("root in this container may mount nothing, so no disk can be full")
    try:
        places = [{"kind": "directory", "path": str(small)}, vault.place()]
        done = jobs.call("run", jobs.define(places=places, logical={"databases": ["postgres"]}))
        assert (done.status, "No space left" in done.told) == (13, True), done.told
        assert jobs.status()["stored"] == [f"{owner.name}@127.0.0.1"]
        assert [each.name for each in (small / "nightly").iterdir()] == []
        assert len(vault.backups()) == 2
    finally:
        subprocess.run(["umount", small], check=True)


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
