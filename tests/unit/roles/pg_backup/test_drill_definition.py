"""Definitions of drills: what they replay."""

from __future__ import annotations

import json
import typing as t

import pytest
from rampart_backup import drill
from rampart_backup.definition import Repository
from rampart_backup.definition import secrets
from rampart_backup.faults import DefinitionFault

REPOSITORY: t.Final = {"kind": "pgbackrest", "stanza": "main", "config": "/etc/drill.conf"}


def text(**changes: t.Any) -> str:
    """A definition."""
    place = {"kind": "directory", "path": "/backups"}
    return json.dumps({"name": "x", "job": "base", "place": place, "scratch": "/scratch", **changes})


def test_without_a_target_only_the_backup_is_restored() -> None:
    read = drill.parse(text())
    assert (read.archive, read.until.replays) == ("", False)
    assert not drill.parse(text(archive="wal")).until.replays


def test_a_target_and_an_archive_which_may_be_of_another_host() -> None:
    read = drill.parse(text(archive="db1/wal", until="end", job="db1/base"))
    assert (read.archive, read.until.kind) == ("db1/wal", "end")


def test_a_repository_of_pgbackrest_has_its_own_archive() -> None:
    read = drill.parse(text(place=REPOSITORY, until="end"))
    assert isinstance(read.place, Repository)
    assert (read.place.number, read.place.superuser, read.verdicts) == (
        1,
        "postgres",
        "/var/lib/rampart-backup/verdicts/x",
    )
    assert secrets(read.place) == ["/etc/drill.conf"]
    there = drill.parse(text(place={"kind": "pgbackrest", "stanza": "main"})).place
    assert secrets(there) == ["/etc/pgbackrest", "/etc/pgbackrest.conf"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"until": "end"}, "archive is missing"),
        ({"archive": "../wal"}, "archive: '..'"),
        ({"archive": "wal", "until": "2026-05-04T03:02:01"}, "until: .*offset"),
        ({"archive": "wal", "until": 5}, "until: 5 is not a string"),
        ({"place": REPOSITORY, "archive": "wal"}, "archive: 'wal' does not go"),
        ({"place": {**REPOSITORY, "stanza": "--x"}}, "place.stanza: '--x'"),
        ({"place": {**REPOSITORY, "config": "x"}}, "place.config: 'x'"),
        ({"place": {**REPOSITORY, "path": "/x"}}, "place.path is not known"),
        ({"place": {**REPOSITORY, "kind": "magic"}}, "one of directory, pgbackrest, rclone, vault"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, t.Any], why: str) -> None:
    with pytest.raises(DefinitionFault, match=why):
        drill.parse(text(**changes))
