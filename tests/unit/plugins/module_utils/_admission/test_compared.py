"""Who gets in after a change, given what it shows today."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import Verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import compared
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Sessions
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Side
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._admission.sides import client
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._admission.sides import side

APP = Certificate("app")
LDAP = "ldap ldapserver=x ldapprefix=cn="


def after_change(before: str, after: str, *, sides: dict[str, t.Any] | None = None, **who: t.Any) -> Verdict:
    worlds = sides or {}
    return compared(side(before, **worlds), side(after, **worlds), client(**{"connected": True, **who}))


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ("trust", "trust", "admitted"),
        ("trust", "scram-sha-256", "unproven"),
        ("trust", "peer", "unknown"),
        ("trust", LDAP, "unproven"),
        ("trust", "reject", "refused"),
        ("peer", "peer", "admitted"),
        ("peer", "md5", "unproven"),
        ("peer", "trust", "admitted"),
        ("peer map=m", "peer map=m", "admitted"),
        ("peer map=m", "peer", "unknown"),
        ("peer", "peer map=m", "refused"),
        ("md5", "scram-sha-256", "admitted"),
        ("password", "md5", "admitted"),
        ("scram-sha-256", "password", "admitted"),
        ("scram-sha-256", LDAP, "unproven"),
        ("scram-sha-256", "trust", "admitted"),
        (LDAP, LDAP, "admitted"),
        (LDAP, f"{LDAP} ldapport=3", "unproven"),
        (LDAP, "scram-sha-256", "unproven"),
        ("pam", "pam", "admitted"),
    ],
)
def test_through_the_socket(before: str, after: str, outcome: str) -> None:
    found = after_change(f"local all all {before}", f"local all all {after}", sides={"mappings": "m root app"})
    assert (found.outcome, found.was_refused) == (outcome, False), found


def test_an_md5_verifier_ends_under_scram() -> None:
    for method in ("md5", "password", "trust"):
        found = after_change(f"local all all {method}", "local all all scram-sha-256", user="old")
        assert (found.outcome, found.where) == ("refused", "role old: verifier is md5")


def test_a_verifier_that_nobody_may_read() -> None:
    def change(before: str) -> str:
        return after_change(f"local all all {before}", "local all all scram-sha-256", user="dark").outcome

    assert [change(method) for method in ("scram-sha-256", "md5", "trust")] == ["admitted", "unknown", "unknown"]


def test_who_is_refused_today_shows_nothing() -> None:
    found = after_change("local all all reject", "local all all md5")
    assert (found.outcome, found.was_refused) == ("unproven", True)
    found = after_change("local all all md5", "local all all md5", user="bare")
    assert (found.outcome, found.was_refused) == ("refused", True)
    found = after_change("local all all trust", "local all all trust", user="idle")
    assert (found.outcome, found.was_refused, found.where) == ("refused", True, "role idle: NOLOGIN")


def test_attributes_that_change() -> None:
    before = side("local all all trust")
    assert before.roles is not None
    roles = {**before.roles, "app": dataclasses.replace(before.roles["app"], login=False)}
    found = compared(before, dataclasses.replace(before, roles=roles), client(connected=True))
    assert (found.outcome, found.where, found.was_refused) == ("refused", "role app: NOLOGIN", False)


def test_a_password_set_anew() -> None:
    before = side("local all all md5")
    assert before.roles is not None
    after = dataclasses.replace(before, roles={**before.roles, "old": Role("old", verifier="scram-sha-256")})
    assert compared(before, after, client("old", connected=True)).outcome == "unproven"
    assert compared(before, after, client("old", connected=True, has_password=True)).outcome == "admitted"


def test_a_name_that_let_the_client_in_lets_it_in_again() -> None:
    rules = "host all all db.example.com {}\nhost all all all {}\n"
    today = rules.format("md5", "reject")
    assert after_change(today, today, address="10.0.0.1").outcome == "admitted"
    assert after_change(today, rules.format("scram-sha-256", "reject"), address="10.0.0.1").outcome == "admitted"
    assert after_change(today, rules.format("reject", "md5"), address="10.0.0.1").outcome == "refused"
    other = rules.format("md5", "reject").replace("db.", "web.")
    assert after_change(today, other, address="10.0.0.1").outcome == "unknown"
    assert after_change(today, today, address="10.0.0.1", connected=False).outcome == "unknown"


def test_a_member_of_a_group_that_is_revoked() -> None:
    before = side("local all +staff trust")
    assert before.roles is not None
    after = dataclasses.replace(before, roles={**before.roles, "app": Role("app")})
    assert compared(before, after, client(connected=True)).reason == "no rule matches it"


def test_who_may_not_read_anything_loses_nothing_by_it() -> None:
    found = after_change("local all all md5", "local all all password", sides={"roles": None, "databases": None})
    assert found.outcome == "admitted"
    found = after_change("local all all md5", "local all all reject", sides={"roles": None, "databases": None})
    assert found.outcome == "refused"


@pytest.mark.parametrize(
    ("rules", "tls", "outcome"),
    [
        ("host all all all trust", False, "admitted"),
        ("hostnossl all all all trust", False, "admitted"),  # with TLS it is refused, then it tries without
        ("hostssl all all all trust", False, "unproven"),
        ("hostssl all all all md5\nhost all all all trust", False, "unproven"),
        ("hostssl all all all reject\nhost all all all reject", False, "refused"),
    ],
)
def test_tls_turned_on(rules: str, tls: bool, outcome: str) -> None:
    before, after = side("host all all all trust", ssl=False), side(rules, ssl=True)
    found = compared(before, after, client(address="::1", tls=tls, connected=True))
    assert (found.outcome, found.was_refused) == (outcome, False), found


def test_tls_turned_off() -> None:
    def change(rules: str) -> Verdict:
        before, after = side("host all all all trust", ssl=True), side(rules, ssl=False)
        return compared(before, after, client(address="::1", tls=True, connected=True))

    assert change("host all all all trust").outcome == "unproven"
    assert change("hostssl all all all trust").outcome == "refused"
    assert change("hostssl all all all trust").where == "parameter ssl: off"


def test_authorities_that_change() -> None:
    def change(before: str | None, after: str | None, rule: str = "cert") -> str:
        who = client(address="::1", tls=True, connected=True, certificate=APP)
        rules = f"hostssl all all all {rule}"
        return compared(side(rules, ssl_ca=before), side(rules, ssl_ca=after), who).outcome

    assert change("one", "one") == "admitted"
    assert change("one", "two") == "unproven"
    assert change("one", "two", "trust") == "unproven"  # a certificate that does not verify ends the connection
    assert change("one", None) == "refused"
    assert change("one", None, "trust") == "admitted"


def test_counted_once() -> None:
    """A client that is in must not be kept out by its own session."""
    world: Side = side("local all all trust")
    few = dataclasses.replace(
        world,
        roles={"few": Role("few", connection_limit=1)},
        sessions=Sessions({"few": 1}),
    )
    assert compared(few, few, client("few", connected=True)).outcome == "admitted"
    assert compared(few, few, client("few")).outcome == "refused"
