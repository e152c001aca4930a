# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each provider plans, from states that were made by hand; keys and requests are real ones."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import CertificateReplaced
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import DEFAULT_KEY
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Request
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.component import CertificateComponent
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import QUESTION
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.making import filled
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import OwnFile
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import Waiting
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import judged_chain
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import make_pending
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.waiting import read_pending

NOW = 1_800_000_000
DAY = 86400
PATH = "/etc/postgresql/17/main/rampart-server.pem"
NAMES = ("db1", "db1.example.org", "localhost")

SELF_SIGNED = pem.make(Request(names=NAMES, key=DEFAULT_KEY, not_before=NOW - 3600, not_after=NOW + 365 * DAY))
PENDING = make_pending(NAMES, DEFAULT_KEY)


def file(content: bytes, *, mode: int = 0o600) -> OwnFile:
    return OwnFile(content=content, mode=mode, modified=NOW - 60.0, contents=pem.read(content))


def state(**changes: t.Any) -> State:
    """A host with a good self-signed certificate of ours."""
    found = State(
        path=PATH,
        writable=True,
        owner="postgres",
        now=NOW,
        host_names=NAMES,
        own=file(SELF_SIGNED),
        in_use=None,
        named=True,
        ssl=True,
        loaded=NOW - 30.0,
        waiting=Waiting(path=f"{PATH}.pending"),
        requested=Waiting(path=f"{PATH}.request"),
    )
    return dataclasses.replace(found, **changes)


def waits(suffix: str, content: bytes = PENDING) -> Waiting:
    return Waiting(path=PATH + suffix, content=content, pending=read_pending(content))


def plan(found: State, **desired: t.Any) -> Planned:
    return CertificateComponent(Desired(**desired)).plan(found)


def request_of(planned: Planned) -> str:
    return str(planned.facts[QUESTION])


def test_the_authority_is_asked_and_the_server_is_not_touched_meanwhile() -> None:
    planned = plan(state(), provider="ca", granted=NAMES)
    assert planned.question is not None
    (step,) = planned.question.steps
    assert (step.subject, step.reload) == (f"{PATH}.pending", False)
    made = filled(planned, kept=True).question
    assert made is not None
    operation = made.steps[0].operation
    assert isinstance(operation, WriteFile) and operation.after and not operation.remembered
    pending = read_pending(operation.after)
    assert pending is not None and pending.names == NAMES
    assert made.facts[QUESTION] == pending.request
    assert "PRIVATE KEY" not in str(made)


def test_a_key_that_waits_is_asked_for_again() -> None:
    question = plan(state(waiting=waits(".pending")), provider="ca", granted=NAMES).question
    assert question is not None and question.steps == ()
    assert "CERTIFICATE REQUEST" in question.facts[QUESTION]


@pytest.mark.parametrize("content", [make_pending(("other",), DEFAULT_KEY), b"rubbish", PENDING[:-40]])
def test_a_key_that_does_not_suit_is_replaced(content: bytes) -> None:
    question = plan(state(waiting=waits(".pending", content)), provider="ca", granted=NAMES).question
    assert question is not None
    operation = question.steps[0].operation
    assert isinstance(operation, WriteFile) and operation.before == content


def test_a_host_asks_for_those_of_its_names_only_that_it_may_bear() -> None:
    planned = plan(
        state(own=None), provider="ca", granted=("*.example.org", "localhost"), additional_names=("db.test",)
    )
    assert planned.steps[0].after.startswith("names: db1.example.org, db.test, localhost\n")


def issued(*, above: tuple[str, ...]) -> OwnFile:
    """As if an authority had signed it."""
    own = file(SELF_SIGNED)
    assert own.contents is not None and own.contents.certificate is not None
    certificate = dataclasses.replace(own.contents.certificate, self_issued=False, self_signed=False)
    return dataclasses.replace(own, contents=dataclasses.replace(own.contents, certificate=certificate, above=above))


def test_it_is_replaced_when_it_is_self_signed_or_the_authority_is_another() -> None:
    assert "it is self-signed" in plan(state(), provider="ca", granted=NAMES).steps[0].description
    planned = plan(state(own=issued(above=("cd" * 32,)), issuers=("ab" * 32,)), provider="ca", granted=NAMES)
    assert "authority that issues now" in planned.steps[0].description
    assert planned.effects == (CertificateReplaced(PATH),)


