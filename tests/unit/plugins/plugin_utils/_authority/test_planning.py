# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be done to an authority."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from cryptography.hazmat.primitives import serialization

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import lists
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import making
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import planning
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import protecting
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.change import diff_of
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import Generation
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import Recipe
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import Policy
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import Entry
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import Revocation
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import Desired
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import Situation
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import ToRevoke
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import check_clock

NOW = 1_800_000_000
DAY = making.DAY
P256 = KeySpec("ecdsa_p256")
SUBJECT = making.Subject("Test")
KEYS = {usage: keys.new_key(P256) for usage in ("root", "intermediate")}


def generation(number: int) -> Generation:
    begin = NOW - making.BACKDATE
    root = making.root(KEYS["root"], SUBJECT.named(f"root {number}"), not_before=begin, not_after=NOW + 3650 * DAY)
    intermediate = making.intermediate(
        KEYS["intermediate"].public_key(),
        SUBJECT.named(f"intermediate {number}"),
        issuer=root,
        issuer_key=KEYS["root"],
        not_before=begin,
        not_after=NOW + 1825 * DAY,
    )
    return Generation(number=number, directory=f"/srv/a/{number}", root=root, intermediate=intermediate)


FIRST, SECOND = generation(1), generation(2)


def signed(each: Generation, *serials: str, made: int = NOW) -> list[lists.RevocationList]:
    pem = b""
    for usage, issuer in each.both:
        revoked = [making.RevokedSerial(int(serial, 16), NOW) for serial in serials] if usage == "intermediate" else []
        made_list = making.revocation_list(
            issuer,
            KEYS[usage],
            revoked,
            number=1,
            last_update=made - making.BACKDATE,
            next_update=made + 180 * DAY,
        )
        pem += making.pem_of(made_list)
    return lists.parsed(pem, "crl.pem")


def issued(serial: str, owner: str, *, usage: str = "server", revoked: bool = False, number: int = 1) -> Entry:
    return Entry(
        serial=serial,
        usage=usage,
        owner=owner,
        common_name=owner,
        names=(),
        generation=number,
        not_before=NOW,
        not_after=NOW + 90 * DAY,
        fingerprint=serial,
        time=NOW,
        revoked=Revocation(NOW, "superseded") if revoked else None,
    )


def situation(*entries: Entry, both: bool = False, **changes: t.Any) -> Situation:
    there = [FIRST, SECOND] if both else [FIRST]
    found = Situation(
        exists=True,
        generations={each.number: each for each in there},
        policy=Policy(1, tuple(each.number for each in there), 180, 45),
        trust=planning.trust_text(there),
        lists=tuple(each for one in there for each in signed(one)),
        entries=(*(entry for each in there for entry in each.entries()), *entries),
    )
    return dataclasses.replace(found, **changes)


def desired(*revoked: ToRevoke, number: int = 1, trusted: tuple[int, ...] = (1,)) -> Desired:
    recipe = Recipe(SUBJECT, P256, 3650, 1825)
    return Desired("/srv/a", recipe, Policy(number, trusted, 180, 45), revoked)


def kinds(found: Situation, wanted: Desired | None = None, *, now: int = NOW) -> list[str]:
    return [change.kind for change in planning.planned(found, wanted or desired(), now).changes]


def warnings(found: Situation, wanted: Desired, *, now: int = NOW) -> str:
    return "; ".join(planning.planned(found, wanted, now).warnings)


def test_nothing_to_do() -> None:
    plan = planning.planned(situation(), desired(), NOW)
    assert (plan.changes, plan.warnings) == ((), ())


def test_everything_to_do_and_what_puts_it_in_force_comes_last() -> None:
    empty = Situation(exists=False, generations={}, policy=None, trust=None, lists=(), entries=())
    plan = planning.planned(empty, desired(trusted=(1, 2)), NOW)
    assert [change.kind for change in plan.changes] == [
        "directory",
        "generation",
        "generation",
        "record",
        "record",
        "lists",
        "trust",
        "policy",
    ]
    diff = diff_of(plan.changes)
    assert len(diff) == 8 and all(each["after"].endswith("\n") and each["before"] == "" for each in diff)


@pytest.mark.parametrize(
    ("missing", "then"),
    [
        ({"policy": None}, ["policy"]),
        ({"trust": None}, ["trust"]),
        ({"trust": b"other"}, ["trust"]),
        ({"lists": ()}, ["lists"]),
        ({"lists": tuple(signed(FIRST)[:1])}, ["lists"]),
        ({"lists": tuple(signed(SECOND))}, ["lists"]),
        ({"entries": ()}, ["record"]),
    ],
)
def test_what_a_run_left_that_was_killed(missing: dict[str, t.Any], then: list[str]) -> None:
    assert kinds(situation(**missing)) == then


