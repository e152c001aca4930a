# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Owner, writer and reader of databases as options."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.filter.database_groups import database_groups
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.arguments import component


def test_names_come_from_the_database_unless_given() -> None:
    found = database_groups([{"database": "a b"}, {"database": "two", "reader": "a b_reader"}])
    assert found["groups"] == ["a b_owner", "a b_writer", "a b_reader", "two_owner", "two_writer"]
    assert {tuple(entry["schemas"]) for entry in found["grants"] if "schemas" in entry} == {("public",)}
    assert component(found).name == "privileges"  # the module takes it


def test_a_reader_can_read_and_no_more() -> None:
    found = database_groups([{"database": "shop", "schemas": ["app"], "creators": ["deploy"]}])
    of_reader = {(entry["kind"], *entry["privileges"]) for entry in found["grants"] if "shop_reader" in entry["roles"]}
    assert of_reader == {("database", "CONNECT"), ("schema", "USAGE"), ("table", "SELECT"), ("default", "SELECT")}
    assert found["grants"][0]["roles"] == ["shop_owner", "shop_writer", "shop_reader", "deploy"]  # who may connect
    future = [entry for entry in found["grants"] if entry["kind"] == "default"]
    assert all(entry["for_roles"] == ["shop_owner", "deploy"] for entry in future)


@pytest.mark.parametrize("wrong", [None, ["shop"], [{"owner": "shop"}]])
def test_what_is_no_list_of_databases(wrong: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="not a list of databases"):
        database_groups(wrong)


@pytest.mark.parametrize("wrong", [{"shemas": ["app"]}, {"schemas": "app"}, {"creators": "deploy"}])
def test_what_is_mistyped_is_named(wrong: dict[str, t.Any]) -> None:
    with pytest.raises(AnsibleFilterError, match=min(wrong)):
        database_groups([{"database": "shop", **wrong}])
