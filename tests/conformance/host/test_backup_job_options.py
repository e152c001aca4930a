"""What the module `backup_job` says before anything is tried, on servers without PostgreSQL's clients."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.tests.conformance.modules import Result
from ansible_collections.rampart.postgresql.tests.conformance.modules import run_module

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

_NAME: t.Final = "nobody-has-a-job-of-this-name"


def call(server: Server, **changes: t.Any) -> Result:
    job = {
        "name": _NAME,
        "schedule": {"calendar": "daily"},
        "encryption": {"recipients": ["age1x"]},
        "places": [{"path": "/var/lib/rampart-backup/nowhere"}],
        **changes,
    }
    return run_module("backup_job", server, check=True, jobs=[job])


@pytest.mark.in_turn
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "a/b"}, "jobs[0].name: 'a/b' cannot be used: up to 64 letters"),
        ({"places": []}, "jobs[0].places: [] cannot be used"),
        ({"places": [{"path": "relative"}]}, "jobs[0].places[0].path: 'relative' cannot be used: the full path"),
        ({"places": [{"kind": "vault"}]}, "kind is vault but all of the following are missing: host, account, key"),
        ({"schedule": None}, "jobs[0].schedule: None cannot be used: a value"),
        ({"compression": {"level": 10}}, "jobs[0].compression.level: 10 cannot be used: a whole number from -1 to 9"),
        ({"retention": {"at_least": 0}}, "jobs[0].retention.at_least: 0 cannot be used: a whole number from 1"),
        ({}, "lacks pg_dump, pg_dumpall, pg_restore, psql: install PostgreSQL's clients"),
    ],
)
def test_every_option_is_named(server: Server, changes: dict[str, t.Any], message: str) -> None:
    done = call(server, **changes)
    assert done.failed
    assert message in done.message


@pytest.mark.in_turn
def test_a_job_that_is_not_there_need_not_be_removed(server: Server) -> None:
    done = call(server, state="absent")
    assert not done.failed, done.message
    assert not done.changed
