# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program that makes backups as one file, made of the collection's own sources; private to the collection."""

from __future__ import annotations

import base64
import io
import pathlib
import typing as t
import zipfile
import zlib

__all__ = ["SOURCES", "build", "packed"]

SOURCES: t.Final = pathlib.Path(__file__).resolve().parents[2] / "roles" / "pg_backup" / "files" / "program"
_FIRST_LINE = b"#!/usr/bin/python3 -I\n"  # no modules and variables of whoever starts it
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can say
_MODE = 0o644 << 16


def build(sources: t.Mapping[str, bytes]) -> bytes:
    """A zip file that Python runs, of files by their names in it; the same bytes on every controller and every time.

    Nothing in it is compressed: what zlib makes of a text depends on its version.
    """
    buffer = io.BytesIO()
    buffer.write(_FIRST_LINE)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(sources):
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = _MODE
            archive.writestr(entry, sources[name])
    return buffer.getvalue()


def packed(directory: pathlib.Path = SOURCES) -> str:
    """The program of a directory as an option of a module."""
    found = sorted(directory.rglob("*.py"))
    content = build({path.relative_to(directory).as_posix(): path.read_bytes() for path in found})
    return base64.b64encode(zlib.compress(content, 9)).decode()
