# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which owners are bound by row-level security, and what is told of it."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.looking import Looked
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.looking import Policy
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.looking import Protected
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import State

LOOSE = Protected("app", "loose", "owner", forced=False, policies=(Policy("p", False),))
BOUND = Protected("app", "bound", "owner", forced=True, policies=(Policy("p", False),))
STATE = State(
    roles={"postgres": 10, "owner": 1},
    superusers=frozenset({10}),
    databases={"postgres": True, "shop": True},
    major=17,
    login="postgres",
    superuser=True,
    database="postgres",
    looked={"postgres": Looked(), "shop": Looked(tables=(LOOSE, BOUND))},
    schemas={"shop": frozenset({"app", "empty"})},
    bypassing=("seer",),
)


def plan(*entries: dict[str, t.Any], state: State = STATE, report: bool = False) -> Planned:
    return component({"force_row_security": entries, "report": report}).plan(state)


@pytest.mark.parametrize(
    ("entry", "bound"),
    [
        ({"objects": ["ALL"]}, True),
        ({"objects": ["loose"], "schemas": ["app"], "databases": ["shop"]}, True),
        ({"objects": ["bound"]}, False),
        ({"objects": ["/l.*"], "schemas": ["/b.*"]}, False),
        ({"objects": ["ALL"], "schemas": ["empty"]}, False),
        ({"objects": ["/l.*"], "databases": ["postgres"]}, False),
    ],
)
def test_owners_are_bound_where_an_entry_says_so(entry: dict[str, t.Any], bound: bool) -> None:
    operations = [step.operation for step in plan(entry).steps]
    table = 'ALTER TABLE "app"."loose"'
    wanted = RunSql(f"{table} FORCE ROW LEVEL SECURITY", f"{table} NO FORCE ROW LEVEL SECURITY", "shop")
    assert operations == ([wanted] if bound else [])


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"report": True}, ["shut"]),
        ({"force_row_security": [{"objects": ["ALL"]}]}, ["shut"]),
        ({"force_row_security": [{"objects": ["ALL"], "databases": ["shop"]}]}, []),
    ],
)
def test_a_database_that_nobody_could_look_into_is_told(values: dict[str, t.Any], told: list[str]) -> None:
    state = dataclasses.replace(STATE, databases={**STATE.databases, "shut": False, "template0": False})
    left = component(values).plan(state).left_alone
    assert [each.subject for each in left] == [f'database "{name}"' for name in told]


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"objects": ["loose", "plain"]}, "force_row_security[0].objects"),
        ({"objects": ["loose"], "databases": ["postgres"]}, "force_row_security[0].objects"),
        ({"objects": ["ALL"], "databases": ["gone"]}, "force_row_security[0].databases"),
        ({"objects": ["ALL"], "schemas": ["gone"]}, "force_row_security[0].schemas"),
        ({"objects": ["ALL"], "schemas": ["app"], "databases": ["postgres"]}, "force_row_security[0].schemas"),
        ({}, "force_row_security[0].objects"),
    ],
)
def test_what_is_named_has_to_be_there(entry: dict[str, t.Any], named: str) -> None:
    with pytest.raises(InputError) as raised:
        plan(entry)
    assert raised.value.option == named


def test_only_a_superuser_does_it_and_only_on_a_primary() -> None:
    entry = {"objects": ["ALL"]}
    with pytest.raises(Unsupported):
        plan(entry, state=dataclasses.replace(STATE, superuser=False))
    standby = plan(entry, state=dataclasses.replace(STATE, in_recovery=True), report=True)
    assert not standby.steps
    assert standby.left_alone
    assert standby.standing["access_findings"]


def test_findings_are_told_only_when_asked_for() -> None:
    assert "access_findings" not in plan().standing
    found = plan(report=True).standing["access_findings"]
    assert [(each["kind"], each["object"], each["owner"]) for each in found] == [
        ("bypassrls", 'role "seer"', ""),
        ("row_security_not_for_owner", 'table "app"."loose"', "owner"),
    ]
