# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is planned for roles, from states that were made by hand."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ManagedElsewhere
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleLoses
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import ATTRIBUTES
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Dependent
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Grant
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import ParameterGrant
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import State

POSTGRES = Role(oid=10, name="postgres", attributes=ATTRIBUTES)
APP = Role(oid=16384, name="app", attributes=("SUPERUSER", "CREATEDB"))
DBA = Role(oid=16385, name="dba", attributes=("SUPERUSER",))
PLAIN = Role(oid=16386, name="plain", attributes=())
STANDBY = Role(oid=16387, name="standby", attributes=("CREATEDB", "REPLICATION"))
STATE = State(roles=(POSTGRES, APP, DBA, PLAIN, STANDBY), login="postgres", superuser=True)
ALLOW_DBA = {"role": "dba", "attributes": ["SUPERUSER"]}


def state(*roles: Role, **changes: t.Any) -> State:
    return dataclasses.replace(STATE, roles=(POSTGRES, *roles), **changes)


def plan(state: State, **values: t.Any) -> Planned:
    return component(values, option="roles").plan(state)


def statements(planned: Planned) -> list[str]:
    operations = [step.operation for step in planned.steps]
    assert all(isinstance(operation, RunSql) for operation in operations)
    return [operation.statement for operation in operations if isinstance(operation, RunSql)]


def test_only_what_differs_is_sent_and_can_be_taken_back() -> None:
    planned = plan(STATE, allow=[ALLOW_DBA, {"role": "standby", "attributes": ["REPLICATION"]}])
    assert statements(planned) == [
        'ALTER ROLE "app" NOSUPERUSER NOCREATEDB',
        'ALTER ROLE "standby" NOCREATEDB',
    ]
    first, second = planned.steps
    assert isinstance(first.operation, RunSql) and isinstance(second.operation, RunSql)
    assert first.operation.undo == 'ALTER ROLE "app" SUPERUSER CREATEDB'
    assert (first.before, first.after) == ("SUPERUSER CREATEDB LOGIN", "LOGIN")
    assert (second.before, second.after) == ("CREATEDB REPLICATION LOGIN", "REPLICATION LOGIN")
    assert not planned.left_alone
    assert planned.effects == tuple(
        RoleLoses(role, lost) for role, lost in (("app", "SUPERUSER"), ("app", "CREATEDB"), ("standby", "CREATEDB"))
    )


def test_an_empty_allow_list_allows_nobody() -> None:
    assert len(plan(STATE, allow=[]).steps) == 3


def test_without_a_list_everything_is_reported_and_nothing_changed() -> None:
    planned = plan(STATE)
    assert not planned.steps
    assert [(item.subject, item.reason) for item in planned.left_alone] == [
        ('role "app"', "has SUPERUSER CREATEDB, and no allow-list says whether it may"),
        ('role "dba"', "has SUPERUSER, and no allow-list says whether it may"),
        ('role "standby"', "has CREATEDB REPLICATION, and no allow-list says whether it may"),
    ]


def test_roles_to_strip_are_stripped_without_a_list() -> None:
    planned = plan(STATE, strip=["app"])
    assert statements(planned) == ['ALTER ROLE "app" NOSUPERUSER NOCREATEDB']
    assert [item.subject for item in planned.left_alone] == ['role "dba"', 'role "standby"']


def test_attributes_that_are_not_governed_stay() -> None:
    assert statements(plan(STATE, allow=[], attributes=["CREATEDB"])) == [
        'ALTER ROLE "app" NOCREATEDB',
        'ALTER ROLE "standby" NOCREATEDB',
    ]


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("App", '"App"'),
        ('a"b', '"a""b"'),
        ("100%s", '"100%s"'),
        ("naïve {x}", '"naïve {x}"'),
        ("a\\b'; DROP TABLE x; --", '"a\\b\'; DROP TABLE x; --"'),
        ("user", '"user"'),
        ("two\nlines", '"two\nlines"'),
    ],
)
def test_a_name_stays_a_name(name: str, quoted: str) -> None:
    role = Role(oid=16400, name=name, attributes=("CREATEDB",))
    assert statements(plan(state(role), allow=[])) == [f"ALTER ROLE {quoted} NOCREATEDB"]
    assert not plan(state(role), allow=[{"role": name, "attributes": ["CREATEDB"]}]).steps


