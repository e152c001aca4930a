# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the roles make of their options."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import parameters
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES
from ansible_collections.rampart.postgresql.tests.role_variables import COMPONENTS
from ansible_collections.rampart.postgresql.tests.role_variables import desired


def section(role: str, **options: t.Any) -> dict[str, t.Any]:
    found = desired(role, **options)["settings"]["sections"][role]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("role", COMPONENTS)
def test_without_options_it_is_the_profile(role: str, profile: str) -> None:
    assert section(role, pg_harden_profile=profile) == parameters(role, profile)
    assert section(role, **{f"{role}_profile": profile}) == parameters(role, profile)


@pytest.mark.parametrize("role", COMPONENTS)
def test_parameters_add_replace_and_take_out(role: str) -> None:
    given = {f"{role}_profile": "strict"}
    first, second, *_others = [*section(role, **given), "work_mem"]
    changed = section(role, **given, **{f"{role}_parameters": {first: None, second: "other", "DateStyle": "ISO"}})
    assert first not in changed
    assert (changed[second], changed["DateStyle"]) == ("other", "ISO")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pg_logging_collector": "always"}, {"logging_collector": "on"}),
        ({"pg_logging_collector": "auto", "pg_logging_profile": "cis"}, {"logging_collector": "auto"}),
        ({"pg_logging_destinations": ["stderr", "syslog"]}, {"log_destination": "stderr,syslog"}),
        ({"pg_logging_directory": "/srv/{cluster}"}, {"log_directory": "/srv/{cluster}"}),
        ({"pg_logging_statement": "none"}, {"log_statement": "none"}),
        ({"pg_logging_syslog_facility": "local7"}, {"syslog_facility": "local7"}),
        ({"pg_logging_syslog_ident": "pg"}, {"syslog_ident": "pg"}),
    ],
)
def test_options_of_the_log(options: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    found = section("pg_logging", **options)
    assert {name: found[name] for name in expected} == expected


def test_a_collector_that_is_not_to_be_touched_is_left_alone() -> None:
    found = desired("pg_logging", pg_logging_collector="untouched")
    assert "logging_collector" not in found["settings"]["sections"]["pg_logging"]
    assert [left["subject"] for left in found["left_alone"]] == ["logging_collector"]
    assert "left_alone" not in desired("pg_logging")
