# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is planned for a certificate, from states that were made by hand."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Contents
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.component import CertificateComponent
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.handshake import Served
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.making import MakeCertificate
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import InUse
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import OwnFile
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import State

NOW = 1_800_000_000
DAY = 86400
PATH = "/etc/postgresql/17/main/rampart-server.pem"
SNAKEOIL = "/etc/ssl/certs/ssl-cert-snakeoil.pem"
FOREIGN = "/etc/postgresql/17/main/company.pem"
OFFER = {"certificate": {"ssl_cert_file": PATH, "ssl_key_file": PATH}}

CERTIFICATE = Certificate(
    subject="CN=db1",
    names=("db1", "db1.example.org", "localhost"),
    key="ECDSA P-256",
    not_before=NOW - 3600,
    not_after=NOW + 365 * DAY,
    fingerprint="ab" * 32,
    self_signed=True,
    self_issued=True,
)
EMPTY = State(
    path=PATH,
    writable=True,
    owner="postgres",
    now=NOW,
    host_names=("db1", "db1.example.org", "localhost"),
    own=None,
    in_use=None,
    named=False,
    ssl=False,
    loaded=NOW - 60.0,
)


def own(certificate: Certificate | None = CERTIFICATE, *, problem: str = "", mode: int = 0o600) -> OwnFile:
    contents = Contents(certificate=certificate, problem=problem, marked=True)
    return OwnFile(content=b"the key", mode=mode, modified=NOW - 3600.0, contents=contents)


def good(**changes: t.Any) -> State:
    """A certificate of ours that the server serves, with some of it changed."""
    served = Served(fingerprint=CERTIFICATE.fingerprint)
    return dataclasses.replace(EMPTY, **{"own": own(), "named": True, "ssl": True, "served": served, **changes})


def certificate(**changes: t.Any) -> State:
    return good(own=own(dataclasses.replace(CERTIFICATE, **changes)))


def plan(state: State, **desired: t.Any) -> Planned:
    return CertificateComponent(Desired(**desired)).plan(state)


def reason(state: State, **desired: t.Any) -> str:
    """Why the one planned step makes a new certificate."""
    (step,) = plan(state, **desired).steps
    assert isinstance(step.operation, MakeCertificate)
    assert step.reload
    return step.description.split(": ", 1)[1]


def test_a_good_certificate_is_not_touched() -> None:
    assert plan(good()) == Planned()
    component = CertificateComponent(Desired())
    assert component.unproven(good()) == []
    assert component.offers(good()) == OFFER


def test_a_missing_one_is_made() -> None:
    (step,) = plan(EMPTY).steps
    operation = step.operation
    assert isinstance(operation, MakeCertificate)
    assert (operation.path, operation.before, operation.mode) == (PATH, None, 0o600)
    assert operation.request is not None
    assert operation.request.names == EMPTY.host_names
    assert operation.request.not_before == NOW - 3600
    assert operation.request.not_after == NOW + 365 * DAY
    assert "db1.example.org" in step.after
    assert CertificateComponent(Desired()).offers(EMPTY) == OFFER


def test_nothing_is_offered_when_it_is_not_to_be_configured() -> None:
    assert CertificateComponent(Desired(configure=False)).offers(good()) == {}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (certificate(names=("db1", "localhost")), "it lacks db1.example.org"),
        (certificate(key="RSA 2048"), "its key is RSA 2048, not ECDSA P-256"),
        (certificate(not_after=NOW), "it has expired on 2027-01-15 08:00:00Z"),
        (certificate(not_before=NOW + 1), "it is not valid before 2027-01-15 08:00:01Z"),
        (certificate(not_before=NOW - 300 * DAY, not_after=NOW + 65 * DAY), "it expires on 2027-03-21 08:00:00Z"),
        (certificate(not_after=NOW + 900 * DAY), "it is valid for more than 365 days"),
        (certificate(self_signed=False), "its signature is not that of its own key"),
        (good(own=own(mode=0o640)), "others can read its key: mode 0640"),
        (good(own=own(None, problem="no certificate")), "no certificate"),
        (good(own=own(problem="the private key does not belong")), "the private key does not belong"),
    ],
)
def test_what_is_wrong_makes_a_new_one_and_is_said(state: State, expected: str) -> None:
    assert reason(state) == expected


def test_names_that_are_given_are_exact() -> None:
    state = certificate(names=("db1", "old"))
    assert reason(state, names=("db1", "192.0.2.1")) == "it lacks 192.0.2.1 and it bears old too"
    assert plan(state, names=("old", "db1")) == Planned()


