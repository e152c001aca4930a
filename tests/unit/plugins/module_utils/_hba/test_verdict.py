# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers about rules as they stand."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.attempts import attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import entries_of_rules
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import entries_of_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import Context
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.verdict import findings
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.verdict import verdict

RULES = """\
# administration
local all postgres peer
local replication all trust

hostssl shop +staff 10.0.0.0/8 cert
hostnossl all all 10.0.0.0/8 reject
host sameuser all ::1/128 scram-sha-256
host guarded all office.example.com reject
host guarded all 10.0.0.0/8 md5
"""


def ask(text: str = RULES, *, major: int = 17, **values: t.Any) -> tuple[t.Any, ...]:
    values = {"user": "app", "database": "shop", **values}
    found = verdict(entries_of_text(text, DIALECTS[major]), attempt(**values), DIALECTS[major])
    return found["rule"], found["line"], found["outcome"]


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ({"user": "postgres"}, (1, 2, "peer")),
        ({"user": "postgres", "address": "local"}, (1, 2, "peer")),
        ({"user": "postgres", "replication": True, "database": None}, (2, 3, "trust")),
        ({}, (None, None, "implicit reject")),
        ({"address": "10.1.2.3", "tls": True, "member_of": ["staff"]}, (3, 5, "cert")),
        ({"address": "10.1.2.3", "tls": True, "user": "staff"}, (3, 5, "cert")),
        ({"address": "10.1.2.3", "tls": True}, (None, None, "implicit reject")),
        ({"address": "10.1.2.3", "gss": True}, (4, 6, "reject")),
        ({"address": "::ffff:10.1.2.3"}, (None, None, "implicit reject")),
        ({"address": "::1", "database": "app"}, (5, 7, "scram-sha-256")),
    ],
)
def test_the_rule_that_decides(values: dict[str, t.Any], answer: tuple[t.Any, ...]) -> None:
    assert ask(**values) == answer


def test_what_only_the_server_can_tell() -> None:
    tried = attempt(user="app", database="guarded", address="10.0.0.1", tls=True)
    entries = entries_of_text(RULES + "include more.conf\n", DIALECTS[17])
    found = verdict(entries, tried, DIALECTS[17])
    assert (found["outcome"], found["rule"], found["line"]) == ("unknown", None, None)
    assert [(each["rule"], each["line"], each["outcome"]) for each in found["candidates"]] == [
        (6, 8, "reject"),
        (7, 9, "md5"),
    ]
    beyond = verdict(entries, attempt(user="app", database="x", address="11.0.0.1"), DIALECTS[17])
    assert [(each["line"], each["outcome"]) for each in beyond["candidates"]] == [
        (10, "whatever is in more.conf"),
        (None, "implicit reject"),
    ]


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ("local shop @users peer", "unknown"),
        ("local shop @users,app peer", "peer"),
        ("local other @users peer", "implicit reject"),
        ("local @databases app peer", "unknown"),
        ('local shop "@users" peer', "implicit reject"),
        ("local shop @ peer", "implicit reject"),
    ],
)
def test_lists_in_other_files(rule: str, answer: str) -> None:
    assert ask(rule, major=15)[2] == answer


@pytest.mark.parametrize(
    ("address", "server_addresses", "answers"),
    [
        ("127.0.0.1", None, ("md5", "md5")),
        ("127.1.2.3", None, ("implicit reject", "md5")),
        ("::1", None, ("md5", "md5")),
        ("10.0.0.1", None, ("unknown", "unknown")),
        ("10.0.0.1", [], ("implicit reject", "implicit reject")),
        ("10.0.0.1", ["fd00::1/64", "10.0.0.1/24"], ("md5", "md5")),
        ("10.0.0.9", ["fd00::1/64", "10.0.0.1/24"], ("implicit reject", "md5")),
        ("127.1.2.3", ["10.0.0.1/24"], ("implicit reject", "md5")),
    ],
)
def test_the_hosts_own_addresses(address: str, server_addresses: list[str] | None, answers: tuple[str, str]) -> None:
    found = tuple(
        ask(f"host all all {word} md5", address=address, server_addresses=server_addresses)[2]
        for word in ("samehost", "samenet")
    )
    assert found == answers


