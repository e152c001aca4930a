# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every profile on every major version: the server takes all of it, and shows what was asked for."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._settings import arguments as settings
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import arguments as certificate
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import CATALOGUE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import libraries
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import optional
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import parameters
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

# How pg_settings shows a value, where that is not how the profile spells it.
SHOWN = {
    "100MB": "102400",  # log_rotation_size, in kB
    "10s": "10000",  # client_connection_check_interval, in ms
    "1d": "1440",  # log_rotation_age, in min
    "30s": "30",
    "60s": "60",
}


def _desired(profile: str) -> dict[str, t.Any]:
    return {
        "sections": {role: parameters(role, profile) for role in CATALOGUE},
        "optional": [name for role in CATALOGUE for name in optional(role, profile)],
        "preload": [name for role in CATALOGUE for name in libraries(role, profile)],
    }


def _build(profile: str) -> list[Component]:
    return [certificate.component({}), settings.component(_desired(profile))]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_server_takes_the_profile(fresh_server: Server, profile: str) -> None:
    first = run_components(fresh_server, lambda: _build(profile), rehearse=False)
    assert not first.failed, first.message
    assert [item["parameter"] for item in first.values["restart_required"]] == ["shared_preload_libraries"]

    fresh_server.restart()
    again = run_components(fresh_server, lambda: _build(profile), rehearse=False)
    assert not again.failed, again.message
    assert not again.changed
    assert again.values["restart_required"] == []

    live = dict(fresh_server.query("SELECT name, setting FROM pg_settings WHERE name <> 'log_connections'"))
    wanted = {name: value for section in _desired(profile)["sections"].values() for name, value in section.items()}
    compared = {name: SHOWN.get(value, value) for name, value in wanted.items() if name in live}
    assert {name: live[name] for name in compared} == compared


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_not_optional_exists_everywhere(server: Server, profile: str) -> None:
    known = {name for (name,) in server.query("SELECT name FROM pg_settings")}
    desired = _desired(profile)
    names = {name for section in desired["sections"].values() for name in section if "." not in name}
    assert names - known <= set(desired["optional"])
