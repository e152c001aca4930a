"""What a run returns."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Outcome
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import PendingRestart
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned

BEFORE = Plan((Planned(warnings=("loses an owner",), findings=("md5 in line 2", "no TLS yet")),))
AFTER = Plan(
    (Planned(findings=("md5 in line 2",), restart_required=(PendingRestart("max_connections", "100", "200"),)),)
)


def test_check_mode_returns_what_the_plan_says() -> None:
    result = Outcome(plan=BEFORE, after=None, facts={"server": {}}, notes=("not rehearsed",)).result()
    assert result["warnings"] == ["loses an owner", "md5 in line 2", "no TLS yet", "not rehearsed"]
    assert result["restart_required"] == []
    assert result["server"] == {}


def test_findings_and_restarts_are_those_after_a_run() -> None:
    result = Outcome(plan=BEFORE, after=AFTER, facts={}).result()
    assert result["warnings"] == ["loses an owner", "md5 in line 2"]
    assert [item["parameter"] for item in result["restart_required"]] == ["max_connections"]