def test_the_bootstrap_superuser_the_login_and_predefined_roles_are_exempt() -> None:
    admin = Role(oid=16400, name="admin", attributes=("SUPERUSER",))
    predefined = Role(oid=4200, name="pg_signal_backend", attributes=("CREATEDB",), login=False)
    planned = plan(state(admin, predefined, login="admin"), allow=[])
    assert not planned.steps
    assert [(item.subject, item.reason) for item in planned.left_alone] == [
        ('role "admin"', "has SUPERUSER, but it is the login of this run")
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"strip": ["postgres"]},
        {"strip": ["app", "admin"]},
        {"allow": [{"role": "postgres", "attributes": []}]},
        {"allow": [{"role": "admin", "attributes": []}]},
        {"allow": [{"role": "postgres", "attributes": ["CREATEDB"]}]},
        {"allow": [{"role": "app", "attributes": []}, {"role": "admin", "attributes": ["CREATEROLE"]}]},
    ],
)
def test_to_name_the_exempt_is_an_error(values: dict[str, t.Any]) -> None:
    admin = Role(oid=16400, name="admin", attributes=("SUPERUSER",))
    with pytest.raises(InputError, match=r"roles\.(strip|allow)\[\d\]: '(postgres|admin)' cannot be used"):
        plan(state(admin, login="admin"), **values)
    assert plan(state(admin, login="admin"), allow=[{"role": "postgres", "attributes": ["SUPERUSER"]}]).steps == ()
    others = {"allow": [{"role": "postgres", "attributes": ["CREATEDB"]}], "attributes": ["CREATEDB", "CREATEROLE"]}
    assert plan(state(admin, login="admin"), **others).steps == ()


@pytest.mark.parametrize(
    ("attributes", "kept"),
    [(("CREATEDB", "REPLICATION"), "REPLICATION"), (("SUPERUSER", "CREATEDB"), "SUPERUSER")],
)
def test_what_replication_uses_is_kept(attributes: tuple[str, ...], kept: str) -> None:
    role = dataclasses.replace(STANDBY, attributes=attributes)
    used = state(role, replicating={role.oid: ("it sends WAL to walreceiver",)})
    with pytest.raises(RampartError, match=f'role "standby" needs {kept}: it sends WAL to walreceiver.*roles.allow'):
        plan(used, allow=[])
    assert plan(used, allow=[{"role": "standby", "attributes": [kept]}]).steps
    planned = plan(used, allow=[], in_use="keep")
    assert statements(planned) == ['ALTER ROLE "standby" NOCREATEDB']
    assert [item.reason for item in planned.left_alone] == [
        f"{kept} is in use for replication now: it sends WAL to walreceiver"
    ]
    assert len(statements(plan(state(role), allow=[]))) == 1


def test_what_a_tool_works_with_is_the_operators_to_decide() -> None:
    uses = {APP.oid: ("/etc/pgbackrest.conf names it for pgBackRest",)}
    files = Role(oid=4569, name="pg_read_server_files", attributes=(), login=False)
    found = state(
        APP,
        PLAIN,
        files,
        recognised=uses,
        unread=("cannot read /etc/barman.conf",),
        grants=(Grant(files.oid, APP.oid, 10), Grant(files.oid, PLAIN.oid, 10)),
        parameter_grants=(
            ParameterGrant("archive_command", APP.oid, 10, "SET"),
            ParameterGrant("archive_command", 0, 10, "SET"),
        ),
    )
    with pytest.raises(RampartError, match="pgBackRest") as caught:
        plan(found, allow=[ALLOW_DBA])
    assert caught.value.details["roles"] == ["app"]
    for need in ("SUPERUSER CREATEDB", "membership in pg_read_server_files", "SET on parameter archive_command"):
        assert f'role "app" needs {need}: /etc/pgbackrest.conf names it' in str(caught.value)
    kept = plan(found, allow=[], in_use="keep")
    assert statements(kept) == [
        'REVOKE "pg_read_server_files" FROM "plain"',
        'REVOKE SET ON PARAMETER "archive_command" FROM PUBLIC',
    ]
    assert kept.standing["roles_in_use"] == [{"role": "app", "uses": list(uses[APP.oid])}]
    assert "cannot read /etc/barman.conf" in kept.warnings
    assert not any(
        '"app"' in statement
        for statement in statements(plan(found, allow=[{"role": "app", "attributes": ["SUPERUSER", "CREATEDB"]}]))
    )
    assert 'REVOKE "pg_read_server_files" FROM "app"' in statements(plan(found, allow=[], strip=["app"]))


