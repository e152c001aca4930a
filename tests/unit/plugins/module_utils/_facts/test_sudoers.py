"""The language of sudoers, and who becomes the owner of a cluster by it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._facts import sudoers
from ansible_collections.rampart.postgresql.plugins.module_utils._facts.sudo import judge

OWNER = frozenset({"postgres", "#101", "%postgres"})


def rows(text: str, *more: str) -> list[dict[str, t.Any]]:
    texts = {f"/etc/sudoers.d/{number}": each for number, each in enumerate(more)}
    return judge([(path, sudoers.parse(each)) for path, each in {"/etc/sudoers": text, **texts}.items()], OWNER)


def told(text: str, *more: str) -> list[tuple[list[str], list[str], list[str], bool | None]]:
    return [(row["who"], row["as"], row["commands"], row["nopasswd"]) for row in rows(text, *more)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alice ALL=(postgres) ALL", (["alice"], ["postgres"], ["ALL"], False)),
        ("alice ALL=(postgres) NOPASSWD: /usr/bin/psql", (["alice"], ["postgres"], ["/usr/bin/psql"], True)),
        ("%dba,#1000 ALL = (ALL : ALL) NOPASSWD:ALL", (["%dba", "#1000"], ["ALL"], ["ALL"], True)),
        ("alice ALL=ALL", (["alice"], ["root"], ["ALL"], False)),
        ("alice ALL=/bin/su -", (["alice"], ["root"], ["/bin/su -"], False)),
        ("alice ALL=(#101) SETENV: PASSWD: ALL", (["alice"], ["#101"], ["ALL"], False)),
        ("alice ALL=(ALL, !root) ALL", (["alice"], ["ALL", "!root"], ["ALL"], False)),
        ("alice , bob ALL = ( postgres ) ALL", (["alice", "bob"], ["postgres"], ["ALL"], False)),
        ('"DOMAIN\\\\alice b" ALL=(postgres) ALL', (["DOMAIN\\\\alice b"], ["postgres"], ["ALL"], False)),
        ("alice ALL=(postgres) CWD=/x NOEXEC: /bin/ls", (["alice"], ["postgres"], ["/bin/ls"], False)),
        ("alice ALL=(postgres) NOPASSWD: TIMEOUT=5m /bin/ls", (["alice"], ["postgres"], ["/bin/ls"], True)),
        ("alice ALL=(postgres) sha224:aGFzaA== /bin/ls", (["alice"], ["postgres"], ["/bin/ls"], False)),
        ("alice ALL=(%postgres) ALL", (["alice"], ["%postgres"], ["ALL"], False)),
        ("alice ALL=(postgres) \\\n  ALL # as she likes", (["alice"], ["postgres"], ["ALL"], False)),
    ],
)
def test_a_rule_by_which_somebody_becomes_the_owner(text: str, expected: tuple[t.Any, ...]) -> None:
    assert told(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# alice ALL=(postgres) ALL",
        "root ALL=(ALL:ALL) ALL",
        "alice ALL=(bob) ALL",
        "alice ALL=(ALL, !postgres) /bin/ls",
        "alice ALL=(root) /usr/bin/systemctl restart postgresql",
        "alice ALL=(:postgres) ALL",
        "Defaults !authenticate",
        "#includedir /etc/sudoers.d",
    ],
)
def test_others_are_left_out(text: str) -> None:
    assert rows(text) == []


def test_tags_and_accounts_are_those_of_later_commands_too() -> None:
    text = "alice ALL=(postgres) /bin/a, NOPASSWD: /bin/b, (bob) /bin/c, (ALL) PASSWD: /bin/d"
    assert told(text) == [
        (["alice"], ["postgres"], ["/bin/a"], False),
        (["alice"], ["postgres"], ["/bin/b"], True),
        (["alice"], ["ALL"], ["/bin/d"], False),
    ]


def test_another_host_begins_anew() -> None:
    found = rows("alice db1=(postgres) NOPASSWD: ALL : db2, db3 = (postgres) /bin/ls")
    assert [(row["hosts"], row["commands"], row["nopasswd"]) for row in found] == [
        (["db1"], ["ALL"], True),
        (["db2", "db3"], ["/bin/ls"], False),
    ]


def test_aliases_are_replaced_wherever_they_are_defined() -> None:
    rule = "STAFF, !bob HOSTS=(OPERATORS) SHELLS, !/bin/zsh"
    aliases = (
        "User_Alias STAFF = alice, !TEMPORARY : TEMPORARY = carol\n"
        "Runas_Alias OPERATORS = postgres\nHost_Alias HOSTS = db1, 10.0.0.0/8\nCmnd_Alias SHELLS = /bin/sh, /bin/bash\n"
    )
    [row] = rows(rule, aliases)
    assert row["who"] == ["alice", "!carol", "!bob"]
    assert row["as"] == ["postgres"]
    assert row["hosts"] == ["db1", "10.0.0.0/8"]
    assert row["commands"] == ["/bin/sh", "/bin/bash", "!/bin/zsh"]
    assert rows(rule) == []  # nobody knows who that is
    assert rows("A ALL=(postgres) ALL\nUser_Alias A = B : B = A")[0]["who"] == ["A"]


@pytest.mark.parametrize(
    ("default", "silent"),
    [
        ("Defaults !authenticate", True),
        ("Defaults:alice !authenticate", True),
        ("Defaults:STAFF !authenticate\nUser_Alias STAFF = alice", True),
        ("Defaults>postgres !authenticate", True),
        ("Defaults@db1 !authenticate", True),
        ("Defaults!/bin/ls env_reset, !authenticate", True),
        ("Defaults authenticate", False),
        ("Defaults:bob !authenticate", False),
        ("Defaults!/bin/sh !authenticate", False),
        ("Defaults !authenticate, authenticate", False),
    ],
)
def test_a_default_may_ask_for_no_password(default: str, silent: bool) -> None:
    assert [row["nopasswd"] for row in rows(f"{default}\nalice ALL=(postgres) /bin/ls")] == [silent]
    assert not rows(f"{default}\nalice ALL=(postgres) PASSWD: /bin/ls")[0]["nopasswd"]


def test_another_default_account_counts() -> None:
    assert told("Defaults runas_default=postgres\nalice ALL=/bin/ls") == [(["alice"], ["postgres"], ["/bin/ls"], False)]


@pytest.mark.parametrize(
    "line",
    [
        "alice",
        "alice ALL",
        "alice bob ALL=(postgres) ALL",
        "alice ALL=",
        'alice ALL=("postgres) ALL',
        "User_Alias x = y",
        "=ALL",
    ],
)
def test_what_is_not_understood_is_told(line: str) -> None:
    [row] = rows(f"# before\n{line}\n")
    assert row["raw_understood"] is False
    assert (row["file"], row["line"]) == ("/etc/sudoers", 2)
    assert row["nopasswd"] is None


def test_included_files_are_named() -> None:
    text = '@includedir /etc/sudoers.d\n#include /etc/more\n@include "with space"\n# include nothing\n@include a\\ b\n'
    assert [(each.directory, each.path) for each in sudoers.parse(text).includes] == [
        (True, "/etc/sudoers.d"),
        (False, "/etc/more"),
        (False, "with space"),
        (False, "a b"),
    ]


def test_what_distributions_write_is_understood() -> None:
    text = r"""
