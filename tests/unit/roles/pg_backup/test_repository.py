"""What pgBackRest tells of a repository, in the words of a catalogue."""

from __future__ import annotations

import copy
import typing as t

import pytest
from rampart_backup.definition import Repository
from rampart_backup.faults import PlaceFault
from rampart_backup.places import notes
from rampart_backup.places import repository

PLACE: t.Final = Repository("main", "/etc/drill.conf", number=2, superuser="admin")
# As versions from 2.37 on tell it.
TOLD: t.Final[dict[str, t.Any]] = {
    "archive": [{"database": {"id": 1, "repo-key": 2}, "id": "17-1", "max": "000000010000000000000004", "min": "1"}],
    "backup": [
        {
            "archive": {"start": "000000010000000000000002", "stop": "000000010000000000000003"},
            "database": {"id": 1, "repo-key": 2},
            "error": False,
            "label": "20261130-083304F",
            "lsn": {"start": "0/2000028", "stop": "0/3000100"},
            "annotation": {
                "rampart-marker": "weekly/7/00112233aabbccdd",
                "rampart-restore-point": "rampart-weekly-00/0/3000200",
            },
            "reference": None,
            "timestamp": {"start": 1796027584, "stop": 1796027588},
        },
        {
            "archive": {"start": "000000020000000000000005", "stop": "000000020000000000000005"},
            "database": {"id": 1, "repo-key": 2},
            "error": True,
            "label": "20261130-083304F_20261130-083309I",
            "lsn": {"start": "0/5000028", "stop": "0/5000100"},
            "reference": ["20261130-083304F"],
            "timestamp": {"start": 1796027589, "stop": 1796027590},
        },
        {"database": {"id": 1, "repo-key": 1}, "label": "of another repository"},
    ],
    "db": [
        {"id": 1, "repo-key": 1, "system-id": 76, "version": "16"},
        {"id": 1, "repo-key": 2, "system-id": 77, "version": "17"},
    ],
    "name": "main",
}


def test_backups_of_one_repository() -> None:
    full, built = repository.entries(TOLD, PLACE, "base")
    assert {name: full[name] for name in ("id", "job", "complete", "chain", "stop_lsn", "timeline", "finished")} == {
        "id": "20261130-083304F",
        "job": "base",
        "complete": True,
        "chain": [],
        "stop_lsn": "0/3000100",
        "timeline": 1,
        "finished": "2026-11-30T08:33:08Z",
    }
    assert (full["server_version"], full["system_identifier"], full["bootstrap"]) == ("17", "77", "admin")
    assert (full["marker"], full["marked"]) == (7, {"job": "weekly", "backup": "00112233aabbccdd"})
    assert (full["restore_point"], full["restore_point_lsn"]) == ("rampart-weekly-00", "0/3000200")
    assert (built["complete"], built["chain"], built["timeline"]) == (False, ["20261130-083304F"], 2)


@pytest.mark.parametrize("words", ["", "weekly/x/00112233aabbccdd", "../7/00112233aabbccdd", "weekly/7"])
def test_annotations_that_are_not_ours_say_nothing(words: str) -> None:
    assert notes.read({"rampart-marker": words, "rampart-restore-point": words, "other": "x"}) == {}


def test_an_older_version_tells_less_of_where_a_backup_ended() -> None:
    """Then it is the end of its last segment, which no target may be before."""
    told = copy.deepcopy(TOLD)
    for backup in told["backup"]:
        backup.pop("lsn", None)
        backup.pop("error", None)
    full, built = repository.entries(told, PLACE, "base")
    assert (full["stop_lsn"], full["complete"], built["stop_lsn"]) == ("0/4000000", True, "0/6000000")


@pytest.mark.parametrize("changes", [{"backup": [5]}, {"db": []}, {"backup": [{"database": {"id": 1, "repo-key": 2}}]}])
def test_what_is_not_understood_is_told(changes: dict[str, t.Any]) -> None:
    with pytest.raises(PlaceFault, match="not understood"):
        list(repository.entries({**TOLD, **changes}, PLACE, "base"))


def test_the_last_word_on_a_backup_counts() -> None:
    def event(what: str, at: str, system: str = "77") -> dict[str, str]:
        return {"event": what, "id": "F", "at": at, "what": "gone", "system": system}

    assert repository.judged_by([event("restored", "1"), event("damaged", "2"), event("restored", "3", "78")]) == [
        {"id": "F", "system": "77", "at": "2", "restored": "1", "damaged": "gone"},
        {"id": "F", "system": "78", "at": "3", "restored": "3", "damaged": ""},
    ]
    (judged,) = repository.judged_by([event("damaged", "1"), event("restored", "2")])
    assert (judged["restored"], judged["damaged"]) == ("2", "")


def test_what_a_wrong_passphrase_shows_is_printable() -> None:
    assert repository.printable("a\x00b\x1b[31m\nc") == "a?b?[31m\nc"


def test_files_with_keys_are_named_by_a_configuration() -> None:
    text = "[global]\nrepo1-host-key-file=/a b\nrepo2-gcs-key = /c.json \nrepo3-gcs-key=inline\n#repo1-sftp-private-key-file=/d\n"
    assert repository.key_files(text) == ["/a b", "/c.json"]
