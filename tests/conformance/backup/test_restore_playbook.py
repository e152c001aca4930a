"""The playbook that restores: it shows what it will do, and does it when it is told to."""

from __future__ import annotations

import os
import pathlib
import sys
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import definition_of_a_drill
from ansible_collections.rampart.postgresql.tests.conformance.plays import Played
from ansible_collections.rampart.postgresql.tests.conformance.plays import play

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = [pytest.mark.with_clients, pytest.mark.in_turn]


def test_it_restores_what_it_has_shown(jobs: Jobs, tmp_path: pathlib.Path) -> None:
    if os.geteuid() != 0:
        pytest.fail("root starts the program as other accounts")
    with jobs.server.connect(dbname="postgres") as connection:
        connection.execute("CREATE TABLE item AS SELECT generate_series(1, 500)")
    assert jobs.call("run", jobs.define()).status == 0
    definition_of_a_drill(jobs)  # lends the key
    target = jobs.place / "restored"
    wish = {
        "target": "db1",
        "restore_program": str(jobs.program),
        "restore_bindir": str(jobs.server.bindir),
        "restore_place": {"kind": "directory", "path": str(jobs.place)},
        "restore_job": "nightly",
        "restore_identity": str(jobs.directory / "drill-identity"),
        "restore_account": jobs.server.owner.name,
        "restore_directory": str(target),
    }
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    temporary = set(pathlib.Path("/tmp").glob("*rampart-restore-*"))

    def restore(*, check: bool = False, **changes: t.Any) -> Played:
        return play("restore", {"db1": host}, tmp_path, check=check, extra={**wish, **changes})

    shown = restore(check=True, restore_confirm=True)
    assert (shown.code, shown.changed) == (0, {"db1": 0}), shown.output
    assert (jobs.status()["id"] in shown.output, "nothing was done" in shown.output) == (True, True)
    assert not target.exists()
    done = restore(restore_confirm=True)
    assert (done.code, done.changed) == (0, {"db1": 1}), done.output
    assert f"is in {target}, which is {jobs.server.owner.name}'s" in done.output
    made = (target / "PG_VERSION").stat()
    assert (made.st_uid, (target / "postmaster.pid").exists()) == (jobs.server.owner.uid, False)
    refused = restore()
    assert (refused.failed, "--replace would move it aside" in refused.output) == ({"db1"}, True)
    again = restore(restore_confirm=True, restore_replace=True)
    assert (again.code, "what was there is in" in again.output) == (0, True), again.output
    (aside,) = jobs.place.glob("restored.before-*")
    assert (aside / "PG_VERSION").stat().st_ino == made.st_ino
    assert set(pathlib.Path("/tmp").glob("*rampart-restore-*")) == temporary
    assert str(jobs.keys.identity.read_text().split()[-1]) not in done.output


def test_what_is_not_said_is_asked_for(jobs: Jobs, tmp_path: pathlib.Path) -> None:
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    extra = {"target": "db1", "restore_directory": str(jobs.place / "x"), "restore_place": {}, "restore_drill": "y"}
    done = play("restore", {"db1": host}, tmp_path, extra=extra)
    assert (done.failed, "either the name of a drill" in done.output) == ({"db1"}, True), done.output
