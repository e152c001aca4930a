# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the settings component."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import secrets


def test_options_become_wishes() -> None:
    desired = component(
        {"parameters": {"ssl": True, "port": None}, "sections": {"log": {"x": [1]}, "gone": None}}
    ).desired
    assert [(wish.option, wish.section, wish.value) for wish in desired.wishes] == [
        ("parameters.ssl", "parameters", True),
        ("sections.log.x", "log", (1,)),
    ]
    assert desired.sections == ("parameters", "log", "gone")
    assert desired.preload is None
    assert desired.overrides == "fail"


def test_nothing_given_is_nothing_wanted() -> None:
    desired = component({}).desired
    assert (desired.wishes, desired.sections) == ((), ())


@pytest.mark.parametrize(
    ("values", "option"),
    [
        ({"parameters": ["ssl"]}, "settings.parameters"),
        ({"parameters": {1: "x"}}, "settings.parameters"),
        ({"sections": {"a b": {}}}, "settings.sections.a b"),
        ({"sections": {"parameters": {}}}, "settings.sections.parameters"),
        ({"sections": {"preload": {}}}, "settings.sections.preload"),
        ({"sections": {"log": "ssl"}}, "settings.sections.log"),
        ({"preload": "auth_delay"}, "settings.preload"),
        ({"preload": ["auth_delay", "a,b"]}, "settings.preload[1]"),
        ({"preload_absent": [""]}, "settings.preload_absent[0]"),
        ({"preload": ["$libdir/a"], "preload_absent": ["b", "a.so"]}, "settings.preload_absent[1]"),
        ({"overrides": "ignore"}, "settings.overrides"),
        ({"store": "file"}, "settings.store"),
        ({"store": "alter_system", "sections": {}}, "settings.sections"),
        ({"reset": "ssl"}, "settings.reset"),
        ({"reset": ["ssl", ""]}, "settings.reset[1]"),
        ({"file_name": "../x.conf"}, "settings.file_name"),
        ({"file_name": "x.txt"}, "settings.file_name"),
        ({"file_name": "postgresql.auto.conf"}, "settings.file_name"),
    ],
)
def test_what_cannot_be_meant_is_refused(values: dict[str, t.Any], option: str) -> None:
    with pytest.raises(InputError) as caught:
        component(values, option="settings")
    assert caught.value.option == option


def test_values_that_may_hold_a_password_are_told_apart() -> None:
    given = {
        "parameters": {"primary_conninfo": "host=a password=s3cret", "password_encryption": "scram-sha-256"},
        "sections": {"empty": None, "tls": {"ssl_passphrase_command": "echo opensesame"}},
    }
    assert secrets(given) == {"host=a password=s3cret", "echo opensesame"}
    assert secrets(None) == set()
