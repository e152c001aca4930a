# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records as dictionaries, and back to text that means the same."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import typing as t

import pytest
from hypothesis import assume
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import component
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.document import whole_file
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import describe
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import entries_of_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import rules_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.meaning import RuleReading
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Written

CORPUS = pathlib.Path(__file__).parents[4] / "conformance" / "hba" / "corpus.json"

RULE: dict[str, t.Any] = {
    "type": "hostssl",
    "databases": ["shop"],
    "users": ["app"],
    "address": "10.0.3.0/24",
    "method": "scram-sha-256",
}


def read(text: str, major: int = 17) -> list[dict[str, t.Any]]:
    return [describe(entry) for entry in entries_of_text(text, DIALECTS[major])]


def write(rules: t.Any, major: int = 17) -> str:
    return rules_text(rules, DIALECTS[major])


def meant(text: str, major: int) -> list[tuple[t.Any, ...]]:
    """What the server would make of a text: places and spelling left out."""
    return [
        (
            record.accepted,
            record.error,
            record.type,
            [(token.text, token.quoted) for token in record.databases],
            [(token.text, token.quoted) for token in record.users],
            record.address,
            record.method,
            record.options,
        )
        for record in parse_text(text, DIALECTS[major])
    ]


def test_a_rule_and_its_comments() -> None:
    text = (
        '# head of the file\n\n# why\n#  and who\nhostssl\tshop, "all"\tapp,+grp\t10.0.3.7/24 cert map="a b" # here\n'
        "local all all ident\nhost all all 10.0.0.0 255.0.0.0 md5 # there\n"
    )
    assert read(text) == [
        {
            "line": 5,
            "type": "hostssl",
            "databases": ["shop", '"all"'],
            "users": ["app", "+grp"],
            "address": "10.0.3.7/24",
            "netmask": None,
            "method": "cert",
            "options": {"map": "a b"},
            "comment": "why\nand who\nhere",
        },
        {
            "line": 6,
            "type": "local",
            "databases": ["all"],
            "users": ["all"],
            "address": None,
            "netmask": None,
            "method": "peer",
            "options": {},
            "comment": None,
        },
        {
            "line": 7,
            "type": "host",
            "databases": ["all"],
            "users": ["all"],
            "address": "10.0.0.0",
            "netmask": "255.0.0.0",
            "method": "md5",
            "options": {},
            "comment": "there",
        },
    ]
    assert write(read(text)) == (
        '# why\n# and who\n# here\nhostssl\tshop,"all"\tapp,+grp\t10.0.3.7/24\tcert\tmap="a b"\n'
        "local\tall\tall\tpeer\n# there\nhost\tall\tall\t10.0.0.0\t255.0.0.0\tmd5\n"
    )


def test_includes_keep_their_kind() -> None:
    text = 'include  rules.inc # mine\ninclude_if_exists "my file"\ninclude_dir "@d"\ninclude @names\n'
    assert read(text, 16) == [
        {"line": 1, "type": "include", "include": "rules.inc", "comment": "mine"},
        {"line": 2, "type": "include_if_exists", "include": "my file", "comment": None},
        {"line": 3, "type": "include_dir", "include": '"@d"', "comment": None},
        {"line": 4, "type": "include", "include": "@names", "comment": None},
    ]
    again = '# mine\ninclude\trules.inc\ninclude_if_exists\t"my file"\ninclude_dir\t"@d"\ninclude\t@names\n'
    assert write(read(text, 16), 16) == again
    assert write([{"include": "a b"}], 18) == 'include\t"a b"\n'
    for unclosed in (
        'include """',
        'include "a b',
        'include_dir @"a b',
        'include x"#',
        'include "@x',
        'include ""\\ #',
    ):
        assert check_round_trip(unclosed, 18)
    assert read(text, 15)[0]["error"] == 'invalid connection type "include"'
    with pytest.raises(InputError, match=r'rules\[0\].*PostgreSQL 15 refuses it: invalid connection type "include"'):
        write([{"include": "a b"}], 15)


def test_records_that_are_rejected() -> None:
    found = read("\nhost all all all scram # typo\nhostssl all all all cert clientcert=foo\n")
    assert found == [
        {
            "line": 2,
            "error": 'invalid authentication method "scram"',
            "text": "host\tall\tall\tall\tscram",
            "comment": "typo",
        },
        {
            "line": 3,
            "error": 'invalid value for clientcert: "foo"',  # which only the server's log says
            "text": "hostssl\tall\tall\tall\tcert\tclientcert=foo",
            "comment": None,
        },
    ]
    with pytest.raises(InputError, match=r"rules\[0\]: \{'line': 2\} cannot be used: .*scram"):
        write(found)


def test_marks_of_the_module_are_nobodys_comment() -> None:
    text = whole_file("", [Written("local\tall\tall\tpeer", "why")], RuleReading(DIALECTS[17]))
    assert read(text)[0]["comment"] == "why"
    marks = "# BEGIN rampart.postgresql: x\nlocal all all peer\n# END rampart.postgresql: x\nlocal all all trust\n"
    assert [rule["comment"] for rule in read(marks)] == [None, None]


