"""What events make of a backup."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from rampart_backup.places.catalogue import Event
from rampart_backup.places.catalogue import Record
from rampart_backup.places.catalogue import drilled
from rampart_backup.places.catalogue import fold

_ENTRY: t.Final = {
    "id": "a",
    "job": "j",
    "kind": "logical",
    "finished": "2026-01-01T00:00:00Z",
    "complete": True,
    "parts": [{"name": "x", "size": 3, "sha256": "00", "plain_size": 2, "of a later version": 1}],
}
_MADE: t.Final = {"event": "made", "backup": _ENTRY}


def after(*events: Event) -> Record:
    """The backup after these."""
    (record,) = fold([_MADE, *events])
    return record


@pytest.mark.parametrize(
    "wrong",
    [
        {"parts": ["x"]},
        {"parts": 1},
        {"parts": None},
        {"parts": [{"name": 1, "size": 3, "sha256": "00", "plain_size": 2}]},
        {"parts": [{"name": "x", "size": "3", "sha256": "00", "plain_size": 2}]},
        {"parts": [{"name": "x", "size": -3, "sha256": "00", "plain_size": 2}]},
        {"parts": [{"name": "x", "size": True, "sha256": "00", "plain_size": 2}]},
        {"parts": [{"name": "x", "size": 3, "sha256": "00", "plain_size": 2, "database": []}]},
    ],
)
def test_an_entry_that_is_none_is_no_backup_and_hides_no_other(wrong: dict[str, t.Any]) -> None:
    events: list[Event] = [
        {"event": "made", "backup": {**_ENTRY, "id": "b", **wrong}},
        {"event": "made"},
        {"event": "made", "backup": 1},
    ]
    strange: Event = {"event": "verified", "id": ["a"]}
    assert [each.id for each in fold([*events, _MADE, strange])] == ["a"]


def test_a_new_one_is_good_and_knows_its_size() -> None:
    assert after().good
    assert after().size == 3


@pytest.mark.parametrize(
    ("event", "good"),
    [("verified", True), ("restored", True), ("damaged", False), ("removed", False), ("of a later version", True)],
)
def test_events(event: str, good: bool) -> None:
    assert after({"event": event, "id": "a", "at": "then"}).good is good


def test_one_that_was_damaged_and_read_whole_again_is_good() -> None:
    assert after({"event": "damaged", "id": "a", "what": "gone"}, {"event": "verified", "id": "a", "at": "then"}).good


def test_one_that_could_not_be_restored_is_not_good_because_its_bytes_are_those_that_were_stored() -> None:
    refuted = drilled("a", "damaged", "it has no base", at="then")
    verified: Event = {"event": "verified", "id": "a", "at": "later"}
    found = after(refuted, verified)
    assert (found.good, found.damaged, found.wrong, found.verified) == (False, "", "it has no base", "later")
    assert Record.from_json(dataclasses.asdict(found)) == found
    assert after(refuted, verified, drilled("a", "restored", "", at="then")).good


def test_one_that_was_restored_once_and_is_damaged_now_is_good_when_its_bytes_are() -> None:
    damaged: Event = {"event": "damaged", "id": "a", "what": "a byte"}
    found = after(drilled("a", "damaged", "no base", at=""), damaged, drilled("a", "restored", "", at="then"))
    assert (found.good, found.wrong) == (False, "a byte")


def test_events_of_others_and_entries_that_are_none_change_nothing() -> None:
    assert after({"event": "removed", "id": "b"}, {"event": "made", "backup": {}}, {"event": "made", "backup": 3}).good


def test_an_entry_is_not_replaced_by_a_later_one() -> None:
    assert after({"event": "made", "backup": {**_ENTRY, "complete": False}}).complete


def chained(*events: Event) -> list[bool]:
    """Which of three are good, of which each is built upon the ones before."""
    made = [
        {"event": "made", "backup": {**_ENTRY, "id": name, "chain": list(chain)}}
        for name, chain in (("a", ""), ("b", "a"), ("c", "ab"))
    ]
    return [record.good for record in fold([*made, *events])]


@pytest.mark.parametrize(
    ("events", "good"),
    [
        ((), [True, True, True]),
        (({"event": "damaged", "id": "b"},), [True, False, False]),
        (({"event": "removed", "id": "a", "at": "then"},), [False, False, False]),
        (({"event": "damaged", "id": "c"},), [True, True, False]),
        (({"event": "damaged", "id": "a"}, {"event": "verified", "id": "a", "at": "then"}), [True, True, True]),
    ],
)
def test_one_is_as_good_as_what_it_is_built_upon(events: tuple[Event, ...], good: list[bool]) -> None:
    assert chained(*events) == good


def test_one_whose_ground_nobody_knows_is_not_good_and_stays_so_over_the_wire() -> None:
    (record,) = fold([{"event": "made", "backup": {**_ENTRY, "chain": ["gone"]}}])
    assert record.broken == "gone, which it is built upon, is missing"
    assert Record.from_json(dataclasses.asdict(record)) == record
