"""Restoring in earnest: into a directory that is new, and into no other one without being told."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import definition_of_a_drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import fill

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = pytest.mark.with_clients


def ask(jobs: Jobs, target: pathlib.Path, query: str, *, user: str = "") -> str:
    """Start the cluster in ``target``, ask its database `shop` one thing as its superuser or another one, and stop it."""
    server = jobs.server
    options = f"-c listen_addresses= -c unix_socket_directories={jobs.directory / 'scratch'} -c port=5555"
    words: list[str | os.PathLike[str]] = [server.bindir / "pg_ctl", "-D", target, "-w", "-l", "/dev/null"]
    server.owner.run([*words, "-o", options, "start"])
    try:
        where = f"host={jobs.directory / 'scratch'} port=5555 user={user or server.superuser} dbname=shop"
        return server.owner.run([server.bindir / "psql", "-X", "-A", "-t", "-d", where, "-c", query]).strip()
    finally:
        server.owner.run([*words, "-m", "fast", "stop"])


def test_a_cluster_stays_that_lets_its_owner_in_and_nobody_else(jobs: Jobs) -> None:
    fill(jobs)
    assert jobs.call("run", jobs.define()).status == 0
    source = definition_of_a_drill(jobs)
    target = jobs.place / "restored"
    said = jobs.call("restore", source, "--target", target, "--dry-run")
    assert (said.status, said.shown[0]["target"], target.exists()) == (0, str(target), False)
    done = jobs.call("restore", source, "--target", target)
    assert done.status == 0, done.told
    assert done.shown[0]["backup"] == done.shown[1]["restored"] == jobs.status()["id"]
    assert ask(jobs, target, "SELECT count(*) FROM stock.item") == "500"
    with pytest.raises(RuntimeError, match="no pg_hba.conf entry"):
        ask(jobs, target, "SELECT 1", user="app")
    if os.geteuid() == 0:
        assert subprocess.run(["ls", target], check=False, capture_output=True, user=65534).returncode != 0


@pytest.mark.in_turn
def test_what_is_there_stays_unless_it_may_be_moved_aside(jobs: Jobs) -> None:
    definition = jobs.define(logical={"databases": ["postgres"]})
    assert jobs.call("run", definition).status == 0
    first = jobs.status()["id"]
    assert jobs.call("run", definition).status == 0
    source = definition_of_a_drill(jobs)
    live = jobs.server.data_directory
    for target in (live, jobs.place):
        done = jobs.call("restore", source, "--target", target)
        assert (done.status, "is there already" in done.told) == (2, True)
    done = jobs.call("restore", source, "--target", live, "--replace")
    assert (done.status, "a server runs in" in done.told) == (2, True)
    assert jobs.server.is_running()
    target = jobs.place / "restored"
    assert jobs.call("restore", source, "--target", target, "--backup", first).status == 0
    before = (target / "PG_VERSION").stat().st_ino
    done = jobs.call("restore", source, "--target", target, "--backup", first, "--replace")
    assert done.status == 0, done.told
    assert done.shown[0]["backup"] == first
    aside = done.shown[0]["moved_aside"]
    assert os.stat(f"{aside}/PG_VERSION").st_ino == before
    assert jobs.call("restore", source, "--target", jobs.place / "x", "--backup", "nothing").status == 16


@pytest.mark.in_turn
def test_a_vault_tends_itself(jobs: Jobs) -> None:
    definition = jobs.define(logical={"databases": ["postgres"]})
    for _turn in range(3):
        assert jobs.call("run", definition).status == 0
    values = {
        "roots": [{"path": str(jobs.place), "retention": {"last": 2}, "newest": 1}],
        "state": str(jobs.state),
        "metrics": str(jobs.state),
    }
    tending = jobs.directory / "vault.json"
    tending.write_text(json.dumps(values))
    oldest, wrong, _newest = jobs.backups()
    shown = jobs.call("tend", tending, "--dry-run").shown
    assert [each["id"] for each in shown if not each["keep"]] == [oldest.name]
    assert len(jobs.backups()) == 3
    assert jobs.call("tend", tending).status == 0
    assert oldest not in jobs.backups()
    part = wrong / "roles.sql.age"
    part.write_bytes(part.read_bytes()[:-1])
    done = jobs.call("tend", tending)
    assert (done.status, str(part) in done.told) == (11, True)
    assert 'last_run_exit_status{job_name="vault"} 11' in (jobs.state / "rampart_backup_vault.prom").read_text()
    (wrong / "backup.json").unlink()
    assert jobs.call("tend", tending).status == 11
    assert len(jobs.backups()) == 2  # one that is damaged stays until enough newer ones are good
