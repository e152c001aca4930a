# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The difference between two sets of rules: who gains, who loses; private to the collection."""

from __future__ import annotations

import bisect
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.areas import parts
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.axis import Axis
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.outcomes import NO_MATCH
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.outcomes import Outcome
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.outcomes import Verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.outcomes import outcome
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import packed
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Area
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Effect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Names
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Piece
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Region
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import area_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import spelled_types
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rulebook import Cell
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rulebook import Rulebook
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.sets import bits_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.terms import database_terms
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.terms import user_terms
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import OTHER_DATABASE
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import OTHER_USER
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import OWN_NAME
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import ROLE_NAME
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.sentinel import without_sentinels

__all__ = ["difference"]

_ORDER = ("loses", "gains", "changes")

Change = tuple[Outcome, Outcome]


def difference(
    old: t.Iterable[Record], new: t.Iterable[Record], *, dialect: Dialect, world: World | None = None
) -> tuple[Region, ...]:
    """Connections that will fare otherwise, in few regions; those who lose come first.

    That no rule matches is the same as that one rejects: refused is refused.
    """
    before = without_sentinels(record for record in old if record.accepted)
    after = without_sentinels(record for record in new if record.accepted)
    focus = _changed(_identities(before, dialect), _identities(after, dialect), len(before))
    if not focus:
        return ()
    book = Rulebook([*before, *after], dialect, world or World())
    regions = _Comparison(book, len(before), focus).regions()
    return tuple(sorted(regions, key=lambda region: _ORDER.index(region.effect)))


def _identities(records: list[Record], dialect: Dialect) -> list[t.Any]:
    """What each rule means, numbered where it is given twice. What rejects at the end changes nothing: left out."""
    end = len(records)
    while end and records[end - 1].method == "reject":
        end -= 1
    found = []
    seen: dict[t.Any, int] = {}
    for record in records[:end]:
        names = database_terms(record.databases, dialect), user_terms(record.users, dialect)
        meaning = (record.type, names, record.address and record.address.shown(), Verdict.of(record))
        seen[meaning] = seen.get(meaning, 0) + 1
        found.append((meaning, seen[meaning]))
    return found


def _changed(before: list[t.Any], after: list[t.Any], border: int) -> int:
    """The rules that are in one set only, or stand elsewhere: whom they do not concern fares as before."""
    place = {identity: rule for rule, identity in enumerate(before)}
    common = [(border + rule, place[identity]) for rule, identity in enumerate(after) if identity in place]
    found = (1 << len(before)) - 1 | ((1 << len(after)) - 1) << border
    for rule, partner in _rising(common):
        found ^= 1 << rule | 1 << partner
    return found


def _rising(pairs: list[tuple[int, int]]) -> t.Iterator[tuple[int, int]]:
    """The longest selection in which both numbers rise; the first one does already."""
    ends: list[int] = []
    heads: list[int] = []
    earlier: list[int] = []
    for index, (_rule, partner) in enumerate(pairs):
        length = bisect.bisect_left(ends, partner)
        earlier.append(heads[length - 1] if length else -1)
        ends[length : length + 1] = [partner]
        heads[length : length + 1] = [index]
    index = heads[-1] if heads else -1
    while index >= 0:
        yield pairs[index]
        index = earlier[index]


class _Some(t.NamedTuple):
    """Classes of an axis, and strings for what is none; or all but those."""

    members: frozenset[t.Any]
    negated: bool = False

    def joined(self, other: _Some) -> _Some:
        """Both together."""
        if self.negated and other.negated:
            return _Some(self.members & other.members, True)
        if self.negated or other.negated:
            all_but, some = (self, other) if self.negated else (other, self)
            return _Some(all_but.members - some.members, True)
        return _Some(self.members | other.members)


_NOBODY = _Some(frozenset())


class _Row(t.NamedTuple):
    """What a region is made of; fields are joined one after the other."""

    users: _Some
    databases: _Some
    replication: bool
    transports: tuple[str, ...]
    area: Area
    change: Change


