"""What the next backup may be built upon."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest
from rampart_backup.definition import Job
from rampart_backup.definition import parse
from rampart_backup.sources.incremental import Link
from rampart_backup.sources.incremental import unfit
from rampart_backup.sources.server import About

_ABOUT: t.Final = About(
    version="17.6",
    number=170006,
    system_identifier="7",
    timeline=1,
    lsn="0/3000028",
    standby=False,
    checksums=True,
    bootstrap="postgres",
    superuser=True,
)
_LINK: t.Final = Link("b", ("a", "b"), "7", 1, True, ("age1qqq",))


def wanted(full_every: int, **changes: t.Any) -> Job:
    """A job of chains."""
    values: dict[str, t.Any] = {
        "name": "nightly",
        "kind": "physical",
        "cluster": {"label": "17/main", "bindir": "/usr/lib/postgresql/17/bin", "host": "/run/postgresql"},
        "encryption": {"method": "age", "recipients": ["age1qqq"]},
        "places": [{"kind": "directory", "path": "/var/backups/rampart"}],
        "physical": {"incremental": {"full_every": full_every}},
        **changes,
    }
    return parse(json.dumps(values))


def test_one_of_the_same_cluster_and_timeline_will_do_until_the_chain_is_long_enough() -> None:
    assert unfit(_LINK, _ABOUT, wanted(3)) == ""
    assert unfit(_LINK, _ABOUT, wanted(2)) == "the chain has 2 backups (full_every)"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"system_identifier": "8"}, "of another cluster"),
        ({"timeline": 2}, "of the timeline 1, and the server is on 2"),
        ({"checksums": False}, "page checksums were switched"),
    ],
)
def test_of_another_server_nothing_will_do(changes: dict[str, t.Any], said: str) -> None:
    assert said in unfit(_LINK, dataclasses.replace(_ABOUT, **changes), wanted(9))


def test_other_keys_begin_another_chain() -> None:
    job = wanted(9, encryption={"method": "age", "recipients": ["age1qqq", "age1rrr"]})
    assert unfit(_LINK, _ABOUT, job) == "the recipients are others than those of the backup before it"


def test_without_one_there_is_nothing_to_build_upon() -> None:
    assert unfit(None, _ABOUT, wanted(9)) == "there is no manifest of a backup before it"


@pytest.mark.parametrize("values", [{}, {"id": "x"}, {**dataclasses.asdict(_LINK), "timeline": "one"}])
def test_what_is_no_description_is_none(values: dict[str, t.Any]) -> None:
    assert Link.of(values) is None


def test_a_description_is_read_back() -> None:
    assert Link.of(json.loads(json.dumps(dataclasses.asdict(_LINK)))) == _LINK
