# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The difference between two sets of rules: who gains, who loses; private to the collection."""

from __future__ import annotations

import bisect
import itertools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.areas import Excerpt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.areas import parts
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.axis import Group
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.budget import Budget
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.budget import Exhausted
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.outcomes import NO_MATCH
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.outcomes import Outcome
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.outcomes import Verdict
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.outcomes import outcome
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import EVERYWHERE
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import packed
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Area
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Effect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Piece
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Region
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import area_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import spelled_types
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rows import EVERYBODY
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rows import NOBODY
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rows import Change
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rows import Row
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rows import Some
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rows import completed
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rows import joined
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rows import names
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rows import together
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

_ORDER = ("loses", "gains", "changes", "unknown")
_UNKNOWN = "not compared"
_WORK = 150_000  # units that a comparison may take: two or three seconds
_CELL = 10  # units for users and databases, beside one for each of their addresses


def difference(
    old: t.Iterable[Record],
    new: t.Iterable[Record],
    *,
    dialect: Dialect,
    world: World | None = None,
    work: int = _WORK,
) -> tuple[Region, ...]:
    """Connections that will fare otherwise, in few regions; those who lose come first.

    That no rule matches is the same as that one rejects: refused is refused. Where ``work`` is not enough, the last
    regions say what was not compared.
    """
    before = without_sentinels(record for record in old if record.accepted)
    after = without_sentinels(record for record in new if record.accepted)
    focus = _changed(_identities(before, dialect), _identities(after, dialect), len(before))
    if not focus:
        return ()
    book = Rulebook([*before, *after], dialect, world or World())
    regions = _Comparison(book, len(before), focus, Budget(work)).regions()
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


