# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever the bytes are: an answer or an error of ours, and soon."""

from __future__ import annotations

import contextlib
import gc
import re
import typing as t

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.difference import difference
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.document import Management
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.lint import lint as lint_mappings
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.matching import maps
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import MapReading
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.records import parse_text as parse_mappings
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import describe
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import entries_of_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import rules_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import units
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import read_lines
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import Context
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import lint
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import summary
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.masking import without_secrets
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.meaning import RuleReading
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Written
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.verdict import findings
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.verdict import verdict
from ansible_collections.rampart.postgresql.tests.unit.growth import no_explosion

EXAMPLES = settings().max_examples * 2

WORLD = World(roles={"app": (), "root": ("staff",)}, databases=frozenset(("shop", "app")), tls=True)
WANTED = [Written("local\tall\tall\tpeer", "note"), Written("host\tall\tall\tall\treject")]


class Files:
    """Every file has the same text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, path: str) -> str:
        return self.text

    def names(self, path: str) -> list[str]:
        return ["x.conf", "y.conf"]


def everything(content: bytes, major: int) -> None:
    """All that is done with the bytes of a file."""
    text, dialect = content.decode("utf-8", "surrogateescape"), DIALECTS[major]
    assert "".join(unit.raw for unit in units(text, dialect)).encode("utf-8", "surrogateescape") == content
    records = parse_text(text, dialect)
    for step in (
        lambda: summary(lint(records, Context(dialect, WORLD, text, "pg_hba.conf", True))),
        lambda: parse_text(text, dialect, sources=Files(text[:200])),
        lambda: whole(text, major),
        lambda: difference(records, parse_text(text[: len(text) // 2], dialect), dialect=dialect, world=WORLD),
        lambda: filters(text, major),
        lambda: mappings(text, major),
    ):
        with contextlib.suppress(RampartError):
            step()


def whole(text: str, major: int) -> None:
    without_secrets(text)
    for reading in (RuleReading(DIALECTS[major]), MapReading(DIALECTS[major])):
        for management in (Management(), Management("block", position="last"), Management("block", present=False)):
            management.applied(text, WANTED, reading)


def filters(text: str, major: int) -> None:
    dialect = DIALECTS[major]
    entries = entries_of_text(text, dialect)
    findings(entries, Context(dialect, catch_all=True), text=text)
    for tried in (Attempt("app", "shop"), Attempt("root", "", bytes(4), tls=True, replication=True)):
        with contextlib.suppress(RampartError):
            verdict(entries, tried, dialect)
    described = [describe(entry) for entry in entries]
    with contextlib.suppress(RampartError):
        rules_text(described, dialect)
    component({"rules": described})


def mappings(text: str, major: int) -> None:
    dialect = DIALECTS[major]
    found = parse_mappings(text, dialect)
    lint_mappings(found, dialect)
    for name in ("m", "all"):
        maps(found, name=name, system_user="app", pg_user="root", dialect=dialect)


_WORDS = (
    *("local", "host", "hostssl", "all", "+g", "@x", '"', '"all"', "/^(a|b)*$", "10.0.0.0/8", "255.0.0.0", "::1/128"),
    *(
        "peer",
        "md5",
        "cert",
        "ldap",
        "radius",
        "map=m",
        "clientcert=verify-ca",
        "ldapport=1",
        "radiusports=1,2",
        "m",
        "\\1",
    ),
    *(
        "ldapurl=ldap://h/b?a?sub",
        'radiusservers="a,b"',
        "radiussecrets=x",
        "include",
        "include_dir",
        "# c",
        "\\",
        ",",
        "\0",
    ),
    *("samenet", "fe80::1%lo/64", "0x7f.1", "9" * 5000, "0" * 5000 + "1", "/a{2,3}[[:alpha:]]\\y", "é", "/(", "\udcff"),
)
_TEXT = st.lists(
    st.tuples(st.sampled_from(_WORDS), st.sampled_from((" ", " ", "\t", "", ",", "\n", "\r\n", "\\\n"))), max_size=40
)
_BYTES = st.one_of(
    st.binary(max_size=300),
    _TEXT.map(lambda parts: "".join(word + blank for word, blank in parts).encode("utf-8", "surrogateescape")),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(_BYTES, st.sampled_from(sorted(DIALECTS)))
@example(b"host a b " + b"9" * 5000 + b" md5", 17)
@example(b"host a b 10.0.0.0/" + b"9" * 5000 + b" md5\nhost a b fe80::1%" + b"9" * 5000 + b"/64 md5", 17)
@example(b"host a b all ldap ldapbasedn=x ldapport=" + b"9" * 5000, 16)
@example(b"local /a{" + b"9" * 5000 + b"} /\\" + b"1" * 5000 + b" peer", 18)
def test_any_bytes(content: bytes, major: int) -> None:
    everything(content, major)


_SIZE = 200_000  # bytes in one line
_LINES = 20_000  # bytes in many lines, of which there are more than enough to notice a square
_HUGE = {
    "one name": "local " + "a" * _SIZE + " all peer",
    "a list": "local " + "a," * (_SIZE // 2) + "b all peer",
    "a list of names": "local " + ",".join(f"n{number}" for number in range(_SIZE // 7)) + " all peer",
    "quoted names": "local " + '"a",' * (_SIZE // 4) + "b all peer",
    "commas": "," * _SIZE,
    "commas and more": "local " + "," * _SIZE + " all peer",
    "quotes": '"' * _SIZE,
    "quotes and more": "local " + '"' * (_SIZE + 1) + " x",
    "quotes one by one": '" ' * (_SIZE // 2),
    "blanks": "local all all" + " " * _SIZE + 'peer "',
    "blank lines": "\n" * _LINES,
    "comments": "#\n" * (_LINES // 2),
    "one comment": "local all all trust #" + " #" * (_SIZE // 2),
    "continued": "a\\\n" * (_LINES // 3),
    "continued and blank": "\\\n" * (_LINES // 2),
    "NUL": "\0" * _SIZE,
    "NUL in lines": "a\0\n" * (_LINES // 3),
    "carriage returns": "\r" * _SIZE,
    "fields": "a " * (_SIZE // 2),
    "options": "local all all peer " + "map=x " * (_SIZE // 6),
    "radius": "host all all all radius radiussecrets=x radiusservers=" + '"' + "h," * (_SIZE // 2) + 'h"',
    "secrets": 'radiussecrets="' * (_SIZE // 15),
    "an address": "host all all " + "1." * (_SIZE // 2) + " md5",
    "a mask": "host all all 10.0.0.0/" + "0" * _SIZE + "8 md5",
    "groups": "local /" + "(" * (_SIZE // 2) + ")" * (_SIZE // 2) + " all peer",
    "open groups": "local /" + "(" * _SIZE + " all peer",
    "brackets": "local /" + "[" * _SIZE + " all peer",
    "ranges": "local /[" + "a-" * (_SIZE // 2) + " all peer",
    "stars": "local /" + "a*" * (_SIZE // 2) + "b all peer",
    "repetitions": "local /" + "(" * 40 + "a" + "){9}" * 40 + " all peer",
    "repeated repetitions": "local /^" + "(" * 40 + "a*" + ")*" * 40 + "$ all peer",
    "alternatives": "local /^(" + "a|" * (_SIZE // 2) + "a)*$ all peer",
    "the same rule": "local all all peer\n" * (_LINES // 19),
    "other rules": "".join(f"local d{number} all peer # {number}\n" for number in range(_LINES // 30)),
    "rules that are refused": "local all all\n" * (_LINES // 14),
    "nothing but text": "x" * _SIZE,
    "mappings": "m /^(a*)*(a*)*$ \\1\n" * (_LINES // 20),
}


@pytest.fixture
def only_our_work() -> t.Iterator[None]:
    """What other tests left in memory is not looked through meanwhile."""
    gc.disable()
    yield
    gc.enable()
    read_lines.cache_clear()


@pytest.mark.usefixtures("only_our_work")
@pytest.mark.parametrize("major", [13, 18])
@pytest.mark.parametrize("name", _HUGE)
def test_much_of_the_same(name: str, major: int) -> None:
    with no_explosion():
        everything(_HUGE[name].encode(), major)


@pytest.mark.parametrize("major", [13, 18])
@pytest.mark.parametrize(
    "text", ["@x @x @x @x\n" * 3, "include x\n" * 10, "include_dir x\ninclude_dir y\n", "local @x,@x @x peer\n"]
)
def test_files_that_name_each_other(text: str, major: int) -> None:
    with no_explosion():
        for parse in (parse_text, parse_mappings):
            try:
                parse(text, DIALECTS[major], sources=Files(text))
            except Unsupported as refused:
                assert "name each other" in str(refused)


_ATOM = st.sampled_from(("a", "b", ".", "[ab]", "[^a]", "\\d", "\\.", "-", "[[:alpha:]]", "_", "1"))
_PATTERN = st.recursive(
    _ATOM,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("({}|{})".format, inner, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(("*", "+", "?", "{2}", "{0,2}", "{1,}", "*?", ""))),
    ),
    max_leaves=6,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.builds("{}{}{}".format, st.sampled_from(("", "^", "\\A")), _PATTERN, st.sampled_from(("", "$"))),
    st.text(st.sampled_from("ab1-_."), max_size=7),
)
def test_patterns_match_as_in_python(pattern: str, name: str) -> None:
    ours = patterns.search(pattern, name)
    theirs = re.search(pattern.replace("[[:alpha:]]", "[a-zA-Z]"), name) is not None
    assert ours is theirs


def test_patterns_that_python_does_not_finish() -> None:
    with no_explosion():
        for pattern in ("^(a+)+$", "^(a|a)*$", "^(a*)*b*(a*)*$", "a*" * 20 + "b"):
            assert patterns.search(pattern, "a" * 60 + "c") is False
            patterns.captured(pattern, "a" * 60 + "c")
        for pattern in ("[" + "a-a-" * 100 + "a", "[" + "a-a-" * 100 + "a]\\y"):
            assert patterns.search(pattern, "a") is None
