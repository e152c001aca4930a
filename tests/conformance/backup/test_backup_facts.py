"""What a database host tells of its backup jobs, as runs and drills of the real program left it."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import time
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import LAYOUT
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.backups import backup_facts
from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import Cluster
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session
from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import drill

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = pytest.mark.in_turn


class Told:
    """Asks for the fact, of definitions, units and files for cron in directories of the test's own."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.cron = jobs.directory / "cron"
        self.cron.mkdir()
        nowhere = str(jobs.directory / "nowhere")
        self.layout = dataclasses.replace(
            LAYOUT, definitions=str(jobs.directory), cron=str(self.cron), units=nowhere, systemd=nowhere
        )
        self.unreadable: dict[str, str] = {}

    def define(self, **changes: t.Any) -> pathlib.Path:
        server = self.jobs.server
        cluster = {
            "label": str(server.data_directory),
            "bindir": str(server.bindir),
            "host": str(server.socket_directory),
            "port": server.port,
            "user": server.superuser,
        }
        return self.jobs.define(**{"cluster": cluster, "logical": {"databases": ["postgres"]}, **changes})

    def all(self) -> dict[str, t.Any]:
        self.unreadable = {}
        options, cluster = Options(read_only=True), self._cluster()
        server = Server(options, cluster, Session.open(options, cluster))
        try:
            found = backup_facts(server, self.unreadable, layout=self.layout)["backups"]
        finally:
            server.session.close()
        assert isinstance(found, dict)
        return found

    def _cluster(self) -> Cluster:
        """Its programs are started by those of another release, so nobody would find it."""
        server = self.jobs.server
        return Cluster(
            pid=os.getpid(),
            owner_uid=server.owner.uid,
            data_directory=str(server.data_directory),
            port=server.port,
            socket_directory=str(server.socket_directory),
            program=str(server.bindir / "postgres"),
            arguments=(),
            name=None,
            log_file=None,
            unit=None,
            status="ready",
        )

    def job(self) -> dict[str, t.Any]:
        [found] = self.all()["jobs"]
        assert isinstance(found, dict)
        return found


@pytest.mark.with_clients
def test_a_job_is_told_from_its_definition_to_its_drill(jobs: Jobs) -> None:
    told = Told(jobs)
    definition = told.define()
    new = told.job()
    assert new == {
        "name": "nightly",
        "kind": "logical",
        "encrypted": True,
        "places": [str(jobs.place)],
        "off_host": False,
        "outcome": None,
        "last_success_epoch": None,
        "verified_epoch": None,
        "restored_epoch": None,
        "schedule": None,
        "scheduled": False,
    }
    began = int(time.time())
    assert jobs.call("run", definition).status == 0
    made = told.job()
    assert made["outcome"] == "ok" and told.unreadable == {}
    assert began <= made["last_success_epoch"] <= time.time()
    assert began <= made["verified_epoch"] <= time.time()
    assert made["restored_epoch"] is None
    assert drill(jobs).status == 0
    assert began <= told.job()["restored_epoch"] <= time.time()
    (told.cron / "rampart-backup-nightly").write_text("30 2 * * * postgres nice /usr/bin/rampart-backup run x; y\n")
    assert told.job()["schedule"] == "30 2 * * *"
    assert told.job()["scheduled"] is True
    jobs.server.query("CREATE TABLE more (id integer)")
    told.define(encryption={"method": "none"}, places=[{"kind": "directory", "path": str(jobs.directory / "gone")}])
    assert jobs.call("run", definition).status != 0
    failed = told.job()
    assert failed["outcome"] == "failed" and failed["encrypted"] is False
    assert failed["last_success_epoch"] == made["last_success_epoch"]


def test_jobs_of_other_clusters_and_forged_files_do_no_harm(jobs: Jobs) -> None:
    told = Told(jobs)
    told.define(cluster={"label": "17/other", "bindir": "/x", "host": "/x"})
    assert told.all()["jobs"] == []
    told.define()
    assert told.job()["off_host"] is False
    offered = jobs.directory / "offered"
    offered.write_text(json.dumps([{"public_key": "ssh-ed25519 x", "path": str(jobs.place)}]))
    assert told.job()["off_host"] is True  # a vault may fetch them
    offered.write_text("{")
    assert told.job()["off_host"] is False and "offered is not understood" in told.unreadable["backups"]
    offered.unlink()
    vault = {"kind": "vault", "host": "vault1", "account": "db1", "key": "/x", "known_hosts": "/x"}
    told.define(places=[vault])
    assert (told.job()["off_host"], told.job()["places"]) == (True, ["db1@vault1"])
    secret = jobs.directory / "secret"
    secret.write_text('{"last_success_unix": 1700000000, "outcome": "ok"}')
    secret.chmod(0o600)
    jobs.own("state/status")
    status = jobs.state / "status" / "nightly.json"
    status.symlink_to(secret)
    assert told.job()["last_success_epoch"] is None  # root could read it, and the account may not
    assert "permission denied" in told.unreadable["backups"].lower()
    secret.chmod(0o644)
    assert told.job()["last_success_epoch"] == 1700000000
    status.unlink()
    os.mkfifo(status)
    assert told.job()["outcome"] is None
    status.unlink()
    status.write_text('{"last_success_unix": 99999999999, "outcome": "ok"}')
    assert told.job()["last_success_epoch"] is None  # which is yet to come


def test_other_tools_are_told_by_what_they_leave(jobs: Jobs) -> None:
    told = Told(jobs)
    assert told.all()["tools"] == []
    server = jobs.server
    server.query("ALTER SYSTEM SET archive_command = 'AWS_SECRET=tell-nobody /usr/bin/wal-g wal-push %p'")
    server.query("SELECT pg_create_physical_replication_slot('barman')")
    server.query("ALTER SYSTEM SET archive_mode = on")  # without which no command is shown
    server.restart()
    assert told.all()["tools"] == [
        {"name": "barman", "evidence": "replication slot barman"},
        {"name": "wal-g", "evidence": "archive_command names wal-g"},
    ]
