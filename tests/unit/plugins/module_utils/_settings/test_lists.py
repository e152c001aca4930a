# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists and their quoting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import join_items
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import split_items

ITEM = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", []),
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        (' a , "b,c" ', ["a", "b,c"]),
        ('"a""b"', ['a"b']),
        ('""', [""]),
        ("a b, c", ["a b", "c"]),
    ],
)
def test_a_list_is_split_as_the_server_splits_it(text: str, items: list[str]) -> None:
    assert split_items(text) == items


@pytest.mark.parametrize("text", [",", "a,", "a,,b", '"a', '"a"b'])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="list"):
        split_items(text)


def test_each_library_is_an_item_of_its_own() -> None:
    assert join_items(["auth_delay", "pg_stat_statements"]) == "auth_delay, pg_stat_statements"
    assert join_items(["my lib", "a,b"]) == '"my lib", "a,b"'


@given(st.lists(ITEM, max_size=5), st.booleans())
def test_items_survive(items: list[str], fold: bool) -> None:
    assert split_items(join_items(items, fold=fold), fold=fold, single_words=fold) == items