def test_a_certificate_of_an_authority_is_not_replaced_by_a_self_signed_one_by_default() -> None:
    planned = plan(state(own=issued(above=("cd" * 32,)), ssl=False))
    assert planned.steps == () and "somebody else" in planned.left_alone[0].reason
    assert plan(state(own=issued(above=("cd" * 32,)), ssl=False), replace_foreign=True).steps


def test_a_key_that_nobody_needs_any_more_goes() -> None:
    own = issued(above=("ab" * 32,))
    good = state(own=own, waiting=waits(".pending"), issuers=("ab" * 32,), ssl=False)
    (step,) = plan(good, provider="ca", granted=NAMES).steps
    assert step.subject == f"{PATH}.pending"
    assert isinstance(step.operation, WriteFile) and step.operation.after is None


def test_a_request_for_an_operator_stays_the_same() -> None:
    first = plan(state(), provider="request")
    assert [step.subject for step in first.steps] == [f"{PATH}.request"]
    assert first.effects == () and "CERTIFICATE REQUEST" in request_of(filled(first, kept=True))
    again = plan(state(requested=waits(".request")), provider="request")
    assert again.steps == () and "CERTIFICATE REQUEST" in request_of(again)
    another = plan(state(requested=waits(".request")), provider="request", key=KeySpec("ecdsa_p384"))
    assert len(another.steps) == 1


def test_check_mode_returns_no_request_that_nobody_could_answer() -> None:
    """And says so: a play may ask for it."""
    assert filled(plan(state(), provider="request"), kept=False).facts == {QUESTION: None}
    assert filled(plan(state(), provider="request"), kept=True).facts[QUESTION]


def test_nothing_is_offered_before_there_is_a_file() -> None:
    assert CertificateComponent(Desired(provider="request")).offers(state(own=None, named=False)) == {}
    assert CertificateComponent(Desired(provider="ca", granted=NAMES)).offers(state(own=None, named=False)) != {}


def test_an_answer_for_another_key_is_refused() -> None:
    other = pem.make(Request(names=NAMES, key=DEFAULT_KEY, not_before=NOW - 3600, not_after=NOW + DAY))
    with pytest.raises(InputError, match="chain.*waits for another certificate"):
        plan(state(requested=waits(".request")), provider="install", chain=other)
    with pytest.raises(InputError, match="provider=request"):
        plan(state(), provider="install", chain=other)


def test_an_answer_for_the_present_key_needs_no_request() -> None:
    assert plan(state(), provider="install", chain=SELF_SIGNED) == Planned()


@pytest.mark.parametrize("drift", [-2 * 3600, 2 * 3600])
def test_clocks_that_disagree_make_nothing(drift: int) -> None:
    with pytest.raises(RampartError, match="the clock of this host says 2027-01-15 08:00:00Z"):
        plan(state(own=None), clock=NOW + drift)
    assert plan(state(), clock=NOW + drift) == plan(state(), clock=NOW)


def test_it_is_made_anew_once() -> None:
    assert plan(state(), made_since=NOW).steps == ()
    (step,) = plan(dataclasses.replace(state(), now=NOW + 60), made_since=NOW + 30).steps
    assert "it was made before 2027-01-15 08:00:30Z" in step.description
    with pytest.raises(InputError, match="made_since"):
        plan(state(), made_since=NOW + 1)
    (late,) = plan(state(), made_since=NOW + 60, clock=NOW + 90).steps  # this host's clock is behind
    assert "valid from: 2027-01-15 07:01:00Z" in late.after


def test_an_answer_that_is_a_private_key_by_mistake_is_not_quoted() -> None:
    key = keys.unprotected(keys.new_key(KeySpec("ecdsa_p256")))
    with pytest.raises(InputError) as found:
        judged_chain(key, option="chain")
    assert "-----BEGIN PRIVATE KEY-----" in str(found.value)
    assert not any(line[:8] in str(found.value) for line in key.decode().splitlines()[1:-1])
