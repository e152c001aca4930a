"""Logs of the server: each file is kept once, when it is closed, and comes back as it was."""

from __future__ import annotations

import json
import os
import pathlib
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import definition_of_a_drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_staging import staging

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = pytest.mark.with_clients

_NAME: t.Final = "server-%Y%m%d-%H%M%S.log"


def collect(jobs: Jobs, directory: str, destination: str) -> None:
    """Let the server write its logs there."""
    with jobs.server.connect() as connection:
        for name, value in (
            ("logging_collector", "on"),
            ("log_directory", directory),
            ("log_filename", _NAME),
            ("log_destination", destination),
            ("log_statement", "all"),
        ):
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    jobs.server.restart()


def rotate(jobs: Jobs, words: str, directory: pathlib.Path) -> None:
    """Log something, and let the server begin other files."""
    before = set(directory.iterdir())
    time.sleep(1.02 - time.time() % 1)  # the names have seconds
    with jobs.server.connect() as connection:
        connection.execute(f"SELECT '{words}'")
        connection.execute("SELECT pg_rotate_logfile()")
    deadline = time.monotonic() + 20
    while set(directory.iterdir()) == before:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def entry(jobs: Jobs) -> dict[str, t.Any]:
    """What the newest backup says of itself."""
    values = json.loads((jobs.place / "nightly" / jobs.status()["id"] / "backup.json").read_text())
    assert isinstance(values, dict)
    return values


@pytest.mark.parametrize("where", ["inside", pytest.param("outside", marks=pytest.mark.in_turn)])
def test_what_is_closed_is_kept_once_and_comes_back(jobs: Jobs, major: int, where: str) -> None:
    directory = jobs.server.data_directory / "log" if where == "inside" else staging(jobs, "logs")
    destination = "stderr,csvlog,jsonlog" if major >= 15 else "stderr,csvlog"
    collect(jobs, "log" if where == "inside" else str(directory), destination)
    definition = jobs.define(kind="logs")
    rotate(jobs, "a-word-of-the-log", directory)
    (directory / "server-1-x.log").symlink_to("/etc/passwd")
    (directory / "other.log").write_text("of somebody else")
    done = jobs.call("run", definition)
    assert (done.status, "server-1-x.log is not kept: it is no file but a link" in done.told) == (0, True), done.told
    values = entry(jobs)
    assert values["kind"] == "logs"
    names = {each["name"] for each in values["logs"]}
    assert {name.rpartition(".")[2] for name in names} == {"log", "csv", *(["json"] if major >= 15 else [])}
    assert len({name.rpartition(".")[0] for name in names}) == 1
    assert list(values["left_out"]) == ["server-1-x.log"]
    kept = {name: (directory / name).read_bytes() for name in names}
    assert any(b"a-word-of-the-log" in data for data in kept.values())
    (backup,) = jobs.backups()
    assert b"a-word-of-the-log" not in b"".join(each.read_bytes() for each in backup.iterdir())
    # The one that is written is not kept, and what was is not kept again.
    done = jobs.call("run", definition)
    assert (done.status, jobs.backups(), jobs.status()["nothing_new"]) == (0, [backup], True), done.told
    done = drill(jobs)
    assert (done.status, jobs.status("drill")["logs"]) == (0, len(names)), done.told
    target = jobs.place / "restored"
    done = jobs.call("restore", definition_of_a_drill(jobs), "--target", target)
    assert done.status == 0, done.told
    assert {each.name: each.read_bytes() for each in target.iterdir()} == kept
    touched = directory / sorted(names)[0]
    os.utime(touched, (1, 1))
    rotate(jobs, "another-word", directory)
    done = jobs.call("run", definition)
    assert done.status == 0, done.told
    assert not names & {each["name"] for each in entry(jobs)["logs"]}
    data = touched.read_bytes()
    touched.write_bytes(data[:-2] + b"!\n")
    done = jobs.call("run", definition)
    assert done.status == 0, done.told
    assert [each["name"] for each in entry(jobs)["logs"]] == [touched.name]


@pytest.mark.in_turn
def test_a_file_that_vanishes_is_told_and_what_cannot_be_kept_is_refused(jobs: Jobs) -> None:
    definition = jobs.define(kind="logs")
    for command in ("check", "run"):
        done = jobs.call(command, definition)
        assert (done.status, "logging_collector = off" in done.told) == (2, True), done.told
    directory = jobs.server.data_directory / "log"
    collect(jobs, "log", "stderr")
    rotate(jobs, "first", directory)
    rotate(jobs, "second", directory)
    (shown,) = jobs.call("check", definition).shown
    first, second = shown["logs"]
    # More than pipes hold, and a compression that waits, hold the run back until the file is gone.
    (directory / "server-0-0.log").write_bytes(os.urandom(2**24))
    pause = jobs.directory / "pause"
    pause.mkdir()
    gzip = pause / "gzip"
    gzip.write_text('#!/bin/sh\nwhile [ ! -e "$0.go" ]; do sleep 0.05; done\nexec /bin/gzip "$@"\n')
    gzip.chmod(0o755)
    running = jobs.start("run", definition, env={"PATH": f"{pause}:/usr/local/bin:/usr/bin:/bin"})
    deadline = time.monotonic() + 30
    while not jobs.partial():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.3)
    (directory / second).rename(directory / "gone")
    (pause / "gzip.go").touch()
    _said, told = running.communicate(timeout=60)
    assert (running.returncode, f"{second} vanished" in told) == (0, True), told
    values = entry(jobs)
    assert list(values["left_out"]) == [second]
    assert {each["name"] for each in values["logs"]} == {"server-0-0.log", first}
    assert drill(jobs).status == 0
    data = bytearray((jobs.backups()[0] / "logs.tar.gz.age").read_bytes())
    data[-20] ^= 1
    (jobs.backups()[0] / "logs.tar.gz.age").write_bytes(data)
    assert drill(jobs).status == 11
