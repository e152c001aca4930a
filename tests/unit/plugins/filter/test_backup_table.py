# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts tell of their backups, as a table."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.filter.backup_table import backup_table

NOW: t.Final = 1796004000  # 2026-11-30T02:00:00Z
OK: t.Final = {"outcome": "ok", "last_success": "2026-11-30T00:00:00Z", "id": "new"}
FAILED: t.Final = {**OK, "outcome": "failed", "error": "no\nroom"}


def backup(**changes: t.Any) -> dict[str, t.Any]:
    """One of two hours ago, as the program tells it."""
    return {
        "id": "new",
        "kind": "logical",
        "good": True,
        "finished": "2026-11-30T00:00:00Z",
        "size": 5 * 2**20,
        "verified": "2026-11-30T00:00:00Z",
        "restored": "",
        "damaged": "",
        "missing": [],
        "cluster": "17/main",
        **changes,
    }


def place(*backups: dict[str, t.Any], **changes: t.Any) -> dict[str, t.Any]:
    """A directory with these."""
    told = {"place": "/srv", "at": "directory", "host": "", "job": "nightly", "error": "", "restored": "2026-11-29"}
    return {**told, "backups": list(backups), **changes}


def job(*places: dict[str, t.Any], **changes: t.Any) -> dict[str, t.Any]:
    """A job whose last run was good."""
    told = {"of": "job", "name": "nightly", "kind": "logical", "cluster": "17/main", "status": OK, "error": ""}
    return {**told, "places": list(places), **changes}


def rows(told: t.Any, **options: t.Any) -> list[dict[str, t.Any]]:
    found = backup_table(told, form="rows", now=NOW, **{"hours": 26, **options})
    assert isinstance(found, list)
    return found


