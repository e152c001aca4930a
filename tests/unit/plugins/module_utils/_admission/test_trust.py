# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the server still believes the certificate that a client shows."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import as_shown
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import Verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.verdict import compared
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ClientTrust
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._admission.sides import client
from ansible_collections.rampart.postgresql.tests.unit.plugins.module_utils._admission.sides import side

R, S, W = ("/CN=R", "key of R"), ("/CN=S", "key of S"), ("/CN=W", "key of W")
R_AGAIN = ("/CN=R", "another key")
OF_R, OF_W = Certificate("app", issuer="/CN=R", serial=1), Certificate("app", issuer="/CN=W", serial=2)
CLAIMED = Certificate("app")


def trust(
    *roots: tuple[str, str], lists: str | None = None, revoked: t.Any = (), between: t.Any = (), more: bool = False
) -> ClientTrust:
    """The letters of ``lists`` name authorities."""
    listed = None if lists is None else frozenset(f"/CN={letter}" for letter in lists)
    return ClientTrust(frozenset(roots), frozenset(between), listed, more, frozenset(revoked))


def change(
    before: ClientTrust | None, after: ClientTrust | None, certificate: Certificate | None, **values: t.Any
) -> Verdict:
    who = client(**{"address": "::1", "tls": True, "connected": True, "certificate": certificate, **values})
    rules = "host all all all trust"
    return compared(
        side(rules, ssl_ca=None if before is None else "old", trust=before),
        side(rules, ssl_ca=None if after is None else "new", trust=after),
        who,
    )


@pytest.mark.parametrize(
    ("before", "after", "certificate", "outcome", "words"),
    [
        (trust(R), trust(R), OF_R, "admitted", ""),
        (trust(R), trust(R, S), OF_R, "admitted", ""),
        (trust(R), trust(R, S), OF_W, "admitted", ""),
        (trust(R), trust(S), OF_R, "refused", "nobody vouches for that any more"),
        (trust(R), trust(S), OF_W, "refused", "nobody vouches for that any more"),
        (trust(R, S), trust(S), OF_R, "refused", "nobody vouches for that any more"),
        (trust(R, S), trust(S), OF_W, "unproven", "vouches for /CN=W"),
        (trust(R, S), trust(R), OF_R, "admitted", ""),
        (trust(R), trust(R_AGAIN), OF_R, "refused", "nobody vouches for that any more"),
        (trust(R), trust(R_AGAIN, R), OF_R, "admitted", ""),
        (trust(R, between=[W]), trust(R), OF_W, "unproven", "vouches for /CN=W"),
        (trust(R, between=[W]), trust(R), OF_R, "admitted", ""),
        (trust(R), None, OF_R, "admitted", ""),
        (trust(R), trust(R, lists="R"), OF_R, "admitted", ""),
        (trust(R), trust(R, lists="R"), OF_W, "refused", "without a list of what that revoked"),
        (trust(R), trust(R, lists="R", more=True), OF_W, "unproven", "whether ssl_crl_dir has a list"),
        (trust(R), trust(R, lists="RW"), OF_W, "admitted", ""),
        (trust(R), trust(R, lists="RW", revoked=[("/CN=W", 2)]), OF_W, "refused", "number 2 of /CN=W, is revoked"),
        (trust(R), trust(R, lists="RW", revoked=[("/CN=R", 2), ("/CN=W", 1)]), OF_R, "admitted", ""),
        (trust(R, lists="RW"), trust(R, lists="RW", revoked=[("/CN=R", 3)]), OF_W, "unproven", "is itself among"),
        (trust(R, lists="RW"), trust(R, lists="RW", revoked=[("/CN=W", 3)]), OF_W, "admitted", ""),
        (trust(R, lists="R", revoked=[("/CN=R", 1)]), trust(R, S), OF_R, "admitted", ""),
        # A client that has to get in is taken to have a certificate that is good.
        (trust(R), trust(R, lists="R", revoked=[("/CN=R", 1)]), None, "admitted", ""),
    ],
)
def test_what_is_believed(
    before: ClientTrust, after: ClientTrust | None, certificate: Certificate | None, outcome: str, words: str
) -> None:
    found = change(before, after, certificate)
    assert found.outcome == outcome and words in found.reason, found


def test_who_is_not_believed_today_loses_nothing() -> None:
    """A session that is older than the list that its certificate is on."""
    revoking = trust(R, lists="R", revoked=[("/CN=R", 1)])
    more = trust(R, lists="R", revoked=[("/CN=R", 1), ("/CN=R", 2)])
    assert change(revoking, more, OF_R).was_refused and not change(trust(R, lists="R"), more, OF_R).was_refused
    assert change(trust(R, lists="R"), trust(R, lists="R", more=True), OF_W).was_refused
    assert not change(trust(R, lists="R", more=True), trust(R, lists="R"), OF_W).was_refused


def test_who_was_never_asked_may_have_a_stale_one() -> None:
    found = change(None, trust(R), None, may_have_certificate=True)
    assert found.outcome == "unproven" and "~/.postgresql/postgresql.crt" in found.reason
    assert change(None, trust(R), None).outcome == "admitted"  # says that it has none
    assert change(None, trust(R), None, may_have_certificate=True, tls=False).outcome == "admitted"
    assert change(trust(R), trust(S), None).outcome == "admitted"


def test_what_an_operator_answers_for() -> None:
    def demanded(before: ClientTrust | None, after: ClientTrust | None) -> str:
        return change(before, after, CLAIMED, connected=False).outcome

    assert demanded(None, trust(R)) == demanded(trust(R), trust(R, S)) == "admitted"
    assert demanded(trust(R), trust(R, lists="R", revoked=[("/CN=R", 1)])) == "admitted"
    assert demanded(trust(R), trust(S)) == "unproven"
    assert change(trust(R), trust(R, lists="R"), CLAIMED).outcome == "admitted"


def test_names_that_are_cut() -> None:
    long = ("/CN=" + 40 * "\u00fc", "key")
    shown = as_shown(long[0])
    assert len(shown.encode()) == 62 and as_shown(shown) == shown
    of_long = Certificate("app", issuer=shown, serial=7)
    listed = ClientTrust(frozenset([long]), listed=frozenset([long[0]]), revoked=frozenset([(long[0], 7)]))
    assert change(trust(long), listed, of_long).outcome == "refused"
    assert change(trust(long), ClientTrust(frozenset([long])), of_long).outcome == "admitted"


def test_a_name_as_the_server_shows_it() -> None:
    name = b"/CN=" + 59 * b"a" + b"\xc3"
    found = Certificate.of_client_dn("/CN=app", name.decode("utf-8", "surrogateescape"), 5)
    assert (found.common_name, found.issuer, found.serial) == ("app", "/CN=" + 59 * "a", 5)
    assert Certificate.of_client_dn("/CN=app").issuer is None
