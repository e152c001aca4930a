"""The score over time: read from the first lines of earlier reports, and drawn."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.as_html import render
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import gathered
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.html.scores import scores
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.rendering import rendered
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.trend import Point
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.trend import read
from ansible_collections.rampart.postgresql.tests.assessments import NOW
from ansible_collections.rampart.postgresql.tests.assessments import fleet


def test_the_score_of_a_report_is_in_its_first_lines() -> None:
    report = gathered(fleet(3), title="a\n} title", now=NOW)
    lines = rendered(report, "json").splitlines(keepends=True)
    whole = read(lines)
    assert whole is not None and whole.epoch == NOW and 0 < whole.percent < 100
    assert read(iter([*lines[:5], "torn"])) == whole


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{\n "made_epoch": 1,\n "summary": {"score": {"overall": null}},\n', "\ufffd" * 9]
)
def test_what_tells_no_score(text: str) -> None:
    assert read(text.splitlines(keepends=True)) is None


def test_a_line_from_the_first_audit_to_this_one() -> None:
    report = dataclasses.replace(gathered(fleet(3), now=NOW), trend=(Point(NOW - 100, 40), Point(NOW - 75, 100)))
    found = scores(report)
    assert found is not None
    assert [point.epoch for point in found.points] == [NOW - 100, NOW - 75, NOW]
    assert found.places[:2] == ((0, 60), (150, 0)) and found.places[2][0] == 600
    assert f'points="{found.line}"' in render(report)
    assert found.line.startswith("0,60 150,0 600,")


def test_one_audit_has_no_line() -> None:
    report = gathered(fleet(3), now=NOW)
    assert scores(report) is None
    assert "Score over time" not in render(report)
