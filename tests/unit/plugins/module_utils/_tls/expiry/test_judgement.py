# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with certificates, from what was found."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.judgement import PROBLEMS
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.judgement import judge
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import AUTHORITY
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import INTERMEDIATE
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import LIST
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import SERVER
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import Found
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import KeyFile
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import Observed
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import Item
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import Key
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import RevocationList
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import Unread
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import key_in
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import pem_items
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.states import STATES
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.states import state_of
from ansible_collections.rampart.postgresql.tests.papers import DAY
from ansible_collections.rampart.postgresql.tests.papers import Paper
from ansible_collections.rampart.postgresql.tests.papers import issue
from ansible_collections.rampart.postgresql.tests.papers import key_text
from ansible_collections.rampart.postgresql.tests.papers import revocation_list
from ansible_collections.rampart.postgresql.tests.unit.growth import no_explosion

NOW = 1_800_000_000
ROOT = issue("root", start=NOW - DAY, end=NOW + 3650 * DAY, authority=True)
OTHER = issue("other", start=NOW - DAY, end=NOW + 3650 * DAY, authority=True)
SELF = issue("db1", start=NOW - DAY, end=NOW + 365 * DAY)


def leaf(**more: t.Any) -> Paper:
    return issue("db1", **{"by": ROOT, "start": NOW - DAY, "end": NOW + 365 * DAY, **more})


LEAF = leaf()


def only(content: bytes) -> Item:
    (item,) = pem_items(content)
    return item


def listed(by: Paper = ROOT, *, start: int = NOW - DAY, end: int = NOW + 720 * DAY, signer: t.Any = None) -> Item:
    return only(revocation_list(by, start=start, end=end, serials=[1, 2, 3], signer=signer))


def judged(*found: Found, **more: t.Any) -> list[dict[str, t.Any]]:
    return judge(Observed(now=NOW, found=found, **more))


def codes(*found: Found, **more: t.Any) -> list[str]:
    """The problems of the first one."""
    return [problem["code"] for problem in judged(*found, **more)[0]["problems"]]


def server(paper: Paper, **more: t.Any) -> Found:
    return Found(SERVER, only(paper.text), path="/own.pem", **more)


def test_a_good_one_tells_all_and_has_no_problem() -> None:
    (entry,) = judged(server(LEAF))
    assert entry["problems"] == []
    assert (entry["state"], entry["days_left"]) == ("ok", 365)
    assert (entry["subject"], entry["issuer"], entry["key"]) == ("CN=db1", "CN=root", "ECDSA P-256")
    assert entry["not_after"] == "2028-01-15T08:00:00Z"
    assert entry["not_after_epoch"] == NOW + 365 * DAY
    assert int(entry["serial"], 16) == LEAF.certificate.serial_number


def test_a_list_tells_all() -> None:
    (entry,) = judged(Found(LIST, listed(), path="/list"))
    assert (entry["subject"], entry["issuer"], entry["serial"], entry["revoked"]) == (None, "CN=root", "1", 3)
    assert entry["problems"] == []


def test_all_entries_have_the_same_keys() -> None:
    entries = judged(server(LEAF), Found(LIST, listed()), Found(AUTHORITY, Unread("gone")))
    assert len({tuple(entry) for entry in entries}) == 1


@pytest.mark.parametrize(
    ("start", "end", "within", "state"),
    [
        (-100, 265, None, "ok"),
        (-335, 30, None, "ok"),
        (-336, 29, None, "soon"),
        (-60, 30, None, "ok"),  # renewed when 30 days are left: no alarm on that day
        (-68, 22, None, "soon"),
        (-5, 2, None, "ok"),  # of 7 days
        (-6, 1, None, "soon"),
        (-100, 44, 45, "soon"),
        (-100, 45, 45, "ok"),
        (-100, 1, 0, "ok"),
        (-100, 0, 0, "expired"),
        (1, 100, None, "not_yet_valid"),
        (-2, -1, None, "expired"),
        (-2, None, None, "ok"),
    ],
)
def test_states(start: int, end: int | None, within: int | None, state: str) -> None:
    after = None if end is None else NOW + end * DAY
    assert state_of(NOW + start * DAY, after, now=NOW, within=within) == state


