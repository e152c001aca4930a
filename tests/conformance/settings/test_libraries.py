# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Libraries and their parameters on real servers: what a library does not define is found before it is loaded."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.arguments import component
from ansible_collections.rampart.postgresql.tests.conformance.components import run_components
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

NAME = "zz_rampart.conf"


def run(server: Server, *, check: bool = False, rehearse: bool = False, **options: t.Any) -> Result:
    return run_components(server, lambda: [component(options)], check=check, rehearse=rehearse)


def good(result: Result) -> Result:
    assert not result.failed, result.output
    return result


def show(server: Server, name: str) -> str:
    [[value]] = server.query(f"SHOW {name}")
    return str(value)


def test_a_misspelt_parameter_of_a_library_to_come_is_found(server: Server) -> None:
    rules = server.hba_file.read_text(encoding="utf-8")
    wanted = {"auth_delay.milliseconds": 200, "pg_stat_statements.maximum": 200}
    refused = run(server, rehearse=True, preload=["auth_delay", "pg_stat_statements"], parameters=wanted)
    assert refused.failed
    name = "pg_stat_statements.maximum"
    assert refused.message.startswith(f"parameters.{name}: {name!r} cannot be used: ")
    assert refused.message.endswith("the nearest known name is pg_stat_statements.max")
    assert not (server.data_directory / NAME).exists()
    assert server.hba_file.read_text(encoding="utf-8") == rules


def test_parameters_that_the_libraries_define_pass(server: Server) -> None:
    wanted = {"auth_delay.milliseconds": 200, "pg_stat_statements.max": 200}
    libraries = ["auth_delay", "pg_stat_statements"]
    predicted = good(run(server, check=True, rehearse=True, preload=libraries, parameters=wanted))
    assert predicted.changed
    wanted["auth_delay.milliseconds"] = -1  # no value of the parameter, which only its library can tell
    refused = run(server, check=True, rehearse=True, preload=libraries, parameters=wanted)
    assert refused.failed
    assert "auth_delay.milliseconds" in refused.message


def test_a_library_is_taken_out_again(fresh_server: Server) -> None:
    with fresh_server.conf_file.open("a", encoding="utf-8") as stream:
        stream.write("shared_preload_libraries = 'pg_stat_statements, passwordcheck'\n")
    wanted: dict[str, t.Any] = {"preload": ["auth_delay"], "sections": {"delay": {"auth_delay.milliseconds": 1}}}
    good(run(fresh_server, **wanted))
    fresh_server.restart()
    refused = run(fresh_server, preload_absent=["auth_delay"])
    assert refused.failed
    assert "section delay sets auth_delay.milliseconds" in refused.message
    wanted = {"preload_absent": ["auth_delay", "$libdir/pg_stat_statements"], "sections": {"delay": {}}}
    for check, changed in ((True, True), (False, True), (True, False), (False, False)):
        result = good(run(fresh_server, check=check, **wanted))
        assert result.changed == changed
        assert result.values["restart_required"] == [
            {
                "parameter": "shared_preload_libraries",
                "running": "pg_stat_statements, passwordcheck, auth_delay",
                "configured": "passwordcheck",
            }
        ]
    fresh_server.restart()
    assert show(fresh_server, "shared_preload_libraries") == "passwordcheck"
    after = good(run(fresh_server, **wanted))
    assert (after.changed, after.values["restart_required"]) == (False, [])


@pytest.mark.in_turn
def test_parameters_of_a_library_that_sessions_load(fresh_server: Server) -> None:
    """It is not there before a session needs it, nor has the server to be restarted for it."""
    wanted = {"parameters": {"plpgsql.extra_warnings": "shadowed_variables"}}
    done = run_components(fresh_server, lambda: [component(wanted)])
    assert done.changed and not done.failed, done.output
    assert done.values["restart_required"] == []
    assert not run_components(fresh_server, lambda: [component(wanted)]).changed
    with fresh_server.connect() as connection:
        connection.execute("LOAD 'plpgsql'")
        assert connection.execute("SHOW plpgsql.extra_warnings").fetchall() == [("shadowed_variables",)]
    gone = run_components(fresh_server, lambda: [component({"parameters": {}})])
    assert gone.changed and not gone.failed, gone.output
