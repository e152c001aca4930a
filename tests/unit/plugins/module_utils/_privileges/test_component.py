# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is planned for privileges, from states that were made by hand; and options that cannot be meant."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ConnectBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import Item
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import Catalogue
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import Thing

ROLES = {"postgres": 10, "owner": 1, "reader": 2, "writer": 3, "boss": 4}
ACLS = {
    "open": (Item(1, 1, "SELECT", False), Item(1, 0, "SELECT", False)),
    "chain": (Item(1, 1, "SELECT", False), Item(1, 2, "SELECT", True), Item(2, 3, "SELECT", False)),
    "of a boss": (Item(1, 4, "SELECT", True), Item(4, 3, "SELECT", False)),
    "database": (Item(1, 0, "CONNECT", False), Item(1, 0, "TEMPORARY", False), Item(1, 2, "CONNECT", False)),
}
STATE = State(
    roles=ROLES,
    superusers=frozenset({10, 4}),
    databases={"postgres": True, "shop": True, "shut": False, "template0": False},
    major=17,
    login="postgres",
    superuser=True,
    database="postgres",
    schemas={"postgres": frozenset({"public"}), "shop": frozenset({"app", "public"})},
    catalogues=(
        Catalogue("", "database", (Thing(None, "shop", 1, 16400, "database"),), ACLS),
        Catalogue(
            "shop",
            "table",
            (
                Thing("app", "chained", 1, 16501, "chain"),
                Thing("app", "orders", 1, 16502, "open"),
                Thing("app", "bossy", 1, 16503, "of a boss"),
            ),
            ACLS,
        ),
    ),
)
TABLE: dict[str, t.Any] = {"kind": "table", "databases": ["shop"], "schemas": ["app"], "privileges": ["SELECT"]}
ORDERS = {**TABLE, "objects": ["orders"], "roles": ["reader"]}
CHAINED = {**TABLE, "objects": ["chained"], "roles": ["reader"], "state": "absent"}


def plan(*grants: dict[str, t.Any], state: State = STATE, **options: t.Any) -> Planned:
    made = component({"grants": grants, **options})
    return made.plan(state)


def statements(planned: Planned) -> list[str]:
    return [step.statement for step in planned.steps]


def test_only_differences_are_planned() -> None:
    assert statements(plan(ORDERS)) == ['GRANT SELECT ON TABLE "app"."orders" TO "reader"']
    assert not plan({**ORDERS, "roles": ["PUBLIC"]}).steps
    (step,) = plan({**ORDERS, "grant_option": True}).steps
    assert step.subject == 'table "app"."orders" in database "shop"'
    assert (step.before, step.after) == ("", '"reader", granted by "owner": SELECT WITH GRANT OPTION')
    operation = t.cast(RunSql, step.operation)
    assert operation.database == "shop"
    assert operation.undo == 'REVOKE SELECT ON TABLE "app"."orders" FROM "reader"'


def test_every_statement_can_be_taken_back() -> None:
    planned = plan({**CHAINED, "roles": ["reader", "writer"]}, cascade=True)
    assert [t.cast(RunSql, step.operation).undo.splitlines()[0] for step in planned.steps][1:] == [
        'GRANT SELECT ON TABLE "app"."chained" TO "reader" WITH GRANT OPTION'
    ]
    assert 'GRANT SELECT ON TABLE "app"."chained" TO "writer"' in t.cast(RunSql, planned.steps[0].operation).undo


def test_what_would_fall_is_an_error_or_told() -> None:
    with pytest.raises(RampartError, match=r'grants\[0\].*SELECT of "writer" on table "app"."chained".*set cascade'):
        plan(CHAINED)
    planned = plan(CHAINED, cascade=True)
    assert len(planned.steps) == 2
    assert ['"writer"' in warning and "falls" in warning for warning in planned.warnings] == [True]


def test_a_superuser_cannot_revoke_in_its_own_name() -> None:
    with pytest.raises(Unsupported, match='"boss" granted SELECT to "writer" before it became superuser'):
        plan({**TABLE, "objects": ["bossy"], "roles": ["writer"], "state": "absent"})


