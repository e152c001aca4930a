"""Findings that many clusters have alike are one object, and those that only look alike are not."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report import alike
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import gathered
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Finding
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.reading import Entry
from ansible_collections.rampart.postgresql.tests.assessments import NOW
from ansible_collections.rampart.postgresql.tests.assessments import assessment
from ansible_collections.rampart.postgresql.tests.assessments import finding
from ansible_collections.rampart.postgresql.tests.unit.growth import no_explosion


def findings(*told: dict[str, t.Any]) -> list[Finding]:
    """Those of clusters that have one each."""
    given = [assessment(one, host=f"db{number:05}") for number, one in enumerate(told)]
    return [one.findings[0] for one in gathered(given, now=NOW).assessments]


def test_what_is_alike_is_there_once() -> None:
    first, second = findings(finding(status="fail", items=[{"a": 1}]), finding(status="fail", items=[{"a": 1}]))
    assert first is second


@pytest.mark.parametrize("item", [True, 1.0, "1", [1], None])
def test_what_only_compares_as_equal_stays_as_it_is(item: t.Any) -> None:
    first, second = findings(finding(items=[1]), finding(items=[item]))
    assert repr(first.items) == "(1,)"
    assert repr(second.items) == repr((item,))


def test_what_is_wrong_is_told_with_its_place_however_many_were_right() -> None:
    with pytest.raises(InputError, match=r"\[2\]\.findings\[0\]\.item_count: False"):
        findings(finding(), finding(), {**finding(), "item_count": False})


def test_a_fleet_with_nothing_alike_is_read_all_the_same() -> None:
    known, numbers = alike.Alike(), range(alike._MOST + 5)
    with no_explosion():
        found = [known.finding(Entry(finding(evidence=str(number)), "input")) for number in numbers]
    assert [one.evidence for one in found] == [str(number) for number in numbers]
