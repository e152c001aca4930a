"""Rules become text that reads back to the same rules, or are refused by name."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import check_rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import render_rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import spell
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Rule


def rule(**values: t.Any) -> Rule:
    return Rule(**{"type": "host", "databases": ("db",), "users": ("u",), "address": "all", "method": "md5", **values})


def text(given: Rule, major: int = 17) -> str:
    check_rule(given, option="rules[0]")
    return render_rule(given, DIALECTS[major], option="rules[0]").text


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        ("all", "all"),
        ('"all"', '"all"'),
        ("my db", '"my db"'),
        ("a,b", '"a,b"'),
        ("a#b", '"a#b"'),
        ("+grp", "+grp"),
        ("+my grp", '+"my grp"'),
        ("@my file", '@"my file"'),
        ("/a,b", '"/a,b"'),
        ("", '""'),
        ("a\\", '"a\\"'),
        ("a\\b", "a\\b"),
        ("d'or", "d'or"),
    ],
)
def test_quotes_only_where_characters_need_them(value: str, spelled: str) -> None:
    assert spell(value) == spelled


def test_a_whole_line() -> None:
    given = rule(
        type="hostssl",
        databases=("a", "my db"),
        users=("+g",),
        address="10.0.0.0",
        netmask="255.0.0.0",
        method="cert",
        options=(("map", "x y"), ("clientname", "DN")),
        comment="why",
    )
    line = 'hostssl\ta,"my db"\t+g\t10.0.0.0\t255.0.0.0\tcert\tmap="x y"\tclientname=DN\n'
    assert text(given) == f"# why\n{line}"


@pytest.mark.parametrize(
    ("values", "option", "said"),
    [
        ({"type": "Host"}, "rules[0].type", "give one of local, host"),
        ({"method": "scram"}, "rules[0].method", "give one of trust, reject, scram-sha-256"),
        ({"address": "10.0.0.0/33"}, "rules[0].address", "prefix length such as 10.0.0.0/8"),
        ({"address": "300.0.0.1"}, "rules[0].address", "give all, samehost"),
        ({"address": "10/8"}, "rules[0].address", "an address in full"),
        ({"address": "010.0.0.0/8"}, "rules[0].address", "an address in full"),
        ({"address": "10.0.0.1"}, "rules[0].address", "together with netmask"),
        ({"address": "ALL"}, "rules[0].address", "give all"),
        ({"address": "10.0.0.0/8 "}, "rules[0].address", "give all"),
        ({"address": None}, "rules[0].address", "give all"),
        ({"address": "exam ple"}, "rules[0].address", "a host name"),
        ({"address": "[::1]/128"}, "rules[0].address", "2001:db8::/32"),
        ({"address": "10.0.0.0/8", "netmask": "255.0.0.0"}, "rules[0].address", "together with netmask"),
        ({"address": "10.0.0.0", "netmask": "ffff::"}, "rules[0].netmask", "of the same family"),
        ({"address": "10.0.0.0", "netmask": "8"}, "rules[0].netmask", "a mask in full"),
        ({"type": "local"}, "rules[0].address", "a rule of type local has none"),
        ({"databases": ()}, "rules[0].databases", "at least one database"),
        ({"databases": ("ALL",)}, "rules[0].databases[0]", "in lower case"),
        ({"databases": ("db", "Replication")}, "rules[0].databases[1]", "in lower case"),
        ({"users": ("All",)}, "rules[0].users[0]", "in lower case"),
        ({"users": ("u" * 64,)}, "rules[0].users[0]", "63 bytes"),
        ({"users": ("é" * 32,)}, "rules[0].users[0]", "63 bytes"),
        ({"users": ("+",)}, "rules[0].users[0]", "no role has an empty name"),
        ({"databases": ('""',)}, "rules[0].databases[0]", "no database has an empty name"),
        ({"databases": ("+" + "d" * 63,)}, "rules[0].databases[0]", "63 bytes"),
        ({"users": ('a"b',)}, "rules[0].users[0]", "must be balanced"),
        ({"users": ("a\nb",)}, "rules[0].users[0]", "ONE name"),
        ({"users": ('"a" "b"',)}, "rules[0].users[0]", "ONE name"),
        ({"users": ('"a",',)}, "rules[0].users[0]", "ONE name"),
        ({"databases": (' "a"',)}, "rules[0].databases[0]", "ONE name"),
        ({"comment": "ends in \\"}, "rules[0].comment", "swallow"),
        ({"comment": "one\\\ntwo"}, "rules[0].comment", "swallow"),
        ({"method": "trust", "options": (("map", "m"),)}, "rules[0].options.map", "only valid for"),
        ({"options": (("foo", "1"),)}, "rules[0].options.foo", "unrecognized"),
        ({"options": (("clientcert", "verify-full"),)}, "rules[0].options.clientcert", 'for "hostssl" rows'),
        ({"method": "peer"}, "rules[0].method", "only supported on local sockets"),
        ({"method": "cert"}, "rules[0].method", "only supported on hostssl"),
        ({"method": "bsd"}, "rules[0].method", "not supported by this build"),
        ({"databases": ("/(a",)}, "rules[0].databases[0]", "parentheses () not balanced"),
    ],
)
def test_refused_by_name(values: dict[str, t.Any], option: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        text(rule(**values))
    assert refused.value.option == option
    assert said in str(refused.value)


def test_what_a_version_would_not_match() -> None:
    with pytest.raises(InputError, match=r"known from 16 on"):
        text(rule(users=("/^a",)), 15)
    assert text(rule(users=("/^a",)), 16)
    with pytest.raises(InputError, match=r'PostgreSQL 17 refuses it: invalid authentication method "oauth"'):
        text(rule(method="oauth", options=(("issuer", "i"), ("scope", "s"))))
    assert text(rule(method="oauth", options=(("issuer", "i"), ("scope", "s"))), 18)
    with pytest.raises(InputError, match="make two rules"):
        text(rule(users=tuple(f"user{number}" for number in range(3000))), 13)


def test_secrets_are_in_no_message() -> None:
    options = (("radiusservers", "127.0.0.1"), ("radiussecrets", "planted,secret,three"))
    with pytest.raises(InputError) as refused:
        text(rule(method="radius", options=options))
    assert "planted" not in str(refused.value) + str(refused.value.details)


def test_unusual_but_right() -> None:
    for values in (
        {"address": "10.1.2.3/8"},
        {"address": "10.0.0.0", "netmask": "255.0.255.0"},
        {"address": ".example.com"},
        {"address": "fe80::1%eth7/64"},
        {"address": '"all"'},
        {"users": ('"ALL"', "+" + "g" * 63, "@names", '"quo""ted"', '"+"')},
        {"databases": ("@" + "/etc/postgresql/names" * 9, "+"), "users": ("@" + "n" * 99,)},
        {"databases": ("replication", "sameuser", "samerole")},
    ):
        assert text(rule(**values))


names = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters='"'), min_size=1, max_size=15
).filter(lambda name: name[0] != "@")


@given(
    st.lists(names, min_size=1, max_size=3), st.lists(names, min_size=1, max_size=3), st.sampled_from(sorted(DIALECTS))
)
def test_what_is_written_is_read_back(databases: list[str], users: list[str], major: int) -> None:
    given = rule(databases=tuple(databases), users=tuple(users), type="hostssl", method="scram-sha-256")
    try:
        line = text(given, major)
    except InputError:
        return
    [record] = parse_text(line, DIALECTS[major])
    assert record.accepted
    assert [token.text for token in record.databases] == databases
    assert [token.text for token in record.users] == users
