"""What pgBackRest is told, by what is in its repositories."""

from __future__ import annotations

import json
import typing as t

import pytest
from rampart_backup.definition import Job
from rampart_backup.definition import parse
from rampart_backup.faults import DefinitionFault
from rampart_backup.sources import backrest

SMALLEST: t.Final[dict[str, t.Any]] = {
    "name": "base",
    "kind": "pgbackrest",
    "cluster": {"label": "17/main", "bindir": "/usr/lib/postgresql/17/bin", "host": "/run/postgresql"},
    "pgbackrest": {"stanza": "17-main"},
    "places": [{"kind": "directory", "path": "/var/backups"}],
}


def read(**changes: t.Any) -> Job:
    """A definition that differs from the smallest one."""
    return parse(json.dumps({**SMALLEST, **changes}))


def made(types: str) -> list[dict[str, t.Any]]:
    """Backups, the oldest first: one letter each."""
    names = {"f": "full", "d": "diff", "i": "incr"}
    return [{"type": names[each], "database": {"repo-key": 1}} for each in types]


def test_a_definition() -> None:
    job = read(pgbackrest={"stanza": "s", "type": "incr", "full_every": 7, "checkpoint": "fast", "repositories": 2})
    assert job.backrest.repositories == (1, 2)
    assert backrest.words(job, "backup", "--repo=2") == ["pgbackrest", "--stanza=s", "--repo=2", "backup"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pgbackrest": {}}, "pgbackrest.stanza: ''"),
        ({"pgbackrest": {"stanza": "--config=x"}}, "pgbackrest.stanza: '--config=x'"),
        ({"pgbackrest": {"stanza": "s", "type": "magic"}}, "one of full, diff, incr, check"),
        ({"pgbackrest": {"stanza": "s", "repositories": 0}}, "pgbackrest.repositories: 0"),
        ({"kind": "physical", "encryption": {"method": "none"}}, "pgbackrest.stanza: '17-main'"),
        ({"encryption": {"method": "none"}}, "encryption is not known"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, t.Any], said: str) -> None:
    assert read()
    with pytest.raises(DefinitionFault) as refused:
        read(**changes)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("wanted", "full_every", "types", "expected"),
    [
        ("incr", 0, "", "incr"),
        ("incr", 0, "fiiii", "incr"),
        ("incr", 3, "", "full"),
        ("incr", 3, "ii", "full"),  # none of them could be restored
        ("incr", 3, "f", "incr"),
        ("incr", 3, "fi", "incr"),
        ("incr", 3, "fii", "full"),
        ("incr", 3, "fiifi", "incr"),
        ("diff", 1, "f", "full"),
        ("full", 5, "f", "full"),
    ],
)
def test_every_so_many_backups_are_full(wanted: str, full_every: int, types: str, expected: str) -> None:
    assert backrest.chosen_type(wanted, full_every, made(types)) == expected


def test_repositories_are_told_apart() -> None:
    first, second = made("ff")
    other = {**second, "database": {"repo-key": 2}}
    assert backrest.of_repository([first, other], 2) == [other]
    assert backrest.of_repository([first, other], 1) == [first]


def test_repositories_are_reported_as_places() -> None:
    backup = {
        **made("f")[0],
        "label": "20261130-023303F",
        "error": True,
        "timestamp": {"start": 1796005983, "stop": 1796005986},
        "info": {"size": 24390077, "repository": {"delta": 2694957}},
    }
    first, second = backrest.reported(read(pgbackrest={"stanza": "s", "repositories": 2}), [backup])
    assert (first["place"], second["place"], second["backups"]) == ("repo1 of s", "repo2 of s", [])
    (shown,) = first["backups"]
    assert (shown["finished"], shown["size"], shown["good"]) == ("2026-11-30T02:33:06Z", 2694957, False)
