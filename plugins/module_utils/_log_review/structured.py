# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A log as CSV (csvlog) or JSON (jsonlog, from 15 on); private to the collection."""

from __future__ import annotations

import csv
import json
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.languages import LOGINS
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import LONGEST
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import WORSE
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Notes
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Use
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import LOCAL
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import Calendar

__all__ = ["Csv", "Json"]

_MOST = 2**21  # characters of one report; beyond them it is not understood
_COLUMNS = 23  # of the oldest version
_TEXT = r'(?:"(?:[^"]|"")*")?'
# The begin of a report, which no text within quotes can look like: there quotes are doubled.
_BEGIN = re.compile(
    rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [^,\"]+,{_TEXT},{_TEXT},\d+,{_TEXT},[0-9a-f.]+,\d+,{_TEXT},"
    rf'[^,"]*,[\d/]*,\d*,[^,"]+,\w{{5}},"(?:"")*[^"]'
)


class _Structured:
    """What both have in common."""

    def __init__(self, calendar: Calendar, notes: Notes, use: Use) -> None:
        csv.field_size_limit(_MOST)
        self._calendar = calendar
        self._notes = notes
        self._use = use
        self._stamp, self._seconds = "", 0.0

    def _is_of_use(self, severity: str, message: str) -> bool:
        if severity in WORSE:
            return True
        self._notes.foreign += message.startswith(LOGINS) or severity.rstrip("12345") not in SEVERITIES
        return message.startswith(self._use.starts) and (len(message) > LONGEST or self._use.is_worth(message))

    def _moment(self, text: str) -> float | None:
        if text[:19] != self._stamp:
            seconds = self._calendar.seconds(text[:19], self._notes.last)
            if seconds is None:
                return None
            self._stamp, self._seconds = text[:19], seconds
        fraction = text[19:].partition(" ")[0]
        time = self._seconds + (float(fraction) if re.fullmatch(r"\.\d+", fraction) else 0.0)
        self._notes.moment(time)
        return time


class Csv(_Structured):
    """A report may have several lines, while a quote is open."""

    def records(self, lines: t.Iterable[str]) -> t.Iterator[Record]:
        """The reports of a file."""
        notes = self._notes
        held: list[str] = []
        length, is_open = 0, False
        for line in lines:
            notes.line += 1
            notes.lines += 1
            if is_open and _BEGIN.match(line):  # the one before was never ended, as when the host crashed
                notes.strange("\n".join(held))
                held, length, is_open = [], 0, False
            if line.count('"') & 1:
                is_open = not is_open
            length += len(line)
            if length <= _MOST:
                held.append(line)
            if not is_open:
                yield from self._record(held, length)
                held, length = [], 0
        if held:
            notes.strange("\n".join(held))

    def _record(self, lines: list[str], length: int) -> t.Iterator[Record]:
        text = "\n".join(lines)
        try:
            # Only what begins like a report is one: after a line whose middle is missing, quotes may open where others end.
            values = next(csv.reader([text], strict=True), []) if length <= _MOST and _BEGIN.match(text) else []
        except csv.Error:
            values = []
        before = self._notes.last
        time = self._moment(values[0]) if len(values) >= _COLUMNS else None
        if time is None:
            if text:
                self._notes.strange(text)
            return
        if not self._is_of_use(values[11], values[13]):
            return
        place = values[4]
        yield Record(
            time=time,
            severity=values[11],
            message=values[13][:LONGEST],
            code=values[12] or None,
            pid=int(values[3]) if values[3].isdecimal() else None,
            user=values[1] or None,
            database=values[2] or None,
            address=(place if place == LOCAL else place.rpartition(":")[0] or place) or None,
            detail=values[14][:LONGEST],
            statement=values[19][:LONGEST],
            context=values[18][:LONGEST],
            stage=values[7],
            is_cut=max(len(values[13]), len(values[19])) > LONGEST,
            before=before,
        )


class Json(_Structured):
    """One line for each report."""

    def records(self, lines: t.Iterable[str]) -> t.Iterator[Record]:
        """The reports of a file."""
        notes = self._notes
        for line in lines:
            notes.line += 1
            notes.lines += 1
            found = _object(line)
            stamp, before = found.get("timestamp"), notes.last
            time = self._moment(stamp) if isinstance(stamp, str) else None
            if time is None:
                notes.strange(line)
                continue
            message, severity = _text(found, "message"), _text(found, "error_severity")
            if not self._is_of_use(severity, message):
                continue
            pid, statement = found.get("pid"), _text(found, "statement")
            yield Record(
                time=time,
                severity=severity,
                message=message[:LONGEST],
                code=_text(found, "state_code") or None,
                pid=pid if isinstance(pid, int) else None,
                user=_text(found, "user") or None,
                database=_text(found, "dbname") or None,
                address=_text(found, "remote_host") or None,
                detail=_text(found, "detail")[:LONGEST],
                statement=statement[:LONGEST],
                context=_text(found, "context")[:LONGEST],
                stage=_text(found, "ps"),
                is_cut=max(len(message), len(statement)) > LONGEST,
                before=before,
            )


def _object(line: str) -> dict[str, t.Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(found: t.Mapping[str, t.Any], name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""
