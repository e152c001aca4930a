# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much time something that expires has left; private to the collection.

Times are whole seconds since the epoch.
"""

from __future__ import annotations

__all__ = ["DAY", "STATES", "days_left", "state_of"]

DAY = 86400  # seconds
STATES = ("expired", "not_yet_valid", "unknown", "soon", "ok", "superseded")
"""The most urgent one first."""
_SOON = 30 * DAY
_PART = 4  # of the lifetime; our own certificates are made anew when a third is left, so before


def state_of(not_before: int, not_after: int | None, *, now: int, within: int | None = None) -> str:
    """One of STATES; ``not_after`` None never expires.

    ``within`` is the number of days that count as soon. None: 30, or a quarter of the lifetime where that is shorter.
    """
    if not_before > now:
        return "not_yet_valid"
    if not_after is None:
        return "ok"
    if not_after <= now:
        return "expired"
    margin = min(_SOON, (not_after - not_before) // _PART) if within is None else within * DAY
    return "soon" if not_after - now < margin else "ok"


def days_left(not_after: int | None, now: int) -> int | None:
    """Whole days until then, negative afterwards."""
    return None if not_after is None else (not_after - now) // DAY
