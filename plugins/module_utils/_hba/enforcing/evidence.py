# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known about clients that connect without TLS, and what follows from it; private to the collection."""

from __future__ import annotations

import dataclasses
import time
import typing as t

__all__ = ["DAY", "Client", "Enforcement", "Evidence", "Sighting", "moment", "obstacles", "sentence"]

DAY = 86400.0
"""Seconds."""
_NAMED = 5  # clients in a message


@dataclasses.dataclass(frozen=True)
class Enforcement:
    """What the operator asks for."""

    mode: str = "report"  # or on
    window: int = 7  # days
    limit: int = 1024  # MiB of the log that are read

    @property
    def turns(self) -> bool:
        """Whether rules are to be changed once nothing stands in the way."""
        return self.mode == "on"


class Client(t.NamedTuple):
    """Who connects, as far as it matters here. Sessions encrypted by GSSAPI are none with TLS."""

    user: str
    database: str  # empty with physical replication
    address: str  # the IP address, or a name where log_hostname is on
    encryption: t.Literal["none", "gss"] = "none"
    replication: bool = False

    def __str__(self) -> str:
        what = "replication" if self.replication and not self.database else self.database
        how = ", encrypted by GSSAPI" if self.encryption == "gss" else ""
        text = f"{self.user} to {what} from {self.address}{how}"
        return "".join([letter if letter.isprintable() else "?" for letter in text])


class Sighting(t.NamedTuple):
    """A client, how often it came, and when it was last seen: seconds since the epoch, None when nothing says so."""

    client: Client
    times: int
    last: float | None
    connected: bool = False  # now

    def as_dict(self) -> dict[str, t.Any]:
        """The same as a return value."""
        return {
            "user": self.client.user,
            "database": self.client.database or None,
            "replication": self.client.replication,
            "address": self.client.address,
            "encryption": self.client.encryption,
            "times": self.times,
            "last_seen": None if self.last is None else moment(self.last),
            "connected": self.connected,
        }


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What log and sessions tell. Times in seconds since the epoch, by the server's clock."""

    now: float
    sightings: tuple[Sighting, ...] = ()  # without TLS, over TCP, in the window or now
    unnamed: int = 0  # such connections of clients beyond those that are kept apart
    since: float | None = None  # from then on the log has every connection; None: nothing says so
    doubts: tuple[str, ...] = ()  # why nobody can judge, whoever was seen
    files: int = 0  # of the log, that were read
    read: int = 0  # bytes


def moment(seconds: float) -> str:
    """A point in time as text."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def sentence(sightings: t.Sequence[Sighting], unnamed: int = 0) -> str:
    """Who was seen, in few words."""
    more = len(sightings) - _NAMED
    names = "; ".join([str(each.client) for each in sightings[:_NAMED]])
    names += f"; and {more} more" if more > 0 else ""
    return names + (f"; and {unnamed} connections more" if unnamed else "")


def obstacles(evidence: Evidence, sightings: t.Sequence[Sighting], window: int) -> tuple[str, ...]:
    """Why it is too early to ask everybody for TLS; empty when it is not. ``window`` in days.

    ``sightings`` are those of the evidence that would be refused.
    """
    found = list(evidence.doubts)
    if sightings or evidence.unnamed:
        found.append(f"clients connect without TLS: {sentence(sightings, evidence.unnamed)}")
    if evidence.since is None:
        if not evidence.doubts:
            found.append("the log does not say since when it has every connection")
    elif evidence.since > evidence.now - window * DAY:
        days = (evidence.now - evidence.since) / DAY
        found.append(f"the log has every connection since {moment(evidence.since)} only: {days:.1f} of {window} days")
    return tuple(found)
