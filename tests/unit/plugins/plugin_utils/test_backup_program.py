# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program as one file: the same from every controller, and told apart by what is in it."""

from __future__ import annotations

import io
import zipfile

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.program import compared
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.program import listing
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.program import unpacked
from ansible_collections.rampart.postgresql.plugins.plugin_utils._backup_program import build
from ansible_collections.rampart.postgresql.plugins.plugin_utils._backup_program import packed

SOURCES = {"__main__.py": b"print(1)\n", "a/b.py": b""}


def test_it_is_the_same_in_whatever_order_it_is_made() -> None:
    content = build(SOURCES)
    assert content == build(dict(reversed(SOURCES.items())))
    assert content.startswith(b"#!/usr/bin/python3 -I\n")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == sorted(SOURCES)
        assert {each.compress_type for each in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.testzip() is None


def test_what_travels_is_the_program() -> None:
    names = set(listing(unpacked(packed())))
    assert {"__main__.py", "rampart_backup/__init__.py", "rampart_backup/run.py"} <= names


def test_what_differs_is_told_by_name() -> None:
    old, new = build(SOURCES), build({**SOURCES, "a/b.py": b"x = 1\n", "c.py": b""})
    change = compared(old, new)
    assert change.needed
    assert change.changed == ("a/b.py", "c.py")
    assert change.before.splitlines()[0] == change.after.splitlines()[0]
    assert not compared(new, new).needed
    assert compared(None, new).before == ""
    assert compared(new, new, "owner 1, mode 0777").needed
    assert compared(b"#!/bin/sh\n", new).changed == ("__main__.py", "a/b.py", "c.py")
