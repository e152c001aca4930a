"""What a hardening in check mode would change: a row for each thing, with how severe it is."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils import _drift

SEVERITIES: t.Final = {"ssl": "high", "log_hostname": "low", "shared_preload_libraries": "critical"}


def step(component: str, before: str = "", after: str = "") -> dict[str, str]:
    """As a module returns it."""
    return {
        "component": component,
        "subject": "a subject",
        "description": "do it",
        "statement": "",
        "before": before,
        "after": after,
    }


def result(*steps: dict[str, str], **more: t.Any) -> dict[str, t.Any]:
    """The account of a host with one cluster."""
    cluster = {"cluster": "17/main", "steps": list(steps), "restart_required": [], "error": "", **more}
    return {"clusters": [cluster], "packages": {"missing": [], "installed": []}}


def of(**hosts: t.Any) -> dict[str, t.Any]:
    """The document."""
    return _drift.drift(hosts, severities=SEVERITIES, now=1_796_040_000)


def test_a_host_as_it_should_be_has_no_row() -> None:
    document = of(db1=result())
    assert (document["hosts"], document["drifted"], document["rows"]) == (["db1"], [], [])
    assert document["generated_epoch"] == 1_796_040_000


def test_the_gravest_comes_first_and_each_row_says_where_it_is() -> None:
    settings = step("settings", before="log_hostname = on\n", after="log_hostname = off\n")
    document = of(db2=result(settings), db1=result(step("hba")))
    assert [(row["host"], row["component"], row["severity"]) for row in document["rows"]] == [
        ("db1", "hba", "high"),
        ("db2", "settings", "low"),
    ]
    assert document["counts"] == {"critical": 0, "high": 1, "medium": 0, "low": 1}


@pytest.mark.parametrize(
    ("before", "after", "severity"),
    [
        ("ssl = off\nwork_mem = 4MB\n", "ssl = on\nwork_mem = 4MB\n", "high"),
        ("ssl = on\n", "ssl = on\nlog_hostname = off\n", "low"),
        ("", "shared_preload_libraries = 'pgaudit'\nlog_hostname = off\n", "critical"),
        ("LOG_HOSTNAME on\n", "", "low"),  # as PostgreSQL reads it, too
        ("work_mem = 4MB\n", "work_mem = 8MB\n", "medium"),
    ],
)
def test_parameters_are_as_severe_as_the_gravest_that_changes(before: str, after: str, severity: str) -> None:
    (row,) = of(db1=result(step("settings", before, after)))["rows"]
    assert row["severity"] == severity


def test_what_waits_for_a_restart_and_what_is_missing_are_rows_too() -> None:
    waiting = {"parameter": "shared_preload_libraries", "running": "", "configured": "auth_delay"}
    host = result(restart_required=[waiting])
    host["packages"]["missing"] = ["postgresql-17-pgaudit"]
    rows = of(db1=host)["rows"]
    assert [(row["component"], row["subject"], row["severity"]) for row in rows] == [
        ("restart", "shared_preload_libraries", "critical"),
        ("packages", "postgresql-17-pgaudit", "medium"),
    ]


@pytest.mark.parametrize("nothing", [None, {}, {"msg": "Failed to connect"}])
def test_of_a_host_that_told_nothing_nothing_is_known(nothing: t.Any) -> None:
    document = of(db1=nothing, db2=result())
    assert document["drifted"] == ["db1"]
    assert document["rows"][0]["component"] == "unknown"
    assert document["rows"][0]["severity"] == "high"


def test_a_run_that_failed_keeps_what_it_had_found() -> None:
    rows = of(db1=result(step("hba"), error="it would lock out somebody"))["rows"]
    assert [row["component"] for row in rows] == ["hba", "unknown"]
    assert "it would lock out somebody" in rows[1]["description"]


@pytest.mark.parametrize("wrong", ["text", [1], {"clusters": "none"}])
def test_what_is_no_account_is_named(wrong: t.Any) -> None:
    with pytest.raises(InputError, match=r"input\.db1.*pg_harden_result"):
        of(db1=wrong)


def test_severities_are_the_four() -> None:
    assert _drift.severities({"work_mem": "low"}) == {"work_mem": "low"}
    with pytest.raises(InputError, match=r"severities\.work_mem: 'none'"):
        _drift.severities({"work_mem": "none"})
