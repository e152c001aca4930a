# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of ident become; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import file_options
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import given_comment
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import read_include
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import string
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.component import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.component import Ident
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.mappings import Mapping
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.mappings import check_mapping
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import check_rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Include

__all__ = ["component"]

_KEYS = ("map", "system_user", "pg_user")


def component(values: t.Mapping[str, t.Any], *, option: str = "") -> Ident:
    """Validate the options and make the component of them."""
    about_file = file_options(values, option=option, block_name="mappings")
    mappings = _mappings(values.get("mappings"), f"{option}.mappings" if option else "mappings")
    return Ident(Desired(mappings=mappings if about_file["present"] else None, **about_file))


def _mappings(given: t.Any, option: str) -> tuple[Mapping | Include, ...] | None:
    if given is None:
        return None
    if not isinstance(given, list):
        raise InputError(option=option, value=given, expected="give a list of mappings")
    return tuple([_mapping(entry, f"{option}[{index}]") for index, entry in enumerate(given)])


def _mapping(entry: t.Any, option: str) -> Mapping | Include:
    if not isinstance(entry, dict):
        raise InputError(option=option, value=entry, expected=f"give a dictionary with {', '.join(_KEYS)}")
    entry = {key: value for key, value in entry.items() if value is not None}
    if "include" in entry:
        include = read_include(entry, option)
        check_rule(include, option=option)
        return include
    for key in entry:
        if key not in (*_KEYS, "comment"):
            raise InputError(option=f"{option}.{key}", value=key, expected=f"known are {', '.join(_KEYS)}, comment")
    for key in _KEYS:
        if entry.get(key) is None:
            raise InputError(option=f"{option}.{key}", value=None, expected="give a name")
    mapping = Mapping(
        map=string(entry["map"], f"{option}.map"),
        system_user=string(entry["system_user"], f"{option}.system_user"),
        pg_user=string(entry["pg_user"], f"{option}.pg_user"),
        comment=given_comment(entry.get("comment"), f"{option}.comment"),
    )
    check_mapping(mapping, option=option)
    return mapping