def test_names_are_cut_as_the_server_cuts_them() -> None:
    name = "n" * 63
    for asked, outcome in ((name, "peer"), (name + "x", "peer"), ("n" * 62, "implicit reject")):
        assert ask(f"local shop {name} peer", user=asked)[2] == outcome
        assert ask(f"local {name} app peer", database=asked)[2] == outcome
    assert ask(f"local shop +{name} peer", user=name + "x")[2] == "peer"


def test_rules_that_would_not_be_loaded() -> None:
    with pytest.raises(RampartError, match='would not load these rules.*line 1: invalid connection type "lokal"'):
        ask("lokal all all peer")


def test_secrets_are_masked() -> None:
    text = "host all all all radius radiusservers=127.0.0.1 radiussecrets=planted"
    found = verdict(
        entries_of_text(text, DIALECTS[17]), attempt(user="a", database="b", address="1.2.3.4"), DIALECTS[17]
    )
    assert found["outcome"] == "radius" and "planted" not in str(found) and "radiussecrets" in found["options"]


@pytest.mark.parametrize(
    ("values", "option"),
    [
        ({"user": ""}, "user"),
        ({"user": 3}, "user"),
        ({"database": None}, "database"),
        ({"address": "10.0.0.0/8"}, "address"),
        ({"address": 10}, "address"),
        ({"tls": "yes"}, "tls"),
        ({"tls": True}, "tls"),
        ({"tls": True, "gss": True, "address": "::1"}, "tls"),
        ({"gss": True}, "gss"),
        ({"replication": "database"}, "replication"),
        ({"member_of": "staff"}, "member_of"),
        ({"member_of": [None]}, "member_of[0]"),
        ({"server_addresses": "10.0.0.1/8"}, "server_addresses"),
        ({"server_addresses": ["10.0.0.1"]}, "server_addresses[0]"),
        ({"server_addresses": ["10.0.0.1/33"]}, "server_addresses[0]"),
    ],
)
def test_bad_attempts(values: dict[str, t.Any], option: str) -> None:
    with pytest.raises(InputError) as caught:
        attempt(**{"user": "app", "database": "shop", **values})
    assert caught.value.option == option


CONTEXT = Context(DIALECTS[17])


def test_findings_name_rule_and_line() -> None:
    text = "# c\nlocal all postgres peer\n\ninclude x\nhost all ALL 0.0.0.0/0 trust\nhost all all bad\n"
    found = [
        (each["rule"], each["line"], each["code"]) for each in findings(entries_of_text(text, DIALECTS[17]), CONTEXT)
    ]
    assert (3, 5, "trust-world") in found and (3, 5, "literal-keyword") in found and (4, 6, "rejected") in found
    rules = [
        {"type": "local", "databases": ["all"], "users": ["postgres"], "method": "peer"},
        {"type": "host", "databases": "all", "users": "all", "address": "10/8", "method": "scram-sha-256"},
        {"type": "host", "databases": "all", "users": "all", "address": "all", "method": "md4"},
    ]
    listed = [
        (each["rule"], each["line"], each["code"]) for each in findings(entries_of_rules(rules, DIALECTS[17]), CONTEXT)
    ]
    assert (2, None, "short-address") in listed and (3, None, "rejected") in listed


def test_findings_about_the_text_around_rules() -> None:
    text = "local all postgres peer\n# us \\\nlocal all all trust\nlocal all all peer\n"
    found = findings(entries_of_text(text, DIALECTS[17]), CONTEXT, text=text)
    assert [(each["rule"], each["line"], each["code"]) for each in found] == [(None, 2, "continued-comment")]
    text = "include more.conf\nlocal all postgres peer\n"
    missed = dataclasses.replace(CONTEXT, catch_all=True)
    assert findings(entries_of_text(text, DIALECTS[17]), missed, text=text) == []
    [said] = findings(entries_of_text(text[18:], DIALECTS[17]), missed, text=text[18:])
    assert (said["code"], said["rule"], said["line"]) == ("no-catch-all", 1, 1)
