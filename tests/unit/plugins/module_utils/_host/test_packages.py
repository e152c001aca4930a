"""Which packages are missing."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._host.packages import missing_packages
from ansible_collections.rampart.postgresql.plugins.module_utils._host.packages import package_of_library


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


@pytest.mark.parametrize(
    ("library", "directory", "package"),
    [
        ("pgaudit", "/usr/lib/postgresql/17/lib", "postgresql-17-pgaudit"),
        ("set_user", "/usr/lib/postgresql/15/lib", "postgresql-15-set-user"),
        ("pgaudit", "/usr/pgsql-17/lib", ""),
        ("pgaudit", "/opt/usr/lib/postgresql/17/lib", ""),
        ("auth_delay", "/usr/lib/postgresql/17/lib", ""),
    ],
)
def test_the_package_of_a_library(library: str, directory: str, package: str) -> None:
    assert package_of_library(library, directory) == package
