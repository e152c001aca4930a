"""Which files are logs of a server, and which belong together."""

from __future__ import annotations

import pytest
from rampart_backup.sources.logs import pattern
from rampart_backup.sources.logs import stem


@pytest.mark.parametrize(
    ("log_filename", "name", "matches"),
    [
        ("postgresql-%Y-%m-%d_%H%M%S.log", "postgresql-2026-01-01_000000.log", True),
        ("postgresql-%Y-%m-%d_%H%M%S.log", "postgresql-2026-01-01_000000.csv", True),
        ("postgresql-%Y-%m-%d_%H%M%S.log", "postgresql-2026-01-01_000000.json", True),
        ("postgresql-%Y-%m-%d_%H%M%S.log", "postgresql-2026-01-01_000000.log.gz", False),
        ("postgresql-%Y-%m-%d_%H%M%S.log", "xpostgresql-2026-01-01_000000.log", False),
        ("postgresql-%a.log", "postgresql-Mon.log", True),
        ("postgresql-%a.log", "postgresql-.log", False),
        ("server.log", "server.log", True),
        ("server.log", "serverxlog", False),
        ("pg+%d", "pg+01", True),
        ("pg+%d", "pg+01.csv", True),
        ("pg+%d", "pgg01", False),
    ],
)
def test_names_are_those_of_the_setting(log_filename: str, name: str, matches: bool) -> None:
    assert (pattern(log_filename).fullmatch(name) is not None) is matches


def test_all_formats_of_one_moment_belong_together() -> None:
    assert {stem(f"a.b{suffix}") for suffix in (".log", ".csv", ".json")} == {"a.b"}
    assert stem("a.txt") == "a.txt"
