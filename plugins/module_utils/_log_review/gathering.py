# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the log of a server, and only reads; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t
import zlib

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review import meanings
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.judging import Seen
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.judging import Writing
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.judging import is_english
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.judging import unknown
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.period import Period
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.period import text_of
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Notes
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.result import Known
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.result import result
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.result import silences
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.review import Review
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.rotation import missing_by_number
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.rotation import missing_by_time
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.structured import Csv
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.structured import Json
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.text import Prefix
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.text import Text
from ansible_collections.rampart.postgresql.plugins.module_utils._server import log_files
from ansible_collections.rampart.postgresql.plugins.module_utils._server import log_place
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_files import LogFile
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_files import Measure
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import Calendar
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Wish", "gather"]

_MIB = 2**20
_PARTS = (
    "failed_logins",
    "superuser_logins",
    "first_seen",
    "changes",
    "configuration",
    "restarts",
)  # unknown without a log
_NOW = "SELECT extract(epoch FROM pg_catalog.clock_timestamp())::float8 AS now"
_PARAMETERS = """
SELECT s.name, s.setting, s.vartype FROM pg_catalog.pg_settings s
ORDER BY s.name"""
# Descriptions are in the language of the messages, and this one is translated in all of them.
_LANGUAGE = """
SELECT s.short_desc = 'Sets the TCP port the server listens on.' AS english FROM pg_catalog.pg_settings s
WHERE s.name = 'port'"""
_ROLES = """
SELECT r.rolname AS name, r.rolsuper AS superuser FROM pg_catalog.pg_roles r
ORDER BY r.rolname"""
_ELSEWHERE = """
SELECT coalesce('role ' || r.rolname, '') || coalesce(' database ' || d.datname, '') AS whose, pg_catalog.split_part(c.setting, '=', 1) AS name
FROM pg_catalog.pg_db_role_setting s
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c(setting)
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
WHERE pg_catalog.split_part(c.setting, '=', 1) IN ('lc_messages', 'log_statement', 'log_min_messages', 'log_connections', 'pgaudit.log',
  'log_line_prefix')
ORDER BY 1, 2"""


@dataclasses.dataclass(frozen=True)
class Wish:
    """What the operator asks for."""

    since: str
    until: str | None
    gap: float  # seconds
    known: Known
    prefixes: tuple[str, ...]  # that log_line_prefix had before
    rows: int
    limit: int  # MiB


class _Reading:
    """Reads one log."""

    def __init__(
        self, server: Server, wish: Wish, parameters: t.Mapping[str, str], destination: str, english: bool
    ) -> None:
        self._server = server
        self._wish = wish
        self._calendar = log_place.calendar(server)
        self.destination = destination
        self._parameters = parameters
        self._english = english
        self.files = log_place.files(server, parameters, destination)
        self.notes = Notes(wish.gap)
        self.reader = self._reader(self.notes)
        self.read: list[dict[str, t.Any]] = []
        self.is_limited = False
        self._left = wish.limit * _MIB

    @property
    def calendar(self) -> Calendar:
        """The time zone of the log."""
        return self._calendar

    def _reader(self, notes: Notes) -> Text | Csv | Json:
        if self.destination != "stderr":
            reader = Csv if self.destination == "csvlog" else Json
            return reader(self._calendar, notes, meanings.use(english=self._english, arrivals=False))
        prefixes = [self._parameters["log_line_prefix"], *self._wish.prefixes]
        # Behind the prefix of who became superuser by set_user.
        tag = self._parameters.get("set_user.superuser_audit_tag")
        prefixes += [f"{prefix}{tag.replace('%', '%%')}: " for prefix in prefixes] if tag else []
        arrivals = not all(Prefix(each).has_places for each in prefixes)
        return Text(prefixes, self._calendar, notes, meanings.use(english=self._english, arrivals=arrivals))

    def first_time(self, file: LogFile) -> float | None:
        """When the first line of a file was written."""
        notes = Notes(self._wish.gap)
        for _record in self._reader(notes).records(log_files.first_lines(file, self._server.owner)):
            pass
        return notes.first

    def choose(self, since: float) -> list[LogFile]:
        """The newest files, back to one that begins before the period, the oldest first."""
        chosen: list[LogFile] = []
        left = self._left
        for file in self.files:
            if file.size > left:
                self.is_limited = True
                chosen += [] if file.packed or left <= 0 else [dataclasses.replace(file, begin=file.size - left)]
                break
            left -= file.size
            chosen.append(file)
            first = self.first_time(file)
            if first is not None and first <= since:
                break
        return chosen[::-1]

    def take(self, file: LogFile, review: Review) -> None:
        """Read one file to its end."""
        before = self.notes.lines
        error = ""
        self.notes.opens(file.path)
        most = self._left if file.packed else min(self._left, file.size - file.begin)
        measure = Measure()
        try:
            for record in self.reader.records(log_files.lines_of(file, self._server.owner, most, measure)):
                review.take(record)
        except (OSError, EOFError, zlib.error) as problem:
            error = getattr(problem, "strerror", None) or str(problem)
        self._left -= measure.bytes
        self.read.append(
            {
                "path": file.path,
                "bytes": measure.bytes,
                "lines": self.notes.lines - before,
                "modified": text_of(file.modified),
                "error": error,
            }
        )


