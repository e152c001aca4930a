"""Who gets in at one moment, and which line or attribute says no."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import Verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import compared
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Sessions
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Side
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import deciding
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._admission.sides import client
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._admission.sides import side

APP = Certificate("app", "CN=app,O=Shop")
TRUST = "local all,replication all trust\nhost all,replication all all trust\n"
KNOWS = {"has_password": True}
LDAP = "local all all ldap ldapserver=x ldapprefix=cn="


def judged(rules: str, world: dict[str, t.Any], who: dict[str, t.Any]) -> Verdict:
    return verdict(side(rules, **world), client(**who))


@pytest.mark.parametrize(
    ("who", "where"),
    [
        ({}, ""),
        ({"user": "nobody"}, "role nobody"),
        ({"user": "idle"}, "role idle: NOLOGIN"),
        ({"user": "none_left"}, "role none_left: CONNECTION LIMIT 0"),
        ({"user": "late"}, ""),  # only a password expires
        ({"database": "missing"}, "database missing"),
        ({"database": "private"}, "database private: CONNECT not granted"),  # its owner: the ACL counts, nothing else
        ({"database": "for_staff"}, "database for_staff: CONNECT not granted"),
        ({"database": "for_readers"}, ""),
        ({"database": "for_owner"}, ""),
        ({"database": "closed"}, "database closed: ALLOW_CONNECTIONS false"),
        ({"database": "full"}, "database full: CONNECTION LIMIT 0"),
        ({"database": "torn"}, "database torn: invalid"),
        ({"user": "boss", "database": "private"}, ""),
        ({"user": "boss", "database": "full"}, ""),
        ({"user": "boss", "database": "closed"}, "database closed: ALLOW_CONNECTIONS false"),
        ({"user": "boss", "database": "torn"}, "database torn: invalid"),
        ({"replication": True}, "role app: NOREPLICATION"),
        ({"logical": True}, "role app: NOREPLICATION"),
        ({"user": "copier", "replication": True, "database": ""}, ""),
        ({"user": "copier", "logical": True}, ""),
        ({"user": "copier", "logical": True, "database": "private"}, "database private: CONNECT not granted"),
        ({"user": "boss", "replication": True, "database": ""}, ""),
    ],
)
def test_attributes(who: dict[str, t.Any], where: str) -> None:
    found = judged(TRUST, {}, who)
    assert found.outcome == ("refused" if where else "admitted"), found
    assert where == "" or found.where == where


@pytest.mark.parametrize(
    ("rule", "who", "world", "outcome", "words"),
    [
        ("", {}, {}, "refused", "no rule matches"),
        ("local all all reject", {}, {}, "refused", "pg_hba.conf:1: local all all reject"),
        ("local all all scram-sha-256", {}, {}, "unproven", "scram-sha-256"),
        ("local all all scram-sha-256", KNOWS, {}, "admitted", "password"),
        ("local all all scram-sha-256", {"has_password": False}, {}, "refused", "it has none"),
        ("local all all scram-sha-256", {"user": "old", **KNOWS}, {}, "refused", "role old: verifier is md5"),
        ("local all all md5", {"user": "old", **KNOWS}, {}, "admitted", ""),
        ("local all all md5", KNOWS, {}, "admitted", ""),
        ("local all all password", {"user": "old", **KNOWS}, {}, "admitted", ""),
        ("local all all md5", {"user": "bare", **KNOWS}, {}, "refused", "role bare: no password"),
        ("local all all md5", {"user": "dark", **KNOWS}, {}, "admitted", ""),
        ("local all all scram-sha-256", {"user": "dark", **KNOWS}, {}, "unknown", "kind"),
        ("local all all md5", {"user": "late", **KNOWS}, {}, "refused", "VALID UNTIL 1970-01-12 13:46:39+00"),
        ("local all all md5", {"user": "soon", **KNOWS}, {}, "admitted", ""),
        ("local all all md5", {"user": "nobody", **KNOWS}, {}, "refused", "there is no role nobody"),
        ("local all all peer", {"account": "app"}, {}, "admitted", "account app"),
        ("local all all peer", {"account": "root"}, {}, "refused", "account root"),
        ("local all all peer", {}, {}, "unknown", "peer"),
        ("local all all peer map=m", {"account": "root"}, {"mappings": "m root app"}, "admitted", "map m"),
        ("local all all peer map=m", {"account": "root"}, {"mappings": "n root app"}, "refused", "map m"),
        ("local all all peer map=m", {"account": "root"}, {"mappings": "m root +staff"}, "admitted", "map m"),
        ("local all all peer map=m", {"account": "root"}, {"mappings": None}, "unknown", "mappings"),
        (LDAP, KNOWS, {}, "unproven", "ldap"),
        ("host all all all ident", {"address": "10.0.0.1"}, {}, "unknown", "ident"),
        ("hostssl all all all trust", {"address": "10.0.0.1"}, {}, "refused", "no rule"),
        ("hostssl all all all trust", {"address": "10.0.0.1", "tls": True}, {}, "admitted", ""),
        ("host all all all trust", {"address": "::1", "tls": True}, {"ssl": False}, "refused", "parameter ssl: off"),
        ("local all +staff trust", {}, {}, "admitted", ""),  # for rules a member is one, whether or not it inherits
        ("local all +staff trust", {"user": "boss"}, {}, "refused", "no rule"),
        ("local samerole all trust", {"user": "nobody", "database": "nobody"}, {}, "refused", "no rule"),
    ],
)
def test_rules(rule: str, who: dict[str, t.Any], world: dict[str, t.Any], outcome: str, words: str) -> None:
    found = judged(rule, world, who)
    assert found.outcome == outcome, found
    assert words in str(found)


@pytest.mark.parametrize(
    ("options", "certificate", "world", "outcome", "words"),
    [
        ("trust clientcert=verify-ca", APP, {}, "admitted", ""),
        ("trust clientcert=verify-ca", None, {}, "refused", "it has none"),
        ("trust clientcert=verify-ca", APP, {"ssl_ca": None}, "refused", "ssl_ca_file"),
        ("trust clientcert=verify-ca", Certificate("x"), {}, "admitted", ""),
        ("trust clientcert=verify-full", Certificate("x"), {}, "refused", "CN"),
        ("trust clientcert=verify-full", Certificate(""), {}, "refused", "CN"),
        ("trust clientcert=verify-full", Certificate(None), {}, "unknown", "CN"),
        ("trust clientcert=verify-full", APP, {}, "admitted", ""),
        ("cert", APP, {}, "admitted", "cert"),
        ("cert", Certificate("x"), {}, "refused", "CN"),
        ("cert map=m", Certificate("x"), {"mappings": "m x app"}, "admitted", ""),
        ("cert map=m", APP, {"mappings": "m x app"}, "refused", ""),
        ("cert clientname=DN", APP, {}, "refused", "DN"),
        ("cert clientname=DN map=m", APP, {"mappings": 'm CN=app","O=Shop app'}, "admitted", ""),
        ("cert clientname=DN", Certificate("app"), {}, "unknown", "DN"),
        ("scram-sha-256 clientcert=verify-ca", None, {}, "refused", "it has none"),
        ("scram-sha-256 clientcert=verify-ca", APP, {}, "unproven", "password"),
    ],
)
def test_certificates(
    options: str, certificate: Certificate | None, world: dict[str, t.Any], outcome: str, words: str
) -> None:
    who = {"address": "10.0.0.1", "tls": True, "certificate": certificate}
    found = judged(f"hostssl all all all {options}", {"ssl_ca": "ca", **world}, who)
    assert found.outcome == outcome, found
    assert words in str(found)


def test_who_was_never_asked_for_a_certificate_may_have_one() -> None:
    world = side("hostssl all all all cert", ssl_ca="ca")
    assert verdict(world, client(address="::1", tls=True, may_have_certificate=True)).outcome == "unproven"


@pytest.mark.parametrize(
    ("connected", "sessions", "outcome"), [(False, 1, "admitted"), (False, 2, "refused"), (True, 2, "admitted")]
)
def test_other_sessions_count(connected: bool, sessions: int, outcome: str) -> None:
    world = side(TRUST, sessions=Sessions(by_role={"few": sessions}))
    assert world.roles is not None
    few = {"few": type(world.roles["app"])("few", connection_limit=2)}
    found = verdict(type(world)(**{**vars(world), "roles": few}), client("few", connected=connected))
    assert found.outcome == outcome


def test_nothing_known_of_roles_and_databases() -> None:
    found = verdict(side(TRUST, roles=None, databases=None), client())
    assert found.outcome == "unknown"
    found = verdict(side("local all all reject", roles=None, databases=None), client())
    assert found.outcome == "refused"


def test_rules_that_only_the_server_can_judge() -> None:
    name = "host all all db.example.com {}\nhost all all all {}\n"
    who = {"address": "10.0.0.1"}
    assert judged(name.format("trust", "trust"), {}, who).outcome == "admitted"
    assert judged(name.format("reject", "reject"), {}, who).outcome == "refused"
    found = judged(name.format("trust", "reject"), {}, who)
    assert found.outcome == "unknown"
    assert "pg_hba.conf:1: " in found.where and "pg_hba.conf:2: " in found.where
    assert judged(name.format("trust", "reject"), {}, {**who, "user": "idle"}).outcome == "refused"


def test_secrets_of_rules_stay_out() -> None:
    rule = "local all all ldap ldapserver=x ldapbasedn=y ldapbinddn=z ldapbindpasswd=hidden"
    assert "hidden" not in str(judged(rule, {}, {}))


@pytest.mark.parametrize(
    ("shown", "common_name", "distinguished_name"),
    [
        ("/CN=app", "app", "CN=app"),
        ("/C=DE/O=Shop/CN=app", "app", "CN=app,O=Shop,C=DE"),
        ("/O=Shop/CN=http://app", "http://app", "CN=http://app,O=Shop"),
        ("/O=Shop", "", "O=Shop"),
        ("/CN=one/CN=two", "one", "CN=two,CN=one"),
        (r"/CN=a\,b", None, r"CN=a\,b"),
        ("/CN=bär", "bär", None),
        ("/CN=" + "x" * 59, None, None),
        ("/CN=app/O=" + "x" * 53, "app", None),
        ("/O=" + "x" * 60, None, None),
    ],
)
def test_names_of_a_certificate(shown: str, common_name: str | None, distinguished_name: str | None) -> None:
    assert Certificate.of_client_dn(shown) == Certificate(common_name, distinguished_name)


WORDS = st.sampled_from(
    [
        "all",
        "app",
        "old",
        "boss",
        "+staff",
        "replication",
        "shop",
        "sameuser",
        "samerole",
        "/^a",
        "/\\mx",
        '"all"',
        "private",
    ]
)
PLACES = st.sampled_from(["all", "10.0.0.0/8", "samenet", "db.example.com", "::/0"])
METHODS = st.sampled_from(["trust", "reject", "md5", "scram-sha-256", "password", "pam"])
RULES = st.builds(
    lambda kind, database, user, place, method: (
        f"local {database} {user} {method}" if kind == "local" else f"{kind} {database} {user} {place} {method}"
    ),
    st.sampled_from(["local", "host", "hostssl", "hostnossl"]),
    WORDS,
    WORDS,
    PLACES,
    METHODS,
)
WORLDS = st.builds(
    lambda rules, major, ssl, known: side(
        "\n".join(rules), major=major, ssl=ssl, **({} if known else {"roles": None, "databases": None})
    ),
    st.lists(RULES, max_size=4),
    st.sampled_from([13, 15, 16, 18]),
    st.booleans(),
    st.booleans(),
)
CLIENTS = st.builds(
    lambda user, database, way, has_password, connected, kind: client(
        user,
        database,
        way[0],
        tls=way[1],
        has_password=has_password,
        connected=connected,
        replication=kind == "physical",
        logical=kind == "logical",
    ),
    st.sampled_from(["app", "old", "bare", "dark", "late", "boss", "idle", "copier", "nobody"]),
    st.sampled_from(["shop", "private", "closed", "missing", "app"]),
    st.sampled_from([(None, False), ("10.0.0.1", False), ("10.0.0.1", True), ("::1", True)]),
    st.sampled_from([None, False, True]),
    st.booleans(),
    st.sampled_from(["", "", "physical", "logical"]),
)


@given(WORLDS, CLIENTS)
def test_nobody_gets_in_past_the_rules(world: Side, who: Client) -> None:
    decision = deciding(world.rules, who.attempt, world.dialect)
    found = verdict(world, who)
    assert found.reason
    if found.outcome in ("admitted", "unproven") and world.roles is None:
        assert decision.records and any(record.method != "reject" for record in decision.records)
    if found.outcome == "admitted":
        assert world.roles is not None and world.roles[who.attempt.user].login


@given(WORLDS, CLIENTS)
def test_no_change_changes_nothing(world: Side, who: Client) -> None:
    """Who gets in today, or would with a secret, gets in tomorrow; who is refused is told that it was so before."""
    today, found = verdict(world, who), compared(world, world, who)
    assert found.was_refused == (today.outcome == "refused")
    if today.outcome in ("admitted", "refused"):
        assert found.outcome == today.outcome
    if who.connected and today.outcome == "unproven":
        assert found.outcome == ("unproven" if who.attempt.user == "nobody" else "admitted")


@given(WORLDS, WORLDS, CLIENTS)
def test_what_is_refused_afterwards_is_refused(before: Side, after: Side, who: Client) -> None:
    found = compared(before, after, who)
    alone = verdict(after, who)
    if alone.outcome == "refused" and before.parameters.ssl == after.parameters.ssl:
        assert found.outcome == "refused"
    if alone.outcome == "admitted" and before.parameters.ssl == after.parameters.ssl:
        assert found.outcome == "admitted"
