"""Which WAL goes, and what is missing."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rampart_backup.archiving import wal
from rampart_backup.archiving.wal_chain import Base
from rampart_backup.archiving.wal_chain import bases
from rampart_backup.archiving.wal_chain import gaps
from rampart_backup.archiving.wal_chain import superfluous
from rampart_backup.places.catalogue import Record

SIZE: t.Final = wal.SEGMENT_SIZE


def stored(*files: str) -> list[wal.Stored]:
    """Files of an archive."""
    return [wal.Stored(file, "a" * 64, "b" * 64, ".gz.age") for file in files]


def segment(number: int, timeline: int = 1, size: int = SIZE) -> str:
    """The segment that so many others came before."""
    return wal.segment(timeline, number * size, size)


def segments(*numbers: int, timeline: int = 1) -> list[wal.Stored]:
    """Several."""
    return stored(*(segment(number, timeline) for number in numbers))


def record(**entry: t.Any) -> Record:
    """A backup."""
    values = {"id": "x", "job": "base", "kind": "physical", "finished": "", "complete": True, "parts": []}
    return Record.of({**values, "system_identifier": "7", "start_lsn": "0/5000028", "wal_segment_size": SIZE, **entry})


def test_all_before_the_oldest_backup_goes_and_histories_stay() -> None:
    files = stored(
        segment(3),
        segment(4) + ".partial",
        segment(4, 2),
        segment(4) + ".00000028.backup",
        segment(5),
        segment(5) + ".00000028.backup",
        segment(6, 2),
        "00000002.history",
    )
    gone = superfluous(files, [Base(9 * SIZE, SIZE), Base(5 * SIZE + 40, SIZE)])
    assert [each.file for each in gone] == [
        segment(3),
        *sorted([segment(4) + ".00000028.backup", segment(4) + ".partial", segment(4, 2)]),
    ]


def test_without_a_backup_everything_stays() -> None:
    assert superfluous(segments(1, 2, 3), []) == []


@pytest.mark.parametrize(("sizes", "gone"), [((0,), 256), ((SIZE, 2 * SIZE), 256), ((SIZE, SIZE), 260)])
def test_a_size_that_is_not_known_keeps_more(sizes: tuple[int, ...], gone: int) -> None:
    files = segments(*range(300))
    assert len(superfluous(files, [Base(260 * SIZE + 1, size) for size in sizes])) == gone


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, [Base(5 * SIZE + 40, SIZE)]),
        ({"kind": "logical"}, []),
        ({"system_identifier": "8"}, []),
        ({"complete": False}, [Base(5 * SIZE + 40, SIZE)]),
        ({"start_lsn": "nowhere"}, [Base(0, SIZE)]),
        ({"wal_segment_size": None}, [Base(5 * SIZE + 40, 0)]),
        ({"wal_segment_size": 12345}, [Base(5 * SIZE + 40, 0)]),
        ({"wal_segment_size": True}, [Base(5 * SIZE + 40, 0)]),
    ],
)
def test_what_a_backup_says(entry: dict[str, t.Any], expected: list[Base]) -> None:
    assert bases([record(**entry)], "7") == expected


@given(
    size=st.sampled_from([2**20, SIZE, 2**26, 2**30]),
    known=st.booleans(),
    starts=st.lists(st.integers(0, 2**36), max_size=5),
    files=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2**36)), max_size=50),
    kind=st.sampled_from(["", ".partial", ".00000028.backup"]),
)
def test_what_goes_is_needed_by_no_backup_that_stays(
    size: int, known: bool, starts: list[int], files: list[tuple[int, int]], kind: str
) -> None:
    archive = stored(*sorted({wal.segment(timeline, at, size) + kind for timeline, at in files}), "00000002.history")
    gone = superfluous(archive, [Base(start, size if known else 0) for start in starts])
    needed = {
        each
        for each in archive
        for start in starts
        if each.file.endswith(".history") or wal.position(each.file, size) + size > start
    }
    assert needed.isdisjoint(gone)
    if known and starts:
        assert {*archive} - needed == {*gone}
    if not starts:
        assert gone == []
    assert gone == sorted(gone, key=lambda each: wal.position(each.file, size) * 8 + int(each.file[:8], 16))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], []),
        (segments(7), []),
        (segments(3, 4, 5), []),
        (segments(255, 256, 257), []),
        (segments(3, 5), [f"{segment(4)} is missing"]),
        (segments(3, 7, 9), [f"{segment(4)} to {segment(6)} are missing", f"{segment(8)} is missing"]),
        (segments(3, 4) + segments(5, 6, timeline=2), []),
        (segments(3, 4, 5, 6) + segments(5, 6, timeline=2), []),
        (segments(3, 4) + stored(segment(5) + ".partial") + segments(5, 6, timeline=2), []),
        (
            segments(3) + stored(segment(5) + ".partial") + segments(5, 6, timeline=2),
            [f"{segment(4)} is missing"],
        ),
        (segments(3, 5) + stored(segment(4) + ".partial"), [f"{segment(4)} is missing"]),
        (segments(3, 4) + segments(5, timeline=2) + segments(5, 6, timeline=3), []),
        (
            segments(3, 4) + segments(6, timeline=2),
            [f"nothing leads to {segment(6, 2)}, with which its timeline begins"],
        ),
        (
            segments(6, timeline=1) + segments(3, 4, timeline=2),
            [f"nothing leads to {segment(6)}, with which its timeline begins"],
        ),
        (segments(3, 4) + stored("00000002.history", segment(9) + ".00000028.backup"), []),
        (stored(segment(9) + ".partial"), []),
    ],
)
def test_what_is_missing(files: list[wal.Stored], said: list[str]) -> None:
    assert gaps(files, SIZE) == said


@given(
    begin=st.integers(0, 600),
    promotions=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3), st.booleans()), min_size=1, max_size=4),
    lost=st.integers(0, 10**6),
)
def test_a_whole_chain_has_no_gap_and_one_without_a_segment_has_one(
    begin: int, promotions: list[tuple[int, int, bool]], lost: int
) -> None:
    """Each timeline goes on from the one before: so many segments, so many more that were archived past the promotion."""
    archive: dict[str, bool] = {}  # whether a segment is needed to get to the end
    first = begin
    for timeline, (length, tail, partial) in enumerate(promotions, 1):
        last = timeline == len(promotions)
        for number in range(first, first + length):
            archive[segment(number, timeline)] = True
        if not last:
            for number in range(first + length, first + length + tail):
                archive[segment(number, timeline)] = False
            if partial:
                archive[segment(first + length + tail, timeline) + ".partial"] = False
        first += length
    assert gaps(stored(*archive), SIZE) == []
    needed = [file for file, needs in archive.items() if needs][1:-1]
    if needed:
        gone = needed[lost % len(needed)]
        rest = [each for each in archive if each != gone]
        if all(each[8:24] != gone[8:24] for each in rest):  # no other timeline has it
            assert gaps(stored(*rest), SIZE)
