"""Definitions of pulls: what is read, and what each wrong one is told."""

from __future__ import annotations

import json
import typing as t

import pytest
from rampart_backup.faults import DefinitionFault
from rampart_backup.faults import PlaceFault
from rampart_backup.pulling import Pulling
from rampart_backup.pulling import checked
from rampart_backup.pulling import parse

SMALLEST: t.Final[dict[str, t.Any]] = {
    "name": "pull-db1",
    "root": "/var/lib/rampart-vault/hosts/db1",
    "source": {"host": "db1", "account": "postgres", "key": "/k", "known_hosts": "/h"},
}


def read(**changes: t.Any) -> Pulling:
    """A definition that differs from the smallest one."""
    return parse(json.dumps({**SMALLEST, **changes}))


def test_the_smallest_takes_everything_that_is_encrypted() -> None:
    pulling = read()
    assert (pulling.jobs, pulling.quota, pulling.plain) == ((), 0, False)
    assert pulling.source.name == "postgres@db1"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"root": "hosts/db1"}, "root: 'hosts/db1' is not the full path"),
        ({"name": "../x"}, "name: '../x' is not letters"),
        ({"jobs": ["../x"]}, "jobs: '../x' is not letters"),
        (
            {"source": {**SMALLEST["source"], "host": "-oProxyCommand=x"}},
            "source.host: '-oProxyCommand=x' is not a name",
        ),
        ({"quota": -1}, "quota: -1 is not"),
        ({"retention": {}}, "retention is not known"),
    ],
)
def test_a_wrong_one_is_told_what_is_wrong(changes: dict[str, t.Any], said: str) -> None:
    with pytest.raises(DefinitionFault) as caught:
        read(**changes)
    assert said in str(caught.value)


PART: t.Final[dict[str, t.Any]] = {"name": "x.age", "size": 31, "sha256": "0" * 64, "plain_size": 1}
ENTRY: t.Final[dict[str, t.Any]] = {
    "id": "20260101T000000Z-00000000",
    "job": "nightly",
    "kind": "logical",
    "finished": "2026-01-01T00:00:00Z",
    "complete": True,
    "parts": [PART],
}
_STATE: t.Final = {"verified": "", "restored": "", "damaged": "", "removed": ""}


def test_an_entry_that_can_be_true_is_believed() -> None:
    assert checked({"record": {"entry": ENTRY, **_STATE}}, "nightly").parts[0].size == 31


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ([], "no entry of a backup"),
        ({}, "no entry of a backup"),
        ({**ENTRY, "id": "../../x"}, "its identifier or its job"),
        ({**ENTRY, "job": "other"}, "its identifier or its job"),
        ({**ENTRY, "finished": "zzzz"}, "the time at which it ended"),
        ({**ENTRY, "parts": []}, "the number of its parts"),
        ({**ENTRY, "parts": [PART, PART]}, "the number of its parts"),
        ({**ENTRY, "parts": "x"}, "no entry of a backup"),
        *(({**ENTRY, "parts": [{**PART, "name": name}]}, "the part") for name in ("../x", "/etc/x", "backup.json", "")),
        *(({**ENTRY, "parts": [{**PART, "size": size}]}, "the part") for size in (-1, "1", True, 1.5)),
        *(({**ENTRY, "parts": [{**PART, "sha256": sha256}]}, "the part") for sha256 in ("", "0" * 63, 0)),
    ],
)
def test_one_that_cannot_is_refused(entry: object, said: str) -> None:
    with pytest.raises(PlaceFault) as caught:
        checked({"record": {"entry": entry, **_STATE}}, "nightly")
    assert said in str(caught.value)
