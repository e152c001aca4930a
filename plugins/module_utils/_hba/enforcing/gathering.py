# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server's log and its sessions tell about TLS: reads, and only reads; private to the collection."""

from __future__ import annotations

import dataclasses
import time
import typing as t
import zlib

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing import messages
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import DAY
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Enforcement
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Evidence
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.evidence import Sighting
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.formats import Csv
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.formats import Format
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.formats import Json
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.formats import Text
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.ledger import Ledger
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.ledger import Own
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.enforcing.ledger import merged
from ansible_collections.rampart.postgresql.plugins.module_utils._server import log_files
from ansible_collections.rampart.postgresql.plugins.module_utils._server import log_messages
from ansible_collections.rampart.postgresql.plugins.module_utils._server import log_place
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_files import LogFile
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import Calendar

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["gather"]

_MIB = 2**20
_COLLECTOR = 1.0  # seconds that the collector of the log may be behind the server

_NOW = """
SELECT extract(epoch FROM pg_catalog.clock_timestamp())::float8 AS now,
       pg_catalog.pg_backend_pid() AS pid,
       (SELECT extract(epoch FROM a.backend_start)::float8 FROM pg_catalog.pg_stat_activity a
        WHERE a.pid = pg_catalog.pg_backend_pid()) AS started,
       session_user AS login,
       pg_catalog.pg_has_role(session_user, 'pg_read_all_stats', 'USAGE') AS sees_sessions"""
_PARAMETERS = """
SELECT s.name, s.setting FROM pg_catalog.pg_settings s
WHERE s.name IN ('lc_messages', 'log_connections', 'log_destination', 'log_directory', 'log_filename',
                 'log_line_prefix', 'log_min_messages', 'logging_collector')
ORDER BY s.name"""
_SESSIONS = """
SELECT a.usename AS user, coalesce(a.datname, '') AS database, pg_catalog.host(a.client_addr) AS address,
       coalesce(g.encrypted, false) AS gss, a.backend_type = 'walsender' AS replication, pg_catalog.count(*) AS times
FROM pg_catalog.pg_stat_activity a
LEFT JOIN pg_catalog.pg_stat_ssl s ON s.pid = a.pid
LEFT JOIN pg_catalog.pg_stat_gssapi g ON g.pid = a.pid
WHERE a.client_addr IS NOT NULL AND a.usename IS NOT NULL AND NOT coalesce(s.ssl, false)
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5"""


@dataclasses.dataclass(frozen=True)
class _Situation:
    """The log as the server is set up now."""

    now: float
    own: Own
    major: int
    parameters: t.Mapping[str, str]
    calendar: Calendar

    def format(self, destination: str) -> Format:
        """How the log is written there."""
        if destination == "csvlog":
            return Csv(self.calendar)
        if destination == "jsonlog":
            return Json(self.calendar)
        return Text(self.parameters["log_line_prefix"], self.calendar)


def gather(server: Server, asked: Enforcement) -> Evidence:
    """Everything that is known about clients without TLS."""
    [row] = server.session.rows(_NOW)
    connected = _connected(server, row["now"]) if row["sees_sessions"] else []
    doubts = [] if row["sees_sessions"] else ["the login may not see the sessions of others (pg_read_all_stats)"]
    parameters = {each["name"]: each["setting"] for each in server.session.rows(_PARAMETERS)}
    if "log_directory" not in parameters:
        doubts.append("the login may not see where the server's log is (pg_read_all_settings)")
        return Evidence(row["now"], tuple(connected), doubts=tuple(doubts))
    situation = _Situation(
        now=row["now"],
        own=Own(row["login"], row["pid"], row["started"]),
        major=server.major,
        parameters=parameters,
        calendar=log_place.calendar(server),
    )
    found = _logged(server, situation, asked)
    return dataclasses.replace(found, sightings=merged(found.sightings, connected), doubts=(*doubts, *found.doubts))


def _connected(server: Server, now: float) -> list[Sighting]:
    return [
        Sighting(
            Client(row["user"], row["database"], row["address"], "gss" if row["gss"] else "none", row["replication"]),
            row["times"],
            now,
            connected=True,
        )
        for row in server.session.rows(_SESSIONS)
    ]


def _logged(server: Server, situation: _Situation, asked: Enforcement) -> Evidence:
    """What the log tells: of several places the one that reaches back enough, or furthest."""
    doubt = _doubt(situation)
    found: list[Evidence] = []
    for destination in log_place.destinations(situation.parameters):
        files = log_place.files(server, situation.parameters, destination)
        if files:
            found.append(_Reading(server, situation, asked, destination, files).evidence(doubt))
            if not found[-1].doubts and _reach(found[-1]) <= situation.now - asked.window * DAY:
                break
    if found:
        return min(found, key=lambda each: (bool(each.doubts), _reach(each)))
    where = situation.parameters["log_destination"]
    reason = doubt or f"the server's log is in no file that can be read (log_destination is {where})"
    return Evidence(situation.now, doubts=(reason,))


