# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What comes before a server archives its WAL by a job, and what after."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.filter.backup_steps import backup_steps

GONE: t.Final = {"state": "absent"}


def archives(*jobs: dict[str, t.Any]) -> list[tuple[str, str]]:
    return [(each["job"], each["state"]) for each in backup_steps([{"jobs": list(jobs)}])["archives"]]


def test_jobs_that_go_do_so_at_the_end() -> None:
    clusters: list[dict[str, t.Any]] = [
        {"cluster": "17/main", "jobs": [{"name": "wal", "kind": "wal"}, {"name": "old", **GONE}]},
        {"jobs": [{"name": "nightly", "state": "present"}]},
    ]
    assert backup_steps(clusters) == {
        "summaries": [],
        "present": [
            {"cluster": "17/main", "jobs": [{"name": "wal", "kind": "wal"}]},
            {"jobs": [{"name": "nightly", "state": "present"}]},
        ],
        "archives": [{"cluster": "17/main", "job": "wal", "state": "present"}],
        "absent": [{"cluster": "17/main", "jobs": [{"name": "old", **GONE}]}],
    }
    assert backup_steps([]) == {"summaries": [], "present": [], "archives": [], "absent": []}


def test_a_server_notes_what_changes_only_for_jobs_that_build_upon_each_other() -> None:
    chain: dict[str, t.Any] = {"name": "a", "kind": "physical", "incremental": {"full_every": 7}}
    clusters: list[dict[str, t.Any]] = [
        {"cluster": "1", "jobs": [chain]},
        {"cluster": "2", "jobs": [{**chain, **GONE}, {"name": "b"}]},
    ]
    [found] = backup_steps(clusters)["summaries"]
    assert found == {"cluster": "1", "sections": {"pg_backup_incremental": {"summarize_wal": {"17": "on"}}}}


def test_one_that_goes_may_have_been_the_archive() -> None:
    assert archives({"name": "a", **GONE}, {"name": "b", "kind": "wal", **GONE}) == [("a", "absent"), ("b", "absent")]
    assert archives({"name": "a", "kind": "logical", **GONE}, {"name": "b"}) == []


def test_one_that_takes_the_place_of_another_is_enough() -> None:
    assert archives({"name": "a", "kind": "wal", **GONE}, {"name": "b", "kind": "wal"}) == [("b", "present")]


def test_a_server_archives_by_one_job() -> None:
    jobs = [{"name": "a", "kind": "wal"}, {"name": "b", "kind": "wal"}]
    with pytest.raises(AnsibleFilterError, match="a, b are jobs of the kind wal for one cluster"):
        archives(*jobs)
    assert len(backup_steps([{"cluster": "1", "jobs": jobs[:1]}, {"cluster": "2", "jobs": jobs[1:]}])["archives"]) == 2


@pytest.mark.parametrize("clusters", [3, [3], [{}], [{"jobs": 3}], [{"jobs": ["x"]}], [{"jobs": [{"kind": "wal"}]}]])
def test_what_is_no_list_of_jobs(clusters: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="not what backup_jobs returns"):
        backup_steps(clusters)
