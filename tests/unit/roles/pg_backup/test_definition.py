"""Definitions of jobs: what is read, and what each wrong one is told."""

from __future__ import annotations

import json
import typing as t

import pytest
from rampart_backup.definition import Directory
from rampart_backup.definition import Job
from rampart_backup.definition import Rclone
from rampart_backup.definition import Vault
from rampart_backup.definition import Wal
from rampart_backup.definition import parse
from rampart_backup.faults import DefinitionFault

SMALLEST: t.Final[dict[str, t.Any]] = {
    "name": "nightly",
    "kind": "logical",
    "cluster": {"label": "17/main", "bindir": "/usr/lib/postgresql/17/bin", "host": "/run/postgresql"},
    "encryption": {"method": "age", "recipients": ["age1qqq"]},
    "places": [{"kind": "directory", "path": "/var/backups/rampart"}],
}


def read(**changes: t.Any) -> Job:
    """A definition that differs from the smallest one."""
    return parse(json.dumps({**SMALLEST, **changes}))


def test_the_smallest_has_safe_defaults() -> None:
    job = read()
    assert job.places == (Directory("/var/backups/rampart"),)
    assert (job.cluster.port, job.cluster.user) == (5432, "postgres")
    assert job.retention.at_least == 1
    assert job.logical.row_counts


def test_a_vault() -> None:
    job = read(places=[{"kind": "vault", "host": "v", "account": "a", "key": "/k", "known_hosts": "/h"}])
    assert job.places == (Vault(host="v", account="a", key="/k", known_hosts="/h"),)
    assert job.places[0].name == "a@v"


def test_places_are_told_apart_by_their_names() -> None:
    vault = {"kind": "vault", "host": "v", "account": "a", "key": "/k", "known_hosts": "/h"}
    job = read(places=[vault, {**vault, "port": 2222}, {**vault, "account": "b"}])
    assert [each.name for each in job.places] == ["a@v", "a@v:2222", "b@v"]
    for twice in ([vault, vault], [{"kind": "directory", "path": "/x"}] * 2):
        with pytest.raises(DefinitionFault, match=r"places\[1\]: (a@v|/x) is there twice"):
            read(places=twice)


def test_chains_are_asked_for() -> None:
    assert read().physical.full_every == 0
    assert read(physical={"incremental": {"full_every": 7}}).physical.full_every == 7


def test_several_connections_with_staging() -> None:
    job = read(logical={"parallel": 2}, staging="/srv/staging")
    assert (job.logical.parallel, job.staging) == (2, "/srv/staging")


def test_a_remote_of_rclone() -> None:
    job = read(places=[{"kind": "rclone", "remote": "my store:bucket/db1", "config": "/c"}])
    assert job.places == (Rclone("my store:bucket/db1", "/c", timeout=300, retain=False),)
    assert job.places[0].name == "my store:bucket/db1"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "a/b"}, "name: 'a/b' is not letters"),
        ({"name": "-x"}, "name: '-x' is not letters"),
        ({"kind": "magic"}, "kind: 'magic' is not one of logical, physical, logs, wal"),
        ({"places": []}, "places is empty"),
        ({"places": [{"kind": "directory", "path": "here"}]}, "places[0].path: 'here' is not the full path"),
        ({"places": [{"kind": "tape"}]}, "places[0].kind: 'tape' is not one of directory, rclone, vault"),
        (
            {
                "places": [
                    {"kind": "vault", "host": "-oProxyCommand=x", "account": "a", "key": "/k", "known_hosts": "/h"}
                ]
            },
            "places[0].host: '-oProxyCommand=x' is not a name",
        ),
        *(
            ({"places": [{"kind": "rclone", "remote": remote, "config": "/c"}]}, f"places[0].remote: {remote!r} is not")
            for remote in ("store", "store:", ":s3,key=x:b", "-v:b", "store,key=x:b", "store:a/../b")
        ),
        (
            {"places": [{"kind": "rclone", "remote": "s:b", "config": "c"}]},
            "places[0].config: 'c' is not the full path",
        ),
        (
            {"kind": "pgbackrest", "places": [{"kind": "rclone", "remote": "s:b", "config": "/c"}]},
            "places[0].kind: 'rclone' is no place for jobs of kind pgbackrest",
        ),
        ({"encryption": {"method": "age"}}, "encryption.recipients is empty"),
        ({"encryption": {"method": "none", "recipients": ["x"]}}, "'none' does not go with recipients"),
        ({"encryption": {"method": "rot13"}}, "encryption.method: 'rot13' is not one of age, gpg, none"),
        ({"compression": {"method": "gzip", "level": 10}}, "compression.level: 10 is not a whole number from -1 to 9"),
        ({"retention": {"last": -1}}, "retention.last: -1 is not"),
        ({"retention": {"last": True}}, "retention.last: True is not"),
        ({"retention": {"at_least": 0}}, "retention.at_least: 0 is not"),
        ({"retention": {"fortnights": 3}}, "retention.fortnights is not known"),
        ({"logical": {"databases": "all"}}, "logical.databases: 'all' is not a list"),
        ({"cluster": {"label": "x", "host": "/run"}}, "cluster.bindir is missing"),
        ({"cluster": "17/main"}, "cluster: '17/main' is not an object"),
        ({"kind": "wal", "wal": {"behind_seconds": 0}}, "wal.behind_seconds: 0 is not a whole number"),
        ({"kind": "wal", "wal": {"behind_files": "many"}}, "wal.behind_files: 'many' is not a whole number"),
        ({"kind": "wal", "wal": {"segments": 1}}, "wal.segments is not known"),
        ({"surprise": 1}, "surprise is not known"),
        ({"physical": {"incremental": {"full_every": -1}}}, "physical.incremental.full_every: -1 is not"),
        ({"physical": {"incremental": {"often": 1}}}, "physical.incremental.often is not known"),
        ({"staging": "here"}, "staging: 'here' is not the full path"),
        ({"logical": {"parallel": 0}, "staging": "/s"}, "logical.parallel: 0 is not"),
        ({"logical": {"parallel": 2}}, "(staging)"),
    ],
)
def test_a_wrong_one_is_told_what_is_wrong(changes: dict[str, t.Any], said: str) -> None:
    with pytest.raises(DefinitionFault) as caught:
        read(**changes)
    assert said in str(caught.value)


def test_an_archive() -> None:
    assert read(kind="wal").wal == Wal(behind_seconds=900, behind_files=64)
    assert read(kind="wal", wal={"behind_seconds": 60, "behind_files": 3}).wal == Wal(60, 3)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "3"])
def test_what_is_no_definition_at_all(text: str) -> None:
    with pytest.raises(DefinitionFault):
        parse(text)


@pytest.mark.parametrize(
    ("options", "name", "wanted"),
    [
        ({}, "anything", True),
        ({"databases": ["app_*"]}, "app_1", True),
        ({"databases": ["app_*"]}, "APP_1", False),
        ({"databases": ["*"], "exclude_databases": ["tmp?"]}, "tmp1", False),
        ({"databases": ["*"], "exclude_databases": ["tmp?"]}, "tmp12", True),
    ],
)
def test_databases_are_chosen_by_patterns(options: dict[str, t.Any], name: str, wanted: bool) -> None:
    assert read(logical=options).logical.wants_database(name) is wanted
