# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who gains and who loses, in words and as data; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.addresses import show_address
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import EVERYWHERE
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import Cube
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import Span
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import joined
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.ranges import show_span
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.world import label

__all__ = ["Area", "Names", "Piece", "Region", "area_of", "spelled_types"]

_WORDS = ("all", "replication")  # what they say of a region when they are no names
_SHOWN = 8  # names and address ranges in a text

Effect = t.Literal["gains", "loses", "changes", "unknown"]


class Piece(t.NamedTuple):
    """The addresses of a span that are in all of some networks and in none of others."""

    span: Span
    within: tuple[Cube, ...] = ()
    outside: tuple[Cube, ...] = ()

    def __str__(self) -> str:
        words = [f"in {_network(cube)}" for cube in self.within] + [f"not in {_network(cube)}" for cube in self.outside]
        return show_span(self.span) + (f" ({', '.join(words)})" if words else "")


Area = tuple[Piece, ...]


def area_of(pieces: t.Iterable[Piece]) -> Area:
    """The same addresses in as few pieces as possible, in order."""
    groups: dict[tuple[tuple[Cube, ...], tuple[Cube, ...]], list[Span]] = {}
    for piece in pieces:
        groups.setdefault((piece.within, piece.outside), []).append(piece.span)
    return tuple(sorted(Piece(span, *key) for key, spans in groups.items() for span in joined(spans)))


def _network(cube: Cube) -> str:
    network = cube.network
    return f"{show_address(network.address)} mask {show_address(network.mask)}"


class Names(t.NamedTuple):
    """Some names, or all but some."""

    names: frozenset[str]
    negated: bool = False

    def holds(self, name: str) -> bool:
        """Whether a name is meant."""
        return (name in self.names) is not self.negated

    def shown(self) -> list[str]:
        """The names themselves, in order; those that stand for others last."""
        names = sorted(self.names, key=lambda name: (name[:1] == "\0", name))
        return [f'"{name}"' if name in _WORDS else label(name) for name in names]

    def as_dict(self, what: str) -> dict[str, list[str]]:
        """Keys for a region."""
        if not self.negated:
            return {what: self.shown()}
        return {what: ["all"], f"{what}_except": self.shown()} if self.names else {what: ["all"]}

    def __str__(self) -> str:
        if not self.negated:
            return _few(self.shown())
        return f"all except {_few(self.shown())}" if self.names else "all"


@dataclasses.dataclass(frozen=True)
class Region:
    """Connections for which the same outcome gives way to the same other one."""

    effect: Effect
    types: tuple[str, ...]  # in the words of the file
    transports: tuple[str, ...]
    databases: Names
    replication: bool  # physical replication too
    users: Names
    area: Area  # empty where there are no addresses
    before: str
    after: str

    @property
    def addresses(self) -> list[str]:
        """Networks, single addresses and ranges; none for the socket."""
        if [piece for piece in self.area if not piece.within and not piece.outside] == [
            Piece(cube.span) for cube in EVERYWHERE
        ]:
            return ["all"]
        return [str(piece) for piece in self.area]

    def describe(self) -> str:
        """One line."""
        databases = [str(self.databases)] if self.databases.names or self.databases.negated else []
        databases += ["replication"] if self.replication else []
        source = f" from {_few(self.addresses)}" if self.area else ""
        who = f"{', '.join(self.types)}; database {' and '.join(databases)}; user {self.users}{source}"
        if self.effect == "unknown":
            return f"not compared, because too much differs: {who}"
        return f"{self.effect}: {who}: {self.before} -> {self.after}"

    def as_dict(self) -> dict[str, t.Any]:
        """The same as data."""
        databases = self.databases.as_dict("databases")
        databases["databases"] += ["replication"] if self.replication else []
        return {
            "effect": self.effect,
            "types": list(self.types),
            **databases,
            **self.users.as_dict("users"),
            "addresses": self.addresses,
            "before": self.before,
            "after": self.after,
        }


def spelled_types(transports: t.Collection[str], available: t.Collection[str]) -> tuple[str, ...]:
    """Types of rules that stand for some ways to come in."""
    found = ["local"] if "local" in transports else []
    remote = frozenset(transports) - {"local"}
    every = frozenset(available) - {"local"}
    for word, meaning in (
        ("host", every),
        ("hostssl", {"tls"}),
        ("hostgssenc", {"gss"}),
        ("hostnossl", every - {"tls"}),
        ("hostnogssenc", every - {"gss"}),
    ):
        if remote and remote == meaning:
            return (*found, word)
    words = {"plain": "host without encryption", "tls": "hostssl", "gss": "hostgssenc"}
    return (*found, *(word for name, word in words.items() if name in remote))


def _few(words: list[str]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more