def test_another_login_than_a_superuser_is_refused_only_where_something_changes() -> None:
    small = dataclasses.replace(STATE, superuser=False, login="small")
    assert not plan({**ORDERS, "roles": ["PUBLIC"]}, state=small).steps
    with pytest.raises(Unsupported, match="'small' is not a superuser"):
        plan(ORDERS, state=small)


def test_a_standby_is_left_alone() -> None:
    standby = dataclasses.replace(STATE, in_recovery=True)
    planned = plan(ORDERS, state=standby)
    assert not planned.steps
    assert "run on the primary" in planned.left_alone[0].reason
    with pytest.raises(Unsupported, match="standby"):
        plan(ORDERS, state=standby, on_standby="fail")


def test_who_loses_connect_is_told_to_the_guard() -> None:
    entry = {"kind": "database", "databases": ["shop"], "roles": ["PUBLIC"], "state": "absent"}
    planned = plan({**entry, "privileges": ["CONNECT"]})
    assert planned.effects == (ConnectBecomes("shop", "owner", frozenset({"reader"})),)
    assert t.cast(RunSql, planned.steps[0].operation).database == "shop"
    assert plan({**entry, "privileges": ["TEMP"]}).effects == ()
    owner = [{"kind": "database", "databases": ["shop"], "owner": "writer"}]
    assert plan(ownership=owner).effects == (ConnectBecomes("shop", "writer", frozenset({"", "reader"})),)


def test_owners_come_first_and_grants_come_from_the_new_one() -> None:
    ownership = [
        {"kind": "table", "databases": ["shop"], "schemas": ["app"], "objects": ["chained"], "owner": "reader"}
    ]
    planned = plan({**CHAINED, "roles": ["writer"]}, ownership=ownership)
    assert statements(planned) == [
        'ALTER TABLE "app"."chained" OWNER TO "reader"',
        'REVOKE SELECT ON TABLE "app"."chained" FROM "writer"',
    ]


def test_databases_without_connections_are_told_but_for_the_template() -> None:
    planned = plan({**ORDERS, "databases": None})
    assert [left.subject for left in planned.left_alone] == ['database "shut"']


def test_contradictions_name_both() -> None:
    with pytest.raises(InputError, match=r"^grants\[1\]: 'SELECT of reader'.*grants\[0\] gives what this takes"):
        plan(ORDERS, {**ORDERS, "objects": ["/o.*"], "privileges": ["ALL"], "state": "absent"})
    option = {**ORDERS, "grant_option": True}
    with pytest.raises(InputError, match=r"grants\[1\]"):
        plan(option, {**option, "state": "absent"})
    assert plan(ORDERS, {**option, "state": "absent"}).steps  # one gives the privilege, one takes its grant option


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"kind": "table", "objects": ["t"], "roles": ["r"], "privileges": ["EXECUTE"]}, "grants[0].privileges"),
        ({"kind": "table", "objects": ["t"], "roles": ["r"], "privileges": ["ALL", "SELECT"]}, "grants[0].privileges"),
        ({"kind": "table", "objects": ["t"], "roles": ["r"]}, "grants[0].privileges"),
        ({"kind": "table", "objects": ["t"], "roles": [], "privileges": ["SELECT"]}, "grants[0].roles"),
        ({"kind": "table", "objects": ["t"], "roles": ["ALL"], "privileges": ["SELECT"]}, "grants[0].roles"),
        ({"kind": "table", "roles": ["r"], "privileges": ["SELECT"]}, "grants[0].objects"),
        ({"kind": "table", "objects": ["/["], "roles": ["r"], "privileges": ["SELECT"]}, "grants[0].objects[0]"),
        ({"kind": "table", "objects": [""], "roles": ["r"], "privileges": ["SELECT"]}, "grants[0].objects[0]"),
        ({"kind": "schema", "roles": ["r"], "privileges": ["USAGE"]}, "grants[0].schemas"),
        (
            {"kind": "schema", "schemas": ["s"], "objects": ["t"], "roles": ["r"], "privileges": ["USAGE"]},
            "grants[0].objects",
        ),
        (
            {"kind": "tablespace", "databases": ["d"], "objects": ["t"], "roles": ["r"], "privileges": ["CREATE"]},
            "databases",
        ),
        ({"kind": "column", "objects": ["t"], "roles": ["r"], "privileges": ["SELECT"]}, "grants[0].columns"),
        ({"kind": "default", "future": ["table"], "roles": ["r"], "privileges": ["SELECT"]}, "grants[0].for_roles"),
        ({"kind": "default", "for_roles": ["o"], "roles": ["r"], "privileges": ["SELECT"]}, "grants[0].future"),
        (
            {
                "kind": "default",
                "for_roles": ["o"],
                "future": ["table", "type"],
                "roles": ["r"],
                "privileges": ["SELECT"],
            },
            "grants[0].privileges",
        ),
        (
            *(
                {
                    "kind": "default",
                    "for_roles": ["o"],
                    "future": ["schema"],
                    "schemas": ["s"],
                    "roles": ["r"],
                    "privileges": ["ALL"],
                },
            ),
            "grants[0].schemas",
        ),
        (
            {"kind": "table", "objects": ["t"], "roles": ["PUBLIC"], "privileges": ["SELECT"], "grant_option": True},
            "grants[0].roles",
        ),
    ],
)
def test_what_cannot_be_meant_names_its_option(entry: dict[str, t.Any], named: str) -> None:
    with pytest.raises(InputError) as raised:
        component({"grants": [entry]})
    assert named in raised.value.option
    with pytest.raises(InputError) as raised:
        component({"grants": [entry]}, option="privileges")
    assert raised.value.option.startswith("privileges.grants[0]")