@given(st.integers(), st.one_of(st.none(), st.integers()), st.integers(), st.one_of(st.none(), st.integers(0)))
def test_there_is_always_a_state(before: int, after: int | None, now: int, within: int | None) -> None:
    assert state_of(before, after, now=now, within=within) in STATES


@pytest.mark.parametrize(
    ("paper", "told"),
    [
        (LEAF, []),
        (leaf(end=NOW + 3 * DAY, start=NOW - 300 * DAY), ["expires_soon"]),
        (leaf(end=NOW - 1, start=NOW - 300 * DAY), ["expired"]),
        (leaf(start=NOW + 1), ["not_yet_valid"]),
        (leaf(key=rsa.generate_private_key(public_exponent=65537, key_size=1024)), ["weak_key"]),
        (leaf(key=rsa.generate_private_key(public_exponent=65537, key_size=2048)), []),
        (leaf(algorithm=hashes.SHA384()), []),
        (SELF, ["self_signed"]),
        (
            issue("db1", start=NOW - DAY, end=NOW + 365 * DAY, key=ed25519.Ed25519PrivateKey.generate()),
            ["self_signed", "no_channel_binding"],
        ),
    ],
)
def test_the_servers_own(paper: Paper, told: list[str]) -> None:
    assert codes(server(paper)) == told


def test_a_weak_hash_matters_where_somebody_relies_on_it() -> None:
    weak = dataclasses.replace(t.cast("Certificate", only(LEAF.text)), signature="sha1", weak_signature=True)
    root = dataclasses.replace(t.cast("Certificate", only(ROOT.text)), signature="sha1", weak_signature=True)
    assert codes(Found(SERVER, weak)) == ["weak_signature"]
    assert codes(Found(AUTHORITY, root)) == []


@pytest.mark.parametrize(
    ("key", "exposed", "told"),
    [
        (Key(True), "", []),
        (Key(None, "it is protected by a passphrase"), "", []),
        (Key(False), "", ["key_mismatch"]),
        (Key(None, "there is no such file", usable=False), "", ["key_unusable"]),
        (Key(True), "mode 0644", ["key_exposed"]),
    ],
)
def test_its_key(key: Key, exposed: str, told: list[str]) -> None:
    assert codes(server(LEAF), key_file=KeyFile("/key", key, exposed)) == told


def test_keys_are_compared_and_never_told() -> None:
    certificate = t.cast("Certificate", only(LEAF.text))
    assert key_in(LEAF.text + key_text(LEAF.key), certificate) == Key(True)
    assert key_in(key_text(ROOT.key), certificate) == Key(False)
    assert key_in(key_text(LEAF.key, b"secret"), certificate).reason == "it is protected by a passphrase"
    assert key_in(LEAF.text, certificate) == Key(None, "it holds no private key", usable=False)
    damaged = key_text(LEAF.key).replace(b"M", b"N")
    assert key_in(damaged, certificate) == Key(None, "no private key can be read from it", usable=False)


def test_what_is_served() -> None:
    fingerprint = only(LEAF.text).fingerprint
    assert codes(server(LEAF), ssl=True, served=fingerprint) == []
    assert codes(server(LEAF), ssl=True, served="another") == ["not_served"]
    assert codes(server(LEAF), ssl=True, not_served="nobody answers") == ["not_served"]
    assert codes(server(LEAF), ssl=True) == []  # no TCP, so nobody to ask and nobody to be served
    assert codes(server(LEAF), ssl=False, served="another") == []
    assert [judged(server(LEAF), ssl=True, served=s)[0]["served"] for s in (fingerprint, "another", None)] == [
        True,
        False,
        None,
    ]


def test_the_chain_has_to_lead_to_the_issuer() -> None:
    right, wrong = (Found(INTERMEDIATE, only(paper.text), path="/own.pem", number=2) for paper in (ROOT, OTHER))
    assert codes(server(LEAF), right) == []
    assert codes(server(LEAF), wrong) == ["chain_broken"]


def authority(paper: Paper = ROOT) -> Found:
    return Found(AUTHORITY, only(paper.text), path="/clients.pem")


