# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Memberships and grants on parameters: what goes, in which order, and what cannot."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import MembershipBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.order import Doomed
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.order import doomed_in_order
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords.state import Passwords
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Grant
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import ParameterGrant
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import State

PROGRAM = Role(oid=4571, name="pg_execute_server_program", attributes=(), login=False)
READER = Role(oid=6181, name="pg_read_all_data", attributes=(), login=False)
POSTGRES = Role(oid=10, name="postgres", attributes=("SUPERUSER",))
ONE, TWO, THREE = (Role(oid=20000 + n, name=name, attributes=()) for n, name in enumerate(("one", "t wo", "three")))
ROLES = (POSTGRES, PROGRAM, READER, ONE, TWO, THREE)


def state(*grants: Grant, version: int = 170000, **changes: t.Any) -> State:
    return State(roles=ROLES, login="postgres", superuser=True, grants=grants, version=version, **changes)


def plan(state: State, **values: t.Any) -> Planned:
    return component(values, option="roles").plan(state)


def statements(planned: Planned) -> list[str]:
    return [step.operation.statement for step in planned.steps if isinstance(step.operation, RunSql)]


def undo(planned: Planned) -> list[str]:
    return [step.operation.undo for step in planned.steps if isinstance(step.operation, RunSql)]


def grant(member: Role, *, by: Role = POSTGRES, of: Role = PROGRAM, admin: bool = False) -> Grant:
    return Grant(of.oid, member.oid, by.oid, admin, inherit=True, set=True)


def allowed(role: Role, of: Role = PROGRAM, **options: t.Any) -> dict[str, t.Any]:
    return {"role": role.name, "memberships": [{"role": of.name, **options}]}


def test_what_nobody_allowed_ends_with_its_grantor() -> None:
    found = state(grant(ONE), grant(TWO))
    planned = plan(found, allow=[allowed(ONE)])
    assert statements(planned) == ['REVOKE "pg_execute_server_program" FROM "t wo" GRANTED BY "postgres"']
    assert undo(planned) == [
        'GRANT "pg_execute_server_program" TO "t wo" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE GRANTED BY "postgres"'
    ]
    assert planned.effects == (MembershipBecomes("t wo", "pg_execute_server_program", None),)
    assert not plan(found).steps
    assert [item.subject for item in plan(found).left_alone] == ['role "one"', 'role "t wo"']
    assert not plan(found, allow=[], memberships=[]).steps
    assert [step.subject for step in plan(found, strip=["one"]).steps] == ['role "one"']


def test_until_15_there_is_no_grantor_to_name() -> None:
    old = [
        Grant(PROGRAM.oid, ONE.oid, POSTGRES.oid, True),
        Grant(PROGRAM.oid, TWO.oid, ONE.oid),
        Grant(PROGRAM.oid, THREE.oid, 99999),
    ]
    planned = plan(state(*old, version=150000), allow=[allowed(TWO, inherit=False)])
    assert statements(planned) == [
        'REVOKE "pg_execute_server_program" FROM "one"',
        'REVOKE "pg_execute_server_program" FROM "three"',
    ]
    assert undo(planned) == [
        'GRANT "pg_execute_server_program" TO "one" WITH ADMIN OPTION GRANTED BY "postgres"',
        'GRANT "pg_execute_server_program" TO "three"',
    ]
    assert "only PostgreSQL 16" in planned.left_alone[0].reason
    kept = plan(state(*old, version=150000), allow=[allowed(ONE), allowed(TWO), allowed(THREE)])
    assert statements(kept) == ['REVOKE ADMIN OPTION FOR "pg_execute_server_program" FROM "one"']


def test_dependants_go_first() -> None:
    chain = (grant(ONE, admin=True), grant(TWO, by=ONE, admin=True), grant(THREE, by=TWO))
    order = [step.subject for step in plan(state(*chain), allow=[]).steps]
    assert order == ['role "three"', 'role "t wo"', 'role "one"']


