"""The filter admission, called as a function."""

from __future__ import annotations

import typing as t

import pytest

errors = pytest.importorskip("ansible.errors")

from ansible_collections.rampart.postgresql.plugins.filter.admission import FilterModule  # noqa: E402

RULES = "# the shop\nhostssl shop app 10.0.3.0/24 scram-sha-256\nlocal all postgres peer\n"
REJECT = {"type": "host", "databases": ["all"], "users": ["all"], "address": "all", "method": "reject"}
APP = {"version": 17, "user": "app", "database": "shop", "address": "10.0.3.7", "tls": True}
ROLE = {"login": True, "superuser": False, "replication": False, "connection_limit": -1, "inherit": True}
FACTS: dict[str, t.Any] = {
    "roles": [
        {"name": "app", **ROLE, "valid_until_epoch": 1000.0, "verifier": "scram-sha-256"},
        {"name": "staff", **ROLE, "login": False, "valid_until_epoch": None, "verifier": None},
    ],
    "memberships": [{"role": "staff", "member": "app", "grantor": "postgres", "inherit_option": False}],
    "databases": [
        {"name": "shop", "owner": "postgres", "allow_connections": True, "connection_limit": -1, "connect": ["public"]},
        {"name": "den", "owner": "postgres", "allow_connections": True, "connection_limit": -1, "connect": ["staff"]},
    ],
    "settings": {
        name: {"setting": value} for name, value in (("ssl", "on"), ("ssl_ca_file", ""), ("max_wal_senders", "10"))
    },
    "now": 999,
}


def ask(rules: t.Any = RULES, **options: t.Any) -> dict[str, t.Any]:
    answer: dict[str, t.Any] = FilterModule().filters()["admission"](rules, **{**APP, **options})
    return answer


def test_the_line_that_lets_it_in() -> None:
    assert ask() == {
        "outcome": "admitted",
        "reason": "the rule asks for the password (scram-sha-256)",
        "where": "rules:2: hostssl shop app 10.0.3.0/24 scram-sha-256",
        "rule": 1,
        "line": 2,
        "was_refused": None,
        "assumed": ["roles", "databases", "settings"],
    }
    assert ask(**FACTS)["assumed"] == []


@pytest.mark.parametrize(
    ("options", "outcome", "where"),
    [
        ({"tls": False}, "refused", None),
        ({"password": False}, "refused", "rules:2: hostssl shop app 10.0.3.0/24 scram-sha-256"),
        ({**FACTS, "now": 1001}, "refused", "role app: VALID UNTIL 1970-01-01 00:16:40+00"),
        ({**FACTS, "user": "staff"}, "refused", None),
        ({**FACTS, "settings": {**FACTS["settings"], "ssl": {"setting": "off"}}}, "refused", "parameter ssl: off"),
        ({"rules": "local all all peer", "address": "local", "tls": False}, "unknown", "rules:1: local all all peer"),
        ({"rules": "local all all peer", "address": None, "tls": False, "account": "app"}, "admitted", None),
        ({"rules": "local all all peer map=m", "address": None, "tls": False, "account": "x"}, "unknown", None),
        ({"rules": "local all all peer map=m", "address": None, "tls": False, "account": "x", "ident": "m x app"}, "admitted", None),
        ({"rules": "host all +staff all trust"}, "refused", None),
        ({"rules": "host all +staff all trust", "member_of": ["staff"]}, "admitted", None),
        ({"rules": "host all +staff all trust", **FACTS}, "admitted", None),
        ({"rules": "host all all all trust", **FACTS, "database": "den"}, "refused", "database den: CONNECT not granted"),
        ({"rules": "host all all all trust", **FACTS, "logical": True}, "refused", "role app: NOREPLICATION"),
        ({"rules": "include more.conf\nhost all all all trust"}, "unknown", "rules:1: include more.conf"),
        ({"rules": "hostssl all all all cert", "certificate": "/O=Shop/CN=app"}, "admitted", None),
        ({"rules": "hostssl all all all cert", "certificate": "/O=Shop/CN=x"}, "refused", None),
        ({"rules": "host all all samenet trust"}, "unknown", "rules:1: host all all samenet trust"),
        ({"rules": "host all all samenet trust", "server_addresses": ["10.0.3.1/24"]}, "admitted", None),
        ({"before": RULES}, "admitted", None),
        ({"before": RULES, "rules": "host all all all md5"}, "admitted", "rules:1: host all all all md5"),
        ({"before": "host all all all trust"}, "unproven", None),
        ({"before": "host all all all trust", "password": True}, "admitted", None),
        ({"before": RULES, "rules": []}, "refused", None),
        ({"rules": [{"type": "local", "databases": ["all"], "users": ["all"], "method": "peer"}, REJECT]}, "refused", "rules:2: host all all all reject"),
    ],
)  # fmt: skip
def test_answers(options: dict[str, t.Any], outcome: str, where: str | None) -> None:
    found = ask(**options)
    assert found["outcome"] == outcome, found
    assert where is None or (found["where"] or "").startswith(where)


def test_that_it_was_so_before_is_told() -> None:
    assert ask([], before=RULES)["was_refused"] is False
    assert ask([], before=[])["was_refused"] is True


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"user": None}, "admission: user: None cannot be used"),
        ({"rules": 3}, "admission: rules: 3 cannot be used"),
        ({"before": 3}, "admission: before: 3 cannot be used"),
        ({"rules": "host all"}, "would not load these rules"),
        ({"roles": []}, "admission: memberships: None cannot be used: give what cluster_info returns"),
        ({"roles": [{"name": "app"}], "memberships": []}, "admission: roles.0..inherit: None cannot be used"),
        ({**FACTS, "member_of": ["staff"]}, "admission: member_of"),
        ({"databases": {}}, "admission: databases"),
        ({"settings": {"ssl": "on"}}, "admission: settings.ssl"),
        ({"password": "yes"}, "admission: password: 'yes' cannot be used"),
        ({"certificate": "app"}, "admission: certificate: 'app' cannot be used"),
        ({"account": 3}, "admission: account: 3 cannot be used"),
        ({"ident": 3}, "admission: ident: 3 cannot be used"),
        ({"now": "today"}, "admission: now: 'today' cannot be used"),
        ({"role": "app"}, "admission: role: 'app' cannot be used: the options are before, ident, roles"),
    ],
)
def test_errors_name_the_option(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(errors.AnsibleFilterError, match=words):
        ask(**options)
