"""What an audit says on one screen, and when it fails."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.summary import brief
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.summary import failing
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.summary import screen
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import Report
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import gathered
from ansible_collections.rampart.postgresql.tests.assessments import NOW
from ansible_collections.rampart.postgresql.tests.assessments import assessment
from ansible_collections.rampart.postgresql.tests.assessments import finding
from ansible_collections.rampart.postgresql.tests.assessments import fleet


def report(*assessments: dict[str, t.Any], before: t.Any = None) -> Report:
    """Of these clusters."""
    return gathered(list(assessments), before=before, now=NOW)


def failed(control: str, severity: str = "high") -> dict[str, t.Any]:
    """A finding that failed."""
    return finding(control, severity=severity, status="fail", items=[{"role": "app"}])


def test_a_severity_fails_with_those_that_are_graver() -> None:
    found = report(assessment(failed("RPG-A-001", "critical"), failed("RPG-A-002"), failed("RPG-A-003", "medium")))
    assert failing(found, "critical") == ["db1 17/main: RPG-A-001"]
    assert failing(found, "high") == ["db1 17/main: RPG-A-001, RPG-A-002"]
    assert failing(found, "low") == ["db1 17/main: RPG-A-001, RPG-A-002, RPG-A-003"]
    assert failing(found, "never") == []


@pytest.mark.parametrize("status", ["pass", "waived", "unknown", "not_applicable", "manual"])
def test_nothing_else_than_a_failure_fails(status: str) -> None:
    assert failing(report(assessment(finding(status=status))), "low") == []


def test_who_could_not_be_looked_at_has_not_passed() -> None:
    (reason,) = failing(report(assessment(error="the server is down")), "critical")
    assert reason == "db1 17/main: could not be assessed: the server is down"


def test_only_what_is_new_fails_where_that_is_asked_for() -> None:
    before = [assessment(failed("RPG-A-001"))]
    found = report(assessment(failed("RPG-A-001"), failed("RPG-A-002")), before=before)
    assert failing(found, "high", only_new=True) == ["db1 17/main: RPG-A-002"]
    assert failing(found, "high") == ["db1 17/main: RPG-A-001, RPG-A-002"]


def test_the_gravest_and_most_frequent_come_first() -> None:
    lines = screen(
        report(
            assessment(failed("RPG-A-001", "low"), failed("RPG-A-002"), failed("RPG-A-003")),
            assessment(failed("RPG-A-003"), host="db2"),
        )
    )
    assert lines[0] == "2 clusters on 2 hosts; 0 could not be assessed"
    assert [line.split()[1] for line in lines[2:]] == ["RPG-A-003", "RPG-A-002", "RPG-A-001"]
    assert "2 hosts" in lines[2]
    assert "db1" in lines[3]


def test_a_large_fleet_fits_on_a_screen_too() -> None:
    lines = screen(report(*fleet(60)))
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 110
    assert lines[-1].endswith("more controls, in the reports")


def test_the_result_of_a_task_has_ids_and_no_items() -> None:
    found = brief(assessment(failed("RPG-A-001"), finding("RPG-A-002", status="unknown"), finding("RPG-A-003")))
    assert found == {
        "cluster": "17/main",
        "error": "",
        "statuses": {"fail": 1, "unknown": 1, "pass": 1},
        "failed": {"critical": [], "high": ["RPG-A-001"], "medium": [], "low": []},
        "unknown": ["RPG-A-002"],
    }