def test_what_is_allowed_falls_only_when_asked() -> None:
    chain = (grant(ONE, admin=True), grant(TWO, by=ONE))
    with pytest.raises(
        RampartError, match='hang on ones that are not.* role "t wo", member of .*roles.cascade'
    ) as caught:
        plan(state(*chain), allow=[allowed(TWO)])
    assert len(caught.value.details["dependents"]) == 1
    planned = plan(state(*chain), allow=[allowed(TWO)], cascade=True)
    assert [step.subject for step in planned.steps] == ['role "t wo"', 'role "one"']
    assert 'role "t wo", member of pg_execute_server_program' in planned.warnings[0]
    assert "CASCADE" not in " ".join(statements(planned))
    twice = (*chain, grant(ONE, by=THREE, admin=True), grant(THREE, admin=True))  # another grantor keeps it up
    kept = plan(state(*twice), allow=[allowed(TWO), allowed(THREE, admin=True), allowed(ONE, admin=True)])
    assert not kept.steps
    # Only the ADMIN option goes: what hangs on it falls too.
    with pytest.raises(RampartError, match="cascade"):
        plan(state(*chain), allow=[allowed(ONE), allowed(TWO)])
    assert not plan(state(*chain), allow=[allowed(ONE, admin=True), allowed(TWO)]).steps
    # A standby is told only what would be done.
    assert len(plan(state(*chain, in_recovery=True), allow=[allowed(TWO)]).left_alone) == 2


def test_options_of_what_is_allowed() -> None:
    planned = plan(state(grant(ONE, admin=True)), allow=[allowed(ONE, inherit=False, set=False)])
    assert statements(planned) == [
        'REVOKE ADMIN OPTION FOR "pg_execute_server_program" FROM "one" GRANTED BY "postgres"',
        'GRANT "pg_execute_server_program" TO "one" WITH INHERIT FALSE, SET FALSE GRANTED BY "postgres"',
    ]
    assert planned.effects == (MembershipBecomes("one", "pg_execute_server_program", False),)
    done = Grant(PROGRAM.oid, ONE.oid, POSTGRES.oid, False, inherit=False, set=False)
    assert not plan(state(done), allow=[allowed(ONE, inherit=False, set=False)]).steps


def test_reading_everything_counts_while_md5_remains() -> None:
    found = state(grant(ONE, of=READER), passwords=Passwords(kinds=(("old", "scram-sha-256"),)))
    assert not plan(found, allow=[]).steps
    for changes in ({"md5_rules": True}, {"passwords": Passwords(kinds=(("old", "md5"),))}, {"passwords": None}):
        assert len(plan(dataclasses.replace(found, **changes), allow=[]).steps) == 1


def test_superusers_that_stay_and_the_exempt_keep_theirs() -> None:
    boss = dataclasses.replace(ONE, attributes=("SUPERUSER",))
    found = dataclasses.replace(state(grant(ONE), grant(POSTGRES)), roles=(POSTGRES, PROGRAM, boss))
    assert not plan(found, allow=[{"role": "one", "attributes": ["SUPERUSER"]}]).steps
    assert len(plan(found, allow=[]).steps) == 2
    used = dataclasses.replace(found, replicating={boss.oid: ("it sends WAL",)})
    assert not plan(used, allow=[], in_use="keep").steps


def test_a_predefined_role_keeps_only_what_postgresql_gave_it() -> None:
    monitor = Role(oid=3373, name="pg_monitor", attributes=(), login=False)
    stats = Role(oid=3375, name="pg_read_all_stats", attributes=(), login=False)
    found = state(grant(monitor), grant(monitor, of=stats), grant(READER, of=stats))
    found = dataclasses.replace(found, roles=(*ROLES, monitor, stats))
    planned = plan(found, allow=[], memberships=[PROGRAM.name, stats.name])
    assert statements(planned) == [
        'REVOKE "pg_execute_server_program" FROM "pg_monitor" GRANTED BY "postgres"',
        'REVOKE "pg_read_all_stats" FROM "pg_read_all_data" GRANTED BY "postgres"',
    ]
    assert not plan(found, allow=[allowed(monitor)]).steps