def test_a_name_that_the_resolver_forgot_changes_nothing() -> None:
    assert plan(good(host_names=("db1", "localhost"))) == Planned()


def test_renew_before_is_in_days() -> None:
    state = certificate(not_before=NOW - 80 * DAY, not_after=NOW + 20 * DAY)
    assert plan(state, renew_before=20) == Planned()
    assert reason(state, renew_before=21).startswith("it expires on")


@settings(deadline=None)
@given(lifetime=st.integers(1, 825), age=st.floats(0, 1))
def test_renewal_is_due_when_less_than_a_third_is_left(lifetime: int, age: float) -> None:
    begin = NOW - int(lifetime * DAY * age)
    state = certificate(not_before=begin, not_after=begin + lifetime * DAY)
    left = (begin + lifetime * DAY) - NOW
    assert bool(plan(state, validity=825).steps) == (left < lifetime * DAY // 3 or left <= 0)


def test_what_is_made_is_good_afterwards() -> None:
    desired = Desired(names=("db1", "192.0.2.1"), key=KeySpec("rsa", 3072), validity=1)
    (step,) = CertificateComponent(desired).plan(EMPTY).steps
    assert isinstance(step.operation, MakeCertificate)
    request = step.operation.request
    assert request is not None
    made = dataclasses.replace(
        CERTIFICATE,
        names=request.names,
        key=str(request.key),
        not_before=request.not_before,
        not_after=request.not_after,
    )
    assert CertificateComponent(desired).plan(good(own=own(made))) == Planned()


def test_the_content_comes_with_prepare_and_no_text_holds_the_key() -> None:
    component = CertificateComponent(Desired())
    planned = component.plan(good(own=own(None, problem="no certificate")))
    prepared = component.prepare(planned, server=t.cast("t.Any", None))
    (step,) = prepared.steps
    after = getattr(step.operation, "after", b"")
    assert b"PRIVATE KEY" in after
    assert type(step.operation).__name__ == "WriteFile"
    secrets = after.split(b"-----")[2].split()
    for text in step.result().values():
        assert not any(line.decode() in text for line in secrets)
        assert "the key" not in text
    assert "SHA-256 fingerprint" in step.after


@pytest.mark.parametrize(
    "in_use",
    [
        InUse(path=FOREIGN, real_path=FOREIGN, contents=Contents(certificate=CERTIFICATE)),
        InUse(path=FOREIGN, real_path=FOREIGN, contents=Contents(problem="no certificate")),
        InUse(path=FOREIGN, real_path=FOREIGN, unreadable="permission denied"),
        InUse(
            path=SNAKEOIL,
            real_path=SNAKEOIL,
            contents=Contents(certificate=dataclasses.replace(CERTIFICATE, self_issued=False, self_signed=False)),
        ),
    ],
)
def test_what_somebody_else_installed_is_left_alone(in_use: InUse) -> None:
    state = dataclasses.replace(EMPTY, in_use=in_use)
    planned = plan(state)
    assert not planned.steps
    assert [(item.subject, item.reason[:40]) for item in planned.left_alone] == [
        (in_use.path, "it is neither ours nor the distribution'")
    ]
    component = CertificateComponent(Desired())
    assert component.offers(state) == {}
    assert component.unproven(state) == []
    knowing = CertificateComponent(Desired(replace_foreign=True))
    assert knowing.plan(state).steps
    assert knowing.offers(state) == OFFER


@pytest.mark.parametrize(
    "in_use",
    [
        None,
        InUse(path=SNAKEOIL, real_path=SNAKEOIL, contents=Contents(certificate=CERTIFICATE)),
        InUse(path="/data/server.crt", real_path=SNAKEOIL, contents=Contents(certificate=CERTIFICATE)),
        InUse(path="/data/old.pem", real_path="/data/old.pem", contents=Contents(certificate=CERTIFICATE, marked=True)),
    ],
)
def test_ours_and_the_distributions_own_are_replaced(in_use: InUse | None) -> None:
    assert reason(dataclasses.replace(EMPTY, in_use=in_use)) == "there is none"


def test_that_somebody_elses_has_expired_is_said() -> None:
    expired = dataclasses.replace(CERTIFICATE, not_after=NOW)
    used = InUse(path=FOREIGN, real_path=FOREIGN, contents=Contents(certificate=expired))
    (left,) = plan(dataclasses.replace(EMPTY, in_use=used)).left_alone
    assert left.reason.endswith("it has expired on 2027-01-15 08:00:00Z")


def test_a_certificate_of_an_authority_at_our_path_is_left_alone() -> None:
    issued = dataclasses.replace(CERTIFICATE, self_signed=False, self_issued=False)
    state = good(own=OwnFile(content=b"", mode=0o600, modified=0.0, contents=Contents(certificate=issued)))
    assert plan(state).left_alone[0].reason.startswith("it was issued by somebody else; it is valid until")
    assert reason(state, replace_foreign=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"served": Served(fingerprint="cd" * 32)}, "still serves another certificate"),
        ({"served": Served(refusal="the server does not offer TLS")}, "does not offer TLS"),
        ({"served": None, "loaded": NOW - 3601.0}, "newer than the configuration"),
    ],
)
def test_a_file_that_is_not_in_force_is_loaded(changes: dict[str, t.Any], words: str) -> None:
    state = good(**changes)
    (step,) = plan(state).steps
    assert isinstance(step.operation, Reload)
    assert words in step.description
    assert words in CertificateComponent(Desired()).unproven(state)[0]


