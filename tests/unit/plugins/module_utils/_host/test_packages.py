"""Which packages are missing."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._host.packages import missing_packages


@pytest.mark.parametrize(
    ("importable", "missing"),
    [
        ({"psycopg": "3.2", "psycopg2": None, "cryptography": "43"}, []),
        ({"psycopg": None, "psycopg2": "2.9", "cryptography": "43"}, []),
        ({"psycopg": None, "psycopg2": None, "cryptography": "43"}, ["python3-psycopg2"]),
        ({}, ["python3-psycopg2", "python3-cryptography"]),
    ],
)
def test_missing_packages(importable: dict[str, str | None], missing: list[str]) -> None:
    assert missing_packages(importable) == missing