class _Comparison:
    def __init__(self, book: Rulebook, border: int, focus: int) -> None:
        self._book = book
        self._old = (1 << border) - 1
        self._focus = focus
        self._verdicts: dict[int, Outcome] = {}
        universe = book.universe
        self._relatives = frozenset(
            name for name, exists in ((OWN_NAME, universe.own_name), (ROLE_NAME, universe.role_name)) if exists
        )

    def regions(self) -> list[Region]:
        """All of them, in the order in which users come."""
        rows: list[_Row] = []
        cells: list[Cell] = []
        for cell in self._book.cells((1 << len(self._book.records)) - 1, self._focus):
            if cells and cells[-1].users is not cell.users:
                rows += self._of_users(cells)
                cells = []
            cells.append(cell)
        rows += self._of_users(cells) if cells else []
        rows = _joined(rows, "users", _together)
        rows = [row._replace(users=_completed(row.users, self._book.users, OTHER_USER)) for row in rows]
        rows = _joined(rows, "area", lambda one, other: area_of((*one, *other)))
        rows = _joined(rows, "users", _together)
        return [self._region(row) for row in rows]

    def _of_users(self, cells: list[Cell]) -> list[_Row]:
        """The rows of users that are one group, their databases joined."""
        relatives = self._book.relatives(cells[0].users)
        named = [row for cell in cells if cell.databases != "replication" for row in self._of_cell(cell, relatives)]
        named = _joined(named, "databases", _together)
        axis = self._book.databases
        named = [row._replace(databases=_completed(row.databases, axis, OTHER_DATABASE, relatives)) for row in named]
        rows = {row._replace(databases=_NOBODY): row for row in named}
        for cell in cells:
            for row in self._of_cell(cell, relatives) if cell.databases == "replication" else ():
                key = row._replace(databases=_NOBODY)
                rows[key] = rows.get(key, row)._replace(replication=True)
        return list(rows.values())

    def _of_cell(self, cell: Cell, relatives: frozenset[str]) -> t.Iterator[_Row]:
        places: dict[tuple[Change, Area], list[str]] = {}
        for transport in self._book.universe.transports:
            for change, pieces in self._changes(cell, transport).items():
                places.setdefault((change, area_of(pieces)), []).append(transport)
        users = _Some(cell.users.classes, cell.users.negated)
        if cell.databases == "replication":
            databases = _NOBODY
        elif isinstance(cell.databases, str):
            databases = _Some(frozenset((cell.databases,)))
        else:
            negated = cell.databases.negated
            databases = _Some(cell.databases.classes | (relatives if negated else frozenset()), negated)
        for (change, area), transports in places.items():
            yield _Row(users, databases, False, tuple(transports), area, change)

    def _changes(self, cell: Cell, transport: str) -> dict[Change, list[Piece]]:
        way = self._book.by_transport[transport]
        focus, definite, possible = self._focus & cell.possible & way, cell.definite & way, cell.possible & way
        found: dict[Change, list[Piece]] = {}
        if not focus:
            return found
        if transport == "local":
            change = self._change(cell, transport, None, definite, possible)
            return {change: []} if change else {}
        for together in parts(self._book, focus, definite, possible):
            changes = [self._change(cell, transport, part.address, part.definite, part.possible) for part in together]
            pieces = [part.piece for part in together]
            if len(set(changes)) == 1:
                pieces, changes = [Piece(pieces[0].span)], changes[:1]
            for change, piece in zip(changes, pieces):
                if change is not None:
                    found.setdefault(change, []).append(piece)
        return found

    def _change(self, cell: Cell, transport: str, address: int | None, definite: int, possible: int) -> Change | None:
        before, after = (
            self._outcome(cell, transport, address, definite & half, possible & half)
            for half in (self._old, ~self._old)
        )
        return None if before.same_as(after) else (before, after)

    def _outcome(self, cell: Cell, transport: str, address: int | None, definite: int, possible: int) -> Outcome:
        """As matching finds it among the rules that come into question."""
        first = definite & -definite
        if first:
            possible &= 2 * first - 1
        if possible == first:
            if first not in self._verdicts:
                verdict = Verdict.of(self._book.records[first.bit_length() - 1]) if first else NO_MATCH
                self._verdicts[first] = Outcome((), verdict)
            return self._verdicts[first]
        user, database = self._book.example(cell)
        attempt = Attempt(
            user=user.name,
            database=database,
            address=None if address is None else packed(address),
            tls=transport == "tls",
            gss=transport == "gss",
            replication=cell.databases == "replication",
            member_of=user.member_of,
        )
        return outcome([self._book.records[rule] for rule in bits_of(possible)], attempt, self._book.dialect)

    def _region(self, row: _Row) -> Region:
        before, after = row.change
        effect: Effect = "changes"
        if before.certainty != after.certainty:
            effect = "gains" if before.certainty < after.certainty else "loses"
        return Region(
            effect=effect,
            types=spelled_types(row.transports, self._book.universe.transports),
            transports=row.transports,
            databases=_names(self._book.databases, row.databases, self._relatives),
            replication=row.replication,
            users=_names(self._book.users, row.users),
            area=row.area,
            before=str(before),
            after=str(after),
        )


def _joined(rows: t.Iterable[_Row], field: str, join: t.Callable[[t.Any, t.Any], t.Any]) -> list[_Row]:
    """Rows that differ in one field only become one."""
    found: dict[_Row, t.Any] = {}
    for row in rows:
        key = _with(row, field, None)
        value = getattr(row, field)
        found[key] = value if key not in found else join(found[key], value)
    return [_with(key, field, value) for key, value in found.items()]


def _with(row: _Row, field: str, value: t.Any) -> _Row:
    changes: dict[str, t.Any] = {field: value}
    return row._replace(**changes)


def _together(one: _Some, other: _Some) -> _Some:
    return one.joined(other)


def _completed(some: _Some, axis: Axis, other: str, beside: frozenset[str] = frozenset()) -> _Some:
    """Said as all but some, where those are meant that nobody has named."""
    if some.negated or not any(other in axis.classes[index].names for index in some.members if isinstance(index, int)):
        return some
    return _Some((frozenset(range(len(axis.classes))) | beside) - some.members, True)


def _names(axis: Axis, some: _Some, beside: frozenset[str] = frozenset()) -> Names:
    """Names instead of classes, said in the shorter way."""
    meant = _names_of(axis, some.members)
    if not some.negated or not meant:
        return Names(meant, some.negated)
    others = _names_of(axis, frozenset(range(len(axis.classes))) | beside) - meant
    return Names(others) if len(others) < len(meant) else Names(meant, True)


def _names_of(axis: Axis, members: t.Iterable[t.Any]) -> frozenset[str]:
    found: set[str] = set()
    for member in members:
        found.update((member,) if isinstance(member, str) else axis.classes[member].names)
    return frozenset(found)
