"""The other end of a pipe that hangs: it is waited for, and not for ever."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import typing as t

import pytest
from rampart_backup.streams.patient import Patient
from rampart_backup.streams.pump import Carried
from rampart_backup.streams.pump import carried

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Ends = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Ends]:
    """Its two ends."""
    ends = os.pipe()
    yield ends
    for each in ends:
        os.close(each)


def test_what_comes_is_read_and_silence_is_not_borne(pipe: Ends) -> None:
    stream = io.BufferedReader(Patient(pipe[0], 0.05))
    os.write(pipe[1], b"name")
    assert stream.read(4) == b"name"
    with pytest.raises(TimeoutError, match=r"nothing came for 0\.05 seconds"):
        stream.read(1)


def test_who_goes_on_is_waited_for_however_long_it_takes(pipe: Ends) -> None:
    def slow() -> None:
        for _turn in range(5):
            os.write(pipe[1], b"x")
            threading.Event().wait(0.05)

    writer = threading.Thread(target=slow)
    writer.start()
    assert io.BufferedReader(Patient(pipe[0], 0.2)).read(5) == b"xxxxx"
    writer.join()


def test_what_nobody_takes_is_not_waited_for(pipe: Ends) -> None:
    stream = Patient(pipe[1], 0.05)
    assert stream.write(b"name") == 4
    with pytest.raises(TimeoutError, match=r"nothing was taken for 0\.05 seconds"):
        stream.write(bytes(2**21))


def test_the_end_is_none_of_silence() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"all")
    os.close(writing)
    stream = t.cast("t.IO[bytes]", Patient(reading, 0.05))
    assert carried(stream) == Carried(3, hashlib.sha256(b"all").hexdigest())
    os.close(reading)