@pytest.mark.parametrize(
    ("days", "reason"),
    [(44, ""), (45, "it is 45 days old"), (181, "it has expired"), (-1, "it is not valid yet")],
)
def test_when_lists_are_due(days: int, reason: str) -> None:
    plan = planning.planned(situation(), desired(), NOW + days * DAY)
    assert [change.kind for change in plan.changes] == (["lists"] if reason else [])
    assert all(change.description.count(reason) == 2 for change in plan.changes)  # that of each of the two


def test_revoking() -> None:
    found = situation(
        issued("a1", "db1"), issued("a2", "db1", usage="client"), issued("a3", "db2"), issued("a4", "db1", revoked=True)
    )
    found = dataclasses.replace(found, lists=tuple(signed(FIRST, "a4")))
    plan = planning.planned(found, desired(ToRevoke("revoked[0]", host="db1", reason="superseded")), NOW)
    assert [(change.kind, change.payload) for change in plan.changes] == [
        ("revoke", ("a1", "superseded")),
        ("lists", None),
    ]
    assert "revoked: a1, a4" in plan.changes[1].after and "revoked: a4" in plan.changes[1].before
    assert kinds(found, desired(ToRevoke("revoked[0]", role="db1"))) == ["revoke", "lists"]
    assert kinds(found, desired(ToRevoke("revoked[0]", serial="a4"))) == []
    assert kinds(found, desired(ToRevoke("revoked[0]", host="db1", before=NOW))) == []
    assert kinds(found, desired(ToRevoke("revoked[0]", host="db1", before=NOW + 1))) == ["revoke", "lists"]


def test_what_was_revoked_and_is_on_no_list() -> None:
    found = situation(issued("a1", "db1", revoked=True))
    assert kinds(found) == ["lists"]
    assert kinds(dataclasses.replace(found, lists=tuple(signed(FIRST, "a1")))) == []
    late = signed(FIRST, made=NOW + 90 * DAY)  # an expired certificate is refused without
    assert kinds(dataclasses.replace(found, lists=tuple(late)), now=NOW + 91 * DAY) == []


def test_what_cannot_be_revoked() -> None:
    root, signing = FIRST.entries()
    for serial, told in (("ffff", "that the record knows"), (root.serial, "names a root"), (signing.serial, "signs")):
        with pytest.raises(InputError) as refused:
            kinds(situation(), desired(ToRevoke("revoked[3]", serial=serial)))
        assert str(refused.value).startswith("revoked[3]: ") and told in str(refused.value)
    moved = desired(ToRevoke("revoked[3]", serial=signing.serial), number=2, trusted=(1, 2))
    assert kinds(situation(both=True), moved) == ["revoke", "lists", "policy"]


def test_warnings() -> None:
    assert "nothing was issued for the role app" in warnings(situation(), desired(ToRevoke("revoked[0]", role="app")))
    assert "the intermediate of generation 1 expires on" in warnings(situation(), desired(), now=NOW + 1400 * DAY)
    assert "has expired on" in warnings(situation(), desired(), now=NOW + 1826 * DAY)
    assert "signs from now on" in warnings(situation(), desired(number=2, trusted=(1, 2)))
    both = situation(issued("a1", "db1"), both=True)
    assert warnings(both, desired(number=2, trusted=(1, 2))) == ""
    assert "still valid: db1" in warnings(both, desired(number=2, trusted=(2,)))


def test_lost_files_are_not_made_anew() -> None:
    lost = dataclasses.replace(situation(), generations={})
    with pytest.raises(RampartError, match="its directory is gone"):
        planning.check_generation(lost, desired())
    planning.check_generation(situation(), desired(trusted=(1, 2)))


def test_a_clock_that_went_back() -> None:
    entries = [issued("a1", "db1")]
    check_clock(entries, 1, NOW - DAY)
    check_clock(entries, 2, NOW - 2 * DAY)
    with pytest.raises(RampartError, match="set the clock right"):
        check_clock(entries, 1, NOW - DAY - 1)


@pytest.mark.parametrize("key", [P256, KeySpec("ecdsa_p384"), KeySpec("rsa", 3072)], ids=str)
def test_an_encrypted_key_is_opened_with_its_passphrase_only(key: KeySpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protecting, "ROUNDS", 1000)
    made = keys.new_key(key)
    for passphrase in (b"correct horse", "pässword".encode(), b"x" * 1023):
        content = protecting.protected(made, passphrase)
        opened = serialization.load_pem_private_key(content, password=passphrase)
        assert keys.digest(opened.public_key()) == keys.digest(made.public_key())
        with pytest.raises(ValueError):
            serialization.load_pem_private_key(content, password=passphrase + b"x")
