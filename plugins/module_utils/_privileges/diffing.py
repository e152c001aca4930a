# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies between the ACL of an object and the wishes about it: pure; private to the collection."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

__all__ = ["Change", "Difference", "Item", "OfTable", "Wish", "difference", "parting", "with_owner"]


class Item(t.NamedTuple):
    """One privilege of an ACL; roles by oid, 0 is PUBLIC."""

    grantor: int
    grantee: int
    privilege: str
    grantable: bool


@dataclasses.dataclass(frozen=True)
class Wish:
    """What all entries that concern an object want of it. Roles by oid."""

    given: t.Mapping[tuple[int, str], bool] = dataclasses.field(default_factory=dict)  # value: with grant option
    taken: frozenset[tuple[int, str]] = frozenset()
    options_taken: frozenset[tuple[int, str]] = frozenset()
    closed: bool = False  # whatever is not given is taken
    spares_initial: bool = False  # except what an extension or initdb granted

    def expects(self, grantee: int, privilege: str) -> bool:
        """Whether an entry gives this or takes it, so that nobody is surprised when an item of it goes."""
        key = (grantee, privilege)
        return self.closed or key in self.given or key in self.taken


class Change(t.NamedTuple):
    """One GRANT or REVOKE."""

    grant: bool
    grantor: int
    grantee: int
    privileges: tuple[str, ...]
    option: bool  # GRANT: with grant option; REVOKE: of nothing but the grant option


@dataclasses.dataclass(frozen=True)
class Difference:
    """The statements in an order that works, and what they imply."""

    changes: tuple[Change, ...] = ()
    fallen: tuple[Item, ...] = ()  # nobody asked for that: the grantor loses the grant option
    helpless: tuple[Item, ...] = ()  # wanted away, while the grantor holds no grant option: nobody could revoke it
    owner_keeps: tuple[tuple[int, str], ...] = ()  # an entry takes from the owner

    def revoked(self) -> dict[tuple[int, int, str], bool]:
        """Grantor, grantee and privilege of everything that is taken; True: the grant option only."""
        return {
            (change.grantor, change.grantee, privilege): change.option
            for change in self.changes
            if not change.grant
            for privilege in change.privileges
        }

    def applied(self, items: t.Iterable[Item]) -> dict[tuple[int, int, str], bool]:
        """The ACL afterwards: grantor, grantee and privilege to whether it is grantable."""
        held = {(item.grantor, item.grantee, item.privilege): item.grantable for item in items}
        for change in self.changes:
            for privilege in change.privileges:
                key = (change.grantor, change.grantee, privilege)
                if change.grant:
                    held[key] = held.get(key, False) or change.option
                elif change.option:
                    held[key] = False
                else:
                    held.pop(key, None)
        return held


_Key = tuple[int, int, str]  # grantor, grantee, privilege
_Holder = tuple[int, str]  # role and privilege
_ALL, _OPTION = "all", "option"


def with_owner(items: t.Iterable[Item], old: int, new: int) -> tuple[Item, ...]:
    """An ACL as ALTER ... OWNER TO leaves it."""
    merged: dict[_Key, bool] = {}
    for item in items:
        grantor, grantee = (new if oid == old else oid for oid in (item.grantor, item.grantee))
        key = (grantor, grantee, item.privilege)
        merged[key] = merged.get(key, False) or item.grantable
    return tuple(Item(*key, grantable) for key, grantable in merged.items())


def parting(items: t.Sequence[Item], old: int, new: int) -> list[Change]:
    """What restores an ACL after the owner was changed to another and back, which joins what the two had."""
    before = {item[:3]: item.grantable for item in items}
    joined = {item[:3]: item.grantable for item in with_owner(with_owner(items, old, new), new, old)}
    holders = _Planning(items, old, Wish(), (), OfTable()).holders()
    missing = [key for key, grantable in before.items() if key not in joined or joined[key] < grantable]
    there = [key for key in missing if (key[0], key[2]) in holders]
    changes = [
        Change(True, by, to, (privilege,), before[by, to, privilege])
        for by, to, privilege in sorted(there, key=lambda key: holders[key[0], key[2]])
    ]
    if there != missing:  # a grantor without a grant option can give nothing back, so nothing is taken for it
        return changes
    over = [key for key, grantable in joined.items() if key not in before or before[key] < grantable]
    return changes + [Change(False, by, to, (p,), (by, to, p) in before) for by, to, p in over]


@dataclasses.dataclass(frozen=True)
class OfTable:
    """What a table has to do with the ACLs of its columns."""

    hold: frozenset[tuple[int, str]] = frozenset()  # grantees and privileges: holders of a grant option on the table
    keep: frozenset[tuple[int, str]] = frozenset()  # those who have it afterwards
    revoked: t.Mapping[tuple[int, int, str], bool] = dataclasses.field(default_factory=dict)
    """What REVOKE takes from the table, and so from its columns; True: the grant option only."""


def difference(
    items: t.Sequence[Item], owner: int, wish: Wish, *, initial: t.Sequence[Item] = (), table: OfTable = OfTable()
) -> Difference:
    """What has to be sent; ``table`` is for a column."""
    return _Planning(items, owner, wish, initial, table).result()


