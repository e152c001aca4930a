# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Libraries of all places."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.preload import candidate_files
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.preload import in_order
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.preload import libraries_of
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.preload import merge
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.preload import prefixes
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.preload import without


def test_libraries_are_merged_in_order_and_once() -> None:
    assert merge(["b", "a"], ["$libdir/a", "c.so"], ["c", "d"]) == ["b", "a", "c.so", "d"]
    assert merge([], []) == []


@pytest.mark.parametrize(
    ("library", "path", "files"),
    [
        ("auth_delay", "$libdir", ["/lib/pg/auth_delay", "/lib/pg/auth_delay.so"]),
        ("x.so", "/opt:$libdir", ["/opt/x.so", "/opt/x.so.so", "/lib/pg/x.so", "/lib/pg/x.so.so"]),
        ("$libdir/x", "/opt", ["/lib/pg/x", "/lib/pg/x.so"]),
        ("/opt/x", "$libdir", ["/opt/x", "/opt/x.so"]),
    ],
)
def test_files_that_the_server_would_try(library: str, path: str, files: list[str]) -> None:
    assert candidate_files(library, "/lib/pg", path) == files


def test_prefixes_of_parameters() -> None:
    assert prefixes("$libdir/auth_delay.so") == ("auth_delay",)
    assert prefixes("pgauditlogtofile") == ("pgaudit",)


def test_a_text_that_is_no_list_names_no_library() -> None:
    assert libraries_of('"a') == []


def test_absent_libraries_go_in_every_spelling_and_others_keep_their_order() -> None:
    assert without(["c", "$libdir/a", "b", "a.so"], ["a", "nosuch"]) == ["c", "b"]


@pytest.mark.parametrize(
    ("libraries", "ordered"),
    [
        ([], []),
        (["b", "pgaudit", "a"], ["b", "pgaudit", "a"]),
        (["pgaudit", "b", "pgauditlogtofile"], ["pgaudit", "b", "pgauditlogtofile"]),
        (["b", "pgauditlogtofile", "a", "$libdir/pgaudit"], ["b", "$libdir/pgaudit", "pgauditlogtofile", "a"]),
        (["pg_wait_sampling", "pg_stat_statements"], ["pg_stat_statements", "pg_wait_sampling"]),
        (["pgauditlogtofile", "citus", "pgaudit"], ["citus", "pgaudit", "pgauditlogtofile"]),
        (["citus"], ["citus"]),
    ],
)
def test_a_library_moves_only_in_front_of_those_that_need_it_there(libraries: list[str], ordered: list[str]) -> None:
    assert in_order(libraries) == ordered
    assert in_order(ordered) == ordered