def test_a_database_that_changes_hands_is_named() -> None:
    with pytest.raises(InputError, match=r"ownership\[0\].databases"):
        component({"ownership": [{"kind": "database", "owner": "o"}]})


def test_capitals_tell_words_from_names() -> None:
    entry = {**ORDERS, "roles": ["/PUBLIC"], "privileges": ["select"]}  # a role of that name
    state = dataclasses.replace(STATE, roles={**ROLES, "PUBLIC": 77})
    assert statements(plan(entry, state=state)) == ['GRANT SELECT ON TABLE "app"."orders" TO "PUBLIC"']
    with pytest.raises(InputError, match="'all'"):
        plan({**ORDERS, "objects": ["all"]})


def test_roles_of_the_server_itself_have_to_be_named() -> None:
    state = dataclasses.replace(STATE, roles={**ROLES, "pg_monitor": 3373})
    entry = {**ORDERS, "roles": ["/.*e.*|pg_.*"]}
    assert [text.split()[-1] for text in statements(plan(entry, state=state))] == ['"postgres"', '"reader"', '"writer"']
    assert statements(plan({**ORDERS, "roles": ["pg_monitor"]}, state=state))[0].endswith('TO "pg_monitor"')


@pytest.mark.parametrize("change", [{"kind": "tablespace"}, {"state": "present"}, {"roles": ["reader"]}])
def test_owners_are_kept_only_of_what_everybody_loses(change: dict[str, t.Any]) -> None:
    entry = {"kind": "schema", "schemas": ["s"], "roles": ["PUBLIC"], "privileges": ["CREATE"], "state": "absent"}
    kept = {**entry, "keep_current_owners": True}
    component({"grants": [kept]})
    if change.get("kind"):
        kept = {name: value for name, value in kept.items() if name != "schemas"}
        change = {**change, "objects": ["t"]}
    with pytest.raises(InputError) as raised:
        component({"grants": [{**kept, **change}]})
    assert raised.value.option == "grants[0].keep_current_owners"


@pytest.mark.parametrize("name", ["", "pg_group", "/x", "ALL", "PUBLIC", "public", "none", "a\0"])
def test_groups_have_names_that_a_role_can_have(name: str) -> None:
    with pytest.raises(InputError) as raised:
        component({"groups": ["fine", name]})
    assert raised.value.option == "groups[1]"


def test_groups_that_are_missing_are_made_first() -> None:
    state = dataclasses.replace(STATE, roles={**ROLES, 'n"ew': -1}, missing=('n"ew',))
    grant = {"kind": "table", "databases": ["shop"], "objects": ["ALL"], "roles": ['n"ew'], "privileges": ["SELECT"]}
    planned = plan(grant, state=state, groups=["reader", 'n"ew'])
    made, *granted = planned.steps
    assert made.operation == RunSql('CREATE ROLE "n""ew" NOLOGIN', 'DROP ROLE "n""ew"', "postgres")
    assert granted
    assert all('TO "n""ew"' in step.statement for step in granted)
