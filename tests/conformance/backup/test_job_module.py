"""The module `backup_job` on real servers: what it writes is run as cron would, and what it refuses leaves nothing."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.component import bring
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import from_task
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Layout
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server.discovery import Cluster
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session
from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Keys

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs


class Host:
    """A layout of the test's own, on a host without systemd."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.root = jobs.directory / "host"
        self.layout = Layout(
            program=str(jobs.program),
            definitions=str(self.root / "definitions"),
            units=str(self.root / "units"),
            cron=str(self.root / "cron"),
            states=str(self.root / "states"),
            systemd=str(self.root / "systemd"),
        )
        for path in (self.root, self.root / "cron"):
            path.mkdir()
            path.chmod(0o755)
        self.place = self.root / "100% of it"

    def bring(self, *, check: bool = False, **changes: t.Any) -> dict[str, t.Any]:
        """What the module returns for one job."""
        done = ArgumentSpecValidator(ARGUMENTS).validate({"jobs": [self.job(**changes)]})
        assert not done.error_messages, done.error_messages
        options, cluster = Options(), self._cluster()
        server = Server(options, cluster, Session.open(options, cluster))
        try:
            jobs = from_task(done.validated_parameters)
            return bring(server, jobs, check_mode=check, layout=self.layout).result()
        finally:
            server.session.close()

    def _cluster(self) -> Cluster:
        """As it would be found, if it were not the loader of the test's own libraries that runs Debian's program."""
        server = self.jobs.server
        return Cluster(
            pid=int((server.data_directory / "postmaster.pid").read_text().split()[0]),
            owner_uid=server.owner.uid,
            data_directory=str(server.data_directory),
            port=server.port,
            socket_directory=str(server.socket_directory),
            program=str(server.bindir / "postgres"),
            arguments=(),
            name=f"{server.major}/main",
            log_file=None,
            unit=None,
            status="ready",
        )

    def job(self, **changes: t.Any) -> dict[str, t.Any]:
        """Options of one."""
        return {
            "name": "nightly",
            "schedule": {"calendar": "Mon..Fri 02:30"},
            "encryption": {"recipients": [self.jobs.keys.recipient]},
            "places": [{"path": str(self.place)}],
            **changes,
        }

    def files(self) -> list[str]:
        """Everything that is there."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))

    def run_as_cron(self) -> int:
        """Run the command of the file for cron as the account that it names."""
        line = (self.root / "cron" / "rampart-backup-nightly").read_text().splitlines()[-1]
        columns, account, command = line.split(maxsplit=6)[:5], line.split()[5], line.split(maxsplit=6)[6]
        assert columns == ["30", "2", "*", "*", "1,2,3,4,5"]
        owner = self.jobs.server.owner
        assert account == owner.name
        return subprocess.run(
            ["/bin/sh", "-c", command], user=owner.uid, group=owner.gid, extra_groups=[], cwd="/", check=False
        ).returncode


@pytest.fixture
def host(jobs: Jobs) -> Host:
    if os.geteuid() != 0:
        pytest.fail("what root writes has to be written by root")
    return Host(jobs)


@pytest.mark.with_clients
def test_a_job_is_written_tried_run_and_removed(host: Host) -> None:
    before = host.files()
    foreseen = host.bring(check=True)
    assert host.files() == before
    made = host.bring()
    assert foreseen["steps"] == made["steps"]
    assert [step["subject"] for step in made["steps"]] == [
        host.layout.definitions,
        host.layout.states,
        f"{host.layout.states}/nightly",
        str(host.place),
        f"{host.layout.definitions}/nightly.json",
        f"{host.layout.cron}/rampart-backup-nightly",
    ]
    assert not host.bring()["changed"]
    assert host.run_as_cron() == 0
    (backup,) = (each for each in (host.place / "nightly").iterdir() if each.name[0].isdigit())
    globals_of_it = host.jobs.keys.decrypt((backup / "roles.sql.age").read_bytes())
    assert f"CREATE ROLE {host.jobs.server.superuser}".replace("-", "") in globals_of_it.decode().replace(
        "-", ""
    ).replace('"', "")
    assert pathlib.Path(made["jobs"][0]["status"]).exists()
    changed = host.bring(retention={"days": 3})
    assert [step["subject"] for step in changed["steps"]] == [f"{host.layout.definitions}/nightly.json"]
    assert '-    "days": 0,' not in changed["diff"][0]["after"]
    new = Keys.make(host.jobs.directory / "new").recipient
    rotated = host.bring(retention={"days": 3}, encryption={"recipients": [host.jobs.keys.recipient, new]})
    assert [new in rotated["diff"][0][side] for side in ("before", "after")] == [False, True]
    metrics = pathlib.Path(host.bring(metrics_directory=str(host.root / "metrics"))["steps"][0]["subject"])
    assert host.run_as_cron() == 0
    assert [each.name for each in metrics.iterdir()] == ["rampart_backup_nightly.prom"]
    removed = host.bring(state="absent")
    assert [step["after"] for step in removed["steps"]] == ["", "", ""], removed["steps"]
    assert not list(metrics.iterdir())
    assert not host.bring(state="absent")["changed"]
    assert not pathlib.Path(made["jobs"][0]["definition"]).exists()
    assert backup.exists()


@pytest.mark.with_clients
@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"databases": ["nowhere"]},
            r"jobs\[0\] \(nightly\): .* databases: \['nowhere'\] chooses none of the databases",
        ),
        ({"encryption": {"recipients": ["ssh-ed25519 %%%"]}}, r"is no public key of ssh"),
        (
            {"schedule": {"calendar": "*:*:0/5"}},
            r"jobs\[0\]\.schedule\.calendar: '\*:\*:0/5' .* no systemd, and cron can do hourly",
        ),
        (
            {"places": [{"path": "/var/tmp/rampart-nobody-has-it"}]},
            r"places\[0\]\.path: .*others than root can write in /var/tmp",
        ),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_what_is_refused_leaves_nothing(host: Host, changes: dict[str, t.Any], reason: str, check: bool) -> None:
    before = host.files()
    with pytest.raises(RampartError, match=reason):
        host.bring(check=check, **changes)
    assert host.files() == before
    assert host.bring(check=check)["changed"]


@pytest.mark.with_clients
@pytest.mark.in_turn
def test_a_limited_role_works_where_it_sees_everything(host: Host) -> None:
    """Who schedules the job is the superuser still."""
    with host.jobs.server.connect() as connection:
        connection.execute("CREATE ROLE dumper LOGIN")
        connection.execute("CREATE TABLE t (id integer)")
    changes: dict[str, t.Any] = {"user": "dumper", "databases": ["postgres"]}
    before = host.files()
    for check in (True, False):
        with pytest.raises(RampartError, match=r"jobs\[0\] \(nightly\): .*postgres: SELECT on (public\.)?t\b"):
            host.bring(check=check, **changes)
        assert host.files() == before
        with pytest.raises(RampartError, match=r"jobs\[0\] \(nightly\): .*nobody"):
            host.bring(check=check, user="nobody")
    with host.jobs.server.connect() as connection:
        connection.execute("GRANT SELECT ON t TO dumper")
        connection.execute("GRANT USAGE ON SCHEMA public TO dumper")
    assert host.bring(**changes)["changed"]
    assert not host.bring(**changes)["changed"]
    assert host.run_as_cron() == 0
    changed = host.bring(databases=["postgres"])
    assert [step["subject"] for step in changed["steps"]] == [f"{host.layout.definitions}/nightly.json"]


@pytest.mark.with_clients
@pytest.mark.in_turn
def test_a_place_of_somebody_else_is_refused(host: Host) -> None:
    host.place.mkdir(mode=0o700)
    with pytest.raises(RampartError, match="no directory in which"):
        host.bring()
    os.chown(host.place, host.jobs.server.owner.uid, host.jobs.server.owner.gid)
    assert host.bring()["changed"]


@pytest.mark.with_clients
@pytest.mark.in_turn
def test_what_cannot_be_proved_is_taken_back(host: Host) -> None:
    """A directory for cron's files that is none: the definition was written already."""
    before = host.files()
    with contextlib.ExitStack() as stack:
        (host.root / "cron").rmdir()
        stack.callback((host.root / "cron").mkdir)
        with pytest.raises(RampartError) as refused:
            host.bring()
    assert any("nightly.json" in line for line in refused.value.details["undone"])
    assert host.files() == before
