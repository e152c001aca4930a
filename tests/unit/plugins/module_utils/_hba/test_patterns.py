"""Regular expressions: what the server compiles, and what is matched here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.patterns import NoCapture
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.patterns import captured
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.patterns import groups
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.patterns import problem
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.patterns import search


@pytest.mark.parametrize(
    "pattern",
    ["", "^db[0-9]{1,2}$", "a|b|", "a{", "a{x", "(a)\\1", "[]a]", "[a-]", "(?:a)", "(?i)a", "\\mab\\M", "***=a(", "a+?"]
    + ["[[:alpha:]]", "[[.hyphen.]]", "\\u00e9", "(?x) a # c", "a(?#c)b"]
    + ["(?x)a{1 , 2 }", r"(?b)*\(*a\)\1\{,2\}|(+", "(?b)^*a^$b$", r"(?b)[[:<:]]\<a\>"],
)
def test_well_formed(pattern: str) -> None:
    assert problem(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(a", "parentheses () not balanced"),
        ("a)", "parentheses () not balanced"),
        ("[a", "brackets [] not balanced"),
        ("a{2", "braces {} not balanced"),
        ("a{2,1}", "invalid repetition count(s)"),
        ("a{256}", "invalid repetition count(s)"),
        ("*a", "quantifier operand invalid"),
        ("^*", "quantifier operand invalid"),
        ("(?P<n>a)", "invalid embedded option"),
        ("a(?P<n>b)", "quantifier operand invalid"),
        ("\\", "invalid escape \\ sequence"),
        ("\\q", "invalid escape \\ sequence"),
        ("[z-a]", "invalid character range"),
        ("[[:foo:]]", "invalid character class"),
        ("[[.foo.]]", "invalid collating element"),
        ("\\1", "invalid backreference number"),
        ("(?y)a", "invalid embedded option"),
        ("{1", "quantifier operand invalid"),
        ("[a-)", "brackets [] not balanced"),
        (r"[[:foo:]\q]", "invalid escape \\ sequence"),
        (r"[a-\d", "invalid character range"),
        ("(?e)(?:a)", "quantifier operand invalid"),
        (r"(?b)\(a", "parentheses () not balanced"),
        (r"(?b)a\{1", "braces {} not balanced"),
        (r"(?b)\{1\}", "quantifier operand invalid"),
        (r"(?b)\(a\1\)", "invalid backreference number"),
        ("(?b)a**", "quantifier operand invalid"),
        ("(?x)a{1 #}", "braces {} not balanced"),
    ],
)
def test_malformed(pattern: str, words: str) -> None:
    assert problem(pattern) == words


def test_what_13_does_not_know() -> None:
    for pattern, words in (
        (r"[\W]", "invalid escape \\ sequence"),
        ("[[:word:]]", "invalid character class"),
        (r"[\w]", None),
    ):
        assert problem(pattern, negated_in_brackets=False) == words
        assert problem(pattern) is None


def test_search() -> None:
    assert search("^db[0-9]{1,2}$", "db42") is True
    assert search("^db[0-9]{1,2}$", "db420") is False
    assert search("b", "abc") is True
    assert search(r"^\w\d$", "a1") is True and search(r"^\w$", "é") is False
    assert search("^[[:upper:]_]+$", "A_B") is True and search("[[:upper:]]", "É") is False
    assert search("\\mab\\M", "ab") is None  # not known here
    assert search("(a", "a") is None
    assert search(r"^a.$", "a\n") is None


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("^.$", "é", False),
        ("^..$", "é", True),
        ("^.{9}$", "日本語", True),
        ("^日.{3}語$", "日本語", True),
        ("é$", "aé", True),
    ]
    + [("[é]", "ü", True), ("^é{2}$", "éé", False), ("[[:alpha:]]", "é", False), (r"^\S+$", "a\u00a0b", True)],
)
def test_text_is_bytes_to_the_server(pattern: str, name: str, found: bool) -> None:
    assert search(pattern, name) is found


@given(st.text(alphabet="a1()[]{}*+?|\\^$,:.=-#\n", max_size=20))
def test_nothing_is_too_strange(pattern: str) -> None:
    found = problem(pattern)
    assert found is None or isinstance(found, str)
    assert search(pattern, "abc") in (True, False, None)


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("a", 0), ("(a)(?:b)(c(d))", 3), ("(?=a)b", 0), ("***=(a)", 0), ("(?b)\\(a\\)(", 1), ("(", None)],
)
def test_groups(pattern: str, count: int | None) -> None:
    assert groups(pattern) == count


@pytest.mark.parametrize(
    ("pattern", "name", "text"),
    [("^(.*)@x$", "ann@x", "ann"), ("(a*)b$", "xaab", "aa"), ("^(a|ab)(.*)$", "abc", None), ("(a?)(ab)?", "ab", None)]
    + [("^(a*?)b$", "aab", None), ("^(a)$", "b", None), ("^(.é)@x$", "üé@x", None), ("^(..é)@x$", "üé@x", "üé")],
)
def test_captured(pattern: str, name: str, text: str | None) -> None:
    assert captured(pattern, name) == text


def test_nothing_captured() -> None:
    assert isinstance(captured("^a$", "a"), NoCapture)
    assert isinstance(captured("^(x)?a$", "a"), NoCapture)