def test_a_rule_of_ones_own_is_judged_as_the_module_does() -> None:
    assert write([RULE]) == "hostssl\tshop\tapp\t10.0.3.0/24\tscram-sha-256\n"
    for change in ({"users": ["ALL"]}, {"users": ["n" * 64]}, {"address": "10/8"}):
        with pytest.raises(InputError, match=r"rules\[1\]\."):
            write([RULE, {**RULE, **change}])
        assert write([{**RULE, **change, "line": 1}])  # it was read from somewhere, and the server takes it
    for line in (None, 1):  # a rule of a file of another version too
        with pytest.raises(InputError, match="regular expressions are known from 16 on"):
            write([{**RULE, "users": ["/x"], "line": line}], 15)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("text", "give a list of rules"),
        ([3], r"rules\[0\]: 3 cannot be used: give a dictionary"),
        ([{**RULE, "line": "x"}], r"rules\[0\].line"),
        ([{**RULE, "line": 1, "users": ["a b\nc"]}], r"rules\[0\].users\[0\]"),
        ([{**RULE, "line": 1, "users": []}], r"rules\[0\].users"),
        ([{**RULE, "line": 1, "type": "host all"}], r"rules\[0\]: .*invalid connection type"),
        ([{**RULE, "line": 1, "options": {"map": "a\nb"}}], r"rules\[0\].options.map"),
        ([{**RULE, "line": 1, "method": "md4"}], 'invalid authentication method "md4"'),
        ([{**RULE, "comment": "x\\\ny"}], r"rules\[0\].comment"),
        ([{"include": 3}], r"rules\[0\].include"),
        ([{"include": ""}], r"rules\[0\].include: '' cannot be used: give the name of a file"),
        ([{**RULE, "users": ["\ud800"]}], r"rules\[0\].users\[0\]"),
        ([{**RULE, "comment": "\ud800"}], r"rules\[0\].comment"),
        ([{"include": "x", "type": "host"}], r"rules\[0\].type"),
        ([{**RULE, "colour": "red"}], r"rules\[0\].colour"),
    ],
)
def test_bad_input(rules: t.Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        write(rules)


def test_the_module_takes_what_is_read() -> None:
    text = "# one\n# two\nlocal all all peer\nhost all all ::1/128 ident map=m\n"
    assert component({"rules": read(text)}).desired.rules is not None


def check_round_trip(text: str, major: int) -> bool:
    """Whether there was anything to check: what a version rejects is not written."""
    rules = read(text, major)
    of_later_version = major < 16 and any(
        name.lstrip('"')[:1] == "/" for rule in rules for name in [*rule.get("databases", []), *rule.get("users", [])]
    )
    if of_later_version or any("error" in rule for rule in rules):
        with pytest.raises(InputError):
            write(rules, major)
        return False
    again = write(rules, major)
    assert meant(again, major) == meant(text, major), (text, again)
    reread = read(again, major)
    assert [{**rule, "line": 0} for rule in reread] == [{**rule, "line": 0} for rule in rules]
    assert write(reread, major) == again
    return True


@pytest.mark.parametrize("major", DIALECTS)
def test_round_trip_of_the_corpus(major: int) -> None:
    groups = json.loads(CORPUS.read_text(encoding="utf-8"))
    checked = sum(check_round_trip(text, major) for texts in groups.values() for text in texts if "\r" not in text)
    assert checked > 100


_NAME = st.one_of(
    st.sampled_from(
        ["all", "ALL", '"all"', "+g", '"+g"', '+"a b"', "@list", '"@x"', "sameuser", "replication", "/^a", "c\\"]
    ),
    st.text(st.sampled_from('ab,#"/+@\\ é\t'), min_size=1, max_size=6).map(lambda text: f'"{text}"'),
    st.text(st.sampled_from('ab=/+@"\\é'), min_size=1, max_size=6),
)
_NAMES = st.lists(_NAME, min_size=1, max_size=3).map(",".join)
_ADDRESS = st.sampled_from(
    ["all", "samenet", "10.0.0.0/8", "10/8", "::1/128", "h.example.com", ".x", '"all"', "ALL", "10.0.0.0 255.0.0.0"]
)
_END = st.sampled_from(
    ["", " # why", "#", " map=m", ' map="a b"', ' map="" # x \\ ', " map=a map=b", " \\\n map=c", "\\"]
)
_LINE = st.one_of(
    st.builds("local {} {} {}{}".format, _NAMES, _NAMES, st.sampled_from(["peer", "trust", '"ident"', "md5"]), _END),
    st.builds("hostssl {} {} {} {}{}".format, _NAMES, _NAMES, _ADDRESS, st.sampled_from(["cert", "reject"]), _END),
    st.builds("{} {}{}".format, st.sampled_from(["include", '"include_dir"', "include_if_exists"]), _NAME, _END),
    st.sampled_from(["", "# note", "#note \\", "  # \\\\", "#"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_LINE, max_size=5).map("\n".join), st.sampled_from(sorted(DIALECTS)))
def test_round_trip(text: str, major: int) -> None:
    # The server takes the first of several targets; what stands behind a comma there is not kept.
    assume(not re.search(r'^"?include\w*"?[ \t].*,', text.replace("\\\n", ""), re.MULTILINE))
    check_round_trip(text, major)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from('locahst 10./,#"\\\n\r\0@+é\udc80=')), st.sampled_from(sorted(DIALECTS)))
def test_any_text_is_read_and_written_or_refused(text: str, major: int) -> None:
    with contextlib.suppress(RampartError):
        write(read(text, major), major)


def test_of_several_targets_the_server_takes_the_first() -> None:
    """As the corpus shows on real servers: the others may be missing."""
    text = "include,x rules.inc,missing.inc\n"
    [found] = [describe(entry) for entry in entries_of_text(text, DIALECTS[17])]
    assert (found["type"], found["include"]) == ("include", "rules.inc")
    again = rules_text([found], DIALECTS[17])
    assert [describe(entry) for entry in entries_of_text(again, DIALECTS[17])] == [found]
    [record] = [describe(entry) for entry in entries_of_text(text, DIALECTS[15])]
    assert "error" in record
