# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as pgBackRest does them, and what it cannot do."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.filter.pgbackrest_settings import pgbackrest_settings

PASSPHRASE: t.Final = "twenty characters or more"
DEFAULTS: t.Final = {"places": [{"path": "/srv/backups"}], "retention": {"days": 14}, "timeout": 60, "notify": None}
BASE: t.Final[dict[str, t.Any]] = {"name": "base", "kind": "physical", "schedule": {"calendar": "daily"}}


def told(*jobs: dict[str, t.Any], **given: t.Any) -> dict[str, t.Any]:
    """What the filter makes of jobs."""
    return pgbackrest_settings(list(jobs), {"passphrase": PASSPHRASE, "defaults": DEFAULTS, **given})


def lines(job: dict[str, t.Any], **given: t.Any) -> dict[str, str]:
    """The options of the stanza of one job."""
    return dict(line.split("=", 1) for line in told(job, **given)["stanzas"][0]["lines"])


def test_a_job_is_a_stanza_and_what_starts_it() -> None:
    found = told(
        {**BASE, "cluster": "17/main", "checkpoint": "fast"}, {"name": "dump"}, {"name": "old", "state": "absent"}
    )
    assert found["others"] == [{"name": "dump"}, {"name": "old", "state": "absent"}]
    (stanza,) = found["stanzas"]
    assert stanza == {
        "cluster": "17/main",
        "stanza": "17-main",
        "repositories": 1,
        "directories": ["/srv/backups"],
        "lines": [
            "compress-type=gz",
            "repo1-cipher-type=aes-256-cbc",
            "repo1-path=/srv/backups/pgbackrest",
            "repo1-retention-full=14",
            "repo1-retention-full-type=time",
        ],
        "secret_lines": [f"repo1-cipher-pass={PASSPHRASE}"],
    }
    (job,) = found["jobs"]
    assert job == {
        "name": "base",
        "cluster": "17/main",
        "kind": "pgbackrest",
        "checkpoint": "fast",
        "schedule": {"calendar": "daily"},
        "timeout": 60,
        "pgbackrest": {"stanza": "17-main", "repositories": 1, "type": "full", "full_every": 0},
        "encryption": {"method": "none"},
        "places": [
            {"kind": "directory", "path": path}
            for path in ("/srv/backups", "/var/log/pgbackrest", "/var/spool/pgbackrest")
        ],
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"retention": {"last": 3, "at_least": 3}},
            {"repo1-retention-full-type": "count", "repo1-retention-full": "3"},
        ),
        ({"retention": {}}, {"repo1-retention-full-type": "count", "repo1-retention-full": "9999999"}),
        ({"compression": {"method": "zstd", "level": 5}}, {"compress-type": "zst", "compress-level": "5"}),
        ({"compression": {"method": "none"}}, {"compress-type": "none"}),
        (
            {"places": [{"path": "/a/"}, {"kind": "directory", "path": "/b"}]},
            {"repo1-path": "/a/pgbackrest", "repo2-path": "/b/pgbackrest", "repo2-cipher-type": "aes-256-cbc"},
        ),
    ],
)
def test_what_maps(changes: dict[str, t.Any], expected: dict[str, str]) -> None:
    found = lines({**BASE, **changes})
    assert {name: found.get(name) for name in expected} == expected
    assert "archive-push-queue-max" not in found  # which drops WAL


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"retention": {"weeks": 5}}, r"pg_backup_jobs\[0\]\.retention\.weeks: 5 .*\(last\).*\(days\)"),
        ({"retention": {"months": 1}}, r"retention\.months"),
        ({"retention": {"years": 1}}, r"retention\.years"),
        ({"retention": {"last": 1, "days": 1}}, r"retention\.days: 1 .* last or days"),
        ({"retention": {"last": 1, "at_least": 2}}, r"retention\.at_least: 2"),
        ({"retention": {"days": 1, "at_least": 2}}, r"retention\.at_least: 2"),
        ({"retention": {"days": "x"}}, r"retention\.days: 'x'"),
        ({"compression": {"method": "xz"}}, r"compression\.method: 'xz'"),
        ({"compression": {"method": "zstd", "level": 0}}, r"compression\.level: 0 .*from 1 to 22"),
        ({"compression": {"method": "none", "level": 1}}, r"compression\.level: 1 .*none has no level"),
        ({"places": [{"kind": "vault", "host": "v"}]}, r"places\[0\]\.kind: 'vault' .*repo1-type"),
        ({"places": [{"path": "here"}]}, r"places\[0\]\.path: 'here'"),
        ({"places": []}, r"places: \[\]"),
        ({"encryption": {"method": "age"}}, r"encryption: .*pg_backup_backrest_passphrase"),
        ({"databases": ["x"]}, r"databases: .*nothing like it"),
        ({"staging": "/x"}, r"staging: "),
        ({"backrest_type": "weekly"}, r"backrest_type: 'weekly' .*full, diff, incr"),
        ({"incremental": {"every": 2}}, r"incremental: .*full_every"),
        ({"stanza": "a/b"}, r"stanza: 'a/b'"),
        ({"stanza": "-x"}, r"stanza: '-x'"),
    ],
)
def test_what_does_not_map_is_named(changes: dict[str, t.Any], said: str) -> None:
    assert told(BASE)
    with pytest.raises(AnsibleFilterError, match=said):
        told({**BASE, **changes})


def test_marker_and_restore_point_are_the_job_s_own() -> None:
    (job,) = told({**BASE, "marker": False, "restore_point": False})["jobs"]
    assert (job["marker"], job["restore_point"]) == (False, False)


