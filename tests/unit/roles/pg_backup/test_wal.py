"""Names of WAL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rampart_backup.archiving import wal

PLAIN, SEALED = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("name", "file", "segment"),
    [
        ("000000010000000000000001", True, True),
        ("000000010000000000000001.partial", True, False),
        ("000000010000000000000001.00000028.backup", True, False),
        ("00000002.history", True, False),
        ("00000001000000000000000", False, False),
        ("00000001000000000000000g", False, False),
        ("000000010000000000000001.gz", False, False),
        ("../00000002.history", False, False),
        ("00000002.history\n", False, False),
        ("", False, False),
    ],
)
def test_what_is_archived(name: str, file: bool, segment: bool) -> None:
    assert (wal.is_file(name), wal.is_segment(name)) == (file, segment)


@pytest.mark.parametrize("suffix", ["", ".gz", ".gz.age", ".zst.gpg"])
@pytest.mark.parametrize("file", ["000000010000000A000000FF", "00000002.history", "0" * 24 + ".00000028.backup"])
def test_a_stored_name_tells_everything(file: str, suffix: str) -> None:
    stored = wal.Stored(file, PLAIN, SEALED, suffix)
    assert wal.Stored.of(stored.name) == stored


@pytest.mark.parametrize(
    "name", ["catalogue.jsonl", f"x-{PLAIN}-{SEALED}", f"{'0' * 24}-{PLAIN}", f"{'0' * 24}-{PLAIN}-{SEALED}/x"]
)
def test_other_names_are_none(name: str) -> None:
    assert wal.Stored.of(name) is None


@given(
    timeline=st.integers(1, 2**32 - 1),
    number=st.integers(0, 2**64 - 1),
    size=st.sampled_from([2**power for power in range(20, 31)]),
)
def test_a_position_is_in_the_segment_that_is_called_after_it(timeline: int, number: int, size: int) -> None:
    name = wal.segment(timeline, number, size)
    assert wal.is_segment(name)
    assert int(name[:8], 16) == timeline
    assert wal.position(name, size) <= number < wal.position(name, size) + size
    assert wal.lsn(wal.shown(number)) == number


def test_as_postgresql_counts() -> None:
    """pg_walfile_name('16/B374D848') with segments of 16 MiB."""
    assert wal.segment(1, wal.lsn("16/B374D848"), wal.SEGMENT_SIZE) == "0000000100000016000000B3"
    assert wal.directory("0000000100000016000000B3") == "0000000100000016"
    assert wal.directory("00000002.history") == "history"


@pytest.mark.parametrize("text", ["", "16", "16/", "x/1", "1/123456789"])
def test_what_is_no_position(text: str) -> None:
    with pytest.raises(ValueError, match="no position"):
        wal.lsn(text)