def only(*reports: dict[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
    """The row of one host that tells of one thing."""
    (row,) = rows({"db1": list(reports)}, **options)
    return row


def test_a_good_one_has_no_problems() -> None:
    assert only(job(place(backup(id="old", finished="2026-11-29T00:00:00Z"), backup()))) == {
        "host": "db1",
        "told_by": "db1",
        "job": "nightly",
        "kind": "logical",
        "cluster": "17/main",
        "place": "/srv",
        "newest": "new",
        "finished": "2026-11-30T00:00:00Z",
        "age_hours": 2.0,
        "size": 5 * 2**20,
        "verified": "2026-11-30T00:00:00Z",
        "restored": "2026-11-29",
        "kept": 2,
        "stale": False,
        "severity": "none",
        "problems": [],
    }


LATER: t.Final = backup(id="zzz", finished="2026-11-30T01:00:00Z", good=False)


@pytest.mark.parametrize(
    ("report", "severity", "problem"),
    [
        (job(place()), "critical", "there is no good backup"),
        (job(place(backup(good=False, missing=["shop"]))), "critical", "the newest backup is not good: it lacks shop"),
        (job(place(error="no route")), "critical", "no route"),
        (job(place(backup()), status=FAILED), "critical", "the last run failed: no room"),
        (job(place(backup()), status={}), "critical", "it has never run"),
        (job(place(backup(), {**LATER, "damaged": "a byte"})), "critical", "the newest backup is not good: a byte"),
        (
            job(place(backup(id="a", finished="2026-11-01T00:00:00Z", damaged="x"), backup())),
            "warning",
            "1 older backups are damaged: a",
        ),
        (job(place(backup(verified=""))), "warning", "not verified"),
        (job(place(backup(), restored="")), "warning", "never restored"),
        (job(of="", error="cannot be read"), "critical", "cannot be read"),
        ({**job(), "of": "drill", "job": "db1/nightly", "status": {}}, "warning", "it has never run"),
        ({**job(), "of": "drill", "job": "db1/nightly", "status": FAILED}, "critical", "the last run failed: no room"),
        ({**job(), "of": "pull", "job": "pull-db1", "status": {}}, "warning", "it has never run"),
        ({**job(), "of": "pull", "job": "pull-db1", "status": FAILED}, "critical", "the last run failed: no room"),
        ({**job(), "of": "vault", "status": FAILED}, "critical", "the last run failed: no room"),
    ],
)
def test_what_is_wrong_is_said(report: dict[str, t.Any], severity: str, problem: str) -> None:
    row = only(report)
    assert (row["severity"], problem in row["problems"]) == (severity, True), row


@pytest.mark.parametrize(
    ("hours", "jobs", "stale"),
    [(2, {}, False), (1.9, {}, True), (1, {"nightly": 3}, False), (3, {"nightly": 1}, True), (None, {}, False)],
)
def test_how_old_is_too_old(hours: float | None, jobs: dict[str, float], stale: bool) -> None:
    row = only(job(place(backup())), hours=hours, jobs=jobs)
    assert (row["stale"], row["severity"] == "critical") == (stale, stale)


def test_a_place_of_a_vault_is_one_row() -> None:
    at_the_vault = place(backup(), place="/v/db1/nightly", at="root", host="db-one")
    told = {
        "db1": [job(place(backup()), place(backup(), place="a@vault", at="vault"), status=FAILED)],
        "vault1": [{**job(at_the_vault, place(at="root", host="db2", error="nothing")), "of": "vault"}],
    }
    found = [(row["host"], row["told_by"], row["place"], row["problems"]) for row in rows(told)]
    assert found == [
        ("db2", "vault1", "vault1:/srv", ["nothing"]),
        ("db1", "db1", "/srv", ["the last run failed: no room"]),
        ("db1", "vault1", "vault1:/v/db1/nightly", ["the last run failed: no room"]),
        ("vault1", "vault1", "", []),
    ]
    told["db1"] = [job(place(backup(id="other"), place="a@vault", at="vault"))]
    assert [row["place"] for row in rows(told) if row["told_by"] == "db1"] == ["a@vault"]


def test_an_archive_of_wal_has_no_backups() -> None:
    archive = place(archived="2026-11-01T00:00:00Z", at="root", host="db1", restored="", job="wal")
    told = {"db1": [job(place(), kind="wal", name="wal")], "vault1": [{**job(archive), "of": "vault"}]}
    found = {row["told_by"]: row for row in rows(told) if row["kind"] == "wal"}
    assert (found["db1"]["problems"], found["db1"]["finished"]) == ([], OK["last_success"])
    assert (found["vault1"]["problems"], found["vault1"]["stale"]) == ([], False)
    assert found["vault1"]["finished"] == "2026-11-01T00:00:00Z"


def test_hosts_that_tell_nothing_come_first() -> None:
    told = {
        "good": {"stdout_lines": [json.dumps(job(place(backup())))]},
        "down": {"unreachable": True, "msg": "no\nroute"},
        "without": {"failed": True, "stderr": "", "msg": "No such file"},
        "empty": {"stdout_lines": []},
        "other": {"skipped": True},
    }
    found = rows(told)
    assert [(row["host"], row["problems"], row["stale"]) for row in found] == [
        ("down", ["no route"], True),
        ("empty", ["nothing is defined here"], True),
        ("without", ["No such file"], True),
        ("good", [], False),
    ]


def test_the_table_has_columns() -> None:
    old = backup(id="old", finished="2026-11-20T00:00:00Z", size=700)
    text = backup_table({"db1": [job(place(backup()), place(old, place="/mnt"))]}, now=NOW)
    title, first, second = text.splitlines()
    assert text.endswith("\n")
    assert first.startswith("db1   nightly  logical  2026-11-20 00:00    10.1 d    700 B  2026-11-30 00:00  2026-11-29")
    for name, cell in (("newest good backup", "2026-11-20"), ("place", "/mnt"), ("job", "nightly")):
        assert title.index(name) == first.index(cell)
    assert "2.0 h  5.0 MiB" in second


def test_what_a_host_says_is_no_command_of_a_terminal() -> None:
    text = backup_table({"db1": [job(place(backup(good=False, damaged="x\x1b]0;y\x07"), place="/mnt\x9b2J"))]}, now=NOW)
    assert ("x?]0;y?" in text, "/mnt?2J" in text) == (True, True)


@pytest.mark.parametrize(
    ("told", "options", "message"),
    [
        ([], {}, "what each host told"),
        ({"db1": ["no JSON"]}, {}, "lines of 'rampart-backup report'"),
        ({"db1": [{"of": "job"}]}, {}, "lines of 'rampart-backup report'"),
        ({"db1": 3}, {}, "lines of 'rampart-backup report'"),
        ({}, {"hours": -1}, "hours: -1 cannot be used"),
        ({}, {"hours": "soon"}, "hours: 'soon' cannot be used"),
        ({}, {"jobs": {"a": True}}, "jobs.a: True cannot be used"),
        ({}, {"jobs": 3}, "jobs: 3 cannot be used"),
        ({}, {"form": "html"}, "form: 'html' cannot be used"),
        ({}, {"now": "today"}, "now: 'today' cannot be used"),
    ],
)
def test_what_cannot_be_read_is_named(told: t.Any, options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        backup_table(told, **options)
    assert message in str(caught.value)


def test_what_a_drill_found_of_a_repository_is_told_of_the_job_that_made_the_backup() -> None:
    repository = place(
        backup(id="F", system="77", verified="", finished="2026-11-29T00:00:00Z"),
        backup(id="F_I", system="77", verified=""),
        at="pgbackrest",
        restored="",
    )
    alone = only(job(repository))
    assert (alone["newest"], alone["problems"]) == ("F_I", ["not verified", "never restored"])
    found = {
        "system": "77",
        "id": "F_I",
        "at": "2026-11-30T01:00:00Z",
        "restored": "2026-11-30T01:00:00Z",
        "damaged": "",
    }
    told = {"of": "drill", "name": "d", "job": "nightly", "status": OK, "error": "", "places": []}

    def with_drills(*judged: dict[str, str]) -> dict[str, t.Any]:
        drills = [{**told, "judged": [each]} for each in judged]
        (row,) = (each for each in rows({"db1": [job(repository)], "drill1": drills}) if each["kind"] == "logical")
        return row

    row = with_drills(found)
    assert (row["restored"], row["verified"], row["problems"]) == (found["restored"], found["restored"], [])
    row = with_drills({**found, "system": "78"})
    assert row["problems"] == alone["problems"]
    row = with_drills({**found, "at": "2026-11-30T01:30:00Z", "damaged": "no such file"}, found)
    assert (row["newest"], row["problems"][0]) == ("F", "the newest backup is not good: no such file")
