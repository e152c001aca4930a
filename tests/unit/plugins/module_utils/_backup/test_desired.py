# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that cannot be meant are refused by name."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import from_task
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._backup.jobs import job

REMOTE = {"kind": "rclone", "remote": "store:bucket/db1", "config": "/etc/rclone.conf"}
VAULT = {"kind": "vault", "host": "v", "account": "a", "key": "/k", "known_hosts": "/h"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        *(({"name": name}, r"jobs\[0\]\.name") for name in ("", "-a", "a/b", "a b", "a%n", "é", "a" * 65, "a\n")),
        *(
            ({"places": [{"path": path}]}, r"jobs\[0\]\.places\[0\]\.path")
            for path in (
                "",
                "x",
                "/",
                "/etc",
                "/etc/x",
                "/var/lib",
                "/usr/local/b",
                "/a/../b",
                '/a"b',
                "/a\\b",
                "/a\nb",
                "/./a",
            )
        ),
        ({"places": [VAULT, {**VAULT, "key": "k"}]}, r"jobs\[0\]\.places\[1\]\.key"),
        ({"places": [{**VAULT, "port": 0}]}, r"jobs\[0\]\.places\[0\]\.port: 0"),
        ({"places": [REMOTE, {**REMOTE, "config": "c"}]}, r"jobs\[0\]\.places\[1\]\.config"),
        *(
            ({"places": [{**REMOTE, "remote": remote}]}, r"jobs\[0\]\.places\[0\]\.remote")
            for remote in (
                "",
                "store",
                "store:",
                "store:/",
                ":s3,secret=x:b",
                "-v:b",
                "store,key=x:b",
                "store:a/../b",
                "/a",
            )
        ),
        ({"places": [{**REMOTE, "remote": "my store:b"}]}, None),
        ({"places": [{**REMOTE, "timeout": 0}]}, r"jobs\[0\]\.places\[0\]\.timeout: 0"),
        ({"places": [{**VAULT, "host": "-oProxyCommand=x"}]}, r"jobs\[0\]\.places\[0\]\.host: '-oProxyCommand=x'"),
        ({"places": [{**VAULT, "account": "a b"}]}, r"jobs\[0\]\.places\[0\]\.account: 'a b'"),
        ({"places": [{**VAULT, "port": True}]}, r"jobs\[0\]\.places\[0\]\.port: True"),
        ({"places": [{"kind": "directory"}]}, r"jobs\[0\]\.places\[0\]\.path: None .* kind is directory"),
        ({"places": [{**REMOTE, "config": None}]}, r"jobs\[0\]\.places\[0\]\.config: None"),
        ({"places": [{"path": "/srv/b"}, {"path": "/srv//b/"}]}, r"jobs\[0\]\.places\[1\]: .*twice"),
        ({"places": [VAULT, VAULT]}, r"jobs\[0\]\.places\[1\]: .*twice"),
        ({"places": [VAULT, {**VAULT, "host": "w"}]}, None),
        ({"places": [{"path": "/srv/b"}], "staging": "/srv/b/"}, r"jobs\[0\]\.staging: '/srv/b/'"),
        ({"databases": []}, r"jobs\[0\]\.databases: \[\]"),
        ({"schemas": ["a", ""]}, r"jobs\[0\]\.schemas: \['a', ''\]"),
        ({"encryption": {"recipients": ["-x"]}}, r"jobs\[0\]\.encryption\.recipients: '-x'"),
        ({"notify": {"command": [""]}}, r"jobs\[0\]\.notify\.command: \[''\]"),
        ({"retention": {"last": True}}, r"jobs\[0\]\.retention\.last: True"),
        ({"places": []}, r"jobs\[0\]\.places: \[\]"),
        ({"schedule": {"calendar": "daily\nx"}}, None),  # white space is what it is to systemd
        ({"schedule": {"calendar": "%h"}}, r"jobs\[0\]\.schedule\.calendar"),
        ({"schedule": {"calendar": ""}}, r"jobs\[0\]\.schedule\.calendar"),
        ({"schedule": {"calendar": "daily", "random_delay": -1}}, r"jobs\[0\]\.schedule\.random_delay: -1"),
        ({"encryption": {}}, r"jobs\[0\]\.encryption\.recipients"),
        ({"encryption": {"method": "none", "recipients": ["x"]}}, r"jobs\[0\]\.encryption\.recipients"),
        ({"encryption": {"method": "none"}}, None),
        ({"compression": {"method": "lz4", "level": 13}}, r"jobs\[0\]\.compression\.level: 13"),
        ({"compression": {"method": "lz4", "level": 12}}, None),
        ({"retention": {"weeks": -1}}, r"jobs\[0\]\.retention\.weeks: -1"),
        ({"retention": {"at_least": 0}}, r"jobs\[0\]\.retention\.at_least: 0"),
        ({"kind": "wal", "wal": {"behind_seconds": 0}}, r"jobs\[0\]\.wal\.behind_seconds: 0"),
        ({"kind": "wal", "wal": {"behind_files": 0}}, r"jobs\[0\]\.wal\.behind_files: 0"),
        ({"kind": "wal", "wal": {"behind_files": 1}}, None),
        ({"user": ""}, r"jobs\[0\]\.user: ''"),
        ({"user": "a\nb"}, r"jobs\[0\]\.user"),
        ({"user": "dumper", "kind": "wal"}, r"jobs\[0\]\.user: 'dumper' .* logical or physical"),
        ({"user": "dumper", "kind": "physical"}, None),
        ({"timeout": -1}, r"jobs\[0\]\.timeout: -1"),
        ({"timeout": 0}, None),
        ({"metrics_directory": "metrics"}, r"jobs\[0\]\.metrics_directory"),
        ({"staging": "/etc/x"}, r"jobs\[0\]\.staging"),
        ({"parallel": 0, "staging": "/srv/s"}, r"jobs\[0\]\.parallel"),
        ({"kind": "physical", "incremental": {"full_every": 1}}, r"jobs\[0\]\.incremental\.full_every"),
        ({"parallel": 2}, r"jobs\[0\]\.parallel.*1 without staging"),
    ],
)
def test_values(changes: dict[str, t.Any], expected: str | None) -> None:
    assert job()
    if expected is None:
        assert job(**changes)
        return
    with pytest.raises(InputError, match=expected):
        job(**changes)


