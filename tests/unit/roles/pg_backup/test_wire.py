"""Frames between a host and a vault: whole, or refused."""

from __future__ import annotations

import io

import pytest
from rampart_backup.faults import PlaceFault
from rampart_backup.places import wire


def frame(kind: bytes, data: bytes) -> bytes:
    """As it is sent."""
    return kind + len(data).to_bytes(4, "big") + data


def test_frames_come_one_after_the_other() -> None:
    stream = io.BytesIO(frame(wire.PART, b"name") + frame(wire.ACCEPT, b""))
    assert [wire.read_frame(stream) for _turn in range(2)] == [(wire.PART, b"name"), (wire.ACCEPT, b"")]


def test_signs_of_life_say_nothing_else() -> None:
    still = frame(wire.STILL, b"")
    assert wire.read_frame(io.BytesIO(still + still + frame(wire.PART, b"name"))) == (wire.PART, b"name")
    with pytest.raises(PlaceFault, match="cut off"):
        wire.read_frame(io.BytesIO(still))


@pytest.mark.parametrize("length", range(9))
def test_one_that_is_cut_off_or_does_not_come_is_no_end(length: int) -> None:
    with pytest.raises(PlaceFault, match="cut off"):
        wire.read_frame(io.BytesIO(frame(wire.DATA, b"name")[:length]))


def test_one_that_is_too_long_is_refused_unread() -> None:
    with pytest.raises(PlaceFault, match="too long"):
        wire.read_frame(io.BytesIO(b"D\xff\xff\xff\xff"))


@pytest.mark.parametrize("line", [b"", b"Welcome!\n", b"[]\n", b'{"refused": "quota"}\n'])
def test_an_answer_that_is_none_or_a_refusal(line: bytes) -> None:
    with pytest.raises(PlaceFault):
        wire.read_answer(line)