def test_what_a_tool_has_through_a_group_is_too() -> None:
    group = Role(oid=16400, name="backup", attributes=(), login=False)
    files = Role(oid=4569, name="pg_read_server_files", attributes=(), login=False)
    found = state(
        PLAIN,
        group,
        files,
        recognised={PLAIN.oid: ("it is connected as pgBackRest",)},
        grants=(Grant(files.oid, group.oid, 10), Grant(group.oid, PLAIN.oid, 10)),
        parameter_grants=(ParameterGrant("archive_command", group.oid, 10, "SET"),),
    )
    words = (
        'role "backup" needs membership in pg_read_server_files: role "plain", a member: it is connected as pgBackRest'
    )
    with pytest.raises(RampartError, match=words) as caught:
        plan(found, allow=[])
    assert caught.value.details["roles"] == ["backup"]
    assert not plan(found, allow=[], in_use="keep").steps
    for decided in ("plain", "backup"):
        assert len(plan(found, allow=[{"role": decided}]).steps) == 2


def test_a_subscription_blocks_and_is_named() -> None:
    subscription = Dependent(owner=APP.oid, kind="subscription", name="orders", database="shop")
    blocked = dataclasses.replace(STATE, dependents=(subscription,))
    with pytest.raises(RampartError, match='subscription "orders" in database "shop" of role "app"') as caught:
        plan(blocked, allow=[ALLOW_DBA])
    assert caught.value.details["subscriptions"][0]["name"] == "orders"
    assert plan(blocked, allow=[{"role": "app", "attributes": ["SUPERUSER"]}]).steps
    assert plan(blocked, allow=[], attributes=["CREATEDB"]).steps
    with pytest.raises(RampartError, match="would lose LOGIN"):
        plan(blocked, roles=[{"role": "app", "login": False}])
    assert plan(blocked, roles=[{"role": "app", "connection_limit": 0}]).steps


def test_event_triggers_are_listed_and_do_not_block() -> None:
    trigger = Dependent(owner=APP.oid, kind="event trigger", name="audit", database="shop")
    found = dataclasses.replace(STATE, dependents=(trigger,), unseen=("closed",))
    planned = plan(found, allow=[])
    assert planned.steps
    assert 'role "app" loses SUPERUSER and owns event trigger "audit" in database "shop"' in planned.warnings[0]
    assert "database closed" in planned.warnings[1]
    assert plan(found, allow=[{"role": "app", "attributes": ["SUPERUSER"]}], attributes=["SUPERUSER"]).steps


def test_the_last_other_superuser_stays_where_policy_asks_for_one() -> None:
    with pytest.raises(RampartError, match=r'roles\.require_other_superuser: .* without role "app", role "dba"'):
        plan(STATE, allow=[], require_other_superuser=True)
    assert len(plan(STATE, allow=[ALLOW_DBA], require_other_superuser=True).steps) == 2
    nobody = dataclasses.replace(STATE, roles=(POSTGRES, PLAIN, STANDBY))
    assert len(plan(nobody, allow=[], require_other_superuser=True).steps) == 1


