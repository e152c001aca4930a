"""A plan is one thing that feeds changed, the diff and the returned steps."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import PendingRestart
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile

WRITE = Step(
    "hba", "/c/pg_hba.conf", "replace", "old", "new\n", WriteFile("/c/pg_hba.conf", b"old", b"new\n"), reload=True
)
ALTER = Step("role_attributes", 'role "a"', "strip", "SUPERUSER", "", RunSql("ALTER ROLE a", "ALTER ROLE b"))


def test_an_empty_plan_changes_nothing() -> None:
    plan = Plan((Planned(), Planned(left_alone=(LeftAlone("hba", "x", "because"),))))
    assert not plan.changed
    assert plan.result()["diff"] == []
    assert plan.result()["left_alone"] == [{"component": "hba", "subject": "x", "reason": "because"}]


def test_steps_keep_their_order_and_feed_everything() -> None:
    plan = Plan((Planned(steps=(ALTER,)), Planned(steps=(WRITE,))))
    result = plan.result()
    assert plan.changed
    assert [step["subject"] for step in result["steps"]] == ['role "a"', "/c/pg_hba.conf"]
    assert [entry["before"] for entry in result["diff"]] == ["SUPERUSER\n", "old\n"]
    assert [entry["after"] for entry in result["diff"]] == ["", "new\n"]


def test_only_steps_that_say_so_need_a_reload() -> None:
    assert not Plan((Planned(steps=(ALTER,)),)).needs_reload
    assert Plan((Planned(steps=(ALTER, WRITE)),)).needs_reload


def test_files_are_what_will_be_written() -> None:
    assert Plan((Planned(steps=(ALTER, WRITE)),)).files() == {"/c/pg_hba.conf": b"new\n"}


def test_what_waits_for_a_restart_is_not_a_change() -> None:
    plan = Plan((Planned(restart_required=(PendingRestart("max_connections", "100", "200"),)),))
    assert not plan.changed
    assert plan.result()["restart_required"] == [
        {"parameter": "max_connections", "running": "100", "configured": "200"}
    ]
