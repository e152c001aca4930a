"""Who becomes whom without a password, by what sudo says of each account."""

from __future__ import annotations

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.sudoers import Person
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.sudoers import passwordless

OWNER = Person("postgres", 101, frozenset({"postgres", "ssl-cert"}))
ALICE = Person("alice", 1000, frozenset({"alice", "pg_wheel"}))
ASKS = "becomes postgres through sudo without a password"


def said(*entries: str, defaults: str = "env_reset, use_pty, authenticate, syslog=authpriv") -> str:
    head = f"Matching Defaults entries for alice on host:\n    {defaults}\n\n" if defaults else ""
    return f"{head}User alice may run the following commands on host:\n\n" + "\n".join(entries)


def entry(runas: str, options: str = "", *commands: str, source: str = " /etc/sudoers.d/x") -> str:
    chosen = f"    Options: {options}\n" if options else ""
    listed = "".join(f"\t{command}\n" for command in commands or ("ALL",))
    return f"Sudoers entry:{source}\n    RunAsUsers: {runas}\n{chosen}    Commands:\n{listed}"


def told(text: str, person: Person = ALICE) -> list[str]:
    return [str(finding) for finding in passwordless(text, person, OWNER)]


@pytest.mark.parametrize(
    ("runas", "options", "commands", "targets"),
    [
        ("postgres", "authenticate", ("ALL",), []),
        ("postgres", "", ("ALL",), []),
        ("postgres", "!authenticate", ("ALL",), ["postgres"]),
        ("postgres", "!authenticate", ("/usr/bin/psql",), ["postgres"]),
        ("#101", "setenv, !authenticate", ("ALL",), ["postgres"]),
        ("%ssl-cert", "!authenticate", ("ALL",), ["postgres"]),
        ("ALL", "!authenticate", ("ALL",), ["postgres", "root"]),
        ("ALL, !postgres", "!authenticate", ("ALL",), ["root"]),
        ("ALL, !root", "!authenticate", ("ALL",), ["postgres"]),
        ("root", "!authenticate", ("ALL",), ["root"]),
        ("root", "!authenticate", ("/usr/bin/su - postgres",), ["root"]),
        ("root", "!authenticate", ("!/usr/bin/su", "/usr/bin/systemctl restart nginx"), []),
        ("backup", "!authenticate", ("ALL",), []),
    ],
)
def test_rules(runas: str, options: str, commands: tuple[str, ...], targets: list[str]) -> None:
    found = told(said(entry("nobody", "!authenticate"), entry(runas, options, *commands)))
    assert found == [f"/etc/sudoers.d/x: alice becomes {target} through sudo without a password" for target in targets]


def test_what_holds_for_all_rules() -> None:
    rule = entry("postgres")
    assert told(said(rule, defaults="env_reset, !authenticate")) == [f"/etc/sudoers.d/x: alice {ASKS}"]
    assert not told(said(rule, defaults="!authenticate, authenticate"))
    assert not told(said(entry("postgres", "authenticate"), defaults="!authenticate"))
    assert told(said(entry("postgres", "authenticate"), defaults="exempt_group=pg_wheel"))
    assert not told(said(rule, defaults="exempt_group=sudo"))
    assert not told(said(rule, defaults="exempt_group=pg_wheel, !exempt_group"))
    assert told(said(entry("postgres", "!authenticate", source=""), defaults="")) == [f"sudo: alice {ASKS}"]


def test_the_owner_is_told_of_where_it_becomes_root() -> None:
    assert told(said(entry("ALL", "!authenticate")), OWNER) == [
        "/etc/sudoers.d/x: postgres becomes root through sudo without a password"
    ]


@pytest.mark.parametrize(
    ("defaults", "silent"),
    [
        ("syslog=authpriv", False),
        ("syslog=authpriv, !syslog", True),
        ("!syslog, syslog=auth", False),
        ("!syslog, logfile=/var/log/sudo.log", False),
        ("!syslog, logfile=/var/log/sudo.log, !logfile", True),
        ("!log_allowed", True),
        ("!log_allowed, log_allowed", False),
    ],
)
def test_what_is_not_logged(defaults: str, silent: bool) -> None:
    found = told(said(entry("postgres"), defaults=defaults))
    assert found == (["sudo: what alice does with sudo is not logged"] if silent else [])
    assert not told(said(entry("backup"), defaults=defaults))


def test_nobody_who_may_nothing() -> None:
    assert not told("User nobody is not allowed to run sudo on host.\n")