Defaults	env_reset
Defaults	secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#Defaults:%sudo env_keep += "http_proxy https_proxy"
Defaults:%sudo env_keep += "GIT_AUTHOR_* GIT_COMMITTER_*"
Defaults   !visiblepw
Defaults    env_keep =  "COLORS DISPLAY HOSTNAME"
Defaults>postgres,bob !lecture
Defaults!PAGERS noexec
## Allow root to run any commands anywhere
Host_Alias     FILESERVERS = fs1, fs2 : MAIL = mail, 10.0.0.0/255.0.0.0, fe80::1
Cmnd_Alias SERVICES = /sbin/service, /usr/bin/systemctl start, \
   /usr/bin/systemctl stop
Cmnd_Alias PAGERS = /usr/bin/less, /usr/bin/more
root	ALL=(ALL:ALL) ALL
%sudo	ALL=(ALL:ALL) ALL
# %wheel	ALL=(ALL)	NOPASSWD: ALL
%sys ALL = NETWORKING, SOFTWARE, NOPASSWD: SERVICES
alice ALL = NOPASSWD: sudoedit /etc/motd
pete HPPA = /usr/bin/passwd [A-Za-z]*, !/usr/bin/passwd *root*
+net FILESERVERS = (postgres) ^/bin/(ls|cat)$ , NOEXEC: PAGERS
"%domain users" ALL=(postgres) NOPASSWD: /usr/bin/psql
@includedir /etc/sudoers.d
"""
    assert sudoers.parse(text).strange == []
    assert [(row["who"], row["hosts"], row["commands"], row["nopasswd"]) for row in rows(text)] == [
        (["%sudo"], ["ALL"], ["ALL"], False),
        (["+net"], ["fs1", "fs2"], ["^/bin/(ls|cat)$", "/usr/bin/less", "/usr/bin/more"], False),
        (["%domain users"], ["ALL"], ["/usr/bin/psql"], True),
    ]
