"""What is removed from a history: the oldest ones, by number and by age, and never the newest."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._history import RUNS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._history import Limits
from ansible_collections.rampart.postgresql.plugins.plugin_utils._history import name_of
from ansible_collections.rampart.postgresql.plugins.plugin_utils._history import surplus

DAY = 86_400
NOW = 1_772_360_100  # 2026-03-01T10:15:00Z
NAMES = [name_of(NOW - days * DAY) for days in (0, 1, 2, 10, 400)]


def test_names_are_times_in_utc() -> None:
    assert NAMES[0] == "20260301T101500Z.json"
    assert sorted(NAMES) == NAMES[::-1]


@pytest.mark.parametrize(
    ("runs", "days", "removed"),
    [
        (5, None, []),
        (4, None, [4]),
        (1, None, [4, 3, 2, 1]),
        (None, 10, [4]),
        (None, 9, [4, 3]),
        (3, 1, [4, 3, 2]),
        (2, 300, [4, 3, 2]),
        (9, 9, [4, 3]),
        (None, None, []),
    ],
)
def test_what_is_too_much(runs: int | None, days: int | None, removed: list[int]) -> None:
    found = surplus(NAMES, Limits.of(runs, days), NOW)
    assert found == [NAMES[number] for number in removed]


def test_the_newest_stays_however_old_it_is() -> None:
    assert surplus(NAMES[-1:], Limits.of(1, 1), NOW) == []
    assert surplus(NAMES[-2:], Limits.of(1, 1), NOW) == NAMES[-1:]
    assert surplus([], Limits.of(1, 1), NOW) == []


@pytest.mark.parametrize("days", [30_000, 500_000, 10**15])
def test_more_days_than_there_were(days: int) -> None:
    assert surplus(NAMES, Limits.of(None, days), NOW) == []


def test_a_year_of_weeks_where_nothing_is_said() -> None:
    names = [name_of(NOW - number * 7 * DAY) for number in range(RUNS + 2)]
    assert surplus(names, Limits.of(None, None), NOW) == names[:-3:-1]
    assert surplus(names, Limits.of(None, 10_000), NOW) == []


@pytest.mark.parametrize(("runs", "days", "option"), [(0, None, "history_runs"), (3, -1, "history_days")])
def test_numbers_that_would_keep_nothing(runs: int | None, days: int | None, option: str) -> None:
    with pytest.raises(InputError, match=f"{option}: (0|-1) cannot be used"):
        Limits.of(runs, days, prefix="history_")
