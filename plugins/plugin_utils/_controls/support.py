# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Until when PostgreSQL versions get corrections; private to the collection."""

from __future__ import annotations

import datetime
import typing as t

__all__ = ["END_OF_LIFE", "SOURCE", "release", "support"]

SOURCE: t.Final = "https://www.postgresql.org/support/versioning/"

END_OF_LIFE: t.Final[t.Mapping[int, str]] = {
    13: "2025-11-13",
    14: "2026-11-12",
    15: "2027-11-11",
    16: "2028-11-09",
    17: "2029-11-08",
    18: "2030-11-14",
}
"""The day of the last minor release, by major version."""

_SOON: t.Final = 183 * 86400  # an upgrade takes planning


def release(version: int) -> str:
    """``17.11`` for 170011."""
    return f"{version // 10000}.{version % 10000}"


def support(facts: t.Mapping[str, t.Any], now: int, newest: t.Mapping[int, str]) -> dict[str, t.Any]:
    """How much longer this server is looked after, and whether it is the newest minor release."""
    last = END_OF_LIFE.get(facts["major"])
    end = None if last is None else int(datetime.datetime.fromisoformat(f"{last}T23:59:59+00:00").timestamp())
    newest_minor = newest.get(facts["major"])
    return {
        "release": release(facts["version"]),
        "end_of_life": last,
        "end_of_life_epoch": end,
        "ended": facts["major"] < min(END_OF_LIFE) if end is None else end < now,
        "ends_soon": end is not None and now <= end < now + _SOON,
        "newest_minor": newest_minor,
        "behind": newest_minor is not None and facts["version"] % 10000 < int(newest_minor.partition(".")[2]),
    }