def test_an_authority_needs_a_list_only_while_lists_are_checked() -> None:
    good = Found(LIST, listed())
    assert codes(authority()) == []
    assert codes(authority(), checks_lists=True) == ["list_missing"]
    assert codes(authority(), good, checks_lists=True) == []
    assert codes(authority(), Found(LIST, listed(OTHER)), checks_lists=True) == ["list_missing"]
    assert codes(authority(), dataclasses.replace(good, passed_over=True), checks_lists=True) == ["list_missing"]
    # An expired one tells of itself.
    assert codes(authority(), Found(LIST, listed(end=NOW)), checks_lists=True) == []


def test_lists_that_refuse_everybody() -> None:
    expired, early = listed(end=NOW - 1), listed(start=NOW + 1)
    forged = listed(signer=OTHER.key)
    assert codes(Found(LIST, expired), authority()) == ["expired"]
    assert codes(Found(LIST, early), authority()) == ["not_yet_valid"]
    assert codes(Found(LIST, forged), authority()) == ["wrong_signature"]
    assert codes(Found(LIST, forged)) == []  # nobody here knows its authority
    assert codes(Found(LIST, listed()), authority()) == []
    (entry, _authority) = judged(Found(LIST, expired), authority(), checks_lists=True)
    assert "refuses every client certificate" in entry["problems"][0]["message"]
    (entry, _authority) = judged(Found(LIST, expired), authority())
    assert "refuses" not in entry["problems"][0]["message"]


def test_an_old_list_beside_a_good_one_is_superseded() -> None:
    old = Found(LIST, listed(end=NOW - 1))
    (first, *_others) = judged(old, Found(LIST, listed()), authority())
    assert (first["state"], first["problems"]) == ("superseded", [])
    for worthless in (listed(OTHER), listed(signer=OTHER.key), listed(end=NOW - 2)):
        assert judged(old, Found(LIST, worthless), authority())[0]["state"] == "expired"
    (lonely,) = judged(old)
    assert lonely["state"] == "expired"


def test_what_is_not_loaded_or_not_looked_for() -> None:
    assert codes(dataclasses.replace(authority(), not_loaded=True)) == ["not_loaded"]
    assert codes(Found(LIST, listed(), passed_over=True)) == ["not_looked_for"]


def test_what_cannot_be_read_is_unknown_with_the_reason() -> None:
    (entry,) = judged(Found(AUTHORITY, Unread("permission denied"), path="/clients.pem"))
    assert (entry["state"], entry["reason"], entry["days_left"]) == ("unknown", "permission denied", None)
    assert [problem["code"] for problem in entry["problems"]] == ["unreadable"]


def test_every_problem_has_a_severity() -> None:
    assert set(PROBLEMS.values()) == {"critical", "warning", "notice"}


@given(st.lists(st.sampled_from([LEAF.text, revocation_list(ROOT, start=NOW, end=NOW + 1), b"x\n"])))
def test_every_block_of_a_file_is_read(parts: list[bytes]) -> None:
    items = pem_items(b"".join(parts))
    kinds = [Certificate if part == LEAF.text else RevocationList for part in parts if part != b"x\n"]
    assert [type(item) for item in items] == kinds


@given(st.binary(), st.sampled_from([b"CERTIFICATE", b"X509 CRL", b"TRUSTED CERTIFICATE"]))
def test_any_bytes_are_read_or_told(body: bytes, label: bytes) -> None:
    text = b"-----BEGIN " + label + b"-----\n" + body + b"\n-----END " + label + b"-----\n"
    for item in pem_items(text):
        assert isinstance(item, Unread)
        assert item.reason


def test_a_file_that_was_cut_off_is_told() -> None:
    first, second = pem_items(LEAF.text + ROOT.text[:-30])
    assert isinstance(first, Certificate)
    assert second == Unread("a certificate begins there and does not end")
    assert pem_items(revocation_list(ROOT, start=NOW, end=NOW + 1)[:-5]) == [
        Unread("a revocation list begins there and does not end", is_list=True)
    ]
    assert not key_in(key_text(LEAF.key)[:-30], t.cast("Certificate", only(LEAF.text))).usable


def test_a_hostile_file_takes_no_more_time_than_a_long_one() -> None:
    begins = (b"-----BEGIN CERTIFICATE-----\n", b"-----BEGIN X509 CRL-----\n", b"-----BEGIN OTHER-----\n")
    with no_explosion():
        assert len(pem_items(b"".join(begins) * 100_000)) == 2
