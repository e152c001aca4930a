# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to go before what, when rights were passed on; pure, private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

__all__ = ["Doomed", "Held", "doomed_in_order"]


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


def _ordered(
    going: t.Mapping[AnyHeld, Doomed[AnyHeld]], alike: t.Mapping[t.Hashable, t.Sequence[AnyHeld]]
) -> list[Doomed[AnyHeld]]:
    placed: dict[AnyHeld, Doomed[AnyHeld]] = {}
    entered: set[AnyHeld] = set()
    for first in going:
        waiting = [first]
        while waiting:
            item = waiting[-1]
            entered.add(item)
            before = [
                it
                for it in alike[item.what]
                if it in going and it.grantor == item.holder and it not in placed and it not in entered
            ]
            if before:
                waiting += before
                continue
            waiting.pop()
            placed.setdefault(item, going[item])
    return list(placed.values())