def test_who_is_as_good_as_a_superuser() -> None:
    maker = dataclasses.replace(THREE, attributes=("CREATEROLE",))
    roles = (POSTGRES, PROGRAM, READER, ONE, TWO, maker)
    found = dataclasses.replace(state(grant(ONE), grant(TWO, of=ONE)), roles=roles)
    assert [entry["role"] for entry in plan(found).standing["near_superusers"]] == ["one", "t wo"]
    old = dataclasses.replace(found, version=150000)
    assert [entry["role"] for entry in plan(old).standing["near_superusers"]] == ["one", "t wo", "three"]
    apart = Grant(PROGRAM.oid, ONE.oid, POSTGRES.oid, inherit=False, set=False)
    assert not plan(dataclasses.replace(found, grants=(apart,))).standing["near_superusers"]
    admin = dataclasses.replace(apart, admin=True)
    assert [entry["role"] for entry in plan(state(admin)).standing["near_superusers"]] == ["one"]
    of_superuser = dataclasses.replace(admin, role=POSTGRES.oid)
    assert not plan(state(of_superuser)).standing["near_superusers"]


def test_who_may_set_what_runs_programs_is_as_good_too() -> None:
    held = (
        ParameterGrant("archive_command", ONE.oid, 10, "ALTER SYSTEM"),
        ParameterGrant("work_mem", THREE.oid, 10, "SET"),
    )
    found = state(grant(TWO, of=ONE), parameter_grants=held)
    assert plan(found).standing["near_superusers"] == [
        {"role": "one", "reasons": ["it may set archive_command"]},
        {"role": "t wo", "reasons": ["it may set archive_command"]},
    ]


def test_any_role_can_be_governed_whatever_its_name() -> None:
    group = dataclasses.replace(THREE, name='we"ird %s {x}; --')
    found = dataclasses.replace(state(grant(ONE, of=group)), roles=(POSTGRES, PROGRAM, READER, ONE, TWO, group))
    planned = plan(found, allow=[], memberships=[group.name])
    assert statements(planned) == ['REVOKE "we""ird %s {x}; --" FROM "one" GRANTED BY "postgres"']
    assert not plan(found, allow=[allowed(ONE, of=group)], memberships=[group.name]).steps
    assert plan(found, memberships=["nobody"]).warnings == ("roles.memberships: this cluster has no role 'nobody'",)
    assert not plan(found).warnings


def test_grants_on_parameters_go_as_their_grantor() -> None:
    grants = (
        ParameterGrant("archive_command", ONE.oid, 10, "ALTER SYSTEM", True),
        ParameterGrant("archive_command", TWO.oid, ONE.oid, "ALTER SYSTEM"),
        ParameterGrant("archive_command", 0, 10, "SET"),
        ParameterGrant("work_mem", ONE.oid, 10, "SET"),
    )
    found = state(parameter_grants=grants)
    planned = plan(found, allow=[])
    as_one = 'SET LOCAL ROLE "one"; {} ALTER SYSTEM ON PARAMETER "archive_command" {} "t wo"; RESET ROLE'
    assert statements(planned) == [
        as_one.format("REVOKE", "FROM"),
        'REVOKE ALTER SYSTEM ON PARAMETER "archive_command" FROM "one"',
        'REVOKE SET ON PARAMETER "archive_command" FROM PUBLIC',
    ]
    assert undo(planned)[:2] == [
        as_one.format("GRANT", "TO"),
        'GRANT ALTER SYSTEM ON PARAMETER "archive_command" TO "one" WITH GRANT OPTION',
    ]
    both = [{"pattern": ".*", "parameters": ["Archive_Command"]}]
    assert [step.subject for step in plan(found, allow=both).steps] == ["PUBLIC"]
    only_two = [{"role": TWO.name, "parameters": ["archive_command"]}]
    with pytest.raises(RampartError, match="cascade"):
        plan(found, allow=only_two)
    assert len(plan(dataclasses.replace(found, in_recovery=True), allow=only_two).left_alone) == 3
    boss = dataclasses.replace(ONE, attributes=("SUPERUSER",))
    became = dataclasses.replace(found, roles=(POSTGRES, PROGRAM, READER, boss, TWO, THREE))
    with pytest.raises(Unsupported, match='role "one" granted role "t wo" ALTER SYSTEM .* before it became superuser'):
        plan(became, allow=[{"role": "one", "attributes": ["SUPERUSER"]}])
    assert len(plan(became, allow=[]).steps) == 4
    assert len(plan(found, allow=only_two, cascade=True).steps) == 3
    assert len(plan(found).left_alone) == 3
    assert len(plan(found, allow=[], parameters=["work_mem"]).steps) == 1


