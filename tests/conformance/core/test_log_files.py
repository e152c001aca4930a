"""Reading the files of a log as a stream: the same lines as a look at every one of them finds, in little memory."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import pathlib
import random
import tracemalloc
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._server import log_files
from ansible_collections.rampart.postgresql.plugins.module_utils._server.identity import account_of

WORDS = (b"authorized: ", b"zone")
ME = account_of(os.getuid())


PACKERS: t.Mapping[str, t.Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def file_of(path: pathlib.Path, content: bytes, *, begin: int = 0) -> log_files.LogFile:
    path.write_bytes(PACKERS.get(path.suffix, bytes)(content))
    return log_files.LogFile(str(path), len(content), 0.0, begin)


def expected(content: bytes) -> list[str]:
    lines = [line for line in content.split(b"\n") if any(word in line for word in WORDS)]
    return [line.decode("utf-8", "replace").rstrip("\r") for line in lines]


@pytest.mark.parametrize("name", ["log", "log.1.gz", "log.1.bz2", "log.1.xz"])
def test_the_same_as_line_by_line(name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words and lines lie across the borders of blocks, which are small here."""
    dice = random.Random(7)
    pieces = [b"authorized: ", b"authorized:", b"zone", b"zo", b"ne", b"\n", b"\r\n", b"x", b"\tyy", "ä".encode()]
    for block in (13, 64, 200):
        monkeypatch.setattr(log_files, "_BLOCK", block)
        for _attempt in range(60):
            lines = [b"".join(dice.choices(pieces, k=dice.randrange(12))).replace(b"\n", b"") for _line in range(40)]
            content = b"\n".join(line[: block - 1] for line in lines)
            assert list(log_files.lines_with(WORDS, file_of(tmp_path / name, content), ME)) == expected(content)


def test_a_line_without_an_end(tmp_path: pathlib.Path) -> None:
    """64 MiB in one line, and what comes after it is found."""
    content = b"authorized: first\n" + b"x" * 2**26 + b"\nauthorized: last\n"
    file = file_of(tmp_path / "log", content)
    tracemalloc.start()
    assert list(log_files.lines_with(WORDS, file, ME)) == ["authorized: first", "authorized: last"]
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def read(file: log_files.LogFile, most: int = 2**30) -> list[str]:
    return list(log_files.lines_of(file, ME, most, log_files.Measure()))


@pytest.mark.parametrize("suffix", ["", *PACKERS])
def test_every_line(suffix: str, tmp_path: pathlib.Path) -> None:
    """Zeros that a crash left are no text, and of a very long line more is left than whoever reads it keeps."""
    file = file_of(tmp_path / f"log.1{suffix}", b"one\n\0\0\0two \xff\n" + "😀".encode() * 2**20 + b" end\nlast\n")
    measure = log_files.Measure()
    tracemalloc.start()
    first, second, long, last = log_files.lines_of(file, ME, 2**30, measure)
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()
    assert (first, second, last, measure.bytes) == ("one", "two \N{REPLACEMENT CHARACTER}", "last", file.size)
    assert 2**16 < len(long) < 2**20 and long.endswith(" end")
    assert log_files.first_lines(file, ME)[:2] == [first, second]


def test_several_streams_in_one_file(tmp_path: pathlib.Path) -> None:
    for suffix, pack in PACKERS.items():
        (tmp_path / f"log.1{suffix}").write_bytes(pack(b"one\n") + pack(b"two\n"))
        [file] = log_files.rotated(str(tmp_path / "log"), ME)
        assert read(file) == ["one", "two"]
        os.unlink(file.path)


def test_a_file_that_takes_too_much_memory(tmp_path: pathlib.Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**30}]
    (tmp_path / "log.1.xz").write_bytes(lzma.compress(b"one\n", filters=filters))
    [file] = log_files.rotated(str(tmp_path / "log"), ME)
    with pytest.raises(OSError, match="cannot be unpacked"):
        read(file)


