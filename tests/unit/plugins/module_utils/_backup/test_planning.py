# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written for jobs, in which order, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest
from rampart_backup.definition import parse

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.definition import cluster_of
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.definition import metrics_of
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.planning import planned
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import LAYOUT
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Directory
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Found
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import MakeDirectory
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._backup.jobs import host
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._backup.jobs import job
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._backup.jobs import written

PATHS = LAYOUT.paths("nightly")


def test_a_new_job_comes_in_the_order_in_which_it_works() -> None:
    wanted = job(metrics_directory="/var/lib/metrics", staging="/srv/staging")
    state = host(wanted, directories={path: Directory(False) for path in (*wanted.directories, LAYOUT.definitions)})
    steps = planned(state, [wanted]).steps
    assert [step.subject for step in steps] == [
        "/etc/rampart-backup",
        "/srv/backups",
        "/var/lib/metrics",
        "/srv/staging",
        PATHS.definition,
        PATHS.service,
        PATHS.timer,
        "rampart-backup-nightly.timer",
    ]
    made = [step.operation for step in steps if isinstance(step.operation, MakeDirectory)]
    assert [(each.mode, each.owned) for each in made] == [(0o755, False), (0o700, True), (0o755, True), (0o700, True)]


def test_what_is_as_wanted_is_left_and_what_differs_is_written() -> None:
    wanted = job()
    files = written(planned(host(wanted), [wanted]).steps)
    assert set(files) == {PATHS.definition, PATHS.service, PATHS.timer}
    there = host(wanted, files=files)
    assert not planned(there, [wanted]).steps
    later = job(schedule={"calendar": "weekly"})
    changed = dataclasses.replace(there, calendars={"weekly": ""})
    assert [step.subject for step in planned(changed, [later]).steps] == [PATHS.timer]
    stopped = dataclasses.replace(there, found={"nightly": Found(there.found["nightly"].files, scheduled=False)})
    assert [step.subject for step in planned(stopped, [wanted]).steps] == ["rampart-backup-nightly.timer"]


def test_a_job_that_goes_leaves_nothing_of_root() -> None:
    wanted, gone = job(), job(state="absent")
    files = written(planned(host(wanted), [wanted]).steps)
    steps = planned(host(wanted, files=files), [gone]).steps
    assert [step.subject for step in steps] == [PATHS.timer, PATHS.service, PATHS.definition]
    assert not written(steps)
    assert not planned(host(gone), [gone]).steps


def test_metrics_of_a_job_that_is_no_more_go_too() -> None:
    wanted = job(metrics_directory="/var/lib/metrics")
    files = written(planned(host(wanted), [wanted]).steps)
    path = metrics_of("nightly", files[PATHS.definition])
    assert path == "/var/lib/metrics/rampart_backup_nightly.prom"
    there = host(wanted, files=files)
    measured = dataclasses.replace(there.found["nightly"], metrics=(path, b"old"))
    there = dataclasses.replace(there, found={"nightly": measured})
    assert not planned(there, [wanted]).steps
    for other in (job(state="absent"), job(), job(metrics_directory="/srv/backups")):
        [last] = planned(there, [other]).steps[-1:]
        assert last.operation == WriteFile(path, b"old", None, remembered=False)


def test_a_host_that_loses_systemd_gets_a_file_for_cron_and_the_other_way_round() -> None:
    wanted = job()
    units = written(planned(host(wanted), [wanted]).steps)
    steps = planned(host(wanted, files=units, systemd=False), [wanted]).steps
    assert [step.subject for step in steps] == [PATHS.service, PATHS.timer, PATHS.cron]
    cron = {**written(steps), PATHS.definition: units[PATHS.definition]}
    assert not planned(host(wanted, files=cron, systemd=False), [wanted]).steps
    assert PATHS.cron in {step.subject for step in planned(host(wanted, files=cron), [wanted]).steps}


def test_the_program_understands_the_definition_whatever_is_in_it() -> None:
    name = "we \"ird'/%D\\b\n"
    wanted = job(
        databases=[name],
        exclude_schemas=["%h"],
        row_counts=False,
        parallel=4,
        staging="/srv/staging/",
        compression={"method": "zstd", "level": 19},
        places=[
            {"path": "/srv/100% of it/"},
            {"kind": "vault", "host": "v", "account": "a", "key": "/k", "known_hosts": "/h", "port": 2222},
        ],
        retention={"days": 7, "at_least": 2},
        notify={"command": ["/bin/tell", "%n $(x)"], "when": "always"},
        metrics_directory="/var/lib/metrics",
    )
    text = written(planned(host(wanted), [wanted]).steps)[PATHS.definition]
    read = parse(text.decode())
    assert read.logical.databases == (name,)
    assert read.logical.exclude_schemas == ("%h",)
    assert not read.logical.row_counts
    assert (read.logical.parallel, read.staging) == (4, "/srv/staging")
    assert (read.compression.method, read.compression.level) == ("zstd", 19)
    assert [place.name for place in read.places] == ["/srv/100% of it", "a@v:2222"]
    assert (read.retention.days, read.retention.at_least) == (7, 2)
    assert read.notify.command == ("/bin/tell", "%n $(x)")
    assert (read.state, read.metrics) == ("/var/lib/rampart-backup/nightly", "/var/lib/metrics")
    assert (read.cluster.label, read.cluster.port, read.cluster.user) == ("17/main", 5432, "postgres")
    assert cluster_of(text) == "17/main"


