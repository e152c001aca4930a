"""gzip by zlib: what goes in comes out of any gunzip, at every level."""

from __future__ import annotations

import gzip
import io
import random

import pytest
from rampart_backup.definition import Compression
from rampart_backup.streams.deflating import deflate
from rampart_backup.streams.packing import pack


def deflated(data: bytes, level: int) -> bytes:
    """The same, compressed."""
    sink = io.BytesIO()
    deflate(io.BytesIO(data), sink, level=level)
    return sink.getvalue()


@pytest.mark.parametrize("level", [-1, *range(10)])
def test_every_level_can_be_read_again(level: int) -> None:
    data = random.Random(level).randbytes(300_000) + b"a row\n" * 100_000
    assert gzip.decompress(deflated(data, level)) == data


def test_nothing_is_a_whole_archive_too() -> None:
    assert gzip.decompress(deflated(b"", -1)) == b""


def test_levels_differ() -> None:
    data = b"".join(b"%d" % number for number in range(200_000))
    assert len(deflated(data, 0)) > len(data) > len(deflated(data, 9))
    assert deflated(data, 1) != deflated(data, 9)
    assert deflated(data, -1) == deflated(data, 6)


def test_the_level_of_a_job_is_the_one_that_is_asked_for() -> None:
    assert [pack(Compression("gzip", level))[-1] for level in (0, 9, -1)] == ["0", "9", "-1"]