class _Comparison:
    def __init__(self, book: Rulebook, border: int, focus: int, budget: Budget) -> None:
        self._book = book
        self._budget = budget
        self._border = border
        self._focus = focus
        self._verdicts: dict[int, Outcome] = {}
        universe = book.universe
        self._relatives = frozenset(
            name for name, exists in ((OWN_NAME, universe.own_name), (ROLE_NAME, universe.role_name)) if exists
        )

    def regions(self) -> list[Region]:
        """All of them, in the order in which users come."""
        rows: list[Row] = []
        left: list[Some] = []
        for users in self._book.groups((1 << len(self._book.records)) - 1, self._focus):
            if self._budget.is_spent:
                left.append(_some(users))
            else:
                rows += self._of_users(users)
        rows = joined(rows, "users", together)
        rows = [row._replace(users=completed(row.users, self._book.users, OTHER_USER)) for row in rows]
        rows = joined(rows, "area", lambda areas: area_of(itertools.chain.from_iterable(areas)))
        rows = joined(rows, "users", together)
        rows += [self._unknown(together(left), EVERYBODY, True)] if left else []
        return [self._region(row) for row in rows]

    def _of_users(self, users: Group) -> list[Row]:
        """The rows of users that are one group, their databases joined."""
        relatives = self._book.relatives(users)
        named: list[Row] = []
        replicating: list[Row] = []
        for cell in self._book.cells_of(users, self._focus):
            (replicating if cell.databases == "replication" else named).extend(self._of_cell(cell, relatives))
        named = joined(named, "databases", together)
        axis = self._book.databases
        named = [row._replace(databases=completed(row.databases, axis, OTHER_DATABASE, relatives)) for row in named]
        rows = {row._replace(databases=NOBODY): row for row in named}
        for row in replicating:
            key = row._replace(databases=NOBODY)
            rows[key] = rows.get(key, row)._replace(replication=True)
        return list(rows.values())

    def _of_cell(self, cell: Cell, relatives: frozenset[str]) -> list[Row]:
        users, databases = _some(cell.users), _databases(cell, relatives)
        try:
            with self._budget.share():
                places = self._places(cell)
        except Exhausted:
            return [self._unknown(users, databases, False)]
        return [Row(users, databases, False, tuple(ways), area, change) for (change, area), ways in places.items()]

    def _unknown(self, users: Some, databases: Some, replication: bool) -> Row:
        everywhere = tuple(Piece(cube.span) for cube in EVERYWHERE)
        return Row(users, databases, replication, self._book.universe.transports, everywhere, None)

    def _places(self, cell: Cell) -> dict[tuple[Change, Area], list[str]]:
        """How and from where a cell's connections fare otherwise."""
        self._budget.spend(_CELL)
        found: dict[tuple[Change, Area], list[str]] = {}
        known: dict[tuple[int, int], list[tuple[Change, Area]]] = {}
        for transport in self._book.universe.transports:
            way = self._book.by_transport[transport]
            rules = cell.definite & way, cell.possible & way
            if not rules[1] & self._focus:
                continue
            if rules not in known:  # what concerns several ways in concerns them alike
                changes = self._changes(cell, transport, *rules)
                known[rules] = [(change, area_of(pieces)) for change, pieces in changes.items()]
            for place in known[rules]:
                found.setdefault(place, []).append(transport)
        return found

    def _changes(self, cell: Cell, transport: str, definite: int, possible: int) -> dict[Change, list[Piece]]:
        found: dict[Change, list[Piece]] = {}
        if transport == "local":
            everything = range(len(self._book.records))
            change = self._change(cell, transport, None, everything, definite, possible)
            return {change: []} if change else {}
        excerpt = Excerpt(self._book, self._focus & possible, definite, possible)
        for span_parts in parts(excerpt, self._budget):
            changes = [
                self._change(cell, transport, part.address, excerpt.rules, part.definite, part.possible)
                for part in span_parts
            ]
            pieces = [part.piece for part in span_parts]
            if len(set(changes)) == 1:
                pieces, changes = [Piece(pieces[0].span)], changes[:1]
            for change, piece in zip(changes, pieces):
                if change is not None:
                    found.setdefault(change, []).append(piece)
        return found

    def _change(
        self,
        cell: Cell,
        transport: str,
        address: int | None,
        rules: t.Sequence[int],
        definite: int,
        possible: int,
    ) -> Change | None:
        """How those fare otherwise whom these rules match; bits are places in ``rules``."""
        old = (1 << bisect.bisect_left(rules, self._border)) - 1
        before, after = (
            self._outcome(cell, transport, address, rules, definite & half, possible & half) for half in (old, ~old)
        )
        return None if before.same_as(after) else (before, after)

    def _outcome(
        self,
        cell: Cell,
        transport: str,
        address: int | None,
        rules: t.Sequence[int],
        definite: int,
        possible: int,
    ) -> Outcome:
        """As matching finds it among the rules that come into question."""
        first = definite & -definite
        if first:
            possible &= 2 * first - 1
        if possible == first:
            rule = rules[first.bit_length() - 1] if first else -1
            if rule not in self._verdicts:
                self._verdicts[rule] = Outcome((), Verdict.of(self._book.records[rule]) if first else NO_MATCH)
            return self._verdicts[rule]
        self._budget.spend(bin(possible).count("1"))
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
        candidates = [self._book.records[rules[place]] for place in bits_of(possible)]
        return outcome(candidates, attempt, self._book.dialect)

    def _region(self, row: Row) -> Region:
        return Region(
            effect=_effect(row.change),
            types=spelled_types(row.transports, self._book.universe.transports),
            transports=row.transports,
            databases=names(self._book.databases, row.databases, self._relatives),
            replication=row.replication,
            users=names(self._book.users, row.users),
            area=row.area,
            before=str(row.change[0]) if row.change else _UNKNOWN,
            after=str(row.change[1]) if row.change else _UNKNOWN,
        )


def _effect(change: Change | None) -> Effect:
    if change is None:
        return "unknown"
    before, after = (outcome.certainty for outcome in change)
    return "changes" if before == after else "gains" if before < after else "loses"


def _some(group: Group) -> Some:
    return Some(group.classes, group.negated)


def _databases(cell: Cell, relatives: frozenset[str]) -> Some:
    if cell.databases == "replication":
        return NOBODY
    if isinstance(cell.databases, str):
        return Some(frozenset((cell.databases,)))
    negated = cell.databases.negated
    return Some(cell.databases.classes | (relatives if negated else frozenset()), negated)
