# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent for an ACL: a small model of the server takes every statement, and ends where it should."""

from __future__ import annotations

import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import Change
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import Item
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import OfTable
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import difference
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import parting
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.diffing import with_owner

OWNER, A, B, C, D = 1, 2, 3, 4, 5
ROLES = (A, B, C, D)
PRIVILEGES = ("SELECT", "INSERT")


class Acl:
    """GRANT and REVOKE ... RESTRICT as the server makes them."""

    def __init__(self) -> None:
        self.held: dict[tuple[int, int, str], bool] = {(OWNER, OWNER, privilege): False for privilege in PRIVILEGES}

    def may_grant(self, role: int, privilege: str) -> bool:
        return role == OWNER or any(held and key[1:] == (role, privilege) for key, held in self.held.items())

    def grant(self, grantor: int, grantee: int, privilege: str, option: bool) -> None:
        key = (grantor, grantee, privilege)
        self.held[key] = self.held.get(key, False) or option

    def send(self, change: Change) -> None:
        for privilege in change.privileges:
            assert self.may_grant(change.grantor, privilege), change
            key = (change.grantor, change.grantee, privilege)
            if change.grant:
                self.grant(*key, change.option)
            else:
                self._revoke(key, only_option=change.option)

    def _revoke(self, key: tuple[int, int, str], *, only_option: bool) -> None:
        assert key in self.held
        if only_option:
            self.held[key] = False
        else:
            del self.held[key]
        grantee, privilege = key[1:]
        if not self.may_grant(grantee, privilege):
            assert not [each for each in self.held if (each[0], each[2]) == (grantee, privilege)], (
                "dependent privileges"
            )

    def items(self) -> tuple[Item, ...]:
        return tuple(Item(*key, grantable) for key, grantable in self.held.items())


_KEYS = st.tuples(st.sampled_from((*ROLES, 0)), st.sampled_from(PRIVILEGES))
_GRANTS = st.lists(
    st.tuples(
        st.sampled_from((OWNER, *ROLES)), st.sampled_from((*ROLES, 0)), st.sampled_from(PRIVILEGES), st.booleans()
    ),
    max_size=14,
)


@st.composite
def acls(draw: st.DrawFn) -> Acl:
    """Any that grants can lead to."""
    acl = Acl()
    for grantor, grantee, privilege, option in draw(_GRANTS):
        if grantor != grantee and acl.may_grant(grantor, privilege):
            acl.grant(grantor, grantee, privilege, option and grantee != 0)
    return acl


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    """Any without a contradiction."""
    taken = draw(st.frozensets(_KEYS, max_size=5))
    options = draw(st.frozensets(_KEYS, max_size=3))
    given_keys = draw(st.dictionaries(_KEYS, st.booleans(), max_size=5))
    kept = {k: option and k[0] != 0 and k not in options for k, option in given_keys.items() if k not in taken}
    return Wish(kept, taken, options, draw(st.booleans()))


@given(acls(), wishes())
def test_the_server_takes_every_statement_and_ends_as_desired(acl: Acl, wish: Wish) -> None:
    before = acl.items()
    found = difference(before, OWNER, wish)
    assert not found.helpless or _hangs_in_the_air(before)
    if found.helpless:
        return
    for change in found.changes:
        acl.send(change)
    for item in acl.items():
        key = (item.grantee, item.privilege)
        if item.grantee == OWNER:
            continue
        assert key not in wish.taken
        assert not (item.grantable and key in wish.options_taken)
        if wish.closed:
            assert key in wish.given
            assert wish.given[key] or not item.grantable
    held = acl.held
    for key, option in wish.given.items():
        assert any((e[1], e[2]) == key and (grantable or not option) for e, grantable in held.items())
    gone = {item[:3] for item in before} - held.keys()
    assert {item[:3] for item in found.fallen} <= gone
    assert all(wish.expects(key[1], key[2]) or key in {item[:3] for item in found.fallen} for key in gone)
    assert difference(acl.items(), OWNER, wish).changes == ()


def _hangs_in_the_air(items: t.Sequence[Item]) -> bool:
    """Whether some grantor has no grant option that comes from the owner: grants may run in circles."""
    reached = {(OWNER, privilege) for privilege in PRIVILEGES}
    for _round in items:
        reached |= {(i.grantee, i.privilege) for i in items if i.grantable and (i.grantor, i.privilege) in reached}
    return any((i.grantor, i.privilege) not in reached for i in items)