@pytest.mark.parametrize(
    ("name", "refused"), [("vault", True), ("drills", True), ("pull-db1", True), ("pull", False), ("vault2", False)]
)
def test_names_of_the_other_roles_are_reserved(name: str, refused: bool) -> None:
    for changes in ({}, {"state": "absent"}):
        if not refused:
            assert job(name=name, **changes).name == name
            continue
        with pytest.raises(InputError, match=r"jobs\[0\]\.name: .*another name"):
            job(name=name, **changes)


def test_two_jobs_of_one_name_are_refused() -> None:
    absent = {"state": "absent"}
    assert len(from_task({"jobs": [{"name": "a", **absent}, {"name": "b", **absent}]})) == 2
    with pytest.raises(InputError, match=r"jobs\[0\]\.name: 'a'"):
        from_task({"jobs": [{"name": "a", **absent}, {"name": "a", **absent}]})


BACKREST: t.Final[dict[str, t.Any]] = {"kind": "pgbackrest", "pgbackrest": {"stanza": "17-main", "full_every": 7}}


def test_a_job_of_pgbackrest_keeps_nothing_of_its_own() -> None:
    found = job(**BACKREST, checkpoint="fast").sections
    expected = {"stanza": "17-main", "type": "full", "full_every": 7, "repositories": 1, "checkpoint": "fast"}
    expected.update(marker=True, restore_point=True)
    assert found["pgbackrest"] == expected
    assert not {"encryption", "retention", "compression"} & set(found)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pgbackrest": {}}, r"jobs\[0\]\.pgbackrest\.stanza: ''"),
        ({"pgbackrest": {"stanza": "a b"}}, r"jobs\[0\]\.pgbackrest\.stanza: 'a b'"),
        ({"pgbackrest": {"stanza": "a", "full_every": -1}}, r"jobs\[0\]\.pgbackrest\.full_every: -1"),
        ({"pgbackrest": {"stanza": "a", "repositories": 0}}, r"jobs\[0\]\.pgbackrest\.repositories: 0"),
        ({"places": [VAULT]}, r"jobs\[0\]\.places: \['vault'\]"),
    ],
)
def test_what_pgbackrest_cannot_do_is_refused(changes: dict[str, t.Any], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        job(**{**BACKREST, **changes})


def test_a_place_has_what_its_kind_has() -> None:
    places = job(places=[VAULT, REMOTE, {**REMOTE, "timeout": 5, "retain": True}]).places
    assert places[0].definition == {**VAULT, "port": 22, "timeout": 60}
    assert places[1].definition == {**REMOTE, "timeout": 300, "retain": False}
    assert places[2].definition == {**REMOTE, "timeout": 5, "retain": True}
    assert [place.files for place in places] == [("/k", "/h"), ("/etc/rclone.conf",), ("/etc/rclone.conf",)]
