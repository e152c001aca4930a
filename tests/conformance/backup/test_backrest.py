"""Backups of pgBackRest, restored for practice and in earnest: what was written before the moment is there, what came later is not."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.filter.backup_table import backup_table
from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import PROGRAM
from ansible_collections.rampart.postgresql.tests.conformance.backup.stanzas import PASSPHRASE
from ansible_collections.rampart.postgresql.tests.conformance.backup.stanzas import Stanza
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_replay import started
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_sandbox import answer_of
from ansible_collections.rampart.postgresql.tests.conformance.plays import play

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = pytest.mark.with_clients

_ROWS: t.Final = "SELECT pg_catalog.string_agg(words, ' ' ORDER BY words) FROM public.t"


@pytest.fixture
def stanza(jobs: Jobs) -> Stanza:
    """One whose server has a tablespace, and archives."""
    made = Stanza(jobs)
    place = jobs.directory / "tablespace"
    place.mkdir()
    os.chown(place, jobs.server.owner.uid, jobs.server.owner.gid)
    with jobs.server.connect() as connection:
        connection.execute(f"CREATE TABLESPACE fast LOCATION '{place}'")
        connection.execute("CREATE TABLE t (words text PRIMARY KEY USING INDEX TABLESPACE fast) TABLESPACE fast")
    made.begin()
    write(jobs, "base")
    return made


def write(jobs: Jobs, words: str) -> None:
    """Commit a row."""
    with jobs.server.connect() as connection:
        connection.execute("INSERT INTO t VALUES (%s)", [words])


def test_the_newest_backup_comes_back_and_is_asked(stanza: Stanza) -> None:
    jobs = stanza.jobs
    stanza.back_up()
    write(jobs, "more")
    label = stanza.back_up("incr")
    write(jobs, "later")
    # Of a server on the same host, whose own it may be.
    spooled = stanza.restoring.parent / "spool" / "archive" / "main" / "in" / "00000001000000000000000F"
    spooled.parent.mkdir(parents=True)
    spooled.touch()
    for path in (spooled, *spooled.parents[:4]):
        os.chown(path, jobs.server.owner.uid, jobs.server.owner.gid)
    checks = [{"query": _ROWS, "expected": "base more"}]
    checks += [{"query": "SELECT spcname FROM pg_tablespace WHERE spcname !~ '^pg_'", "expected": "fast"}]
    done = stanza.drill(checks=checks)
    assert done.status == 0, done.told
    status = jobs.status("drill")
    assert (status["id"], status["checks"], status["until"], status["marker"]) == (label, 2, "backup", True)
    assert status["indexes"] > 0
    assert spooled.exists()
    assert PASSPHRASE not in done.told + done.said + str(status)
    (told,) = jobs.call("report", jobs.directory / "base.json", env=stanza.of_jobs).shown
    rows = backup_table(
        {"db1": [told], "drill1": jobs.call("report", jobs.directory / "drill.json").shown}, form="rows"
    )
    (row,) = (each for each in rows if each["kind"] == "pgbackrest")
    assert (row["newest"], bool(row["restored"]), row["problems"]) == (label, True, [])


@pytest.mark.in_turn
def test_to_a_time_to_a_position_and_to_the_end(stanza: Stanza) -> None:
    """Each from the newest backup that ended before; a restore in earnest is refused where something is, and runs by itself."""
    jobs, server = stanza.jobs, stanza.jobs.server
    older = stanza.back_up()
    point = f"point {jobs.status('base')['restore_point']}"
    time.sleep(1.1)  # pgBackRest tells seconds
    write(jobs, "early")
    moment = str(
        server.query("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || 'Z'")[0][0]
    )
    position = str(server.query("SELECT pg_current_wal_insert_lsn()")[0][0])
    time.sleep(0.1)
    write(jobs, "late")
    newer = stanza.back_up("incr")
    write(jobs, "latest")
    stanza.call("check")
    for target, rows, label in (
        (moment, "base early", older),
        (position, "base early", older),
        (point, "base", older),
        ("end", "base early late latest", newer),
    ):
        done = stanza.drill(until=target, checks=[{"query": _ROWS, "expected": rows}])
        assert done.status == 0, done.told
        assert jobs.status("drill")["id"] == label
    for target, status, words in (
        ("1 hour ago", 16, "no good backup of 'base' ended before"),
        ("2099-01-01T00:00:00Z", 16, "recovery ended before configured recovery target was reached"),
        ("point x", 2, "name that (--backup)"),
    ):
        done = stanza.drill(until=target)
        assert (done.status, words in done.told) == (status, True), done.told

    restored = jobs.place / "restored"
    words_of_it = ("restore", stanza.define(), "--target", restored, "--until", moment)
    done = jobs.call(*words_of_it, "--dry-run", env=stanza.of_drills)
    assert (done.status, done.shown[0]["backup"], restored.exists()) == (0, older, False), done.told
    done = jobs.call(*words_of_it, env=stanza.of_drills)
    assert done.status == 0, done.told
    assert done.shown[1]["reached"]["lsn"]
    assert sorted(path.name for path in jobs.place.glob("restored*")) == ["restored", "restored-tablespaces"]
    assert (restored / "pg_hba.conf").read_bytes() == (server.data_directory / "pg_hba.conf").read_bytes()
    inode = (restored / "PG_VERSION").stat().st_ino
    assert jobs.call(*words_of_it, env=stanza.of_drills).status == 2
    done = jobs.call(*words_of_it[:-1], "2099-01-01T00:00:00Z", "--replace", env=stanza.of_drills)
    assert (done.status, sorted(path.name for path in jobs.place.glob("restored*"))) == (
        2,
        ["restored", "restored-tablespaces"],
    )
    assert (restored / "PG_VERSION").stat().st_ino == inode
    server.stop()
    with started(jobs, restored) as ask:
        assert ask(_ROWS) == "base early"


@pytest.mark.in_turn
def test_what_is_damaged_is_found_and_noted_and_an_older_backup_is_taken(stanza: Stanza) -> None:
    jobs = stanza.jobs
    older = stanza.back_up()
    newer = stanza.back_up()
    assert stanza.drill().status == 0
    (told,) = jobs.call("report", jobs.directory / "drill.json").shown
    assert [(each["id"], each["damaged"]) for each in told["judged"]] == [(newer, "")]
    stanza.spoil(f"backup/main/{newer}/pg_data/base/1/1255.*")
    done = stanza.drill()
    assert (done.status, "restore ended with" in done.told) == (11, True), done.told
    (told,) = jobs.call("report", jobs.directory / "drill.json").shown
    (judged,) = told["judged"]
    assert (judged["id"], bool(judged["damaged"]), bool(judged["restored"])) == (newer, True, True)
    (job,) = jobs.call("report", jobs.directory / "base.json", env=stanza.of_jobs).shown
    assert job["places"][0]["backups"][1]["system"] == judged["system"]
    assert stanza.drill().status == 0
    assert jobs.status("drill")["id"] == older


@pytest.mark.in_turn
def test_what_does_not_answer_or_is_not_ours_is_told_without_a_secret(stanza: Stanza) -> None:
    jobs = stanza.jobs
    stanza.back_up()
    configuration = stanza.restoring.read_text()
    stanza.restoring.write_text(configuration.replace(PASSPHRASE, f"not-{PASSPHRASE}"))
    done = stanza.drill()
    assert (done.status, "passphrase" in done.told, PASSPHRASE in done.told) == (13, True, False), done.told
    stanza.restoring.write_text(configuration)
    stanza.restoring.chmod(0o644)
    done = stanza.drill()
    assert (done.status, "can be read by everybody" in done.told) == (2, True), done.told
    stanza.restoring.chmod(0o600)
    key = stanza.restoring
    probes = {
        f"grep -q cipher-pass {key} && echo read || echo unread": ("unread", "read"),
        f"touch {jobs.place}/evil 2>/dev/null && echo written || echo refused": ("refused", "written"),
        "test $(grep -c : /proc/net/dev) -gt 1 && echo network || echo none": ("none", "network"),
    }
    for number, network in ((0, False), (1, True)):
        checks = [{"query": answer_of(command), "expected": said[number]} for command, said in probes.items()]
        done = stanza.drill(checks=checks, network=network)
        assert done.status == 0, done.told
    stanza.take_away()
    done = stanza.drill()
    assert (done.status, "missing stanza path" in done.told) == (13, True), done.told
    assert jobs.status("drill")["outcome"] == "failed"


@pytest.mark.in_turn
def test_a_program_that_is_given_the_network_writes_only_where_it_may(jobs: Jobs) -> None:
    """As pgBackRest is started: the names of the files that it writes come from the repository."""
    inside, outside = jobs.place / "inside", jobs.place / "outside"
    for path in (inside, outside):
        path.mkdir()
        os.chown(path, jobs.server.owner.uid, jobs.server.owner.gid)
    command = f"test $(grep -c : /proc/net/dev) -gt 1 && touch {inside}/good; touch {outside}/evil"
    begin = "import os, sys; from rampart_backup.clusters.sandbox import Sandbox; "
    for guarded in (True, False):
        words = f"words = Sandbox(keys=[], programs=[], open_to_all={not guarded}).guarded(sys.argv[1:], writable=['{inside}']); "
        code = f"import sys; sys.path.insert(0, '{PROGRAM}'); {begin}{words}os.execvp(words[0], words)"
        with contextlib.suppress(RuntimeError):
            jobs.server.owner.run(["/usr/bin/python3", "-c", code, "sh", "-c", command])
        assert (list(inside.iterdir()), bool(list(outside.iterdir()))) == ([inside / "good"], not guarded)


@pytest.mark.in_turn
def test_the_playbook_shows_what_it_will_do_and_restores_it(
    stanza: Stanza, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a host that has no drill: the place is all that it needs to know."""
    jobs = stanza.jobs
    label = stanza.back_up()
    write(jobs, "later")
    stanza.call("check")
    target = jobs.place / "restored"
    place = {"kind": "pgbackrest", "stanza": stanza.name, "config": str(stanza.restoring)}
    wish = {
        "target": "db1",
        "restore_program": str(jobs.program),
        "restore_bindir": str(jobs.server.bindir),
        "restore_place": {**place, "superuser": jobs.server.superuser},
        "restore_account": jobs.server.owner.name,
        "restore_directory": str(target),
        "restore_until": "end",
    }
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    monkeypatch.setenv("PATH", stanza.of_drills["PATH"], prepend=os.pathsep)
    shown = play("restore", {"db1": host}, tmp_path, extra=wish)
    assert (shown.code, label in shown.output, target.exists()) == (0, True, False), shown.output
    done = play("restore", {"db1": host}, tmp_path, extra={**wish, "restore_confirm": True})
    assert (done.code, done.changed) == (0, {"db1": 1}), done.output
    assert PASSPHRASE not in shown.output + done.output
    stanza.define()  # makes a directory to start it in
    jobs.server.stop()
    with started(jobs, target) as ask:
        assert ask(_ROWS) == "base later"
