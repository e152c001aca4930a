# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed since an earlier report."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import gathered
from ansible_collections.rampart.postgresql.tests.assessments import HOSTILE
from ansible_collections.rampart.postgresql.tests.assessments import NOW
from ansible_collections.rampart.postgresql.tests.assessments import assessment
from ansible_collections.rampart.postgresql.tests.assessments import finding
from ansible_collections.rampart.postgresql.tests.assessments import hostile


def changes(before: list[t.Any], now: list[t.Any]) -> list[tuple[str, str]]:
    comparison = gathered(now, before=before, now=NOW).comparison
    assert comparison is not None
    return [(change.host, change.change) for change in comparison.changes]


@pytest.mark.parametrize(
    ("before", "now", "wanted"),
    [
        ("fail", "fail", "still"),
        ("pass", "fail", "new"),
        ("unknown", "fail", "new"),
        ("waived", "fail", "new"),
        ("fail", "pass", "fixed"),
        ("fail", "not_applicable", "fixed"),
        ("fail", "waived", "waived"),
        ("fail", "unknown", "unproven"),
        ("fail", "manual", "unproven"),
    ],
)
def test_what_became_of_a_control(before: str, now: str, wanted: str) -> None:
    assert changes([assessment(finding(status=before))], [assessment(finding(status=now))]) == [("db1", wanted)]


def test_what_neither_fails_nor_failed_is_not_told() -> None:
    assert changes([assessment(finding(status="unknown"))], [assessment(finding())]) == []


def test_a_control_that_was_not_there_before_is_new() -> None:
    assert changes([assessment()], [assessment(finding(status="fail"))]) == [("db1", "new")]


def test_hosts_and_clusters_are_told_apart() -> None:
    failing = finding(status="fail")
    before = [assessment(failing), assessment(failing, cluster="16/main"), assessment(failing, host="gone")]
    now = [assessment(failing), assessment(finding(), cluster="16/main"), assessment(failing, host="db0")]
    assert changes(before, now) == [("db0", "new"), ("db1", "still"), ("gone", "unproven"), ("db1", "fixed")]


def test_items_are_compared_by_their_values() -> None:
    before = finding(status="fail", items=[{"role": "a", "kind": "md5"}, {"role": "b"}])
    now = finding(status="fail", items=[{"kind": "md5", "role": "a"}, {"role": "c"}, {"role": "d"}])
    comparison = gathered(assessment(now), before=assessment(before), now=NOW).comparison
    assert comparison is not None
    assert [(change.items_added, change.items_removed) for change in comparison.changes] == [(2, 1)]


def test_the_earlier_report_is_taken_as_text_too() -> None:
    before = json.dumps({"assessments": [assessment(finding(status="fail"))]})
    comparison = gathered(assessment(finding()), before=before, now=NOW).comparison
    assert comparison is not None
    assert comparison.counts == {"new": 0, "still": 0, "unproven": 0, "waived": 0, "fixed": 1}
    assert comparison.before_epoch == NOW - 30


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({}, 0),
        ({"version": "17.5", "gathered_epoch": 1}, 0),
        ({"profile": "cis"}, 1),
        ({"findings": [finding("RPG-NET-002")]}, 1),
        ({"host": "db2", "profile": "cis"}, 0),
    ],
)
def test_clusters_that_were_held_to_something_else_are_counted(more: dict[str, t.Any], wanted: int) -> None:
    comparison = gathered(assessment(finding()), before={**assessment(finding()), **more}, now=NOW).comparison
    assert comparison is not None
    assert comparison.held_to_others == wanted


@pytest.mark.parametrize("name", HOSTILE)
def test_text_and_values_are_the_same_earlier_report(name: str) -> None:
    earlier = [hostile(name)]
    by_values, by_text = (gathered([], before=before, now=NOW).comparison for before in (earlier, json.dumps(earlier)))
    assert by_values is not None
    assert by_text is not None
    assert by_text.changes == by_values.changes
    assert [one.key for one in by_text.before] == [one.key for one in by_values.before]
