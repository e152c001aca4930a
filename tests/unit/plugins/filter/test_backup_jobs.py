# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What jobs have in common."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.filter.backup_jobs import backup_jobs

PLACES: list[dict[str, str]] = [{"path": "/srv/backups"}, {"kind": "vault", "host": "v", "key": "/mine"}]


def test_a_job_wins_over_what_is_common() -> None:
    jobs: list[dict[str, t.Any]] = [
        {"name": "a", "timeout": 1},
        {"name": "b", "cluster": "17/second"},
        {"name": "c", "cluster": None},
    ]
    found = backup_jobs(jobs, {"timeout": 2, "places": PLACES, "metrics_directory": None}, {"key": "/k", "port": 1})
    places = [PLACES[0], {"kind": "vault", "host": "v", "key": "/mine", "port": 1}]
    assert found == [
        {"jobs": [{"name": "a", "timeout": 1, "places": places}, {"name": "c", "timeout": 2, "places": places}]},
        {"cluster": "17/second", "jobs": [{"name": "b", "timeout": 2, "places": places}]},
    ]
    assert jobs[1] == {"name": "b", "cluster": "17/second"}  # and nothing of the caller's is changed
    assert backup_jobs([]) == []


def test_places_have_what_their_kind_has_in_common() -> None:
    places = [{"kind": "rclone", "remote": "s:b"}, {"kind": "rclone", "config": "/mine"}, {"path": "/srv"}]
    (found,) = backup_jobs([{"name": "a", "places": places}], {}, {"key": "/k"}, {"config": "/c"})
    assert found["jobs"][0]["places"] == [{**places[0], "config": "/c"}, places[1], places[2]]


@pytest.mark.parametrize("jobs", ["nightly", ["nightly"], 1, [{"name": "a", "places": ["/srv"]}]])
def test_what_is_no_list_of_jobs_is_refused(jobs: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="not a list of jobs"):
        backup_jobs(jobs)


GOOD: dict[str, t.Any] = {
    "name": "a",
    "schedule": {"calendar": "daily"},
    "encryption": {"method": "none"},
    "places": [{"path": "/srv/backups"}],
}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], None),
        ([{"name": "b", "state": "absent"}], None),
        (
            [{**GOOD, "cluster": "17/second"}],
            r"^jobs\[0\]\.name: 'a' cannot be used: .* names are the same for all clusters",
        ),
        ([{"name": "a", "state": "absent", "cluster": "17/second"}], r"^jobs\[0\]\.name: 'a' cannot be used"),
        ([{**GOOD, "name": "../b"}], r"^jobs\[1\]\.name: '\.\./b' cannot be used"),
        ([{**GOOD, "name": "b", "compression": -1}], r"^jobs\[1\]\.compression: -1 cannot be used: a dictionary"),
        ([{**GOOD, "name": "b", "compression": {"level": "x"}}], "^jobs: .*level.*jobs -> compression"),
        ([{**GOOD, "name": "b", "kind": "magic"}], "^jobs: .*kind.*logical"),
        ([{**GOOD, "name": "b", "when": "daily"}], "^jobs: .*when"),
        ([{"name": "b"}], "^jobs: .*schedule, encryption, places"),
        ([{"schedule": {}}], "^jobs: .*missing.*name"),
    ],
)
def test_a_job_that_the_module_would_refuse_is_told_before_anything_is_done(
    more: list[dict[str, t.Any]], message: str | None
) -> None:
    if message is None:
        assert backup_jobs([GOOD, *more], check=True) == backup_jobs([GOOD, *more])
        return
    backup_jobs([GOOD, *more])
    with pytest.raises(AnsibleFilterError, match=message):
        backup_jobs([GOOD, *more], check=True)
