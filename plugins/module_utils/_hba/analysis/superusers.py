# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which superusers rules let in from other hosts; private to the collection."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import patterns
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import Cube
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.rulebook import WAYS_IN
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.sets import addresses_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.terms import Term
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.terms import database_terms
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.terms import user_terms
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import World
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import closure
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = ["Superusers"]

_REMEMBERED = 50  # rules that reject one superuser; more do not make a file any clearer


class _Refusal(t.NamedTuple):
    ways: frozenset[str]
    databases: frozenset[Term]
    cubes: tuple[Cube, ...]


class Superusers:
    """Looks at rules in their order: one that rejects superusers by name makes later ones for all harmless."""

    def __init__(self, dialect: Dialect, world: World) -> None:
        self._dialect = dialect
        self._names = sorted(world.superusers)
        self._members: dict[str, set[str]] = {}
        for name in self._names:
            for role in closure(name, world.roles):
                self._members.setdefault(role, set()).add(name)
        self._meant: dict[Term, frozenset[str]] = {}
        self._refusals: dict[str, list[_Refusal]] = {name: [] for name in self._names}

    def named(self, record: Record) -> list[str]:
        """Those whom a rule names, by a group or a regular expression too; all names nobody."""
        found: set[str] = set()
        for term in user_terms(record.users, self._dialect):
            found |= self._meaning(term)
        return sorted(found)

    def among_all(self, record: Record) -> list[str]:
        """Those whom a rule for all users lets in, because no earlier one rejects them."""
        if Term("all") not in user_terms(record.users, self._dialect):
            return []
        return [name for name in self._names if not self._is_refused(name, record)]

    def remember(self, record: Record) -> None:
        """Take note of a rule that rejects."""
        for name in self.named(record):
            if len(self._refusals[name]) < _REMEMBERED:
                self._refusals[name].append(
                    _Refusal(
                        frozenset(WAYS_IN[record.type]),
                        database_terms(record.databases, self._dialect),
                        addresses_of(record.address).cubes,
                    )
                )

    def _meaning(self, term: Term) -> frozenset[str]:
        if term not in self._meant:
            found: t.Iterable[str] = ()
            if term.kind == "group":
                found = self._members.get(term.text, ())
            elif term.kind == "regex":
                found = [name for name in self._names if patterns.search(term.text, name) is True]
            elif term.kind == "name" and term.text in self._refusals:
                found = (term.text,)
            self._meant[term] = frozenset(found)
        return self._meant[term]

    def _is_refused(self, name: str, record: Record) -> bool:
        """Whether every connection is, be it by one rule or by several."""
        connections = itertools.product(
            WAYS_IN[record.type],
            database_terms(record.databases, self._dialect),
            addresses_of(record.address).possible,
        )
        return all(
            any(
                way in refusal.ways and _holds(refusal.databases, term) and any(map(cube.within, refusal.cubes))
                for refusal in self._refusals[name]
            )
            for way, term, cube in connections
        )


def _holds(databases: frozenset[Term], term: Term) -> bool:
    """Whether what a term means is certainly among some databases."""
    return term in databases or (Term("all") in databases and term != Term("replication"))
