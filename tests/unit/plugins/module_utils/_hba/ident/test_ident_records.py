# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading pg_ident.conf, and who may be whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.lint import lint
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.matching import maps
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import parse_text


@pytest.mark.parametrize(
    ("text", "major", "error"),
    [
        ("m u p", 13, None),
        ("m u p and more", 18, None),
        ("m", 13, "missing entry at end of line"),
        ("m u", 18, "missing entry at end of line"),
        ("m,n u p", 17, "multiple values in ident field"),
        ("m u p,q", 15, "multiple values in ident field"),
        ("m /( p", 14, 'invalid regular expression "(": parentheses () not balanced'),
        ('m "/(" p', 14, 'invalid regular expression "(": parentheses () not balanced'),
        ("m u /(", 15, None),
        ("m u /(", 16, 'invalid regular expression "(": parentheses () not balanced'),
        ("include x", 15, "missing entry at end of line"),
        ("include x", 16, 'could not open file "x": No such file or directory'),
        ("include_if_exists x\nm u", 16, "missing entry at end of line"),
        ("m \\\nu p", 13, "missing entry at end of line"),
        ("m u \\\np", 14, None),
    ],
)
def test_verdicts(text: str, major: int, error: str | None) -> None:
    assert parse_text(text, DIALECTS[major])[0].error == error


def test_fields() -> None:
    [record] = parse_text('# c\n"my map"\t/^(.*)@x$ "all" # why', DIALECTS[17])
    assert (record.line, record.map, record.system_user.text, record.pg_user) == (
        2,
        "my map",
        "/^(.*)@x$",
        ("all", True, '"all"'),
    )


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from('mu/(a ,#"\\\n\r\0@+é\udc80')), st.sampled_from(sorted(DIALECTS)))
def test_any_text_is_read(text: str, major: int) -> None:
    for record in parse_text(text, DIALECTS[major]):
        assert record.accepted == (record.error is None)


def who(text: str, system_user: str, pg_user: str, *, major: int = 17, member_of: tuple[str, ...] = ()) -> bool | None:
    return maps(
        parse_text(text, DIALECTS[major]),
        name="m",
        system_user=system_user,
        pg_user=pg_user,
        dialect=DIALECTS[major],
        member_of=frozenset((pg_user, *member_of)),
    )


@pytest.mark.parametrize(
    ("text", "system_user", "pg_user", "answer"),
    [
        ("m u p", "u", "p", True),
        ("m u p", "u", "q", False),
        ("m u p", "v", "p", False),
        ("n u p", "u", "p", False),
        ("m u q\nm u p", "u", "p", True),
        ("m /^(.*)@x$ \\1", "ann@x", "ann", True),
        ("m /^(.*)@x$ \\1", "ann@y", "ann", False),
        ("m /^(.*)@x$ a\\1b\\1", "n@x", "anb\\1", True),
        ("m /^u$ \\1\nm u p", "u", "p", False),
        ("m /u p", "aub", "p", True),
        ("m u all", "u", "p", True),
        ('m u "all"', "u", "p", False),
        ("m u +g", "u", "p", False),
        ("m u /^p", "u", "pp", True),
        ("m /^(u|uv)(.*)$ \\1", "uvw", "uv", None),
        ("m /\\yu p", "u", "p", None),
        ("m /\\yu q", "u", "p", False),
        ("m /\\yu \\1\nm u p", "u", "p", True),
    ],
)
def test_who_may_be_whom(text: str, system_user: str, pg_user: str, answer: bool | None) -> None:
    assert who(text, system_user, pg_user) is answer


def test_words_are_special_from_16_on() -> None:
    for text, member_of in (("m u all", ()), ("m u +g", ("g",)), ("m u /p", ())):
        assert who(text, "u", "p", member_of=member_of) is True
        assert who(text, "u", "p", member_of=member_of, major=15) is False
        assert who(text, "u", text.split()[2], major=15) is True


def test_no_map_wants_the_same_name() -> None:
    for system_user, answer in (("u", True), ("v", False)):
        assert maps([], name="", system_user=system_user, pg_user="u", dialect=DIALECTS[13]) is answer


@pytest.mark.parametrize(
    ("text", "major", "codes"),
    [
        ("m u p\nm /^a$ p", 17, []),
        ("m u all\nm u +g\nm u /^x$", 15, ["becomes-special"] * 3),
        ('m u "all"\nm u "+g"', 15, []),
        ("m u all", 16, ["every-role"]),
        ("m u ALL", 16, ["literal-keyword"]),
        ("m /^a$ \\1", 14, ["no-capture"]),
        ("m /a p", 14, ["not-anchored"]),
        ("m u p\nm u p", 18, ["duplicate"]),
        ("m u", 18, ["rejected"]),
    ],
)
def test_lint(text: str, major: int, codes: list[str]) -> None:
    assert [found.code for found in lint(parse_text(text, DIALECTS[major]), DIALECTS[major])] == codes
