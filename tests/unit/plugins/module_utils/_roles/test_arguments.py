# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of role attributes: what is taken and what is refused, with which words."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.arguments import component

DBA = {"role": "dba", "attributes": ["SUPERUSER"]}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"allow": []},
        {"allow": [DBA, {"role": "DBA", "attributes": []}], "strip": ["app"]},
        {"attributes": ["SUPERUSER"], "require_other_superuser": True, "on_standby": "fail"},
        {"strip": ["dba"], "allow": [{"role": "dba", "attributes": []}]},
        {"allow": [{"role": "a", "memberships": [{"role": "g"}], "parameters": ["Work_Mem"]}], "memberships": ["g"]}
        | {"parameters": ["work_mem"]},
        {"allow": [{"role": "a", "parameters": ["x"]}], "parameters": []},
    ],
)
def test_good_values_are_taken(values: dict[str, t.Any]) -> None:
    assert component(values).name == "role_attributes"


@pytest.mark.parametrize(
    ("values", "option", "words"),
    [
        ({"allow": [DBA, DBA]}, "allow[1].role", "each role once"),
        ({"allow": [{"role": "", "attributes": []}]}, "allow[0].role", "1 to 63 bytes"),
        ({"allow": [{"role": "a\0b", "attributes": []}]}, "allow[0].role", "the name of a role"),
        ({"allow": [{"role": "dba", "attributes": ["LOGIN"]}]}, "allow[0].attributes", "SUPERUSER, CREATEDB"),
        ({"strip": ["app", "é" * 32]}, "strip[1]", "63 bytes"),
        ({"strip": ["pg_monitor"]}, "strip[0]", "PostgreSQL did not make"),
        ({"strip": ["dba"], "allow": [DBA]}, "strip[0]", "allow[0] does not allow"),
        ({"allow": [{"attributes": []}]}, "allow[0]", "one of role, pattern, member_of"),
        ({"allow": [{"role": "a", "pattern": "a", "attributes": []}]}, "allow[0]", "one of role, pattern, member_of"),
        ({"allow": [{"pattern": "a(", "attributes": []}]}, "allow[0].pattern", "a regular expression"),
        ({"roles": [{"role": "a"}, {"role": "a"}]}, "roles[1].role", "each role once"),
        ({"roles": [{"role": "pg_monitor"}]}, "roles[0].role", "PostgreSQL did not make"),
        ({"roles": [{"role": "a", "connection_limit": -2}]}, "roles[0].connection_limit", "-1 for no limit"),
        ({"roles": [{"role": "a", "valid_until": "tomorrow"}]}, "roles[0].valid_until", "a moment such as"),
        ({"roles": [{"role": "a", "valid_until": "2030-02-30"}]}, "roles[0].valid_until", "a moment such as"),
        ({"attributes": ["superuser"]}, "attributes", "SUPERUSER, CREATEDB"),
        ({"allow": [{"role": "a", "memberships": [{"role": "pg_sleep"}]}]}, "allow[0].memberships", "among those that"),
        ({"allow": [{"role": "a", "parameters": ["archive_comand"]}]}, "allow[0].parameters", "archive_command, "),
    ],
)
def test_bad_values_are_refused_with_their_path(values: dict[str, t.Any], option: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        component(values)
    assert caught.value.option == option
    assert words in str(caught.value)
    with pytest.raises(InputError) as caught:
        component(values, option="role_attributes")
    assert caught.value.option == f"role_attributes.{option}"