_EDGES = st.lists(
    st.tuples(st.integers(1, 7), st.integers(0, 6), st.booleans()), max_size=14, unique_by=lambda e: e[:2]
)


@settings(deadline=None)
@given(edges=_EDGES, chosen=st.sets(st.integers(0, 13), max_size=6))
def test_nothing_is_left_that_nobody_could_have_given(edges: list[tuple[int, int, bool]], chosen: set[int]) -> None:
    """Grants as a server allows them: who gives must be able to, and gets nothing back through those."""
    held = [Grant(1, member, grantor, admin, True, True) for member, grantor, admin in edges if grantor < member]
    held = [g for g in held if g.grantor == 0 or any(h.member == g.grantor and h.admin for h in held)]
    doomed = [Doomed(g) for index, g in enumerate(held) if index in chosen]
    order = doomed_in_order(held, doomed)
    assert {item.held for item in doomed} <= {item.held for item in order} and len(order) == len(
        {i.held for i in order}
    )
    remaining = list(held)
    for item in order:  # at every moment the server would let it pass without CASCADE
        remaining.remove(item.held)
        assert all(
            g.grantor == 0 or any(h.member == g.grantor and h.admin for h in remaining) or g.grantor != item.held.member
            for g in remaining
        )
    wanted = {item.held for item in doomed}
    assert all(item.falls == (item.held not in wanted) for item in order)


def test_grants_that_run_in_circles_go_the_farthest_first() -> None:
    grants = (
        ParameterGrant("archive_command", ONE.oid, 10, "SET", True),
        ParameterGrant("archive_command", ONE.oid, TWO.oid, "SET", True),
        ParameterGrant("archive_command", TWO.oid, ONE.oid, "SET", True),
    )
    planned = plan(state(parameter_grants=grants), allow=[])
    assert [step.subject for step in planned.steps] == ['role "one"', 'role "t wo"', 'role "one"']
    assert statements(planned)[0].startswith('SET LOCAL ROLE "t wo"; REVOKE')
    with pytest.raises(Unsupported, match="no grant option any more"):
        plan(state(parameter_grants=grants[1:]), allow=[])
    with pytest.raises(Unsupported, match="no grant option any more"):
        plan(state(parameter_grants=grants[1:2]), allow=[])


def test_who_is_a_member_only_until_this_run_is_not_meant_by_it() -> None:
    found = state(grant(ONE, of=TWO), grant(ONE))
    allow = [{"member_of": TWO.name, "memberships": [allowed(ONE)["memberships"][0]]}]
    assert not plan(found, allow=allow, memberships=[PROGRAM.name]).steps
    assert len(plan(found, allow=allow, memberships=[PROGRAM.name, TWO.name]).steps) == 2


def test_options_of_what_nobody_could_grant_any_more_cannot_be_set() -> None:
    allow = [allowed(ONE), allowed(TWO, inherit=False)]
    with pytest.raises(Unsupported, match="no ADMIN option any more"):
        plan(state(grant(ONE), grant(TWO, by=ONE)), allow=allow)
    admin = [allowed(ONE, admin=True), allowed(TWO, inherit=False)]
    assert len(plan(state(grant(ONE, admin=True), grant(TWO, by=ONE)), allow=admin).steps) == 1
