"""The module `wal_archiving` on real servers, which hand their WAL to the real program."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import tempfile
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.arguments import wish
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.bringing import bring
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.component import Archiving
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Layout
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server import server as _server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.backup.jobs import build_program
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop


class Archive:
    """A host of the test's own: the program, the definition of a job, and the place that it archives to."""

    def __init__(self, server: Server, directory: pathlib.Path) -> None:
        self.server = server
        self.directory = directory
        self.layout = Layout(program=str(build_program(directory)), definitions=str(directory))
        self.place = directory / "place"
        self.state = directory / "state"
        for path in (self.place, self.state):
            path.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(path, server.owner.uid, server.owner.gid)
        self.define()

    def define(self, name: str = "wal", **changes: t.Any) -> None:
        """Write a definition as the module `backup_job` does."""
        server = self.server
        cluster = {
            "label": str(server.data_directory),
            "bindir": str(server.bindir),
            "host": str(server.socket_directory),
            "port": server.port,
            "user": server.superuser,
        }
        values = {
            "name": name,
            "kind": "wal",
            "cluster": cluster,
            "encryption": {"method": "none", "recipients": []},
            "places": [{"kind": "directory", "path": str(self.place)}],
            "state": str(self.state),
            **changes,
        }
        path = self.directory / f"{name}.json"
        path.write_text(json.dumps(values), encoding="utf-8")
        path.chmod(0o644)

    def bring(
        self, *, check: bool = False, timeout: int = 60, rehearse: bool = False, **changes: t.Any
    ) -> dict[str, t.Any]:
        """What the module returns."""
        values = {**{name: option.get("default") for name, option in ARGUMENTS.items()}, "job": "wal", **changes}
        settings = component({"overrides": "remove" if values["replace"] else "fail"})
        archiving = Archiving(wish(values, check_mode=check, layout=self.layout))
        options = Options(cluster=str(self.server.data_directory), timeout=timeout, rehearse=rehearse)
        with _server.Server.open(options) as server:
            return bring(server, archiving, settings, check_mode=check)

    def archived(self) -> list[str]:
        """The files of WAL in the place."""
        return sorted(path.name for path in self.place.rglob("0000*") if path.is_file())

    def parameters(self) -> dict[str, str]:
        """What runs."""
        names = ("archive_mode", "archive_command", "archive_timeout")
        with self.server.connect() as connection:
            found = [connection.execute("SELECT pg_catalog.current_setting(%s)", [name]).fetchone() for name in names]
        return {name: row[0] for name, row in zip(names, found, strict=True) if row}

    def add(self, *lines: str) -> None:
        """Have the main file say more."""
        with self.server.owner.acting(), self.server.conf_file.open("a", encoding="utf-8") as stream:
            stream.write("".join(f"{line}\n" for line in lines))


@pytest.fixture
def archive(fresh_server: Server) -> Iterator[Archive]:
    directory = pathlib.Path(tempfile.mkdtemp(prefix="rampart-wal-", dir="/var/tmp"))
    directory.chmod(0o755)
    yield Archive(fresh_server, directory)
    shutil.rmtree(directory, ignore_errors=True)


def subjects(result: dict[str, t.Any]) -> list[str]:
    return [pathlib.Path(step["subject"]).name for step in result["steps"]]


def test_from_nothing_to_archived_and_back(archive: Archive) -> None:
    before = archive.parameters()
    foreseen = archive.bring(check=True, allow_restart=True)
    assert archive.parameters() == before
    assert not archive.archived()
    made = archive.bring(allow_restart=True, rehearse=True)
    assert made["steps"] == foreseen["steps"]
    assert subjects(made)[-3:] == ["postgresql.conf", "the server", "wal"]
    assert (made["waiting"], made["restart_required"]) == (False, [])
    assert archive.parameters() == {
        "archive_mode": "on",
        "archive_command": made["command"],
        "archive_timeout": "5min",
    }
    assert archive.archived()
    again = archive.bring(allow_restart=True)
    assert (again["changed"], again["steps"], again["warnings"]) == (False, [], [])
    assert subjects(archive.bring(archive_timeout=60)) == ["zz_rampart.conf"]

    foreseen = archive.bring(check=True, state="absent", allow_restart=True)
    removed = archive.bring(state="absent", allow_restart=True)
    assert removed["steps"] == foreseen["steps"]
    assert archive.parameters() == before
    assert not archive.bring(state="absent", allow_restart=True)["changed"]


@pytest.mark.in_turn
def test_without_leave_it_waits_for_a_restart_and_is_proved_after_it(archive: Archive) -> None:
    made = archive.bring()
    assert made["waiting"]
    assert [each["parameter"] for each in made["restart_required"]] == ["archive_mode"]
    waiting = archive.bring()
    assert (waiting["changed"], waiting["waiting"]) == (False, True)
    archive.server.restart()
    assert subjects(archive.bring(check=True)) == ["wal"]
    assert not archive.archived()
    assert subjects(archive.bring()) == ["wal"]
    assert archive.archived()
    assert not archive.bring()["changed"]

    ended = archive.bring(state="absent")
    assert ended["waiting"]
    assert archive.parameters()["archive_command"] == "/bin/true"
    assert not archive.bring(state="absent")["changed"]
    archive.server.restart()
    assert archive.bring(state="absent")["changed"]
    assert not archive.bring(state="absent")["changed"]
    assert "archive" not in (archive.server.data_directory / "zz_rampart.conf").read_text(encoding="utf-8")

    assert archive.bring()["waiting"]
    archive.server.restart()
    assert subjects(archive.bring()) == ["wal"]  # although it archived long ago
    assert not archive.bring()["changed"]
    archive.server.restart()
    assert not archive.bring()["changed"]


