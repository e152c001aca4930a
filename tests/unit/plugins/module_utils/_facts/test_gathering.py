# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists that stay short, reasons that add up, and words without secrets."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import Unreadable
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.gathering import bounded
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.redaction import without_values


def test_few_rows_stay_as_they_are() -> None:
    rows = [{"schema": "a", "table": str(number)} for number in range(1000)]
    assert bounded(rows, ("table",), "tables") == [{**row, "tables": 1} for row in rows]


def test_many_rows_become_one_for_each_kind_in_their_order() -> None:
    rows = [{"schema": "b" if number % 3 else "a", "table": str(number), "who": ["x"]} for number in range(1001)]
    assert bounded(rows, ("table",), "tables") == [
        {"schema": "a", "table": None, "who": ["x"], "tables": 334},
        {"schema": "b", "table": None, "who": ["x"], "tables": 667},
    ]


def test_what_is_refused_is_none_with_all_reasons() -> None:
    def refused() -> None:
        raise RampartError("no")

    unreadable = Unreadable()
    assert unreadable.attempt("this", lambda: 1) == 1
    assert unreadable.reasons == {}
    assert unreadable.attempt("this", refused) is None
    unreadable.add("this", "never")
    assert unreadable.reasons == {"this": "no; never"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (None, None),
        ("", ""),
        ('invalid authentication method "x"', 'invalid authentication method "x"'),
        (
            "authentication option not in name=value format: secret",
            "authentication option not in name=value format: (not shown)",
        ),
        ('could not parse RADIUS secrets list "a\nb"', "could not parse RADIUS secrets list (not shown)"),
        (
            "the server refuses this line: authentication option not in name=value format: x",
            "the server refuses this line: authentication option not in name=value format: (not shown)",
        ),
    ],
)
def test_what_the_server_says_is_told_without_values(words: str | None, told: str | None) -> None:
    assert without_values(words) == told