@pytest.mark.parametrize(
    "changes", [{"served": None}, {"ssl": False, "served": None}, {"named": False, "served": None, "loaded": 0.0}]
)
def test_nothing_is_loaded_where_nothing_speaks_for_it(changes: dict[str, t.Any]) -> None:
    assert plan(good(**changes)) == Planned()


def test_a_directory_that_the_owner_cannot_write_is_an_error() -> None:
    with pytest.raises(Unsupported, match="may not write in this directory"):
        plan(dataclasses.replace(EMPTY, writable=False))


def test_without_the_library_a_run_fails_and_names_the_package() -> None:
    for state in (EMPTY, good(own=OwnFile(content=b"", mode=0o600, modified=0.0, contents=None))):
        with pytest.raises(Unsupported) as caught:
            plan(dataclasses.replace(state, can_judge=False, can_stand_in=True))
        assert caught.value.details == {"missing_packages": ["python3-cryptography"]}


def test_without_the_library_check_mode_reports() -> None:
    component = CertificateComponent(Desired(), can_only_judge=True)
    nothing = dataclasses.replace(EMPTY, can_judge=False)
    planned = component.plan(nothing)
    assert (len(planned.steps), len(planned.left_alone), len(planned.warnings)) == (0, 1, 1)
    assert component.offers(nothing) == {}

    with_openssl = dataclasses.replace(nothing, can_stand_in=True)
    assert len(component.plan(with_openssl).steps) == 1
    assert component.offers(with_openssl) == OFFER

    present = good(own=OwnFile(content=b"", mode=0o600, modified=0.0, contents=None), can_judge=False)
    planned = component.plan(present)
    assert (len(planned.steps), len(planned.left_alone)) == (0, 1)
    assert "python3-cryptography is missing" in planned.left_alone[0].reason
    assert component.offers(present) == OFFER
    assert component.unproven(present) == []


def test_without_the_library_somebody_elses_is_left_alone_all_the_same() -> None:
    state = dataclasses.replace(EMPTY, in_use=InUse(path=FOREIGN, real_path=FOREIGN), can_judge=False)
    assert plan(state).left_alone[0].subject == FOREIGN


@pytest.mark.parametrize("issuer_end", [NOW + 20 * DAY, NOW + 21 * DAY, None])
def test_a_certificate_that_ends_with_its_authority_is_not_made_anew_for_its_age(issuer_end: int | None) -> None:
    leaf = dataclasses.replace(CERTIFICATE, self_signed=False, self_issued=False, not_after=NOW + 20 * DAY)
    contents = Contents(certificate=leaf, marked=True, above=("cd" * 32,))
    held = OwnFile(content=b"the key", mode=0o600, modified=NOW - 3600.0, contents=contents)
    state = good(own=held, issuers=("cd" * 32,), issuer_end=issuer_end)
    planned = plan(state, provider="ca", granted=(), renew_before=30, names=leaf.names)
    if issuer_end == leaf.not_after:
        assert not planned.steps and not planned.question
        assert "sign with another generation" in planned.findings[0]
    else:
        assert planned.question and "it expires on" in planned.steps[0].description
    relaxed = plan(state, provider="ca", granted=(), renew_before=5, names=leaf.names)
    assert relaxed == Planned()
