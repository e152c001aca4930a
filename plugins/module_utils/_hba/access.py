# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who gains and who loses by a change of the rules, as a short list; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Effect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.analysis.regions import Region
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Consequence

__all__ = ["LISTED", "SHOWN", "WORDS", "consequence", "facts"]

SHOWN = 50
"""Regions in the diff."""
LISTED = 500
"""Regions in the result."""
WORDS = 100
"""Names, or addresses, of one region in the result."""

_SUBJECT = "who can connect"
_NO_CHANGE = "nobody gains or loses"


def facts(regions: t.Sequence[Region] = ()) -> dict[str, t.Any]:
    """The return values: the regions, and how many more there are."""
    chosen = _chosen(regions, LISTED)
    return {
        "access": [_cut(region.as_dict()) for region in chosen],
        "access_left_out": len(regions) - len(chosen),
    }


def consequence(regions: t.Sequence[Region], *, baseline: str = "") -> Consequence:
    """What stands before the textual diff: who loses as lines that go, everybody else as lines that come."""
    chosen = _chosen(regions, SHOWN)
    then = [region.describe() for region in chosen if region.effect != "loses"]
    then += _more(regions, chosen) if regions else [_NO_CHANGE]
    then += [f"({baseline})"] if baseline else []
    now = [region.describe() for region in chosen if region.effect == "loses"]
    return Consequence(_SUBJECT, before="\n".join(now), after="\n".join(then))


def _chosen(regions: t.Sequence[Region], most: int) -> list[Region]:
    """Of every effect as many as fit, so that thousands who lose do not hide the one who gains."""
    groups: dict[Effect, list[Region]] = {}
    for region in regions:
        groups.setdefault(region.effect, []).append(region)
    chosen: set[int] = set()
    left = len(groups)
    for group in sorted(groups.values(), key=len):
        chosen.update(map(id, group[: (most - len(chosen)) // left]))
        left -= 1
    return [region for region in regions if id(region) in chosen]


def _more(regions: t.Sequence[Region], chosen: t.Sequence[Region]) -> list[str]:
    """How many of which effect are not shown."""
    left: dict[str, int] = {}
    shown = set(map(id, chosen))
    for region in regions:
        if id(region) not in shown:
            left[region.effect] = left.get(region.effect, 0) + 1
    return [f"{effect}: {number} more such groups of connections" for effect, number in left.items()]


def _cut(region: dict[str, t.Any]) -> dict[str, t.Any]:
    """Without the names and addresses beyond the first ones; how many those are is said."""
    found = dict(region)
    for key, value in region.items():
        if isinstance(value, list) and len(value) > WORDS:
            found[key] = value[:WORDS]
            found[f"{key}_left_out"] = len(value) - WORDS
    return found
