# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where our file goes, and what is read after it."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import FileSetting
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import Place
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import RoleSetting
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import find_place
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import stronger

MAIN = "/etc/pg/postgresql.conf"
NAME = "zz_rampart.conf"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Place("/etc/pg/zz_rampart.conf", MAIN, "include", None)),
        ("#include_dir = 'conf.d'\n", Place("/etc/pg/zz_rampart.conf", MAIN, "include", None)),
        ("ssl = on\ninclude_dir = 'conf.d'\n", Place("/etc/pg/conf.d/zz_rampart.conf", MAIN, "include_dir", 2)),
        ("include_dir a\ninclude_dir '/b/'\n", Place("/b/zz_rampart.conf", MAIN, "include_dir", 2)),
        (
            "include 'zz_rampart.conf'\ninclude_dir a\n",
            Place("/etc/pg/zz_rampart.conf", MAIN, "include", 1, ("/etc/pg/a",)),
        ),
        (
            "include_dir b\nssl = on\ninclude a/x.conf\n",
            Place("/etc/pg/b/zz_rampart.conf", MAIN, "include_dir", 1, ("/etc/pg/a/x.conf",)),
        ),
        ("include_if_exists './zz_rampart.conf'", Place("/etc/pg/zz_rampart.conf", MAIN, "include_if_exists", 1)),
        ("include 'other.conf'\n", Place("/etc/pg/zz_rampart.conf", MAIN, "include", None)),
    ],
)
def test_the_place_of_our_file(text: str, expected: Place) -> None:
    assert find_place(MAIN, text, NAME) == expected


def test_the_missing_line() -> None:
    assert find_place(MAIN, "", NAME).missing_line == "include 'zz_rampart.conf'"
    assert find_place(MAIN, "include_dir x", NAME).missing_line is None


def row(path: str, line: int = 1, name: str = "ssl") -> FileSetting:
    return FileSetting(path, line, name, "on")


def test_what_is_stronger_before_our_file_exists() -> None:
    place = Place("/etc/pg/conf.d/m.conf", MAIN, "include_dir", 10)
    before = [row(MAIN, 3), row("/etc/pg/conf.d/a.conf")]
    after = [row("/etc/pg/conf.d/z.conf"), row(MAIN, 12), row("/data/postgresql.auto.conf")]
    assert stronger(place, [*before, *after]) == tuple(after)
    appended = Place("/etc/pg/m.conf", MAIN, "include", None)
    assert stronger(appended, [*before, *after]) == (after[-1],)


@pytest.mark.parametrize("path", ["/etc/pg/late.conf", "/etc/pg/late.d/a.conf"])
def test_what_is_included_further_down_is_stronger(path: str) -> None:
    text = "include 'early.conf'\ninclude_if_exists 'zz_rampart.conf'\ninclude 'late.conf'\ninclude_dir 'late.d'\n"
    place = find_place(MAIN, text, NAME)
    early, late = row("/etc/pg/early.conf"), row(path)
    assert stronger(place, [row(MAIN), early, late]) == (late,)


def test_what_is_stronger_once_the_server_reads_our_file() -> None:
    place = Place("/etc/pg/conf.d/m.conf", MAIN, "include_dir", 10)
    after = row("/somewhere/else.conf")
    assert stronger(place, [row(MAIN), row(place.path), row(place.path, 2), after]) == (after,)


@pytest.mark.parametrize(
    ("database", "role", "text"),
    [
        (None, "app", "role app"),
        ("sales", None, "database sales"),
        ("s", "a", "role a in database s"),
        (None, None, "all roles"),
    ],
)
def test_role_settings_are_named(database: str | None, role: str | None, text: str) -> None:
    assert RoleSetting(database, role, "work_mem", "1").source == text