def gather(server: Server, wish: Wish) -> dict[str, t.Any]:
    """The review of a server's log."""
    rows = server.session.rows(_PARAMETERS)
    parameters = {each["name"]: each["setting"] for each in rows}
    if "log_directory" not in parameters:
        raise Unsupported(
            "the login may not see where the server's log is: it has to be a member of pg_read_all_settings"
        )
    [clock] = server.session.rows(_NOW)
    period = Period(wish.since, wish.until, clock["now"])
    [language] = server.session.rows(_LANGUAGE)
    reading = _reading(server, wish, parameters, period.since, language["english"])
    writing = dataclasses.replace(_writing(server, parameters, reading), speaks_english=language["english"])
    roles = {each["name"]: each["superuser"] for each in server.session.rows(_ROLES)}
    review = Review(
        period=period,
        superusers=[name for name, superuser in roles.items() if superuser],
        shown=[each["name"] for each in rows if each["vartype"] != "string" or each["name"].startswith("log_")],
        english=writing.english,
        most=wish.rows,
    )
    for file in [] if reading is None else reading.choose(period.since):
        t.cast(_Reading, reading).take(file, review)
    review.ends()
    seen = _seen(reading, review, period, roles)
    reasons = unknown(writing, review, seen)
    if reading is None:
        where = parameters["log_destination"]
        reasons = {"log": [f"the server's log is in no file that can be read here (log_destination is {where})"]}
    is_complete = reading is not None and seen.is_complete
    told = result(review, wish.known, dict.fromkeys(_PARTS, ()) if reading is None else reasons)
    return {
        "period": {
            "since": text_of(period.since),
            "until": text_of(period.until),
            "next": text_of(period.until if is_complete else period.since),
            "since_epoch": int(period.since),
            "until_epoch": int(period.until),
        },
        "log": _log(reading, writing),
        "unknown": reasons,
        "gaps": [] if reading is None else _gaps(server, wish, parameters, reading, period),
        **told,
    }


def _seen(reading: _Reading | None, review: Review, period: Period, roles: t.Collection[str]) -> Seen:
    """What was noticed while the log was read."""
    if reading is None:
        return Seen()
    notes = reading.notes
    has_times = not isinstance(reading.reader, Text) or reading.reader.prefix.has_times
    return Seen(
        unread=sum(each["error"] != "" for each in reading.read),
        is_limited=reading.is_limited,
        is_later=has_times and (notes.first is None or notes.first >= period.until),
        too_long=notes.too_long,
        foreign=notes.foreign,
        gone=review.gone(roles),
    )


def _reading(
    server: Server, wish: Wish, parameters: t.Mapping[str, str], since: float, speaks: bool
) -> _Reading | None:
    """The log that reaches back far enough, or furthest."""
    found: list[tuple[float, _Reading]] = []
    for destination in log_place.destinations(parameters):
        reading = _Reading(server, wish, parameters, destination, speaks and is_english(parameters["lc_messages"]))
        firsts = [first for first in (reading.first_time(file) for file in reading.files[-1:]) if first is not None]
        if reading.files:
            found.append((max(since, *firsts) if firsts else float("inf"), reading))
    return min(found, key=lambda each: each[0])[1] if found else None


def _writing(server: Server, parameters: t.Mapping[str, str], reading: _Reading | None) -> Writing:
    elsewhere = [f"{each['name']} of {each['whose'].strip()}" for each in server.session.rows(_ELSEWHERE)]
    reader = None if reading is None else reading.reader
    prefix = reader.prefix if isinstance(reader, Text) else None
    return Writing(
        parameters=parameters,
        destination="" if reading is None else reading.destination,
        has_times=prefix is None or prefix.has_times,
        has_places=prefix is None or prefix.has_places or prefix.has_processes,
        is_forgeable=prefix is not None and prefix.has_names,
        elsewhere=tuple(elsewhere),
    )


def _log(reading: _Reading | None, writing: Writing) -> dict[str, t.Any]:
    notes = Notes(0.0) if reading is None else reading.notes
    return {
        "destination": writing.destination or None,
        "files": [] if reading is None else reading.read,
        "lines": notes.lines,
        "first": text_of(notes.first),
        "last": text_of(notes.last),
        "not_understood": notes.not_understood,
        "torn": notes.torn,
        "samples": notes.samples,
        "limited": reading is not None and reading.is_limited,
        "forgeable": writing.is_forgeable,
    }


def _gaps(
    server: Server, wish: Wish, parameters: t.Mapping[str, str], reading: _Reading, period: Period
) -> list[dict[str, t.Any]]:
    found = silences(reading.notes, since=period.since, until=period.until, gap=wish.gap)
    found += [
        {"kind": "unreadable_file", "from": None, "to": None, "path": each["path"], "reason": each["error"]}
        for each in reading.read
        if each["error"]
    ]
    names = [file.path for file in reading.files]
    missing: list[tuple[str, float | None]] = []
    if log_place.collects(parameters):
        pattern = parameters["log_filename"]
        suffix = log_place.SUFFIXES[reading.destination]
        pattern = (pattern[: -len(".log")] if pattern.endswith(".log") else pattern) + suffix if suffix else pattern
        begin = period.since if reading.notes.first is None else max(period.since, reading.notes.first)
        missing += missing_by_time(
            names,
            pattern,
            age=60 * int(parameters["log_rotation_age"]),
            begin=begin,
            end=period.until,
            calendar=reading.calendar,
        )
    elif server.cluster.log_file is not None:
        missing += [(path, None) for path in missing_by_number(server.cluster.log_file, names)]
    found += [
        {"kind": "missing_file", "from": text_of(time), "to": None, "path": path, "reason": ""}
        for path, time in missing
    ]
    return found
