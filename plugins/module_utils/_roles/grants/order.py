# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to go before what, when rights were passed on; pure, private to the collection."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

__all__ = ["Doomed", "Held", "doomed_in_order", "helpless"]


class Held(t.Protocol):
    """A right that one role has from another; hashable."""

    @property
    def what(self) -> t.Hashable:
        """The right."""

    @property
    def holder(self) -> int:
        """Who has it."""

    @property
    def grantor(self) -> int:
        """Who gave it."""

    @property
    def passes_on(self) -> bool:
        """Whether the holder may give it to others."""


AnyHeld = t.TypeVar("AnyHeld", bound=Held)


@dataclasses.dataclass(frozen=True)
class Doomed(t.Generic[AnyHeld]):
    """A right that goes, or only that it may be passed on."""

    held: AnyHeld
    only_option: bool = False
    falls: bool = False  # nobody wants it gone, but who gave it may not give it any more


def doomed_in_order(held: t.Iterable[AnyHeld], doomed: t.Iterable[Doomed[AnyHeld]]) -> list[Doomed[AnyHeld]]:
    """All that goes, that is what hangs on it too, dependants first."""
    going: dict[AnyHeld, Doomed[AnyHeld]] = {item.held: item for item in doomed}
    if not going:
        return []
    alike: dict[t.Hashable, list[AnyHeld]] = {}
    for item in held:
        alike.setdefault(item.what, []).append(item)
    waiting = list(going)
    while waiting:
        gone = waiting.pop()
        rights = alike[gone.what]
        if any(it.holder == gone.holder and it.passes_on and it not in going for it in rights):
            continue  # another grantor lets it pass on as before
        for dependant in rights:
            if dependant.grantor == gone.holder and (dependant not in going or going[dependant].only_option):
                going[dependant] = Doomed(dependant, falls=True)
                waiting.append(dependant)
    return _ordered(going, alike)


def helpless(held: t.Iterable[AnyHeld], going: t.Iterable[Doomed[AnyHeld]], owner: int) -> list[AnyHeld]:
    """What nobody can revoke: who gave it has nothing any more that comes from the owner."""
    alike: dict[t.Hashable, list[AnyHeld]] = {}
    for item in held:
        alike.setdefault(item.what, []).append(item)
    return [each.held for each in going if each.held.grantor not in _distances(alike[each.held.what], {owner})]


def _ordered(
    going: t.Mapping[AnyHeld, Doomed[AnyHeld]], alike: t.Mapping[t.Hashable, t.Sequence[AnyHeld]]
) -> list[Doomed[AnyHeld]]:
    """The farthest from the owner first: grants may run in circles, and nothing depends any more on what goes."""
    distances = {what: _distances(alike[what], _owners(alike[what])) for what in {item.what for item in going}}
    return sorted(going.values(), key=lambda item: -distances[item.held.what].get(item.held.grantor, len(going)))


def _owners(rights: t.Iterable[Held]) -> set[int]:
    """Who gave something without having been given it."""
    passing = {item.holder for item in rights if item.passes_on}
    return {item.grantor for item in rights} - passing


def _distances(rights: t.Sequence[Held], owners: t.Iterable[int]) -> dict[int, int]:
    """Who may pass it on, and over how many others at least it came to them."""
    found = dict.fromkeys(owners, 0)
    onward: dict[int, list[int]] = {}
    for item in rights:
        if item.passes_on:
            onward.setdefault(item.grantor, []).append(item.holder)
    waiting = collections.deque(found)
    while waiting:
        role = waiting.popleft()
        for other in onward.get(role, ()):
            if other not in found:
                found[other] = found[role] + 1
                waiting.append(other)
    return found