class _Planning:
    def __init__(
        self, items: t.Sequence[Item], owner: int, wish: Wish, initial: t.Sequence[Item], table: OfTable
    ) -> None:
        self._held: dict[_Key, bool] = {(i.grantor, i.grantee, i.privilege): i.grantable for i in items}
        self._owner = owner
        self._wish = wish
        self._initial = {(i.grantee, i.privilege): i.grantable for i in initial} if wish.spares_initial else {}
        self._table = table
        self._going: dict[_Key, str] = {}

    def result(self) -> Difference:
        """Everything."""
        self._unwanted()
        fallen = self._with_table()
        loses = bool(self._going) or self._table.hold != self._table.keep
        before = self._before() if loses else {}
        fallen += self._broken(before) if loses else []
        helpless = [key for key in self._going if not self._stands(key, before)]
        return Difference(
            changes=(*self._grants(), *self._revokes(before)),
            fallen=tuple(Item(*key, self._held[key]) for key in fallen),
            helpless=tuple(Item(*key, self._held[key]) for key in helpless),
            owner_keeps=tuple(
                (grantee, privilege)
                for grantor, grantee, privilege in self._held
                if grantee == self._owner and (grantee, privilege) in self._wish.taken
            ),
        )

    def holders(self) -> dict[_Holder, int]:
        """Who has a grant option that comes from the owner, and over how many others at least."""
        return self._reached(())

    def _with_table(self) -> list[_Key]:
        """What REVOKE on the table would take as well, taken before; what nobody asked for is returned."""
        found = [(key, only_option) for key, only_option in self._table.revoked.items() if key in self._held]
        for key, only_option in found:
            if not only_option:
                self._going[key] = _ALL
            elif self._held[key]:
                self._going.setdefault(key, _OPTION)
        return [key for key, only_option in found if not only_option and not self._expects(key)]

    def _expects(self, key: _Key) -> bool:
        spared = key[1:] in self._initial and key[1:] not in self._wish.given and key[1:] not in self._wish.taken
        return not spared and self._wish.expects(key[1], key[2])

    def _unwanted(self) -> None:
        for key, grantable in self._held.items():
            going = "" if key[1] == self._owner else self._fate(key[1:], grantable)
            if going:
                self._going[key] = going

    def _fate(self, key: tuple[int, str], grantable: bool) -> str:
        wish = self._wish
        spared = key in self._initial and key not in wish.given
        if key in wish.taken or (wish.closed and key not in wish.given and not spared):
            return _ALL
        too_much = wish.closed and not wish.given.get(key) and not self._initial.get(key)
        return _OPTION if grantable and (too_much or key in wish.options_taken) else ""

    def _reached(self, sources: t.Iterable[_Holder], going: t.Container[_Key] = ()) -> dict[_Holder, int]:
        """Who has a grant option that comes from the owner or one of the sources, and over how many others at least.

        The server lets grants run in circles; what hangs on nothing but itself is not reached.
        """
        found = dict.fromkeys(((self._owner, privilege) for _by, _to, privilege in self._held), 0)
        found.update(dict.fromkeys(sources, 0))
        onward: dict[_Holder, list[_Holder]] = collections.defaultdict(list)
        for key, grantable in self._held.items():
            if grantable and key not in going:
                onward[key[0], key[2]].append((key[1], key[2]))
        waiting = collections.deque(found)
        while waiting:
            holder = waiting.popleft()
            for other in onward.get(holder, ()):
                if other not in found:
                    found[other] = found[holder] + 1
                    waiting.append(other)
        return found

    def _before(self) -> dict[_Holder, int]:
        """Distances from the owner; who holds a grant option on a column comes by way of that before by the table."""
        found = self._reached(self._table.hold - self._own_holders())
        missing = self._table.hold - found.keys()
        return {**self._reached((*self._table.hold,)), **found} if missing else found

    def _own_holders(self) -> frozenset[_Holder]:
        return frozenset((key[1], key[2]) for key, grantable in self._held.items() if grantable)

    @staticmethod
    def _stands(key: _Key, holders: t.Container[_Holder]) -> bool:
        """Whether the grantor of an item may have granted it."""
        return (key[0], key[2]) in holders

    def _broken(self, before: t.Container[_Holder]) -> list[_Key]:
        """Everything that goes because its grantor loses the grant option; what nobody asked for is returned.

        A grant option on the table does not save what a grantor of the column's own ACL granted: the server looks there only.
        """
        of_table = self._table.keep - self._own_holders()
        fallen: list[_Key] = []
        while True:
            holders = self._reached(of_table, self._going)
            broken = [
                key
                for key in self._held
                if self._going.get(key) != _ALL and self._stands(key, before) and not self._stands(key, holders)
            ]
            if not broken:
                return fallen
            fallen += [key for key in broken if not self._expects(key)]
            self._going.update({key: _ALL for key in broken})

    def _grants(self) -> list[Change]:
        """From the owner, to whom no item that stays gives it."""
        wanted: dict[tuple[int, bool], list[str]] = collections.defaultdict(list)
        staying: dict[tuple[int, str], bool] = {}
        for key, grantable in self._held.items():
            going = self._going.get(key)
            if going != _ALL:
                staying[key[1:]] = staying.get(key[1:], False) or (grantable and not going)
        for (grantee, privilege), option in self._wish.given.items():
            found = staying.get((grantee, privilege))
            if found is None or (option and not found and grantee != self._owner):
                wanted[grantee, option].append(privilege)
        return [Change(True, self._owner, grantee, tuple(names), option) for (grantee, option), names in wanted.items()]

    def _revokes(self, before: t.Mapping[_Holder, int]) -> list[Change]:
        """As their grantors, the farthest from the owner first: so nothing depends any more on what goes."""
        wanted: dict[tuple[int, int, int, str], list[str]] = collections.defaultdict(list)
        for key, going in self._going.items():
            if self._stands(key, before):
                wanted[-before[key[0], key[2]], key[0], key[1], going].append(key[2])
        return [
            Change(False, grantor, grantee, tuple(names), going == _OPTION)
            for (_distance, grantor, grantee, going), names in sorted(wanted.items())
        ]
