# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds up what the lines of a log say; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing import messages
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Sighting
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.formats import Entry
from ansible_collections.rampart.postgresql.plugins.module_utils._server import log_messages
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import LOCAL

__all__ = ["Ledger", "Own", "merged"]

_MOST_CLIENTS = 10_000  # that are kept apart
_MOST_PLACES = 10_000  # processes of which it is known where their client comes from, and not yet more
_TOLERANCE = 7200.0  # seconds by which a time of the log may be off on days on which the clock is changed
_STOPPING = 600.0  # seconds between the last checkpoint and the last words


class Own(t.NamedTuple):
    """The login of this run, of which a log that has every login must tell."""

    user: str
    pid: int
    started: float  # seconds since the epoch

    def is_told_by(self, entry: Entry, user: str) -> bool:
        """Whether an entry is about it. A number of a process comes back some day."""
        if entry.time is not None and entry.time < self.started - _TOLERANCE:
            return False
        return user == self.user if entry.pid is None else entry.pid == self.pid


class Ledger:
    """Takes entries in the order of their time.

    The log has every connection from ``since`` on: from its beginning, or from when the server began to log logins.
    A run of the server has logged all of them when it logged one, as it would say when that changes. So a run that
    logged none is no evidence, and neither is what comes before it.
    """

    def __init__(self, *, start: float, own: Own, receipts_prove: bool) -> None:
        self.since: float | None = None
        self.own_seen = False
        self.unplaced = 0  # logins without TLS of which nothing says where they come from
        self.unnamed = 0
        self._start = start
        self._own = own
        self._receipts_prove = receipts_prove  # before 18 one parameter asks for receipts and logins
        self._logs: bool | None = None  # whether this run of the server logs logins; None: not known yet
        self._now: float | None = None
        self._stopped: float | None = None
        self._places: dict[int, str] = {}
        self._seen: dict[Client, tuple[int, float | None]] = {}

    def sightings(self) -> list[Sighting]:
        """Who came without TLS, in the window."""
        return [Sighting(client, times, last) for client, (times, last) in self._seen.items()]

    @property
    def needs_no_tls(self) -> bool:
        """Whether another login with TLS would tell nothing new."""
        return self._logs is True

    def begins(self, time: float | None) -> None:
        """The log begins, or goes on after a part that was not read."""
        self.since, self._logs, self._now = time, None, time

    def ends(self) -> None:
        """What is not proved until the end is not."""
        if not self._logs:
            self.since = None

    def take(self, entry: Entry) -> None:
        """One entry of severity LOG."""
        self._now = entry.time or self._now
        message = entry.message
        if (host := log_messages.received(message)) is not None:
            self._arrives(entry, host)
        elif (login := log_messages.authorized(message)) is not None:
            self._logs_in(entry, login)
        elif (logs := messages.becomes(message)) is not None:
            self._changes(logs)
        elif messages.breaks(message):
            self._changes(False)
            self._logs = None
        else:
            self._starts_or_stops(message)

    def _starts_or_stops(self, message: str) -> None:
        if messages.is_start(message):
            self._starts()
        elif messages.is_stop(message):
            self._stopped = self._now

    def stopped(self, time: float | None) -> None:
        """The server says at its start when it had stopped. Later than the log knows: it ran and wrote elsewhere."""
        if time is not None and self._stopped is not None and time > self._stopped + _STOPPING:
            self.since, self._logs = self._now, None

    def _starts(self) -> None:
        if not self._logs:
            self.since = self._now
        self._logs = None
        self._places.clear()

    def _changes(self, logs: bool) -> None:
        if not (logs and self._logs):
            self.since = self._now
        self._logs = logs

    def _proves(self) -> None:
        if self._logs is False:
            self.since = self._now
        self._logs = True

    def _arrives(self, entry: Entry, host: str) -> None:
        if self._receipts_prove:
            self._proves()
        if entry.pid is not None:
            self._places.pop(entry.pid, None)
            self._places[entry.pid] = host
            if len(self._places) > _MOST_PLACES:
                del self._places[next(iter(self._places), 0)]

    def _logs_in(self, entry: Entry, login: log_messages.Authorized) -> None:
        self._proves()
        known = self._places.pop(entry.pid, None) if entry.pid is not None else None
        self.own_seen = self.own_seen or self._own.is_told_by(entry, login.user)
        if login.tls or (entry.time is not None and entry.time < self._start):
            return
        address = entry.address or known
        if address is None:
            self.unplaced += 1
        elif address != LOCAL:
            self._count(entry, login, address)

    def _count(self, entry: Entry, login: log_messages.Authorized, address: str) -> None:
        client = Client(
            user=entry.user or login.user,
            database=entry.database or login.database,
            address=address,
            encryption="gss" if login.gss else "none",
            replication=login.replication,
        )
        if client not in self._seen and len(self._seen) >= _MOST_CLIENTS:
            self.unnamed += 1
            return
        times, last = self._seen.get(client, (0, None))
        moments = [moment for moment in (last, entry.time) if moment is not None]
        self._seen[client] = (times + 1, max(moments) if moments else None)


def merged(sightings: t.Iterable[Sighting], connected: t.Iterable[Sighting]) -> tuple[Sighting, ...]:
    """Those of the log and those that are there now, each client once, who was seen last first."""
    found = {each.client: each for each in sightings}
    for each in connected:
        known = found.get(each.client)
        times = each.times if known is None else max(known.times, each.times)
        found[each.client] = Sighting(each.client, times, each.last, connected=True)
    return tuple(sorted(found.values(), key=_order))


def _order(sighting: Sighting) -> tuple[t.Any, ...]:
    return (not sighting.connected, -(sighting.last or 0.0), sighting.client)