@given(acls(), wishes())
def test_one_statement_changes_one_thing(acl: Acl, wish: Wish) -> None:
    found = difference(acl.items(), OWNER, wish)
    keys = [(c.grant, c.grantor, c.grantee, c.option, p) for c in found.changes for p in c.privileges]
    assert len(keys) == len(set(keys))
    for change in found.changes:
        held = {
            i.privilege: i.grantable for i in acl.items() if (i.grantor, i.grantee) == (change.grantor, change.grantee)
        }
        for privilege in change.privileges:
            if change.grant:
                assert held.get(privilege) is None or (change.option and not held[privilege])
            else:
                assert privilege in held and (held[privilege] or not change.option)


def test_the_owner_keeps_its_own() -> None:
    items = (Item(OWNER, OWNER, "SELECT", False), Item(OWNER, A, "SELECT", False))
    found = difference(items, OWNER, Wish(taken=frozenset({(OWNER, "SELECT"), (A, "SELECT")}), closed=True))
    assert found.changes == (Change(False, OWNER, A, ("SELECT",), False),)
    assert found.owner_keeps == ((OWNER, "SELECT"),)


def test_what_an_extension_granted_is_spared_unless_it_is_named() -> None:
    items = (Item(OWNER, 0, "SELECT", False), Item(OWNER, A, "SELECT", False))
    initial = (Item(OWNER, 0, "SELECT", False),)
    spared = difference(items, OWNER, Wish(closed=True, spares_initial=True), initial=initial)
    assert [change.grantee for change in spared.changes] == [A]
    named = difference(items, OWNER, Wish(closed=True), initial=initial)
    assert [change.grantee for change in named.changes] == [0, A]


def test_a_new_owner_takes_the_place_of_the_old_one() -> None:
    items = (Item(OWNER, OWNER, "SELECT", False), Item(OWNER, A, "SELECT", True), Item(A, B, "SELECT", False))
    assert with_owner(items, OWNER, A) == (Item(A, A, "SELECT", True), Item(A, B, "SELECT", False))


@given(acls())
def test_an_owner_who_hands_back_keeps_nothing_and_takes_nothing_along(acl: Acl) -> None:
    before = dict(acl.held)
    changes = parting(acl.items(), OWNER, A)
    acl.held = {item[:3]: item.grantable for item in with_owner(with_owner(acl.items(), OWNER, A), A, OWNER)}
    for change in changes:
        acl.send(change)
    if not _hangs_in_the_air(tuple(Item(*key, grantable) for key, grantable in before.items())):
        assert acl.held == before


def test_a_column_knows_who_may_grant_on_its_table() -> None:
    items = (Item(A, B, "SELECT", False),)
    wish = Wish(taken=frozenset({(B, "SELECT")}))
    assert difference(items, OWNER, wish).helpless == items
    table = OfTable(hold=frozenset({(A, "SELECT")}), keep=frozenset({(A, "SELECT")}))
    assert difference(items, OWNER, wish, table=table).changes == (Change(False, A, B, ("SELECT",), False),)
    losing = OfTable(hold=frozenset({(A, "SELECT")}))
    assert difference(items, OWNER, Wish(), table=losing).fallen == items  # the server would leave it, from nobody


def test_what_revoke_takes_from_the_table_goes_from_the_column_before() -> None:
    items = (Item(OWNER, A, "SELECT", True), Item(A, B, "SELECT", False))
    table = OfTable(revoked={(OWNER, A, "SELECT"): False})
    found = difference(items, OWNER, Wish(given={(A, "SELECT"): False}), table=table)
    assert found.changes == (
        Change(True, OWNER, A, ("SELECT",), False),
        Change(False, A, B, ("SELECT",), False),
        Change(False, OWNER, A, ("SELECT",), False),
    )
    assert found.fallen == (Item(A, B, "SELECT", False),)


def test_who_only_loses_the_grant_option_by_wish_falls_with_the_grantor() -> None:
    items = (Item(OWNER, A, "SELECT", True), Item(A, B, "SELECT", True))
    wish = Wish(taken=frozenset({(A, "SELECT")}), options_taken=frozenset({(B, "SELECT")}))
    assert difference(items, OWNER, wish).fallen == (Item(A, B, "SELECT", True),)
