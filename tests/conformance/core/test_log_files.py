"""Reading the files of a log as a stream: the same lines as a look at every one of them finds, in little memory."""

from __future__ import annotations

import gzip
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


def file_of(path: pathlib.Path, content: bytes, *, begin: int = 0) -> log_files.LogFile:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return log_files.LogFile(str(path), len(content), 0.0, begin)


def expected(content: bytes) -> list[str]:
    lines = [line for line in content.split(b"\n") if any(word in line for word in WORDS)]
    return [line.decode("utf-8", "replace").rstrip("\r") for line in lines]


@pytest.mark.parametrize("name", ["log", "log.1.gz"])
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
    ):
        (tmp_path / f"{name}.log.1.gz").write_bytes(content)
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
            ["postgresql-Mon.csv", "postgresql.log"],
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
