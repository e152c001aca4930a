# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options and what databases hold to the steps for extensions."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.state import Available
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.state import Database
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.state import loaded_libraries
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned

EMPTY = Database(schemas=frozenset({"public"}))
FULL = Database(extensions=frozenset({"pgaudit"}), schemas=frozenset({"public"}))
AUDIT = {
    "name": "pgaudit",
    "library": "$libdir/pgaudit.so",
    "databases": ["postgres", "shop"],
    "role": "auditor",
    "parameters": {"pgaudit.log": ["ddl", "role"], "pgaudit.log_rows": {14: True, 16: "off"}, "pgaudit.role": None},
}


def state(*, shop: Database = EMPTY, loaded: bool = True, **more: t.Any) -> State:
    return State(
        databases={"postgres": FULL, "shop": shop},
        open=("postgres", "shop"),
        closed=("template0",),
        loaded=frozenset({"pgaudit"} if loaded else ()),
        available={"pgaudit": Available("pgaudit")},
        major=15,
        **more,
    )


def plan(found: State, **entry: t.Any) -> Planned:
    return component({"present": [{**AUDIT, **entry}]}, option="extensions").plan(found)


def offers(found: State) -> dict[str, str]:
    return component({"present": [AUDIT]}).offers(found)["extensions"]


def test_role_extension_parameters() -> None:
    assert [step.statement for step in plan(state()).steps] == [
        'CREATE ROLE "auditor" NOLOGIN',
        'CREATE EXTENSION IF NOT EXISTS "pgaudit" SCHEMA "public"',
    ]
    assert offers(state()) == {"pgaudit.log": "ddl, role", "pgaudit.log_rows": "on"}
    there = state(shop=FULL, roles={"auditor": False})
    assert not plan(there).steps
    assert offers(there) == offers(state())


def test_an_older_version_does_not_get_a_later_parameter() -> None:
    found = State(databases={"postgres": FULL, "shop": FULL}, open=("postgres", "shop"), major=13)
    assert offers(State(**{**vars(found), "loaded": frozenset({"pgaudit"})})) == {"pgaudit.log": "ddl, role"}


@pytest.mark.parametrize("shop", [EMPTY, FULL], ids=["missing", "there"])
def test_nothing_happens_while_the_library_is_not_loaded(shop: Database) -> None:
    found = state(shop=shop, loaded=False)
    planned = plan(found)
    assert not planned.steps
    assert offers(found) == {}
    assert len(planned.left_alone) == 1
    assert planned.left_alone[0].reason == "it waits until the server has loaded the library pgaudit at its start"
    assert planned.standing["waiting_extensions"] == [{"extension": "pgaudit", "library": "pgaudit"}]


def test_a_standby_has_it_from_its_primary() -> None:
    planned = plan(state(in_recovery=True))
    assert not planned.steps
    assert [item.subject for item in planned.left_alone] == [
        'extension "pgaudit" in database "shop"',
        'role "auditor"',
    ]
    assert offers(state(in_recovery=True)) == {}
    there = state(shop=FULL, in_recovery=True, roles={"auditor": False})
    assert (plan(there).left_alone, offers(there) != {}) == ((), True)


@pytest.mark.parametrize(
    ("entry", "option", "words"),
    [
        ({"databases": ["shpo"]}, "databases[0]", "one of postgres, shop, or all"),
        ({"databases": ["shop", "template0"]}, "databases[1]", "accepts connections"),
        ({"schema": "audit"}, "schema", 'the database "shop" has none of this name'),
        ({"name": "pgaudti"}, "name", "install its package first"),
        ({"name": "a" * 64}, "name", "1 to 63 bytes"),
        ({"library": "pgaudit, auth_delay"}, "library", "one library"),
        ({"library": ""}, "library", "one library"),
        ({"role": "pg_monitor"}, "role", "keep for itself"),
        ({"role": "public"}, "role", "keep for itself"),
        ({"parameters": {"work_mem": "1MB"}}, "parameters.work_mem", "as in pgaudit.log"),
        ({"parameters": {"pgaudit.log": {"x": "ddl"}}}, "parameters.pgaudit.log", "major versions are the keys"),
    ],
)
def test_what_cannot_be_used_is_named(entry: dict[str, t.Any], option: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        plan(state(), **entry)
    assert caught.value.option == f"extensions.present[0].{option}"
    assert words in caught.value.expected


def test_an_extension_is_given_once() -> None:
    with pytest.raises(InputError, match="each extension once"):
        component({"present": [AUDIT, AUDIT]})


def test_a_role_that_logs_in_is_no_audit_role() -> None:
    with pytest.raises(InputError, match="cannot log in"):
        plan(state(roles={"auditor": True}))


def test_a_database_that_nobody_could_look_into_is_an_error() -> None:
    with pytest.raises(InputError, match="no entry"):
        plan(state(shop=Database(problem="no entry")))


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("", set()),
        ("auth_delay", {"auth_delay"}),
        ('pgaudit, "$libdir/Odd.so" ,/opt/x.so', {"pgaudit", "Odd", "x"}),
    ],
)
def test_libraries_of_a_setting(setting: str, names: set[str]) -> None:
    assert loaded_libraries(setting) == names