def _reach(evidence: Evidence) -> float:
    return evidence.now if evidence.since is None else evidence.since


def _doubt(situation: _Situation) -> str | None:
    """Why the log cannot have every connection."""
    known = situation.parameters
    if not log_messages.logs_logins(known["log_connections"]):
        return f"the log does not have every connection: log_connections is {known['log_connections'] or 'off'}"
    if known["log_min_messages"] in ("fatal", "panic"):
        return f"the log has no connections: log_min_messages is {known['log_min_messages']}"
    return None


class _Reading:
    """Reads one log."""

    def __init__(
        self, server: Server, situation: _Situation, asked: Enforcement, destination: str, files: list[LogFile]
    ) -> None:
        self._server = server
        self._situation = situation
        self._asked = asked
        self._format = situation.format(destination)
        self._files = files
        self._start = situation.now - asked.window * DAY
        self._ledger = Ledger(start=self._start, own=situation.own, receipts_prove=situation.major < 18)
        self._deadline = 0.0
        self._read = 0
        self._unread: list[str] = []

    def evidence(self, doubt: str | None) -> Evidence:
        """What it tells. With a ``doubt`` nothing is waited for, and clients are all that counts."""
        chosen, cut = self._chosen()
        for number, file in enumerate(reversed(chosen)):
            is_last = number == len(chosen) - 1
            self._deadline = time.monotonic() + _COLLECTOR if is_last and doubt is None else 0.0
            self._take(file, begins=number == 0)
        self._ledger.ends()
        doubts = [doubt] if doubt else self._doubts()
        if cut:
            doubts.append(
                f"the log of {self._asked.window} days has more than {self._asked.limit} MiB, which is what may be read"
            )
        return Evidence(
            now=self._situation.now,
            sightings=tuple(self._ledger.sightings()),
            unnamed=self._ledger.unnamed,
            since=None if doubt else self._ledger.since,
            doubts=tuple(doubts),
            files=len(chosen),
            read=self._read,
        )

    def _chosen(self) -> tuple[list[LogFile], bool]:
        """The newest files, back to one that begins before the window; whether less must do."""
        left = self._asked.limit * _MIB
        chosen: list[LogFile] = []
        for file in self._files:
            if file.size > left:
                # The end of a packed file cannot be had without its beginning.
                chosen += [] if file.packed or left <= 0 else [dataclasses.replace(file, begin=file.size - left)]
                return chosen, True
            left -= file.size
            chosen.append(file)
            first = self._first_time(file)
            if first is not None and first <= self._start:
                break
        return chosen, False

    def _first_time(self, file: LogFile) -> float | None:
        times = (self._format.time(line) for line in log_files.first_lines(file, self._server.owner))
        return next((moment for moment in times if moment is not None), None)

    def _take(self, file: LogFile, *, begins: bool) -> None:
        if begins:
            self._ledger.begins(self._first_time(file))
        words = (*messages.WORDS, *messages.ARRIVALS) if self._format.needs_arrivals else messages.WORDS
        try:
            for line in log_files.lines_with(words, file, self._server.owner, self._goes_on):
                if self._ledger.needs_no_tls and self._format.is_plainly_tls(line):
                    continue
                entry = self._format.entry(line)
                if entry is not None:
                    self._ledger.take(entry)
                    stopped = messages.stopped(entry.message)
                    self._ledger.stopped(None if stopped is None else self._situation.calendar.seconds(stopped))
        except (OSError, EOFError, zlib.error) as error:
            self._unread.append(f"{file.path}: {getattr(error, 'strerror', None) or error}")
        self._read += file.size - file.begin

    def _goes_on(self) -> bool:
        """Whether the log has still to tell of the login of this run."""
        return not self._ledger.own_seen and time.monotonic() < self._deadline

    def _doubts(self) -> list[str]:
        found = [f"a part of the log could not be read ({unread})" for unread in self._unread]
        known = self._situation.parameters
        if not self._format.has_places:
            found.append(
                "the log does not say which connections come over the network: log_line_prefix needs %h, or %p"
            )
        elif self._ledger.unplaced:
            found.append(
                f"of {self._ledger.unplaced} connections without TLS the log does not say whether they came over the network"
            )
        if not self._format.has_times:
            found.append("the log does not say when: log_line_prefix needs %m, %t or %n")
        if not self._ledger.own_seen and self._format.has_places:
            found.append(
                "the log does not tell of the login of this run, so it does not tell of others either: it may be in"
                f" another language (lc_messages is {known['lc_messages']!r}) or written elsewhere"
            )
        return found
