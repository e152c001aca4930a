# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of configuration files; tests/conformance asks the servers about the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.grammar import Entry
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.grammar import parse
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.grammar import parse_line
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.grammar import quote
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.grammar import render

TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", None),
        ("  # ssl = on", None),
        ("ssl = on", ("ssl", "on")),
        ("ssl on", ("ssl", "on")),
        ("ssl=on# note", ("ssl", "on")),
        ("work_mem = 4MB\r", ("work_mem", "4MB")),
        ("a.b = 'it''s'", ("a.b", "it's")),
        (r"x = 'it\'s'", ("x", "it's")),
        (r"x = 'a\101\n\z'", ("x", "aA\nz")),
        ("x = '#'", ("x", "#")),
        ("x = scram-sha-256", ("x", "scram-sha-256")),
        ("x = -1.5e3", ("x", "-1.5e3")),
        ("include_dir 'conf.d'", ("include_dir", "conf.d")),
    ],
)
def test_a_line_is_read(line: str, expected: tuple[str, str] | None) -> None:
    assert parse_line(line) == expected


@pytest.mark.parametrize(
    "line", ["ssl", "ssl =", "= on", "ssl on off", "x = 'a", "x = a.b", "1 = 2", "x == 1", "x = %m"]
)
def test_a_syntax_error_is_one_for_us_too(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_line(line)


def test_entries_bear_their_lines() -> None:
    entries, faulty = parse("# head\nssl = on\nnonsense\nINCLUDE_IF_EXISTS 'x'\n")
    assert entries == [Entry(2, "ssl", "on"), Entry(4, "INCLUDE_IF_EXISTS", "x")]
    assert [entry.includes for entry in entries] == [None, "include_if_exists"]
    assert faulty == [3]


def test_a_nul_byte_cannot_be_quoted() -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")


@pytest.mark.parametrize(("value", "line"), [("on", "x = on"), ("-1", "x = -1"), ("30s", "x = '30s'"), ("", "x = ''")])
def test_plain_words_stay_unquoted(value: str, line: str) -> None:
    assert render("x", value) == line


@given(TEXT)
def test_any_value_survives(value: str) -> None:
    assert parse_line(render("log_line_prefix", value)) == ("log_line_prefix", value)
    assert "\n" not in render("log_line_prefix", value)


@given(TEXT)
def test_any_file_is_read(text: str) -> None:
    entries, faulty = parse(text)
    numbers = [entry.line for entry in entries] + faulty
    assert len(numbers) == len(set(numbers))
