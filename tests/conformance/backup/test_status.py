"""What a host tells of all its jobs, drills and vaults, and the playbook that makes one table of many hosts."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import sys
import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.backup.test_drill import definition_of_a_drill
from ansible_collections.rampart.postgresql.tests.conformance.backup.vaults import Vault
from ansible_collections.rampart.postgresql.tests.conformance.plays import Played
from ansible_collections.rampart.postgresql.tests.conformance.plays import play

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import Jobs

pytestmark = [pytest.mark.with_clients, pytest.mark.in_turn]

AWAY: t.Final = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}


class Fleet:
    """A database host that sends to a directory and to a vault, the vault, and a host with a drill."""

    def __init__(self, jobs: Jobs, vault: Vault) -> None:
        self.jobs = jobs
        self.vault = vault
        places = [{"kind": "directory", "path": str(jobs.place)}, vault.place()]
        job = jobs.define(logical={"databases": ["postgres"]}, places=places)
        drill = definition_of_a_drill(jobs, job="nightly", place=vault.place("reads"))
        tending = jobs.directory / "vault.json"
        tending.write_text(json.dumps({"roots": [{"path": str(vault.root)}], "state": str(jobs.state)}))
        self.database = self._host("db1", job)
        self.drill = self._host("drill1", drill, "drills")
        self.keeper = self._host("vault1", tending, "vault")

    def _host(self, name: str, definition: pathlib.Path, folder: str = "") -> pathlib.Path:
        """Its directory of definitions."""
        directory = self.jobs.directory / name
        (directory / folder).mkdir(parents=True)
        shutil.copy(definition, directory / folder)
        return directory

    def hosts(self, **more: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
        """For an inventory."""
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        here["backup_status_program"] = str(self.jobs.program)
        directories = {"db1": self.database, "drill1": self.drill, "vault1": self.keeper}
        return {
            **{name: {**here, "backup_status_definitions": str(each)} for name, each in directories.items()},
            **more,
        }


@pytest.fixture
def fleet(jobs: Jobs) -> Iterator[Fleet]:
    if os.geteuid() != 0:
        pytest.fail("root asks, and other accounts answer")
    vault = Vault(jobs)
    yield Fleet(jobs, vault)
    vault.close()


def test_an_account_tells_of_what_is_its_own(fleet: Fleet) -> None:
    jobs = fleet.jobs

    def told(directory: pathlib.Path, **options: t.Any) -> dict[str, t.Any]:
        done = jobs.call("report", directory, user=0, group=0, **options)
        assert done.status == 0, done.told
        (report,) = done.shown
        return report

    assert told(fleet.database)["status"] == {}
    assert jobs.call("run", fleet.database / "nightly.json").status == 0
    made = jobs.status()["id"]
    of_job = told(fleet.database)
    assert (of_job["status"]["outcome"], [place["error"] for place in of_job["places"]]) == ("ok", ["", ""])
    assert [[each["id"] for each in place["backups"]] for place in of_job["places"]] == [[made], [made]]
    (at_the_vault,) = told(fleet.keeper)["places"]
    assert (at_the_vault["job"], at_the_vault["backups"][0]["id"], at_the_vault["restored"]) == ("nightly", made, "")
    assert jobs.call("drill", fleet.drill / "drills" / "drill.json").status == 0
    assert told(fleet.drill)["status"]["id"] == made
    assert told(fleet.keeper)["places"][0]["restored"]
    assert told(fleet.database)["places"][1]["restored"]

    # What the account put in the place of its status is read as that account.
    status = jobs.state / "status" / "nightly.json"
    secret = jobs.directory / "secret"
    secret.write_text(json.dumps({"outcome": "ok", "error": "root's own"}))
    secret.chmod(0o600)
    status.unlink()
    status.symlink_to(secret)
    assert told(fleet.database)["status"] == {}
    secret.chmod(0o644)
    assert told(fleet.database)["status"]["error"] == "root's own"

    # Nor is it read as root where a directory above was put somewhere else.
    theirs = jobs.own("theirs")
    of_root = jobs.directory / "of-root" / "state"
    (of_root / "status").mkdir(parents=True)
    (of_root / "status" / "nightly.json").write_text(secret.read_text())
    (theirs / "inner").symlink_to(of_root.parent)
    linked = jobs.define(state=str(theirs / "inner" / "state"))
    assert "root's own" not in (said := jobs.call("report", linked, user=0, group=0).said)
    assert "who is to tell of it?" in said
    assert told(jobs.define(state=str(of_root)))["status"]["error"] == "root's own"

    # One definition that is wrong keeps nobody from telling of the others.
    (fleet.database / "another.json").write_text('{"name": "another"}')
    shutil.copy(fleet.database / "nightly.json", fleet.keeper)
    shown = jobs.call("report", fleet.database, user=0, group=0).shown
    assert [(each["name"], bool(each["error"])) for each in shown] == [("another", True), ("nightly", False)]
    assert [each["of"] for each in jobs.call("report", fleet.keeper, user=0, group=0).shown] == ["job", "vault"]
    assert jobs.call("report", jobs.directory / "nowhere", user=0, group=0).status == 2


def test_when_wal_came_last_is_told_and_not_when_some_was_removed(fleet: Fleet) -> None:
    jobs = fleet.jobs
    archive = fleet.vault.root / "wal" / "7" / "0000000100000000"
    archive.mkdir(parents=True)
    for number, moment in ((1, 1_700_000_000), (2, 1_800_000_000)):
        stored = archive / f"00000001000000000000000{number}-{'a' * 64}-{'b' * 64}.gz.age"
        stored.touch()
        os.utime(stored, (moment, moment))
    stored.unlink()
    for path in (fleet.vault.root, *fleet.vault.root.rglob("*")):
        os.chown(path, jobs.server.owner.uid, jobs.server.owner.gid)
    (fleet.vault.root / "README").write_text("not a job")
    (report,) = jobs.call("report", fleet.keeper, user=0, group=0).shown
    (place,) = report["places"]
    assert (place["job"], place["archived"], place["error"]) == ("wal", "2023-11-14T22:13:20Z", "")


@pytest.mark.in_turn
def test_a_table_of_all_hosts(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    jobs = fleet.jobs
    text, rows = tmp_path / "table.txt", tmp_path / "rows.json"
    extra = {"backup_status_text": str(text), "backup_status_json": str(rows), "target": "all"}

    def shown(*, check: bool = False, **more: t.Any) -> Played:
        return play("backup_status", fleet.hosts(), tmp_path, check=check, extra={**extra, **more})

    before = shown(check=True)
    assert (before.code, "it has never run" in before.output, rows.exists()) == (0, True, False)
    assert jobs.call("run", fleet.database / "nightly.json").status == 0
    assert jobs.call("drill", fleet.drill / "drills" / "drill.json").status == 0
    assert jobs.call("tend", fleet.keeper / "vault" / "vault.json").status == 0
    good = shown(backup_status_fail=True)
    assert (good.code, good.failed) == (0, set()), good.output
    told = json.loads(rows.read_text(encoding="utf-8"))
    assert {(row["told_by"], row["kind"], row["severity"]) for row in told} == {
        ("db1", "logical", "warning"),  # what is in its directory was never restored
        ("vault1", "logical", "none"),
        ("vault1", "vault", "none"),
        ("drill1", "drill", "none"),
    }
    lines = text.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 5
    assert lines[1].startswith("db1 ") and lines[1].endswith("never restored")
    assert f"vault1:{fleet.vault.root}/nightly" in text.read_text(encoding="utf-8")
    assert not any(good.changed[host] for host in ("drill1", "vault1"))

    late = play(
        "backup_status",
        fleet.hosts(db2=AWAY),
        tmp_path,
        extra={"target": "all", "backup_status_fail": True, "backup_status_jobs": {"nightly": 0}},
    )
    assert late.failed == {"db1", "db2", "vault1"}, late.output
    assert "more than 0 hours old" in late.output
