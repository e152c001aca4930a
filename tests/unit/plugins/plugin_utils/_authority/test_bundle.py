# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a client certificate is made anew."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import making
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.bundle import Bundle
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.bundle import Issuer
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.bundle import Wanted
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.bundle import private_pem
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.bundle import reasons
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import Entry
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import Revocation

NOW = 1_800_000_000
DAY = 86400
P256 = KeySpec("ecdsa_p256")
SUBJECT = making.Subject("Test")
CA_KEY, KEY = keys.new_key(P256), keys.new_key(P256)
CA = making.root(CA_KEY, SUBJECT.named("root 1"), not_before=NOW - 3600, not_after=NOW + 1000 * DAY)
ISSUER = Issuer(making.pem_of(CA), 1, NOW + 1000 * DAY)
WANTED = Wanted(path="/srv/app", role="app", common_name="app", key=P256, validity=90)
LEAF = making.leaf(
    KEY.public_key(),
    common_name="app",
    names=(),
    server=False,
    issuer=CA,
    issuer_key=CA_KEY,
    not_before=NOW - 3600,
    not_after=NOW + 90 * DAY,
)
ENTRY = Entry(
    serial=making.serial_of(LEAF),
    usage="client",
    owner="app",
    common_name="app",
    names=(),
    generation=1,
    not_before=NOW - 3600,
    not_after=NOW + 90 * DAY,
    fingerprint=making.fingerprint(LEAF),
    time=NOW,
)


def bundle(*, mode: int = 0o600, leaf: t.Any = LEAF, **contents: bytes | None) -> Bundle:
    files = {
        "postgresql.crt": making.pem_of(LEAF) + ISSUER.pem,
        "postgresql.key": private_pem(KEY, None),
        "root.crt": ISSUER.pem,
        **{name.replace("_", "."): content for name, content in contents.items()},
    }
    return Bundle(contents=files, modes={"postgresql.key": mode}, leaf=leaf)


def why(
    found: Bundle | None = None,
    *,
    now: int = NOW,
    issuer: Issuer = ISSUER,
    entry: Entry | None = ENTRY,
    **options: t.Any,
) -> str:
    wanted = dataclasses.replace(WANTED, **options)
    known = [] if entry is None else [entry]
    return "; ".join(reasons(bundle() if found is None else found, wanted, issuer, known, now))


def test_a_good_one_stays() -> None:
    assert why() == ""
    assert why(now=NOW + 60 * DAY - 3600) == ""
    assert why(renew_before=10, now=NOW + 79 * DAY) == ""
    assert why(made_since=NOW) == ""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"now": NOW + 61 * DAY}, "it expires on"),
        ({"now": NOW + 81 * DAY, "renew_before": 10}, "it expires on"),
        ({"now": NOW + 91 * DAY}, "it has expired on"),
        ({"now": NOW - 7200}, "it is not valid before"),
        ({"validity": 89}, "it is valid for more than 89 days"),
        ({"made_since": NOW + 1}, "it was made on"),
        ({"role": "other"}, "it is that of app"),
        ({"common_name": "app@example.org"}, "its common name is app"),
        ({"key": KeySpec("ecdsa_p384")}, "its key is ECDSA P-256, not ECDSA P-384"),
        ({"key_passphrase": "open sesame"}, "its key is not encrypted"),
        ({"entry": None}, "this authority did not issue it"),
        ({"entry": dataclasses.replace(ENTRY, usage="server")}, "it is that of app"),
        ({"entry": dataclasses.replace(ENTRY, revoked=Revocation(NOW, "superseded"))}, "it was revoked on"),
        ({"issuer": dataclasses.replace(ISSUER, generation=2)}, "generation 1 issued it, and generation 2 signs now"),
    ],
)
def test_why_another_is_made(options: dict[str, t.Any], told: str) -> None:
    assert why(**options).startswith(told)


def test_one_that_ends_with_its_issuer_cannot_be_replaced_by_a_longer_one() -> None:
    end = dataclasses.replace(ISSUER, not_after=ENTRY.not_after)
    assert why(now=NOW + 80 * DAY, issuer=end) == ""
    assert why(now=NOW + 91 * DAY, issuer=end).startswith("it has expired")


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (bundle(mode=0o640), "others can read its key: mode 0640"),
        (bundle(postgresql_key=None), "its key is missing"),
        (bundle(postgresql_key=b"nothing"), "its key cannot be read"),
        (bundle(postgresql_key=private_pem(keys.new_key(P256), None)), "the key does not belong to the certificate"),
        (bundle(postgresql_key=private_pem(KEY, "open sesame")), "its key is encrypted"),
        (bundle(postgresql_crt=making.pem_of(LEAF)), "more or less follows it"),
        (bundle(postgresql_crt=b"x", leaf=None), "no certificate can be read"),
        (bundle(postgresql_crt=None, postgresql_key=None, leaf=None), "there is none"),
    ],
)
def test_what_a_bundle_may_turn_out_to_be(found: Bundle, told: str) -> None:
    assert why(found).startswith(told)


def test_the_passphrase_of_the_key() -> None:
    found = bundle(postgresql_key=private_pem(KEY, "open sesame"))
    assert why(found, key_passphrase="open sesame") == ""
    told = why(found, key_passphrase="another one")
    assert told == "its key cannot be read with this key_passphrase"
    assert "sesame" not in repr(dataclasses.replace(WANTED, key_passphrase="open sesame"))
    assert "PRIVATE" not in repr(found)
