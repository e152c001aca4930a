"""Jobs of a cluster that is gone or stopped, whose account may be gone too, are removed all the same."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shutil
import tempfile
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.arguments import ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.arguments import wish
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.bringing import left_alone
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.component import bring
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import Job
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.remains import opened
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Layout
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ServerDown
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what root wrote has to be removed by root")

_GONE: t.Final = Options(cluster="13/nobody-has-it")
_NOBODYS: t.Final = 64123  # a uid without an account, as one that was removed leaves it


class Remains:
    """What jobs left on a host whose cluster is gone."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.history = directory / "history"
        names = ("definitions", "units", "cron", "states", "metrics")
        self.paths = {name: directory / name for name in names}
        for path in self.paths.values():
            path.mkdir(mode=0o755)
        os.chown(self.paths["metrics"], _NOBODYS, _NOBODYS)
        self.layout = Layout(
            program=str(directory / "program"),
            systemd=str(directory / "systemd"),
            **{name: str(self.paths[name]) for name in names[:-1]},
        )

    def leave(self, name: str, *, kind: str = "logical", label: str = "13/nobody-has-it", uid: int = _NOBODYS) -> None:
        """All files of a job."""
        metrics = self.paths["metrics"] / f"rampart_backup_{name}.prom"
        paths = self.layout.paths(name)
        for path in (*paths.files, str(metrics)):
            pathlib.Path(path).write_text("x", encoding="utf-8")
        values = {"name": name, "kind": kind, "cluster": {"label": label}, "metrics": str(self.paths["metrics"])}
        pathlib.Path(paths.definition).write_text(json.dumps(values), encoding="utf-8")
        pathlib.Path(paths.state).mkdir(mode=0o700)
        for owned in (paths.state, metrics):
            os.chown(owned, uid, uid)

    def files(self) -> list[str]:
        """Everything that is no directory, and no previous version."""
        found = (path for path in self.directory.rglob("*") if path.is_file())
        return sorted(path.name for path in found if self.history not in path.parents)

    def remove(self, *names: str, check: bool = False) -> dict[str, t.Any]:
        """What the module returns."""
        jobs = [Job(name=name, option=f"jobs[{number}]", present=False) for number, name in enumerate(names)]
        options = dataclasses.replace(_GONE, history_directory=str(self.history))
        with opened(options, jobs, self.layout) as host:
            return bring(host, jobs, check_mode=check, layout=self.layout).result()


@pytest.fixture
def remains() -> Iterator[Remains]:
    directory = pathlib.Path(tempfile.mkdtemp(prefix="rampart-remains-", dir="/var/tmp"))
    directory.chmod(0o755)
    yield Remains(directory)
    shutil.rmtree(directory)


def test_all_of_a_job_goes_without_its_cluster(remains: Remains) -> None:
    remains.leave("nightly")
    remains.leave("other")
    before = remains.files()
    foreseen = remains.remove("nightly", check=True)
    assert remains.files() == before
    removed = remains.remove("nightly")
    assert removed["steps"] == foreseen["steps"]
    assert len(removed["steps"]) == 5
    assert not removed["warnings"]
    assert not [name for name in remains.files() if "nightly" in name]
    assert len(remains.files()) == 5
    again = remains.remove("nightly")
    assert (again["changed"], again["warnings"]) == (False, [])


def test_the_end_of_a_job_that_archives_is_told(remains: Remains) -> None:
    """Whether a server that does not run would archive by it nobody can ask."""
    remains.leave("wal", kind="wal")
    (warning,) = remains.remove("wal")["warnings"]
    assert "wal: nobody could ask whether the cluster archives its WAL by it" in warning
    assert not remains.files()


def test_jobs_of_two_accounts_are_told_apart(remains: Remains) -> None:
    remains.leave("nightly")
    remains.leave("other", uid=_NOBODYS + 1)
    with pytest.raises(Unsupported, match="belong to several accounts, .* in calls of their own"):
        remains.remove("nightly", "other")
    assert len(remains.files()) == 10


def test_a_cluster_that_does_not_run_has_no_jobs_made(remains: Remains) -> None:
    job = Job(name="nightly", option="jobs[0]", present=True)
    with pytest.raises(ServerDown, match="13/nobody-has-it"), opened(_GONE, [job], remains.layout):
        pass


def test_the_modules_do_so(tmp_path: pathlib.Path) -> None:
    cluster = str(tmp_path / "gone")
    done = run_module("backup_job", cluster=cluster, jobs=[{"name": "nobody-has-it", "state": "absent"}])
    assert (done.failed, done.changed) == (False, False), done.message
    ended = run_module("wal_archiving", cluster=cluster, job="nobody-has-it", state="absent")
    assert (ended.failed, ended.changed, ended.values["waiting"]) == (False, False, False), ended.message
    begun = run_module("wal_archiving", cluster=cluster, job="nobody-has-it")
    assert begun.failed and "no running cluster matches" in begun.message
    stanza = run_module("wal_archiving", cluster=cluster, stanza="main", state="absent")
    assert (stanza.failed, stanza.changed) == (False, False), stanza.message


def test_parameters_of_a_cluster_that_does_not_run_are_told_of(remains: Remains) -> None:
    remains.leave("wal", kind="wal")
    values = {**{name: option.get("default") for name, option in ARGUMENTS.items()}, "job": "wal", "state": "absent"}
    wanted = wish(values, check_mode=False, layout=remains.layout)
    down = ServerDown("the cluster 13/nobody-has-it does not run")
    (warning,) = left_alone(wanted, down)["warnings"]
    assert warning.startswith("the cluster 13/nobody-has-it does not run, so its parameters were left as they are")
    remains.remove("wal")
    assert left_alone(wanted, down)["warnings"] == []
