# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers and units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.units import parse_integer
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.units import parse_real
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.units import show_integer
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.units import units_for

UNITS = [None, "B", "kB", "8kB", "MB", "16MB", "ms", "s", "min"]


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("30s", "ms", 30000),
        ("30000", "ms", 30000),
        ("1d", "min", 1440),
        ("1GB", "8kB", 131072),
        ("1 GB ", "kB", 1048576),
        ("0600", None, 384),
        ("0x10", None, 16),
        ("1e3", None, 1000),
        ("1.5", None, 2),
        ("2.5", None, 2),
        (".5", None, 0),
        ("-1", "kB", -1),
        ("30.1GB", "kB", 31561728),
        ("100us", "ms", 0),
        ("010.5", None, 10),
        ("0x1.8", None, 2),
        ("2147483647", None, 2147483647),
    ],
)
def test_an_integer_is_read_in_base_units(text: str, unit: str | None, expected: int) -> None:
    assert parse_integer(text, unit) == expected


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("", None),
        (" .5", None),
        ("-.5", None),
        ("08", None),
        ("0x", None),
        ("1_0", None),
        ("1e400", None),
        ("2147483648", None),
        ("99999999999999999999", None),
        ("30s", None),
        ("30 S", "ms"),
        ("5kb", "kB"),
        ("5mins", "min"),
        ("5 m", "min"),
        ("5 min s", "s"),
        ("5s", "kB"),
        ("nan", None),
        ("inf", None),
    ],
)
def test_what_is_no_integer_is_refused(text: str, unit: str | None) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_integer(text, unit)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [("1.5", None, 1.5), ("2ms", "ms", 2.0), ("500us", "ms", 0.5), ("0x1p3", None, 8.0), ("5.", None, 5.0)],
)
def test_a_real_is_read_in_base_units(text: str, unit: str | None, expected: float) -> None:
    assert parse_real(text, unit) == expected


@pytest.mark.parametrize("text", ["", "nan", "1e400", "1e-400", "1,5", "--1"])
def test_what_is_no_real_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_real(text, None)


def test_units_are_those_of_the_same_kind() -> None:
    assert units_for("8kB") == ("B", "kB", "MB", "GB", "TB")
    assert units_for("s") == ("us", "ms", "s", "min", "h", "d")
    assert units_for(None) == ()


@given(st.integers(-1, 2**31 - 1), st.sampled_from(UNITS))
def test_what_is_shown_means_the_same(number: int, unit: str | None) -> None:
    assert parse_integer(show_integer(number, unit), unit) == number


@given(st.integers(0, 2**31 - 1), st.sampled_from(["{:#x}", "0{:o}", "{}.0", " {} ", "{}e0", "+{}"]))
def test_spellings_of_one_number_are_equal(number: int, spelling: str) -> None:
    assert parse_integer(spelling.format(number), None) == number


@given(st.text(max_size=12), st.sampled_from(UNITS))
def test_any_text_is_read_or_refused(text: str, unit: str | None) -> None:
    for parse in (parse_integer, parse_real):
        try:
            parse(text, unit)
        except ValueError as error:
            assert "number" in str(error)
