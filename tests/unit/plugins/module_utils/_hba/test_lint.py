"""What is unwise is named with code, severity, line and reason."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.circumstances import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.finding import CODES
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import Context
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import lint
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import summary
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("local all postgres peer", []),
        ("hostssl app app 10.0.0.0/8 scram-sha-256", []),
        ("host all all all reject", []),
        ("host all all 0.0.0.0/0 trust", ["trust-world"]),
        ("host all all ::/0 trust", ["trust-world"]),
        ("host all all all trust", ["trust-world"]),
        ("host all all 10.0.0.0/8 trust", ["trust-network"]),
        ("host all all 127.0.0.1/32 trust", ["trust-local"]),
        ("host all all ::1/128 trust", ["trust-local"]),
        ("local all all trust", ["trust-local"]),
        ("host all all all scram-sha-256", ["open-world"]),
        ("host all all 10.0.0.0/8 md5", ["md5"]),
        ("host all all 10.0.0.0/8 password", ["cleartext-password"]),
        ("host all all 10.0.0.0/8 ident", ["ident"]),
        ("local ALL All peer", ["literal-keyword", "literal-keyword"]),
        ("local SAMEUSER,SameRole,Samegroup,REPLICATION all peer", ["literal-keyword"] * 4),
        ("host all ALL all reject", ["literal-keyword"]),
        ("host all all All scram-sha-256", ["literal-keyword"]),
        ("host all all SAMENET reject", ["literal-keyword"]),
        ('local "ALL" all peer', []),
        ("local +ALL +ALL peer", []),
        ("host all all 10/8 scram-sha-256", ["short-address"]),
        ("host all all 10/8 reject", ["short-address"]),
        ("host all all 10.1 255.255.0.0 scram-sha-256", ["short-address"]),
        ("host all all 010.0.0.1/32 scram-sha-256", ["short-address"]),
        ("host all all 0x0a000001/32 scram-sha-256", ["short-address"]),
        ("host all all 10.0.0.1/32 scram-sha-256", []),
        ("host all all 0.0.0.10 255.255.255.255 scram-sha-256", []),
        ("host all all ::ffff:1/128 scram-sha-256", []),
        ("host all all 300.0.0.1 scram-sha-256", ["cannot-match"]),
        ("host all all 3com.example scram-sha-256", []),
        ("host all all 10.0.0.0/8 ldap ldapserver=l ldapbasedn=b", ["cleartext-password"]),
        ("hostnossl all all 10.0.0.0/8 pam", ["cleartext-password"]),
        ("hostssl all all 10.0.0.0/8 pam", []),
        ("local all all pam", []),
        ("hostssl all all 10.0.0.0/8 trust clientcert=verify-full", []),
        ("hostssl all all 10.0.0.0/8 trust clientcert=verify-ca", ["trust-network"]),
        ("hostssl all all all trust clientcert=verify-full", ["open-world"]),
        ("host all all 10.0.0.0/33 md5", ["rejected"]),
        ("hostssl all all 10.0.0.0/8 scram-sha-256", ["cannot-match"]),
        ("hostssl all all 10.0.0.0/8 reject", ["cannot-match"]),
        ("hostssl replication r all scram-sha-256", ["open-world", "replication-world"]),
        ("hostssl replication r 10.0.0.0/8 scram-sha-256", []),
        ('hostssl "replication" r all scram-sha-256', ["open-world"]),
    ],
)
def test_findings(text: str, codes: list[str]) -> None:
    records = parse_text(
        text,
        DIALECTS[17],
        circumstances=Circumstances(ssl=not text.startswith("hostssl") or "cannot-match" not in codes),
    )
    assert [finding.code for finding in lint(records)] == codes


def test_a_long_file_makes_a_short_list() -> None:
    records = parse_text("host all all 10.0.0.0/8 trust\n" * 9, DIALECTS[17])
    assert summary(lint(records)) == [
        "pg_hba.conf lines 1, 2, 3, 4, 5 and 4 more: whoever has this address gets in without a password"
        " (trust-network, high)"
    ]


def in_context(
    text: str, *, major: int = 17, catch_all: bool = False, **world: t.Any
) -> list[tuple[str, str, int, str]]:
    dialect = DIALECTS[major]
    context = Context(dialect, World(**world), text=text, catch_all=catch_all)
    findings = lint(parse_text(text, dialect), context)
    return [(finding.code, finding.severity, finding.line, finding.reason) for finding in findings]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("host app app 10.0.0.0/8 scram-sha-256", ["plaintext"]),
        ("hostnossl app app 10.0.0.0/8 scram-sha-256", ["plaintext"]),
        ("hostssl app app 10.0.0.0/8 scram-sha-256", []),
        ("hostgssenc app app 10.0.0.0/8 scram-sha-256", []),
        ("host app app 127.0.0.1/32 scram-sha-256", []),
        ("host app app 10.0.0.0/8 reject", []),
        ("hostssl app root 10.0.0.0/8 scram-sha-256", ["superuser-remote"]),
        ("hostssl app +admins 10.0.0.0/8 scram-sha-256", ["superuser-remote"]),
        ("hostssl app /^ro 10.0.0.0/8 scram-sha-256", ["superuser-remote"]),
        ('hostssl app "+admins" 10.0.0.0/8 scram-sha-256', []),
        ("hostssl app all 10.0.0.0/8 scram-sha-256", ["superuser-remote"]),
        ("hostssl app root 127.0.0.1/32 scram-sha-256", []),
        ("local all root peer", []),
    ],
)
def test_findings_about_this_server(text: str, codes: list[str]) -> None:
    found = in_context(text, roles={"root": {"wheel"}, "wheel": {"admins"}}, superusers=frozenset(("root",)))
    assert [code for code, *_rest in found] == codes


@pytest.mark.parametrize(
    ("reject", "admit", "said"),
    [
        ("", "hostssl app all 10.0.0.0/8", True),
        ("", 'hostssl app "all" 10.0.0.0/8', False),
        ("host all root all reject", "hostssl app all 10.0.0.0/8", False),
        ("host all +wheel all reject", "hostssl app all 10.0.0.0/8", False),
        ("host all /^root$ all reject", "hostssl app all 10.0.0.0/8", False),
        ("host all other all reject", "hostssl app all 10.0.0.0/8", True),
        ("local all root reject", "hostssl app all 10.0.0.0/8", True),
        ("hostssl all root 10.0.0.0/9 reject", "hostssl app all 10.0.0.0/8", True),
        ("host all root 0.0.0.0/0 reject\nhost all +wheel ::/0 reject", "hostssl app all all", False),
        ("host all root 0.0.0.0/0 reject", "hostssl app all all", True),
        ("hostnossl all root all reject", "hostssl app all 10.0.0.0/8", True),
        ("hostssl all root all reject", "hostssl replication all 10.0.0.0/8", True),
        ("hostssl all,replication root all reject", "hostssl replication,app all 10.0.0.0/8", False),
        ("hostssl app root all reject", "hostssl app all 10.0.0.0/8", False),
        ("hostssl app root all reject", "hostssl app,other all 10.0.0.0/8", True),
        ("hostssl all root samehost reject", "hostssl app all 10.0.0.0/8", True),
        ("hostssl all root all reject\nhostnossl all root all reject", "host app all 10.0.0.0/8", False),
        ("hostssl all root all reject\nhostgssenc all root all reject", "host app all 10.0.0.0/8", True),
        ("host all root all reject\nhost replication root all reject", "hostssl app,replication all 10.0.0.0/8", False),
        ("host app root all reject\nhost replication root all reject", "hostssl all,replication all 10.0.0.0/8", True),
    ],
)
def test_superusers_among_all_users(reject: str, admit: str, said: bool) -> None:
    about: dict[str, t.Any] = {"roles": {"root": {"wheel"}}, "superusers": frozenset(("root",))}
    found = in_context(f"{reject}\n{admit} scram-sha-256", **about)
    assert ("superuser-remote" in [code for code, *_rest in found]) is said


def test_exceptions_are_named_but_no_warning() -> None:
    text = (
        "hostssl app ann 10.0.0.0/24 reject\n"
        "hostssl app all 10.0.0.0/16 scram-sha-256\n"
        "hostssl app bob 10.0.0.0/8 reject\n"
        "hostssl app all 10.0.0.0/8 scram-sha-256\n"
        "host all all all reject\n"
    )
    assert in_context(text) == [
        ("contradicted", "low", 2, "decides only in part: line 1 rejects some of what it matches"),
        ("contradicted", "low", 3, "decides only in part: line 2 admits some of what it matches"),
        ("contradicted", "low", 4, "decides only in part: lines 1, 3 reject some of what it matches"),
    ]
    assert summary(lint(parse_text(text, DIALECTS[17]), Context(DIALECTS[17]))) == []


def test_every_code_is_known() -> None:
    text = (
        "host all all all trust\nhost a a 10.0.0.0/8 trust\nlocal all all trust\nhost b b 10/8 password\n"
        "host ALL c 10.0.0.0/8 ident # \\\n#\nhost replication d all md5\nhost e root 10.0.0.0/8 md5\n"
        f"host f f 10.0.0.0/33 md5\nlocal g {'g' * 64} peer\nhost all all 10.0.0.0/8 md5\n"
        "host h h 10.0.0.0/8 reject\nhost h h 10.0.0.0/9 reject\nhost h h 10.0.0.0/9 md5\n"
    )
    shadowing, *others = text.splitlines(keepends=True)
    found = in_context("".join([*others, shadowing]), catch_all=True, superusers=frozenset(("root",)))
    found += in_context(others[5] + "host i i 10.0.0.0/9 reject\nhost i i 10.0.0.0/8 md5\nhost i i 10.0.0.0/9 md5\n")
    found += in_context("host i i 10.0.0.0/9 md5\nhost i i 10.0.0.0/9 md5\n")
    assert {code for code, *_rest in found} == set(CODES)


def test_without_tls_nothing_is_said_of_plaintext() -> None:
    assert in_context("host app app 10.0.0.0/8 scram-sha-256", tls=False) == []


def test_rules_that_do_nothing() -> None:
    text = (
        "hostssl app all 10.0.0.0/9 scram-sha-256\n"
        "hostssl app all 10.128.0.0/9 scram-sha-256\n"
        "hostssl app ann 10.0.0.0/8 reject\n"
        "hostssl app bob 10.1.0.0/16 scram-sha-256\n"
        "hostssl app all 10.0.0.0/9 scram-sha-256\n"
        "hostssl app all 10.0.0.0/9 reject\n"
        f"hostssl app {'n' * 64} 10.1.0.0/16 scram-sha-256\n"
    )
    assert in_context(text) == [
        ("unreachable", "high", 3, "never decides: lines 1, 2 together take all that it would match"),
        ("unreachable", "medium", 4, "never decides: line 1 takes all that it would match"),
        ("unreachable", "medium", 5, "never decides: line 1 takes all that it would match"),
        ("duplicate", "low", 5, "for the same connections as line 1, which does the same"),
        ("unreachable", "high", 6, "never decides: line 1 takes all that it would match"),
        ("duplicate", "low", 6, "for the same connections as line 1, which decides otherwise"),
        ("cannot-match", "low", 7, "matches nobody on this server"),
    ]
    assert summary(lint(parse_text(text, DIALECTS[17]), Context(DIALECTS[17])))[1] == (
        "pg_hba.conf lines 4, 5: never decides: line 1 takes all that it would match"
        " (that is the first of them) (unreachable, medium)"
    )


@pytest.mark.parametrize(
    ("end", "missing"),
    [
        ("", True),
        ("host all all all reject", False),
        ("host all all 0.0.0.0/0 reject\nhost all all ::/0 reject", False),
        ("host all all ::/0 reject\nlocal all all reject\nhost all all 0.0.0.0/0 reject", False),
        ("host all all 0.0.0.0/0 reject", True),
        ("host all all all reject\nlocal x y peer", True),
        ("hostssl all all all reject", True),
        ("hostssl all all all reject\nhostnossl all all all reject", False),
        ("host all all all md5", True),
    ],
)
def test_a_catch_all_where_the_policy_asks_for_one(end: str, missing: bool) -> None:
    text = f"local all all peer\n{end}\n"
    assert ("no-catch-all" in [code for code, *_rest in in_context(text, catch_all=True)]) is missing
    assert "no-catch-all" not in [code for code, *_rest in in_context(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("local all all peer # us \\\nlocal x y peer\n", [("high", 1)]),
        ("# us \\\nlocal x y peer\nlocal all all peer\n", [("high", 1)]),
        ("# us \\\r\nlocal x y peer\r\nlocal all all peer\r\n", [("high", 1)]),
        ("# us \\\n# them \\\nlocal x y peer\n", [("low", 1), ("high", 2)]),
        ("local all \\\n all peer # us \\\nlocal x y peer\n", [("high", 2)]),
        ("local all all peer\n# us \\", [("low", 2)]),
        ("local all \\\n all peer # us\n", []),
        ('local "#\\\n" all peer\n', []),
        ("# c:\\temp\n", []),
    ],
)
def test_comments_that_swallow_a_line(text: str, found: list[tuple[str, int]]) -> None:
    assert [item[1:3] for item in in_context(text) if item[0] == "continued-comment"] == found
    assert "continued-comment" not in [code for code, *_rest in in_context(text, major=13)]
