# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of names that no library defines."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ExpectedParameter
from ansible_collections.rampart.postgresql.plugins.module_utils._server.throw_away import refusal

DEFINED = ("auth_delay.milliseconds", "pgaudit.log", "pgaudit.logLevel")


def test_names_that_are_defined_are_fine_in_any_case() -> None:
    expected = [
        ExpectedParameter("parameters.x", "Auth_Delay.milliseconds"),
        ExpectedParameter("p", "pgaudit.loglevel"),
    ]
    assert refusal(expected, DEFINED) is None
    assert refusal([], []) is None


def test_option_name_and_the_nearest_known_name_are_told() -> None:
    error = refusal([ExpectedParameter("sections.delay.auth_delay.miliseconds", "auth_delay.miliseconds")], DEFINED)
    assert error is not None
    assert error.option == "sections.delay.auth_delay.miliseconds"
    assert error.value == "auth_delay.miliseconds"
    assert error.expected.endswith("; the nearest known name is auth_delay.milliseconds")


def test_nothing_near_is_invented() -> None:
    error = refusal([ExpectedParameter("parameters.zz.qqq", "zz.qqq")], DEFINED)
    assert error is not None
    assert "nearest" not in error.expected