def test_a_superuser_that_cannot_log_in_is_no_second_way_in() -> None:
    sleeping = dataclasses.replace(DBA, login=False)
    with pytest.raises(RampartError, match="would be left"):
        plan(state(APP, sleeping), allow=[ALLOW_DBA], require_other_superuser=True)
    asleep = [{"role": "dba", "login": False}]
    with pytest.raises(RampartError, match='would be left .* without role "dba"'):
        plan(state(DBA), allow=[ALLOW_DBA], roles=asleep, require_other_superuser=True)
    with pytest.raises(RampartError, match='would be left .* without role "app", role "dba"'):
        plan(state(APP, DBA), allow=[ALLOW_DBA], roles=asleep, require_other_superuser=True)
    allow = [ALLOW_DBA, {"role": "app", "attributes": ["SUPERUSER"]}]
    assert plan(state(APP, DBA), allow=allow, roles=asleep, require_other_superuser=True).steps


@pytest.mark.parametrize(
    ("manager", "name"), [("patroni", "replicator"), ("repmgr", "repmgr"), ("pg_auto_failover", "autoctl_node")]
)
def test_what_a_manager_uses_has_to_be_allowed(manager: str, name: str) -> None:
    role = Role(oid=16400, name=name, attributes=("REPLICATION",))
    managed = state(role, managers=(manager,))
    with pytest.raises(ManagedElsewhere, match=f'{manager} runs this cluster and uses role "{name}"'):
        plan(managed, allow=[])
    assert not plan(managed, allow=[{"role": name, "attributes": ["REPLICATION"]}]).steps
    assert plan(state(role), allow=[]).steps


def test_a_login_that_may_not_do_it_is_told_before() -> None:
    with pytest.raises(Unsupported, match="'postgres' is not a superuser"):
        plan(dataclasses.replace(STATE, superuser=False), allow=[])
    assert plan(dataclasses.replace(STATE, superuser=False)).left_alone


def test_a_standby_takes_no_writes() -> None:
    standby = dataclasses.replace(STATE, in_recovery=True)
    planned = plan(standby, allow=[ALLOW_DBA])
    assert not planned.steps
    assert [item.subject for item in planned.left_alone] == ['role "app"', 'role "standby"']
    assert "run on the primary" in planned.left_alone[0].reason
    with pytest.raises(Unsupported, match="standby"):
        plan(standby, allow=[ALLOW_DBA], on_standby="fail")
    everybody = [{"role": role.name, "attributes": list(ATTRIBUTES)} for role in STATE.roles]
    nothing = plan(standby, allow=everybody, on_standby="fail")
    assert not nothing.steps and not nothing.left_alone


def test_a_role_that_is_not_there_is_a_warning() -> None:
    planned = plan(state(), allow=[{"role": "Dba", "attributes": ["SUPERUSER"]}], strip=["ghost"])
    assert planned.warnings == (
        "roles.allow[0]: this cluster has no role 'Dba'",
        "roles.strip[0]: this cluster has no role 'ghost'",
    )


def test_a_pattern_and_a_membership_allow_too() -> None:
    admins = Role(oid=16390, name="admins", attributes=(), login=False)
    between = Role(oid=16391, name="between", attributes=("CREATEDB",), login=False)
    grants = (Grant(16390, 16391, 10), Grant(16391, APP.oid, 10))
    known = state(admins, between, APP, DBA, STANDBY, grants=grants)
    allow = [
        {"member_of": "admins", "attributes": ["CREATEDB"]},
        {"pattern": "d.a", "attributes": ["SUPERUSER"]},
        {"pattern": "stand", "attributes": ["REPLICATION"]},
    ]
    assert statements(plan(known, allow=allow)) == [
        'ALTER ROLE "app" NOSUPERUSER',
        'ALTER ROLE "standby" NOCREATEDB NOREPLICATION',
    ]
    assert statements(plan(known, allow=allow, strip=["dba"]))[1] == 'ALTER ROLE "dba" NOSUPERUSER'
    warned = plan(known, allow=[{"member_of": "nobody", "attributes": []}]).warnings
    assert warned == ("roles.allow[0]: this cluster has no role 'nobody'",)