@pytest.mark.in_turn
def test_wal_that_does_not_arrive_is_no_archive(archive: Archive) -> None:
    """With a restart of its own, which is taken back too, and on a server that archived in another way before."""
    before = archive.parameters()
    archive.place.chmod(0)
    os.chown(archive.place, 0, 0)
    with pytest.raises(
        RampartError, match=r"was not archived \([23] failures in pg_stat_archiver.*archive_command says"
    ) as e:
        archive.bring(allow_restart=True)
    assert any("restarted" in line for line in e.value.details["undone"])
    assert archive.parameters() == before
    archive.add("archive_mode = on", "archive_command = 'cp %p /dev/null'", "archive_timeout = 77")
    archive.server.restart()
    before = archive.parameters()
    with pytest.raises(RampartError, match="was not archived"):
        archive.bring(replace=True)
    assert archive.parameters() == before
    os.chown(archive.place, archive.server.owner.uid, archive.server.owner.gid)
    archive.place.chmod(0o700)
    assert archive.bring(replace=True)["changed"]
    assert archive.archived()
    archive.place.chmod(0)
    os.chown(archive.place, 0, 0)
    archive.server.query("CREATE TABLE words (word text)")
    archive.server.query("SELECT pg_catalog.pg_switch_wal()")
    _until(archive, "SELECT last_failed_time > last_archived_time FROM pg_catalog.pg_stat_archiver")
    later = archive.bring()
    assert not later["changed"]
    assert "the server does not archive 0000" in later["warnings"][0]
    assert archive.bring(state="absent")["changed"]
    assert archive.parameters() == before


@pytest.mark.in_turn
def test_a_job_that_has_changed_is_proved_when_asked_to(archive: Archive) -> None:
    archive.bring(allow_restart=True)
    assert archive.bring()["before"].endswith("wal.json %p")
    assert subjects(archive.bring(prove=True)) == ["wal"]
    archive.define(places=[{"kind": "directory", "path": str(archive.directory / "nowhere")}])
    assert not archive.bring()["changed"]
    with pytest.raises(RampartError, match="was not archived"):
        archive.bring(prove=True)


@pytest.mark.in_turn
def test_the_archive_of_somebody_else_stays(archive: Archive) -> None:
    archive.add("archive_mode = on", "archive_command = 'cp %p /dev/null'")
    archive.server.restart()
    before = archive.parameters()
    for check in (True, False):
        with pytest.raises(RampartError, match=r"archive_command is 'cp %p /dev/null' \(.*postgresql\.conf:.*replace"):
            archive.bring(check=check)
    assert not archive.bring(state="absent")["changed"]
    assert archive.parameters() == before
    assert subjects(archive.bring(replace=True))[-1] == "wal"
    assert archive.archived()
    assert not archive.bring()["changed"]


@pytest.mark.in_turn
def test_a_definition_has_to_be_there_and_of_this_cluster(archive: Archive) -> None:
    (archive.directory / "wal.json").unlink()
    assert "is not there yet" in archive.bring(check=True)["warnings"][0]
    with pytest.raises(RampartError, match="job: 'wal' .*is not there, and the module backup_job writes it"):
        archive.bring()
    for changes, expected in (({"kind": "physical"}, "that one is physical"), ({"cluster": {"label": "x"}}, "of x")):
        archive.define(**changes)
        with pytest.raises(RampartError, match=f"job: 'wal' .*{expected}"):
            archive.bring()
    archive.define()
    assert archive.bring()["changed"]


@pytest.mark.in_turn
def test_nothing_is_forced_on_a_standby(archive: Archive, workshop: Workshop) -> None:
    standby = Archive(workshop.standby(archive.server), pathlib.Path(tempfile.mkdtemp(dir=archive.directory)))
    standby.directory.chmod(0o755)
    made = standby.bring(allow_restart=True)
    assert subjects(made)[-1] == "the server"
    assert "until it is promoted" in made["left_alone"][0]["reason"]
    assert standby.parameters()["archive_mode"] == "on"
    assert not standby.archived()
    assert not standby.bring()["changed"]
    workshop.discard(standby.server)


@pytest.mark.in_turn
def test_options_of_the_module(server: Server) -> None:
    assert (
        "archive_timeout: -2 cannot be used" in run_module("wal_archiving", server, job="x", archive_timeout=-2).message
    )
    missing = run_module("wal_archiving", server, job="nobody-has-it")
    assert "job: 'nobody-has-it' cannot be used: a job that is defined" in missing.message
    assert not run_module("wal_archiving", server, job="nobody-has-it", state="absent").changed


def _until(archive: Archive, question: str) -> None:
    with archive.server.connect() as connection:
        for _attempt in range(200):
            if connection.execute(question.encode()).fetchone() == (True,):
                return
            connection.execute("SELECT pg_catalog.pg_sleep(0.05)")
    pytest.fail(f"never came true: {question}")
