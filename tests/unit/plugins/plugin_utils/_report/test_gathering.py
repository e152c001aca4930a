# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a playbook hands over, and what is said when it is something else."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import percent
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.counting import summary
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import gathered
from ansible_collections.rampart.postgresql.tests.assessments import NOW
from ansible_collections.rampart.postgresql.tests.assessments import assessment
from ansible_collections.rampart.postgresql.tests.assessments import drifted
from ansible_collections.rampart.postgresql.tests.assessments import finding
from ansible_collections.rampart.postgresql.tests.assessments import fleet

BARE = assessment(finding(), host="")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (assessment(), [("db1", "17/main")]),
        ([assessment(host="b"), assessment(host="a")], [("a", "17/main"), ("b", "17/main")]),
        ({"a": BARE, "b": [BARE, assessment(cluster="16/main", host="")]},
         [("a", "17/main"), ("b", "16/main"), ("b", "17/main")]),
        ({"a": assessment(host="named")}, [("named", "17/main")]),
        ({"assessments": [assessment()]}, [("db1", "17/main")]),
        ([], []),
        ({}, []),
    ],
)  # fmt: skip
def test_shapes(given: t.Any, wanted: list[tuple[str, str]]) -> None:
    assert [one.key for one in gathered(given, now=NOW).assessments] == wanted


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (3, "input: 3"),
        ([None], "input[0]: None"),
        ({"db1": {"findings": {}}}, "input['db1'].schema: None"),
        (assessment(schema=2), "input.schema: 2 cannot be used: one of 1"),
        (assessment() | {"findings": [finding(status="good")]}, "input.findings[0].status: 'good'"),
        (assessment() | {"findings": [finding(severity="worst")]}, "input.findings[0].severity: 'worst'"),
        (assessment() | {"findings": [finding(severity=True)]}, "input.findings[0].severity: True"),
        (assessment() | {"findings": [finding(control=None)]}, "input.findings[0].control: None"),
        (assessment() | {"findings": [finding(area="")]}, "input.findings[0].area: ''"),
        (assessment() | {"findings": [finding(fix="x")]}, "input.findings[0].fix: 'x'"),
        (assessment() | {"findings": [finding(waived=[3])]}, "input.findings[0].waived[0]: 3"),
        (assessment() | {"findings": [finding(item_count="3")]}, "input.findings[0].item_count: '3'"),
        (assessment(gathered_epoch=True), "input.gathered_epoch: True"),
        (assessment(in_recovery="no"), "input.in_recovery: 'no'"),
        (assessment(managed_by="patroni"), "input.managed_by: 'patroni'"),
        ([assessment(), assessment()], "input[1]: 'db1 17/main' cannot be used: each cluster"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(given: t.Any, where: str) -> None:
    with pytest.raises(InputError) as caught:
        gathered(given, now=NOW)
    assert str(caught.value).startswith(where), str(caught.value)


@pytest.mark.parametrize(
    "wrong", [{"title": 3}, {"now": "today"}, {"now": True}, {"now": -1}, {"before": "{"}, {"before": 3}]
)
def test_options(wrong: dict[str, t.Any]) -> None:
    (name,) = wrong
    with pytest.raises(InputError, match=f"^{name}: "):
        gathered([], **{"now": NOW, **wrong})


def test_drift_is_taken_as_values_and_as_text() -> None:
    for given in (drifted("db1"), json.dumps(drifted("db1"))):
        found = gathered([assessment()], drift=given, now=NOW).drift
        assert found is not None
        assert [(row.host, row.component, row.severity) for row in found.rows] == [
            ("db1", "role_attributes", "high"),
            ("db1", "settings", "low"),
        ]
        assert found.hosts == ("db1", "db9")
    assert gathered([assessment()], now=NOW).drift is None


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ("{", "drift: '{' cannot"),
        ([], r"drift: \[\]"),
        ({**drifted("db1"), "schema": 2}, "drift.schema: 2"),
        ({**drifted("db1"), "rows": [{"severity": "awful"}]}, r"drift.rows\[0\].severity: 'awful'"),
    ],
)
def test_what_is_no_drift_is_named(wrong: t.Any, where: str) -> None:
    with pytest.raises(InputError, match=where):
        gathered([], drift=wrong, now=NOW)


def test_summary() -> None:
    report = gathered(fleet(9), now=NOW)
    told = summary(report)
    assert (told["clusters"], told["hosts"], told["not_assessed"]) == (9, 9, 1)
    assert sum(told["statuses"].values()) == 9 * 150
    assert sum(told["failures"].values()) == told["statuses"]["fail"] > 0
    assert told["changes"] is None


def test_only_a_whole_fleet_has_a_hundred_percent() -> None:
    clusters = [assessment(finding(), host=str(number)) for number in range(200)]
    assert percent(gathered(clusters, now=NOW).assessments) == 100
    clusters[0] = assessment(finding(status="fail"), host="0")
    assert percent(gathered(clusters, now=NOW).assessments) == 99
    assert percent([]) is None
