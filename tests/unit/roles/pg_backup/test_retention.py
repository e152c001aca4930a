"""Retention: what the rules keep, and what no rule may remove."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rampart_backup.definition import Retention
from rampart_backup.places.catalogue import Record
from rampart_backup.places.retention import decide

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


def test_what_comes_after_a_clock_was_ahead_is_the_newest() -> None:
    ahead = [backup(24 * 3650 + n) for n in range(3)]
    assert kept([backup(0), *ahead, backup(1), backup(2)], last=2) == ["b2", "b1"]


def test_days_are_those_of_the_place_where_it_knows_them() -> None:
    """A host that was taken over sends seven backups of seven days, and would have the past removed."""
    honest = [backup(24 * n, arrived=backup(24 * n).finished) for n in range(7)]
    forged = [backup(24 * n + 1, arrived=backup(24 * 7).finished) for n in range(7, 14)]
    assert kept([*honest, *forged], days=7) == ["b313", "b144", "b120", "b96", "b72", "b48", "b24"]


def test_the_only_good_one_stays_whatever_came_after() -> None:
    records = [backup(0), backup(1, complete=False), backup(2, damaged="a byte")]
    assert kept(records, last=1) == ["b2", "b1", "b0"]


def test_what_is_not_good_goes_when_enough_newer_ones_are() -> None:
    wrong = backup(0, complete=False)
    assert kept([wrong, backup(1)], last=1) == ["b1", "b0"]
    assert kept([wrong, backup(1), backup(2)], last=1) == ["b2"]
    assert kept([wrong, backup(1), backup(2)], last=3) == ["b2", "b1", "b0"]


def test_what_only_a_drill_calls_wrong_goes_no_sooner_for_it() -> None:
    """Whoever holds the key of a drill may note what he likes."""
    records = [backup(24 * n) for n in range(6)]
    noted = [*(backup(24 * n, refuted="says a drill") for n in range(4)), *records[4:]]
    assert kept(records, days=4) == ["b120", "b96", "b72", "b48"] == kept(noted, days=4)
    assert kept([backup(0, refuted="x"), *(backup(n) for n in range(1, 4))], last=2) == ["b3", "b2"]
    # Nor does it count in the place of a good one, nor what is built upon it, nor when its bytes are damaged as well.
    assert kept([backup(0), backup(1, refuted="x")], last=1) == ["b1", "b0"]
    built = [backup(0, refuted="x"), backup(1, entry={"chain": ["b0"]}, broken="b0 is damaged")]
    assert kept([*built, backup(24), backup(48)], days=3) == ["b48", "b24", "b1", "b0"]
    assert kept([backup(0, refuted="x", damaged="y"), backup(24), backup(48)], days=3) == ["b48", "b24"]


def test_removed_ones_are_not_judged() -> None:
    assert [each.record.id for each in decide([backup(0, removed="then"), backup(1)], Retention(last=1))] == ["b1"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_so_many_good_ones_stay_at_least(number: int) -> None:
    assert len(kept([backup(n) for n in range(9)], last=1, at_least=number)) == number


@given(
    records=st.lists(
        st.tuples(st.integers(0, 20_000), st.booleans(), st.sampled_from(["", "damaged", "refuted"])),
        max_size=60,
        unique_by=lambda each: each[0],
    ),
    rules=st.fixed_dictionaries({name: st.integers(0, 5) for name in ("last", "days", "weeks", "months", "years")}),
    at_least=st.integers(1, 4),
)
def test_whatever_the_rules(records: list[tuple[int, bool, str]], rules: dict[str, int], at_least: int) -> None:
    made = [backup(n, complete=complete, **({wrong: "x"} if wrong else {})) for n, complete, wrong in records]
    good = [each for each in made if each.good]  # in the order in which they came, whatever their clocks said
    stay = set(kept(made, **rules, at_least=at_least))
    assert {each.id for each in good[-at_least:]} <= stay
    assert {each.id for each in good[-1:]} <= stay
    once = [each for each in made if each.id in stay]
    assert set(kept(once, **rules, at_least=at_least)) == stay  # what stayed stays


def chain(start: int, length: int, **values: t.Any) -> list[Record]:
    """A full backup and those that are built upon it, one each hour."""
    names = [f"b{start + number}" for number in range(length)]
    return [backup(start + number, entry={"chain": names[:number]}, **values) for number in range(length)]


def test_what_one_is_built_upon_stays_with_it() -> None:
    records = [*chain(0, 3), *chain(3, 3)]
    assert kept(records, last=1) == ["b5", "b4", "b3"]
    assert kept(records, last=4) == ["b5", "b4", "b3", "b2", "b1", "b0"]
    found = {each.record.id: each.why for each in decide(records, Retention(last=1))}
    assert found["b3"] == "b5 is built upon it"
    assert found["b2"] == "no rule keeps it"


@given(
    chains=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 40), st.integers(0, 5)), max_size=12),
    rules=st.fixed_dictionaries({name: st.integers(0, 4) for name in ("last", "days", "weeks", "months", "years")}),
    at_least=st.integers(1, 4),
)
def test_chains_are_whole_whatever_the_rules(
    chains: list[tuple[int, int, int]], rules: dict[str, int], at_least: int
) -> None:
    """Each chain has a length, hours before the next one, and one that is damaged (or none)."""
    records: list[Record] = []
    start = 0
    for length, pause, damaged in chains:
        made = chain(start, length)
        start += length + pause
        for number, record in enumerate(made):
            if number == damaged:
                record = dataclasses.replace(record, damaged="x")
            elif number > damaged:
                record = dataclasses.replace(record, broken="x")
            records.append(record)
    stay = set(kept(records, **rules, at_least=at_least))
    for record in records:
        if record.id in stay:
            assert set(record.needs) <= stay
    good = sorted((each for each in records if each.good), key=lambda each: each.finished)
    assert {each.id for each in good[-at_least:]} <= stay
    once = [each for each in records if each.id in stay]
    assert set(kept(once, **rules, at_least=at_least)) == stay