def test_values_are_set_where_they_differ() -> None:
    values = {"role": "app", "login": False, "connection_limit": 3, "valid_until": "2030-01-31 12:00:00.5"}
    with pytest.raises(InputError, match="valid_until"):
        plan(STATE, roles=[values])
    values["valid_until"] = "2030-01-31 12:00"
    planned = plan(STATE, roles=[values, {"role": "plain", "login": True, "valid_until": "infinity"}])
    until = "VALID UNTIL '2030-01-31 12:00:00+00'"
    assert statements(planned) == [f'ALTER ROLE "app" NOLOGIN CONNECTION LIMIT 3 {until}']
    assert isinstance(planned.steps[0].operation, RunSql)
    assert planned.steps[0].operation.undo == "ALTER ROLE \"app\" LOGIN CONNECTION LIMIT -1 VALID UNTIL 'infinity'"
    seconds = datetime.datetime(2030, 1, 31, 12, tzinfo=datetime.timezone.utc).timestamp()
    assert planned.effects == (
        RoleLoses("app", "LOGIN"),
        RoleBecomes("app", "connection_limit", 3),
        RoleBecomes("app", "valid_until", seconds),
    )
    done = dataclasses.replace(APP, login=False, connection_limit=3, valid_until=seconds)
    assert not plan(state(done), roles=[values]).steps
    back = plan(state(done), roles=[{"role": "app", "login": True, "connection_limit": -1, "valid_until": "infinity"}])
    assert back.effects == (
        RoleBecomes("app", "login", True),
        RoleBecomes("app", "connection_limit", -1),
        RoleBecomes("app", "valid_until", None),
    )


@pytest.mark.parametrize("name", ["postgres", "admin"])
def test_values_of_the_exempt_are_an_error(name: str) -> None:
    admin = Role(oid=16400, name="admin", attributes=("SUPERUSER",))
    with pytest.raises(InputError, match=rf"roles\.roles\[0\]\.role: '{name}' cannot be used"):
        plan(state(admin, login="admin"), roles=[{"role": name, "connection_limit": 5}])


_SUBSETS = st.lists(st.sampled_from(ATTRIBUTES), unique=True).map(
    lambda chosen: tuple(name for name in ATTRIBUTES if name in chosen)
)
_NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=15)


@settings(deadline=None)
@given(roles=st.dictionaries(_NAMES, _SUBSETS, max_size=6), allowed=st.dictionaries(_NAMES, _SUBSETS, max_size=6))
def test_afterwards_nobody_has_more_than_is_allowed_and_nothing_else_changed(
    roles: dict[str, tuple[str, ...]], allowed: dict[str, tuple[str, ...]]
) -> None:
    names = dict.fromkeys([*roles, *allowed])
    named = [name for name in names if not name.startswith("pg_") and name != "postgres"]
    before = state(*(Role(oid=16384 + n, name=name, attributes=roles.get(name, ())) for n, name in enumerate(named)))
    values = {"allow": [{"role": name, "attributes": list(allowed.get(name, ()))} for name in named]}
    planned = plan(before, **values)
    taken = {step.subject: step.operation.statement for step in planned.steps if isinstance(step.operation, RunSql)}
    assert len(taken) == len(planned.steps)
    after = state(*(_without(role, allowed.get(role.name, ())) for role in before.roles if role.oid != 10))
    left = plan(after, **values)
    assert not left.steps and not left.left_alone and not left.effects
    for role in before.roles:
        expected = set(role.attributes) - set(allowed.get(role.name, ())) if role.oid != 10 else set()
        subject = 'role "' + role.name.replace('"', '""') + '"'
        words = taken.get(subject, "").rsplit('" ', 1)[-1].split()
        assert {word[2:] for word in words} == expected


def _without(role: Role, allowed: tuple[str, ...]) -> Role:
    return dataclasses.replace(role, attributes=tuple(name for name in role.attributes if name in allowed))