def test_files_that_change_while_they_are_read(tmp_path: pathlib.Path) -> None:
    """By logrotate, which renames them, or copies and empties them."""
    log = tmp_path / "log"
    log.write_bytes(b"one\ntwo\n")
    [file] = log_files.rotated(str(log), ME)
    with log.open("ab") as stream:
        stream.write(b"three\n")
    assert read(file, file.size) == ["one", "two"]
    os.truncate(log, 4)
    with pytest.raises(OSError, match="became shorter"):
        read(file, file.size)
    log.rename(tmp_path / "moved")
    log.write_bytes(b"one\ntwo\n")
    with pytest.raises(OSError, match="another file"):
        read(file, file.size)
    assert log_files.first_lines(file, ME) == []


def test_a_file_that_is_packed_just_now_is_read_once(tmp_path: pathlib.Path) -> None:
    for name in ("log", "log.1", "log.1.gz", "log.2.xz"):
        (tmp_path / name).write_bytes(b"x")
    assert {os.path.basename(file.path) for file in log_files.rotated(str(tmp_path / "log"), ME)} == {
        "log",
        "log.1",
        "log.2.xz",
    }


def test_a_part_of_a_file(tmp_path: pathlib.Path) -> None:
    file = file_of(tmp_path / "log", b"authorized: one\nauthorized: two\nauthorized: three\n", begin=20)
    assert log_files.first_lines(file, ME) == ["authorized: three"]
    assert list(log_files.lines_with(WORDS, file, ME))[-1] == "authorized: three"


def test_packed_files_that_are_not_whole(tmp_path: pathlib.Path) -> None:
    whole = gzip.compress(b"authorized: x\n" * 10_000)
    for name, content in (
        ("cut", whole[: len(whole) // 2]),
        ("nonsense", b"authorized: x\n"),
        ("several", gzip.compress(b"y" * 2**22) + whole),
        ("cut.xz", lzma.compress(b"authorized: x\n" * 10_000)[:-20]),
        ("nonsense.xz", b"authorized: x\n"),
        ("nonsense.bz2", b"authorized: x\n"),
        ("cut.bz2", bz2.compress(b"authorized: x\n" * 10_000)[:-20]),
    ):
        name, _dot, suffix = name.partition(".")
        (tmp_path / f"{name}{suffix}.log.1.{suffix or 'gz'}").write_bytes(content)
        name += suffix
        [file] = log_files.rotated(str(tmp_path / f"{name}.log"), ME)
        with pytest.raises((OSError, EOFError)):
            list(log_files.lines_with(WORDS, file, ME))


@pytest.mark.parametrize(
    ("find", "names", "others"),
    [
        (
            lambda directory: log_files.rotated(f"{directory}/main.log", ME),
            ["main.log", "main.log.1", "main.log.2.gz", "main.log-20260301", "main-20260301.log.gz", "main.log-2026-03-01.gz"],
            ["main.log.old", "main2.log", "xmain.log", "main.log.1.bak", "main.csv"],
        ),
        (
            lambda directory: log_files.collected(directory, "pg%%-%Y-%m_%H%M%S.log", ".csv", ME),
            ["pg%-2026-03_010203.csv", "pg%-2026-03_010203.csv.1.gz"],
            ["pg%-2026-03_010203.log", "audit-2026.csv", "pg%-2026-03_010203.csv.swp"],
        ),
        (
            lambda directory: log_files.collected(directory, "postgresql-%a.log", "", ME),
            ["postgresql-Mon.log", "postgresql-Tue.log"],
            ["postgresql-Mon.csv", "postgresql.log", "postgresql-main-Mon.log", "postgresql-.log"],
        ),
        (
            lambda directory: log_files.collected(directory, "server-%d", "", ME),
            ["server-01", "server-02", "server-03.1.xz"],
            ["server-01.csv", "server-02.json", "server-01.csv.1.gz", "server-x-01"],
        ),
    ],
)  # fmt: skip
def test_which_files(
    find: t.Callable[[str], list[log_files.LogFile]], names: list[str], others: list[str], tmp_path: pathlib.Path
) -> None:
    for age, name in enumerate([*names, *others]):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    (tmp_path / f"{names[0]}.7").mkdir()
    os.mkfifo(tmp_path / f"{names[0]}.8")
    assert [os.path.basename(file.path) for file in find(str(tmp_path))] == names
    assert log_files.rotated(str(tmp_path / "gone" / "log"), ME) == []
