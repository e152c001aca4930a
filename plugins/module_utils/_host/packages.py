# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of the distribution's packages; private to the collection."""

from __future__ import annotations

import re
import typing as t

__all__ = ["missing_packages", "package_of_library"]

# Debian's packages of libraries that do not come with the server, as its releases 11 to 14 name them.
_OF_LIBRARIES: t.Final[t.Mapping[str, str]] = {
    "credcheck": "postgresql-{major}-credcheck",
    "pgaudit": "postgresql-{major}-pgaudit",
    "pgauditlogtofile": "postgresql-{major}-pgauditlogtofile",
    "set_user": "postgresql-{major}-set-user",
}
_DEBIAN = re.compile(r"/usr/lib/postgresql/(?P<major>[0-9]+)/lib")


def missing_packages(importable: t.Mapping[str, str | None]) -> list[str]:
    """What to install so that a driver and cryptography can be imported.

    The names are the same on Debian, Ubuntu, Fedora and Enterprise Linux. psycopg2 is asked for because the oldest
    supported releases have no psycopg 3.
    """
    missing = []
    if not importable.get("psycopg") and not importable.get("psycopg2"):
        missing.append("python3-psycopg2")
    if not importable.get("cryptography"):
        missing.append("python3-cryptography")
    return missing


def package_of_library(library: str, directory: str) -> str:
    """The package with a library of the server whose libraries are in ``directory``; empty where none is known."""
    server = _DEBIAN.fullmatch(directory)
    return _OF_LIBRARIES.get(library, "").format(**server.groupdict()) if server else ""
