# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every parameter of every profile: a server of each major version takes it, or does not know it and is left alone."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._converge import converge
from ansible_collections.rampart.postgresql.plugins.module_utils._server import server as _server
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles import catalogue

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

ROLES = ("pg_tls", "pg_network", "pg_authentication", "pg_logging")
NOT_WITHOUT_A_CERTIFICATE = "ssl"


@pytest.mark.parametrize("profile", ["baseline", "cis", "strict"])
def test_a_profile_is_taken_and_stays(fresh_server: Server, profile: str) -> None:
    wanted = {role: dict(catalogue.parameters(role, profile)) for role in ROLES}
    del wanted["pg_tls"][NOT_WITHOUT_A_CERTIFICATE]
    options = {
        "sections": wanted,
        "preload": [library for role in ROLES for library in catalogue.libraries(role, profile)],
        "optional": [name for role in ROLES for name in catalogue.optional(role, profile)],
    }
    results = []
    for _attempt in range(2):
        with _server.Server.open(Options(cluster=str(fresh_server.data_directory), rehearse=False)) as opened:
            results.append(converge(server=opened, components=[component(options)], check_mode=False).result())
    assert [result["changed"] for result in results] == [True, False]
    assert [item["parameter"] for item in results[1]["restart_required"]] == ["shared_preload_libraries"]
    fresh_server.restart()
    with _server.Server.open(Options(cluster=str(fresh_server.data_directory), rehearse=False)) as opened:
        settings = component(options)
        state = settings.observe(opened)
        after = settings.plan(state, {})
    assert (after.steps, after.restart_required, settings.unproven(state)) == ((), (), [])
    # What is left out is what the server itself does not list.
    left = {item.subject for item in after.left_alone}
    names = {name for section in wanted.values() for name in section}
    known = {row[0] for row in fresh_server.query("SELECT name FROM pg_catalog.pg_settings")}
    assert names - left <= known
    assert not left & known