def test_the_program_understands_jobs_of_the_other_kinds() -> None:
    for wanted, kind in (
        (job(kind="logs"), "logs"),
        (job(kind="physical", incremental={"full_every": 7}), "physical"),
    ):
        read = parse(written(planned(host(wanted), [wanted]).steps)[PATHS.definition].decode())
        assert (read.kind, read.physical.full_every) == (kind, 7 if kind == "physical" else 0)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'"x"', b"{}", b'{"cluster": 1}', b"\xff"])
def test_a_definition_that_cannot_be_read_is_of_no_cluster(content: bytes | None) -> None:
    assert cluster_of(content) == ""
    assert metrics_of("nightly", content) == ""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"calendars": {"daily": "it never comes"}}, r"jobs\[0\]\.schedule\.calendar: 'daily' .*it never comes"),
        ({"found": {"nightly": Found({}, other="17/second")}}, r"jobs\[0\]\.name: 'nightly' .*cluster 17/second"),
        (
            {"directories": {"/srv/backups": Directory(True, "no")}},
            r"jobs\[0\]\.places\[0\]\.path: '/srv/backups' .*: no",
        ),
    ],
)
def test_what_the_host_does_not_allow_is_refused(changes: dict[str, t.Any], expected: str) -> None:
    wanted = job()
    assert planned(host(wanted), [wanted]).steps
    with pytest.raises(InputError, match=expected):
        planned(host(wanted, **changes), [wanted])


@pytest.mark.parametrize(
    ("systemd", "changes"),
    [
        (True, {"places": [{"path": "/var/lib/postgresql/17/main/backups"}]}),
        (False, {"name": "a.b"}),
        (False, {"schedule": {"calendar": "*:*:0/5"}}),
    ],
)
def test_what_cannot_work_is_refused(systemd: bool, changes: dict[str, t.Any]) -> None:
    wanted = job(**changes)
    with pytest.raises(InputError):
        planned(host(wanted, systemd=systemd), [wanted])


def test_a_job_that_the_server_archives_by_stays() -> None:
    gone = job(state="absent")
    files = dict.fromkeys(PATHS.files, b"{}")
    command = "/usr/local/bin/rampart-backup archive /etc/rampart-backup/{}.json %p"
    with pytest.raises(InputError, match=r"jobs\[0\]\.state: 'absent' .*archives its WAL by nightly"):
        planned(host(gone, files=files, commands=("(disabled)", command.format("nightly"))), [gone])
    foreseen = planned(host(gone, files=files, commands=(command.format("nightly"),)), [gone], foreseen=True)
    assert foreseen.steps
    assert "archives its WAL by nightly" in foreseen.findings[0]
    assert planned(host(gone, files=files, commands=("/bin/true", command.format("nightly2"))), [gone]).steps


def test_a_job_that_the_server_archives_by_keeps_its_kind() -> None:
    command = "/usr/local/bin/rampart-backup archive /etc/rampart-backup/nightly.json %p"
    other, same = job(kind="logical"), job(kind="wal")
    with pytest.raises(InputError, match=r"jobs\[0\]\.kind: 'logical' .*archives its WAL by nightly"):
        planned(host(other, commands=("/bin/true", command)), [other])
    assert planned(host(same, commands=(command,)), [same]).steps
    assert planned(host(other, commands=("/bin/true",)), [other]).steps
    assert (
        "archives its WAL by nightly" in planned(host(other, commands=(command,)), [other], foreseen=True).findings[0]
    )


def test_what_an_archive_is_watched_by() -> None:
    wanted = job(kind="wal", wal={"behind_files": 3})
    values = json.loads(written(planned(host(wanted), [wanted]).steps)[PATHS.definition])
    assert values["kind"] == "wal"
    assert values["wal"] == {"behind_seconds": 900, "behind_files": 3}
    assert not {"logical", "physical"} & set(values)


def test_keys_that_are_not_there_yet_are_told() -> None:
    wanted = job()
    assert planned(host(wanted, unreadable=("/k",)), [wanted]).findings == (
        "/k: the account postgres cannot read it yet, and a job needs it for its place",
    )


def test_the_definition_holds_nothing_but_what_was_given() -> None:
    wanted = job()
    values = json.loads(written(planned(host(wanted), [wanted]).steps)[PATHS.definition])
    assert "metrics" not in values
    assert values["encryption"] == {"method": "age", "recipients": ["age1x"]}
