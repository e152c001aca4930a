"""Timelines, and what of an archive leads to one of them."""

from __future__ import annotations

import struct
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rampart_backup.archiving import timelines
from rampart_backup.archiving import wal

SIZE: t.Final = wal.SEGMENT_SIZE


def name(timeline: int, number: int) -> str:
    """Of a segment."""
    return wal.segment(timeline, number * SIZE, SIZE)


def test_a_history_file_is_read() -> None:
    text = (
        "# made by hand\n1\t0/A000198\tno recovery target specified\n\n2\t0/14000000\tbefore 2026-05-04 03:02:01+00\n"
    )
    assert timelines.parse(text) == [(1, 0xA000198), (2, 0x14000000)]


@pytest.mark.parametrize("text", ["1", "x\t0/1\t", "1\t0/\tno"])
def test_what_is_no_history(text: str) -> None:
    with pytest.raises(ValueError, match="no line of a timeline's history|no position"):
        timelines.parse(text)


# 1 was left within segment 10, 2 at the end of segment 19.
HISTORY: t.Final = timelines.History(3, [(1, 10 * SIZE + 400), (2, 20 * SIZE)], SIZE)


@pytest.mark.parametrize(
    ("timeline", "number", "leads"),
    [
        (1, 9, True),
        (1, 10, False),
        (1, 11, False),
        (2, 10, True),
        (2, 19, True),
        (2, 20, False),
        (3, 20, True),
        (4, 9, False),
    ],
)
def test_which_segments_lead_to_a_timeline(timeline: int, number: int, leads: bool) -> None:
    assert HISTORY.has(name(timeline, number)) is leads


@pytest.mark.parametrize(
    ("missing", "others", "following"),
    [
        ((3, 22), [(3, 21)], None),
        ((3, 22), [(3, 21), (3, 24), (3, 23)], (3, 23)),
        ((2, 15), [(3, 20)], (3, 20)),
        ((1, 5), [(1, 12)], None),  # of a server that went on alone
        ((1, 5), [(2, 12)], (2, 12)),
        ((3, 22), [(2, 30), (4, 23)], None),
        ((2, 10), [(1, 10), (1, 9)], None),
    ],
)
def test_a_gap_is_what_something_follows(
    missing: tuple[int, int], others: list[tuple[int, int]], following: tuple[int, int] | None
) -> None:
    found = HISTORY.after(
        name(*missing), [*(name(*each) for each in others), "00000004.history", f"{name(3, 30)}.partial"]
    )
    assert found == (None if following is None else name(*following))


def test_the_last_segment() -> None:
    files = [name(1, 30), name(2, 19), name(3, 21), name(3, 20), "00000003.history"]
    assert HISTORY.last(files, name(1, 5)) == name(3, 21)
    assert HISTORY.last(files, name(1, 22)) is None
    assert HISTORY.newest_first(files) == [name(3, 21), name(3, 20), name(2, 19)]


def test_the_newest_timeline_that_a_backup_leads_to() -> None:
    histories = {2: [(1, 10 * SIZE)], 3: [(1, 5 * SIZE)], 4: [(1, 10 * SIZE), (2, 20 * SIZE)]}
    for timeline, number, expected in (
        (1, 4, 4),
        (1, 7, 4),
        (1, 12, 1),
        (2, 15, 4),
        (2, 25, 2),
        (3, 7, 3),
        (4, 30, 4),
        (9, 1, 9),
    ):
        assert timelines.newest(timeline, number * SIZE, histories, SIZE).timeline == expected
    assert timelines.newest(1, 7 * SIZE, {3: [(1, 5 * SIZE)]}, SIZE).timeline == 1  # left before the backup ended


def record(point: str, *, info: int = 0x70) -> bytes:
    """As the server writes it."""
    header = struct.pack("<IIQBBHI", 98, 0, 1, info, 0, 0, 0xDEADBEEF)
    return (
        header
        + b"\xff\x48"
        + struct.pack("<q", 5)
        + point.encode().ljust(63, b"\x01").replace(b"\x01", b"\0", 1)
        + b"\0"
    )


def paged(records: bytes) -> bytes:
    """A segment of these records."""
    pages, rest = [b"H" * 40 + records[: 8192 - 40]], records[8192 - 40 :]
    while rest:
        pages.append(b"h" * 24 + rest[: 8192 - 24])
        rest = rest[8192 - 24 :]
    return b"".join(pages)


@given(before=st.integers(0, 30000), after=st.integers(0, 9000))
def test_a_restore_point_is_found_wherever_it_is(before: int, after: int) -> None:
    records = b"\x07" * before + record("mine") + b"\x07" * after
    held = timelines.records_of(paged(records))
    assert held == records
    found = timelines.find_point(held, "mine")
    assert found == before + 98
    if after:
        assert paged(records[:found] + b"\xee" + records[found + 1 :])[timelines.offset_of(found)] == 0xEE


def test_only_restore_points_count_and_the_newest_of_them() -> None:
    assert timelines.find_point(record("mine", info=0x40) + b"a row that says mine\0" + b"mine\0", "mine") is None
    assert timelines.find_point(record("mine or not"), "mine") is None
    assert timelines.find_point(record("mine") + record("mine") + record("other"), "mine") == 2 * 98
