"""Retention: what the rules keep, and what no rule may remove."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rampart_backup.catalogue import Record
from rampart_backup.definition import Retention
from rampart_backup.retention import decide

_START: t.Final = datetime.datetime(2026, 1, 1, 3)


def backup(number: int, **values: t.Any) -> Record:
    """One that was made so many hours after the start."""
    finished = (_START + datetime.timedelta(hours=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = {"id": f"b{number}", "job": "j", "kind": "logical", "finished": finished, "complete": True, "parts": ()}
    return Record(**{**made, "entry": {}, **values})


def kept(records: t.Sequence[Record], **rules: int) -> list[str]:
    """Identifiers of what stays, the newest first."""
    return [each.record.id for each in decide(records, Retention(**rules)) if each.keep]


def test_without_rules_nothing_goes() -> None:
    assert len(kept([backup(n) for n in range(9)])) == 9


def test_the_last_ones() -> None:
    assert kept([backup(n) for n in range(5)], last=2) == ["b4", "b3"]


def test_the_newest_of_each_day() -> None:
    assert kept([backup(n) for n in range(0, 96, 6)], days=3) == ["b90", "b66", "b42"]


def test_weeks_months_and_years_come_together() -> None:
    daily = [backup(24 * n) for n in range(800)]
    stay = kept(daily, days=2, weeks=2, months=2, years=3)
    assert [each.removeprefix("b") for each in stay] == [str(24 * n) for n in (799, 798, 794, 789, 729, 364)]


def test_a_clock_that_jumps_removes_nothing_by_its_age() -> None:
    records = [backup(n * 24) for n in range(3)]
    ahead = backup(24 * 3650)
    assert kept([*records, ahead], days=4) == ["b87600", "b48", "b24", "b0"]


def test_the_only_good_one_stays_whatever_came_after() -> None:
    records = [backup(0), backup(1, complete=False), backup(2, damaged="a byte")]
    assert kept(records, last=1) == ["b2", "b1", "b0"]


def test_what_is_not_good_goes_when_enough_newer_ones_are() -> None:
    wrong = backup(0, complete=False)
    assert kept([wrong, backup(1)], last=1) == ["b1", "b0"]
    assert kept([wrong, backup(1), backup(2)], last=1) == ["b2"]
    assert kept([wrong, backup(1), backup(2)], last=3) == ["b2", "b1", "b0"]


def test_removed_ones_are_not_judged() -> None:
    assert [each.record.id for each in decide([backup(0, removed="then"), backup(1)], Retention(last=1))] == ["b1"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_so_many_good_ones_stay_at_least(number: int) -> None:
    assert len(kept([backup(n) for n in range(9)], last=1, at_least=number)) == number


@given(
    records=st.lists(
        st.tuples(st.integers(0, 20_000), st.booleans(), st.booleans()), max_size=60, unique_by=lambda each: each[0]
    ),
    rules=st.fixed_dictionaries({name: st.integers(0, 5) for name in ("last", "days", "weeks", "months", "years")}),
    at_least=st.integers(1, 4),
)
def test_whatever_the_rules(records: list[tuple[int, bool, bool]], rules: dict[str, int], at_least: int) -> None:
    made = [backup(n, complete=complete, damaged="x" if damaged else "") for n, complete, damaged in records]
    good = sorted((each for each in made if each.good), key=lambda each: each.finished)
    stay = set(kept(made, **rules, at_least=at_least))
    assert {each.id for each in good[-at_least:]} <= stay
    assert {each.id for each in good[-1:]} <= stay
    once = [each for each in made if each.id in stay]
    assert set(kept(once, **rules, at_least=at_least)) == stay  # what stayed stays