def test_who_said_it_is_named() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^pg_backup_retention\.weeks: 5"):
        told(BASE, defaults={**DEFAULTS, "retention": {"weeks": 5}})
    with pytest.raises(AnsibleFilterError, match=r"^pg_backup_places\[0\]\.kind: 'vault'"):
        told(BASE, defaults={**DEFAULTS, "places": [{"kind": "vault"}]})


@pytest.mark.parametrize(
    "passphrase", [None, "", "short", 12345678901234567890, "a line and\nanother one", f" {PASSPHRASE}"]
)
def test_a_passphrase_is_needed_and_never_shown(passphrase: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="^pg_backup_backrest_passphrase: ") as refused:
        told(BASE, passphrase=passphrase)
    assert not passphrase or str(passphrase) not in str(refused.value)
    found = told(BASE, passphrase=passphrase, cipher="none")["stanzas"][0]  # which has to be asked for
    assert found["secret_lines"] == []
    assert "repo1-cipher-type=none" in found["lines"]


def test_types() -> None:
    full = {**BASE, "name": "full", "retention": {"last": 2}}
    daily = {**BASE, "name": "daily", "backrest_type": "diff"}
    often = {**BASE, "name": "often", "incremental": {"full_every": 7}}
    watch = {**BASE, "name": "watch", "kind": "wal"}
    found = told(watch, daily, full, often)
    assert [job["pgbackrest"]["type"] for job in found["jobs"]] == ["check", "diff", "full", "incr"]
    assert found["jobs"][3]["pgbackrest"]["full_every"] == 7
    assert len(found["stanzas"]) == 1  # as the one that says something of it has it
    assert "repo1-retention-full=2" in found["stanzas"][0]["lines"]


@pytest.mark.parametrize(
    "second",
    [
        {"retention": {"last": 3}},
        {"compression": {"method": "lz4"}},
        {"places": [{"path": "/elsewhere"}]},
        {"cluster": "17/second", "stanza": "main"},
        {"stanza": "another"},
    ],
)
def test_jobs_of_a_stanza_have_one(second: dict[str, t.Any]) -> None:
    first = {**BASE, "retention": {"last": 2}}
    assert told(first, {**first, "name": "second"})
    with pytest.raises(AnsibleFilterError, match=r"pg_backup_jobs\[[01]\]"):
        told(first, {**BASE, "name": "second", **second})


def test_options_of_the_operator_win_and_secrets_are_apart() -> None:
    options = {
        "process-max": 4,
        "repo1-path": "/shop",
        "repo1-type": "s3",
        "repo1-s3-key": "public to nobody",
        "repo1-s3-key-secret": "hidden",
        "repo1-bundle": True,
        "exclude": ["a", "b"],
    }
    stanza = told({**BASE, "places": []}, options=options)["stanzas"][0]
    assert stanza["secret_lines"] == [
        f"repo1-cipher-pass={PASSPHRASE}",
        "repo1-s3-key=public to nobody",
        "repo1-s3-key-secret=hidden",
    ]
    assert {"process-max=4", "repo1-path=/shop", "repo1-bundle=y", "exclude=a", "exclude=b"} <= set(stanza["lines"])
    job = told({**BASE, "places": []}, options={"repo1-path": "/raw"})["jobs"][0]
    assert {"kind": "directory", "path": "/raw"} in job["places"]  # so that the unit may write there


@pytest.mark.parametrize(
    "name",
    [  # what pgBackRest's own list of options calls secure, and keys of the customer
        "repo1-azure-key",
        "repo1-cipher-pass",
        "repo1-gcs-key",
        "repo1-s3-key",
        "repo1-s3-key-secret",
        "repo1-s3-sse-customer-key",
        "repo1-s3-token",
        "repo1-sftp-private-key-passphrase",
        "repo1-storage-upload-some-token",
    ],
)
def test_what_pgbackrest_calls_a_secret_is_one(name: str) -> None:
    cipher = {} if name == "repo1-cipher-pass" else {"repo1-cipher-type": "none"}
    stanza = told({**BASE, "places": []}, options={"repo1-path": "/raw", name: "hidden", **cipher})["stanzas"][0]
    assert f"{name}=hidden" in stanza["secret_lines"]
    assert not any("hidden" in line for line in stanza["lines"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pg1-path": "/x"}, "takes it from the cluster"),
        ({"repo1-host": "v"}, "started on that host"),
        ({"repo-path": "/x"}, "number is missing"),
        ({"lock-path": "/x"}, "sets it itself"),
        ({"[global]": "x"}, "name of an option"),
        ({"process-max": "1\nrepo1-path=/x"}, "one line"),
        ({"process-max": ""}, "one line"),
        ({"repo3-path": "/x"}, "without a gap"),
        (["process-max"], "a dictionary"),
    ],
)
def test_options_that_are_refused(options: t.Any, said: str) -> None:
    with pytest.raises(AnsibleFilterError, match=said):
        told(BASE, options=options)


def test_a_cipher_that_there_is_not() -> None:
    with pytest.raises(AnsibleFilterError, match="pg_backup_backrest_cipher: 'rot13'"):
        told(BASE, cipher="rot13")


def test_what_ended() -> None:
    gone = {"name": "base", "cluster": "17/main", "state": "absent"}
    assert told(gone)["ended"] == [{"cluster": "17/main", "stanza": "17-main"}]
    assert told({**gone, "kind": "logical"})["ended"] == []
    assert told(gone, {**BASE, "name": "other", "cluster": "17/main"})["ended"] == []


@pytest.mark.parametrize("jobs", ["base", ["base"], 1, [{"kind": "physical", "places": ["/srv"]}]])
def test_what_is_no_list_of_jobs_is_refused(jobs: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="not a list of jobs|not jobs"):
        pgbackrest_settings(jobs)
