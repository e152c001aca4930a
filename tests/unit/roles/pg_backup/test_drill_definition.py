"""Definitions of drills: what they replay."""

from __future__ import annotations

import json
import typing as t

import pytest
from rampart_backup import drill
from rampart_backup.faults import DefinitionFault


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


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"until": "end"}, "archive is missing"),
        ({"archive": "../wal"}, "archive: '..'"),
        ({"archive": "wal", "until": "2026-05-04T03:02:01"}, "until: .*offset"),
        ({"archive": "wal", "until": 5}, "until: 5 is not a string"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, t.Any], why: str) -> None:
    with pytest.raises(DefinitionFault, match=why):
        drill.parse(text(**changes))
