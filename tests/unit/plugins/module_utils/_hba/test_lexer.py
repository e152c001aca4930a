"""Lines and tokens as each version reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import read_lines
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import split_fields


def texts(line: str) -> list[list[str]]:
    return [[token.text for token in field] for field in split_fields(line)[0]]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("local db u trust", [["local"], ["db"], ["u"], ["trust"]]),
        ("a,b c", [["a", "b"], ["c"]]),
        ("a, b c", [["a", "b"], ["c"]]),
        ("a , b c", [["a"], ["b"], ["c"]]),
        ("a ,b", [["a"], ["b"]]),
        (",a,,b, , c d,", [["a", "b", "c"], ["d"]]),
        (" , ,", []),
        ("a\tb\rc", [["a"], ["b"], ["c"]]),
        ("a\x0bb\x0c c", [["a\x0bb\x0c"], ["c"]]),
        ("a#b c", [["a"]]),
        ('"a#b c"', [["a#b c"]]),
        ('"a""b"', [['a"b']]),
        ('al"l"x', [["allx"]]),
        ('"open end ', [["open end "]]),
        ('""', [[""]]),
        ('"""', [['"']]),
        ('"a"","', [['a",']]),
        ("'a b'", [["'a"], ["b'"]]),
    ],
)
def test_fields(line: str, fields: list[list[str]]) -> None:
    assert texts(line) == fields


@pytest.mark.parametrize(
    ("line", "quoted"), [('"all"', True), ('al"l"', False), ('+"my grp"', False), ('"+grp"', True), ('""x', True)]
)
def test_only_a_quote_before_the_first_character_counts(line: str, quoted: bool) -> None:
    [[token]] = split_fields(line)[0]
    assert token.quoted is quoted
    assert token.raw == line


def test_comment() -> None:
    assert split_fields("local db u trust # why # so")[1] == " why # so"
    assert split_fields('local "a,b" u trust #')[1] == ""
    assert split_fields("local db u trust")[1] is None


@pytest.mark.parametrize("major", [14, 15, 16, 17, 18])
def test_continuation_from_14_on(major: int) -> None:
    lines = read_lines("local db \\\n u \\\r\n trust\n# c \\\nlocal x y z\nlocal a b c\\\\\n\nlast", DIALECTS[major])
    assert [(line.number, line.height, len(line.fields)) for line in lines] == [
        (1, 3, 4),
        (4, 2, 0),
        (6, 2, 4),
        (8, 1, 1),
    ]
    assert lines[2].fields[3][0].text == "c\\"


def test_no_continuation_in_13() -> None:
    lines = read_lines("local db \\\n u", DIALECTS[13])
    assert [[field[0].text for field in line.fields] for line in lines] == [["local", "db", "\\"], ["u"]]


@pytest.mark.parametrize(("major", "refused"), [(13, True), (15, True), (16, False)])
def test_token_limit(major: int, refused: bool) -> None:
    assert read_lines("a" * 10239, DIALECTS[major])[0].error is None
    assert (read_lines("a" * 10240, DIALECTS[major])[0].error is not None) is refused
    assert (read_lines("é" * 5120, DIALECTS[major])[0].error is not None) is refused


def test_line_limit_of_13() -> None:
    text = "#" + "c" * 20478 + "local x y z"
    lines = read_lines(text, DIALECTS[13])
    assert [line.error for line in lines] == ["authentication file line too long", None]
    assert [line.number for line in lines] == [1, 2]
    assert read_lines(text, DIALECTS[14])[0].error is None


def test_a_nul_byte_swallows_the_newline_from_14_on() -> None:
    text = "local db u trust\0 junk\nlocal db2 u trust"
    assert len(read_lines(text, DIALECTS[13])) == 2
    [line] = read_lines(text, DIALECTS[14])
    assert [field[0].text for field in line.fields][3] == "trustlocal"


@given(st.text(alphabet='ab",# \t\r\\\n\0é', max_size=60), st.sampled_from(sorted(DIALECTS)))
def test_nothing_is_too_strange(text: str, major: int) -> None:
    lines = read_lines(text, DIALECTS[major])
    numbers = [line.number for line in lines]
    assert numbers == sorted(set(numbers))
    assert all(token.raw for line in lines for field in line.fields for token in field)


@given(st.lists(st.lists(st.text(alphabet='a,# "\t', min_size=1), min_size=1, max_size=3), min_size=1, max_size=4))
def test_quoted_tokens_survive(fields: list[list[str]]) -> None:
    line = " ".join(",".join('"' + text.replace('"', '""') + '"' for text in field) for field in fields)
    assert texts(line) == fields


@given(st.text(alphabet="ab, \t\r#", min_size=1, max_size=40))
def test_the_quick_way_reads_what_the_careful_way_reads(line: str) -> None:
    limit = len(line) * 4 - 1  # just short enough to ask for care, never reached by a token
    assert split_fields(line, limit) == split_fields(line)
