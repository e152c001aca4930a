"""Definitions of pulls: what is read, and what each wrong one is told."""

from __future__ import annotations

import json
import typing as t

import pytest
from rampart_backup.faults import DefinitionFault
from rampart_backup.pulling import Pulling
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
