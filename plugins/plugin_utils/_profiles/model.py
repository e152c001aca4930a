# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of a profile's entry; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

__all__ = ["PROFILES", "ProfileParameter", "ProfileValue", "Reference"]

PROFILES: t.Final = ("baseline", "cis", "strict")
"""``baseline``: safe without thinking; ``cis``: what the benchmark names; ``strict``: as tight as the server goes."""

ProfileValue = t.Union[str, t.Mapping[str, str], None]
"""A value; or the first major version of each value, where editions of a benchmark differ; None: left alone."""


@dataclasses.dataclass(frozen=True)
class Reference:
    """Where a benchmark says this. Numbers move between editions, so each one carries the source it was read in."""

    number: str  # as printed, "CIS 3.1.20"
    source: str  # "pgdsat 2.0", which implements CIS PostgreSQL 17

    def __str__(self) -> str:
        return f"{self.number} ({self.source})"


@dataclasses.dataclass(frozen=True)
class ProfileParameter:
    """One server parameter: the value in each profile and why."""

    name: str
    reason: str
    baseline: ProfileValue
    cis: ProfileValue
    strict: ProfileValue
    reference: Reference | None = None  # None: unmapped
    cost: str = "none"
    optional: bool = False  # True: some supported server does not have it; there it is not written
    library: str = ""  # to be preloaded for the parameter to mean anything
    extension: str = ""  # to be created before the parameter is set; empty for a parameter of the server itself

    def value(self, profile: str) -> ProfileValue:
        """The value in this profile, None when the profile leaves the parameter alone."""
        values = {"baseline": self.baseline, "cis": self.cis, "strict": self.strict}
        return values[profile]
