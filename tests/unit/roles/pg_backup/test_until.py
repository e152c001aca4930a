"""How far WAL is replayed, and from which backup on."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from rampart_backup.archiving import until
from rampart_backup.faults import DefinitionFault
from rampart_backup.faults import RestoreFault
from rampart_backup.places.catalogue import Record

UTC: t.Final = datetime.timezone.utc
NOW: t.Final = datetime.datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", {"recovery_target": "immediate"}),
        ("end", {}),
        ("2026-05-04T03:02:01Z", {"recovery_target_time": "2026-05-04 03:02:01.000000+00"}),
        ("2026-05-04t03:02:01.5z", {"recovery_target_time": "2026-05-04 03:02:01.500000+00"}),
        ("2026-05-04 03:02:01.123456789+02:30", {"recovery_target_time": "2026-05-04 00:32:01.123456+00"}),
        ("2026-05-04T23:30:00-01:00", {"recovery_target_time": "2026-05-05 00:30:00.000000+00"}),
        ("15 minutes ago", {"recovery_target_time": "2026-05-04 11:45:00.000000+00"}),
        ("1 hour ago", {"recovery_target_time": "2026-05-04 11:00:00.000000+00"}),
        ("2 days ago", {"recovery_target_time": "2026-05-02 12:00:00.000000+00"}),
        ("16/b374d848", {"recovery_target_lsn": "16/B374D848"}),
        ("point before the change", {"recovery_target_name": "before the change"}),
        ("point " + "x" * 63, {"recovery_target_name": "x" * 63}),
    ],
)
def test_what_a_server_is_told(text: str, settings: dict[str, str]) -> None:
    assert until.parse("until", text).at(NOW).settings() == settings


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-05-04T03:02:01", "without an offset: add Z for UTC"),
        ("2026-13-04T03:02:01Z", "is no time"),
        ("2026-05-04T03:02:60Z", "is no time"),
        ("2026-05-04T03:02:01+24:00", "is no offset"),
        ("0001-01-01T00:00:00+01:00", "is no time"),
        ("2026-05-04", "is not empty"),
        ("yesterday", "is not empty"),
        ("minutes ago", "is not empty"),
        ("-1 minutes ago", "is not empty"),
        ("5 weeks ago", "is not empty"),
        ("16/", "is not empty"),
        ("point", "is not empty"),
        ("point ", "is not empty"),
        ("point x\ny", "is not empty"),
        ("point " + "\u00e4" * 32, "63 bytes"),
        ("end ", "is not empty"),
    ],
)
def test_what_is_no_target_says_what_is(text: str, why: str) -> None:
    with pytest.raises(DefinitionFault, match=rf"^until: .*{why}"):
        until.parse("until", text)


def test_it_is_shown_as_it_can_be_written() -> None:
    for text in ("2026-05-04T03:02:01.000000Z", "16/B374D848", "point x", "end"):
        assert str(until.parse("until", text)) == text


def record(number: int, **changes: t.Any) -> Record:
    """A physical backup that ended at ``number`` o'clock, and at that position."""
    entry = {
        "id": f"2026050{number}",
        "job": "base",
        "kind": "physical",
        "finished": f"2026-05-04T0{number}:00:00Z",
        "complete": True,
        "parts": [],
        "system_identifier": "7",
        "stop_lsn": f"{number}/0",
        "timeline": 1,
        "restore_point": f"p{number}",
        **changes,
    }
    return Record.of(entry)


RECORDS: t.Final = [record(number) for number in range(1, 5)]


@pytest.mark.parametrize(
    ("target", "number"),
    [
        ("", 4),
        ("end", 4),
        ("2026-05-04T09:00:00Z", 4),
        ("2026-05-04T03:00:01Z", 3),
        ("2026-05-04T03:00:00.999Z", 2),  # the run ended within that second
        ("2026-05-04T01:00:01Z", 1),
        ("3/0", 3),
        ("2/FFFFFFFF", 2),
        ("point p2", 2),
    ],
)
def test_the_newest_that_ended_before(target: str, number: int) -> None:
    assert until.choose(RECORDS, "base", until.parse("until", target)) is RECORDS[number - 1]


def test_the_clock_of_the_server_counts_where_it_is_known() -> None:
    known = record(5, stopped="2026-05-04T04:59:59.250000Z")
    target = until.parse("until", "2026-05-04T04:59:59.25Z")
    assert until.choose([*RECORDS, known], "base", target) is known
    assert until.choose([*RECORDS, record(5)], "base", target) is RECORDS[3]


def test_a_point_of_somebody_elses_comes_with_its_position() -> None:
    target = until.parse("until", "point mine")
    assert until.choose(RECORDS, "base", target, point=3 * 2**32 - 1) is RECORDS[1]


@pytest.mark.parametrize(
    ("target", "earliest"),
    [
        ("2026-05-04T01:00:00Z", "2026-05-04T01:00:01.000000Z"),
        ("0/FFFFFFFF", "1/0"),
        ("point nobody-made-it", "1/0"),
    ],
)
def test_what_is_before_all_of_them_names_the_earliest(target: str, earliest: str) -> None:
    with pytest.raises(RestoreFault, match=rf"the earliest target is {earliest}$"):
        until.choose(RECORDS, "base", until.parse("until", target))


@pytest.mark.parametrize("changes", [{"complete": False}, {"kind": "logical"}])
def test_only_good_physical_ones_count(changes: dict[str, t.Any]) -> None:
    with pytest.raises(RestoreFault, match="no good physical backup"):
        until.choose([record(1, **changes)], "base", until.parse("until", "end"))
    assert until.choose([*RECORDS, record(5, **changes)], "base", until.parse("until", "end")) is RECORDS[3]


@pytest.mark.parametrize(
    "changes",
    [
        {"stopped": "x"},
        {"finished": "9999-12-31T23:59:59Z", "stopped": ""},
        {"stop_lsn": "x"},
        {"stop_lsn": None},
        {"timeline": "x"},
        {"wal_segment_size": 3},
    ],
)
@pytest.mark.parametrize("target", ["end", "2026-05-04T04:30:00Z", "4/1", "point nobody-made-it"])
def test_an_entry_that_says_nonsense_of_its_end_keeps_nobody_from_the_others(
    changes: dict[str, t.Any], target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = record(5, **changes)
    assert until.choose([wrong, *RECORDS], "base", until.parse("until", target), point=2**34 + 1) is RECORDS[3]
    assert f"the backup {wrong.id} is passed over" in capsys.readouterr().err


def test_positions_of_another_cluster_say_nothing() -> None:
    other = record(5, system_identifier="8", stop_lsn="0/5")
    assert until.choose([*RECORDS, other], "base", until.parse("until", "4/0")) is other
    with pytest.raises(RestoreFault, match="the earliest target is 0/5"):
        until.choose([*RECORDS, other], "base", until.parse("until", "0/4"))
