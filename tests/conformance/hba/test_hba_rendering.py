"""Whatever we write, the server reads back as the rules that were meant."""

from __future__ import annotations

import os
import random
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import dialect_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import check_rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.render import render_rule
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Rule
from ansible_collections.rampart.postgresql.tests.conformance.hba.client import Client
from ansible_collections.rampart.postgresql.tests.conformance.hba.client import Login
from ansible_collections.rampart.postgresql.tests.conformance.hba.judge import Judge

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.rampart.postgresql.tests.conformance.servers import Workshop

_GENERATED = int(os.environ.get("RAMPART_GENERATED", "500"))
_SEED = os.environ.get("RAMPART_SEED", "1")

# As given, and what the server must hold of it.
_NAMES = {
    "all": "all",
    '"all"': "all",
    "ALL": None,
    '"ALL"': "ALL",
    "app": "app",
    "my db": "my db",
    "a,b": "a,b",
    "c#d": "c#d",
    'x"y"z': "xyz",
    '"q""q"': 'q"q',
    "+grp": "+grp",
    "+my grp": "+my grp",
    '"+grp"': "+grp",
    "tab\tin": "tab\tin",
    "back\\": "back\\",
    "ünï": "ünï",
    "n" * 63: "n" * 63,
    "n" * 64: None,
    "ü" * 32: None,
    'open"': None,
    "two\nlines": None,
    "": None,
    "/^a{1,2} b$": "/^a{1,2} b$",
    "/(": None,
    "sameuser": "sameuser",
    "=": "=",
    "\\": "\\",
}
_ADDRESSES = {
    ("all", None): ("all", None),
    ("samenet", None): ("samenet", None),
    ("10.1.2.3/8", None): ("10.1.2.3", "255.0.0.0"),
    ("2001:db8::/32", None): ("2001:db8::", "ffff:ffff::"),
    ("::1/128", None): ("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("10.0.0.0", "255.0.255.0"): ("10.0.0.0", "255.0.255.0"),
    ("host.example.com", None): ("host.example.com", None),
    (".example.com", None): (".example.com", None),
    ("10/8", None): None,
    ("ALL", None): None,
    ("10.0.0.0/33", None): None,
    ("10.0.0.0", None): None,
    ("300.0.0.1", None): None,
    ("a b", None): None,
    ("10.0.0.0/8,11.0.0.0/8", None): None,
}
_METHODS: list[tuple[str, tuple[tuple[str, str], ...]]] = [
    ("trust", ()),
    ("reject", ()),
    ("scram-sha-256", ()),
    ("peer", (("map", "my map"),)),
    ("ident", (("map", 'a"b'),)),
    ("cert", (("map", "x#y"), ("clientname", "DN"))),
    ("md5", (("clientcert", "verify-ca"),)),
    ("radius", (("radiusservers", "127.0.0.1,127.0.0.2"), ("radiussecrets", 'a,"b c"'))),
    ("nonsense", ()),
]


@pytest.fixture(scope="module")
def judge(workshop: Workshop, major: int) -> Iterator[Judge]:
    server = workshop.server(major)
    judge = Judge(server)
    yield judge
    judge.close()
    workshop.discard(server)


def _random_rule(chance: random.Random) -> Rule:
    kind = chance.choice(("local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"))
    (address, netmask), _shown = chance.choice(list(_ADDRESSES.items())) if kind != "local" else ((None, None), None)
    method, options = chance.choice(_METHODS)
    names = [name for name, shown in _NAMES.items() if shown is not None or chance.random() < 0.1]
    return Rule(
        type=kind,
        databases=tuple(chance.sample(names, chance.choice((1, 1, 2, 4)))),
        users=tuple(chance.sample(names, chance.choice((1, 1, 2, 4)))),
        method=method,
        address=address,
        netmask=netmask,
        options=options,
        comment=chance.choice((None, None, "what for", '"quoted" # twice')),
    )


def _rendered(rules: t.Iterable[Rule], major: int) -> tuple[list[tuple[Rule, str]], int]:
    """The rules that we agree to write, and how many we refuse."""
    written, refused = [], 0
    for rule in rules:
        try:
            check_rule(rule, option="rule")
            written.append((rule, render_rule(rule, dialect_of(major)).text))
        except InputError:
            refused += 1
    return written, refused


def test_rules_are_read_back(judge: Judge) -> None:
    major = judge.server.major
    chance = random.Random(f"{_SEED}-{major}")
    written, refused = _rendered([_random_rule(chance) for _attempt in range(_GENERATED)], major)
    text = "".join(line for _rule, line in written)
    judge.put(text)
    rows = judge.rows()
    print(f"\nPostgreSQL {major}: {len(written)} rules written, {refused} refused, {len(rows)} read back")
    assert len(rows) == len(written) >= _GENERATED // 10
    for (rule, line), row in zip(written, rows):
        assert row["type"] == rule.type, line
        assert row["database"] == [_NAMES[name] for name in rule.databases], line
        assert row["user_name"] == [_NAMES[name] for name in rule.users], line
        shown = (None, None) if rule.address is None else _ADDRESSES[rule.address, rule.netmask]
        assert (row["address"], row["netmask"]) == shown, line
        assert row["auth_method"] == ("peer" if rule.type == "local" and rule.method == "ident" else rule.method), line
        for name, value in rule.options:
            if name != "clientname":  # never shown
                assert f"{name}={value}" in row["options"], line
    assert judge.loads()


def test_tokens_keep_their_meaning(judge: Judge) -> None:
    """The view loses whether a token was quoted; our own reader, proved against the server, does not."""
    for name, shown in _NAMES.items():
        rule = Rule("local", (name,), (name,), "trust")
        [*written], _refused = _rendered([rule], judge.server.major)
        if not written:
            assert shown is None or (name.startswith("/") and judge.server.major < 16), name
            continue
        [record] = judge.ours(written[0][1])
        for token in (record.databases[0], record.users[0]):
            assert (token.text, token.quoted) == (shown, name.startswith('"') or token.raw.startswith('"')), name
            if name in ("all", "sameuser", "+grp", "+my grp"):
                assert not token.quoted, name


def test_an_empty_name_matches_nothing(judge: Judge) -> None:
    """So we refuse to write it: neither a database or role without a name nor a group without one is ever met."""
    judge.server.query("CREATE ROLE visitor LOGIN REPLICATION")
    logins = [
        Login("visitor", "postgres"),
        Login("visitor", ""),  # the server takes the user's name
        Login("visitor", "", replication="true"),
    ]
    for names, outcome in (
        ('"" all', "trust"),
        ('all,replication ""', "trust"),
        ("all,replication +", "trust"),
        ("all,replication visitor", "reject"),
    ):
        judge.put(f"local {names} reject\nlocal all,replication all trust\n")
        assert judge.loads()
        client = Client(judge.server)
        assert [client.answer(login).outcome for login in logins] == [outcome] * 3, names
