# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of the server's log: text with any prefix, CSV and JSON; private to the collection."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_messages import TLS
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import LOCAL
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import SEVERITY
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import Calendar
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import host_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import known
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import pid_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import prefix_pattern

__all__ = ["Csv", "Entry", "Format", "Json", "Text"]

_EPOCH = re.compile(r"\b(\d{10}\.\d{3})\b")  # %n
_LOGIN = "connection authorized: "
_TLS_AT_END = re.compile(rf"{TLS}\Z")
_TLS_IN_QUOTES = re.compile(rf'{TLS}"[,}}]')  # a quote in what a client chooses is doubled or escaped
_LONGEST_HEAD = 1024  # characters before the severity; names have 63 bytes


class Entry(t.NamedTuple):
    """What one line says. Time in seconds since the epoch; None for what it does not say."""

    message: str
    time: float | None = None
    pid: int | None = None
    address: str | None = None  # or a name, or LOCAL
    user: str | None = None
    database: str | None = None


class Format(t.Protocol):
    """How a log is written."""

    has_times: bool
    has_places: bool  # whether an entry can be laid to where its client comes from
    needs_arrivals: bool  # whether only the entry before tells that

    def is_plainly_tls(self, line: str) -> bool:
        """Whether a line tells at first sight of a login with TLS. That it does not proves nothing."""

    def entry(self, line: str) -> Entry | None:
        """An entry of severity LOG; None for every other line."""

    def time(self, line: str) -> float | None:
        """When a line was written, whatever it says."""


class Text:
    """stderr, with the prefix that the server has now; lines with an older one are read as far as can be."""

    def __init__(self, prefix: str, calendar: Calendar) -> None:
        self._calendar = calendar
        pattern, escapes = prefix_pattern(prefix)
        self._prefix = re.compile(pattern, re.DOTALL)
        self.has_times = not escapes.isdisjoint("tmn")
        self.needs_arrivals = escapes.isdisjoint("hr")
        self.has_places = not (self.needs_arrivals and escapes.isdisjoint("pc"))

    def is_plainly_tls(self, line: str) -> bool:
        """Whether a line tells at first sight of a login with TLS."""
        return line.endswith(")") and _LOGIN in line and _TLS_AT_END.search(line, max(0, len(line) - 200)) is not None

    def entry(self, line: str) -> Entry | None:
        """An entry of severity LOG."""
        found = None if line.startswith("\t") else SEVERITY.search(line, 0, _LONGEST_HEAD)
        if found is None or found["word"] != "LOG":
            return None
        head, message = line[: found.start()], line[found.end() :]
        said = self._prefix.fullmatch(head)
        if said is None:
            return Entry(message, self._seconds(head))
        parts = said.groupdict()
        return Entry(
            message=message,
            time=self._seconds(head),
            pid=pid_of(parts),
            address=parts.get("host") or host_of(parts.get("place")) or None,
            user=known(parts.get("user")),
            database=known(parts.get("database")),
        )

    def time(self, line: str) -> float | None:
        """When a line was written."""
        return None if line.startswith("\t") else self._seconds(line[:_LONGEST_HEAD])

    def _seconds(self, head: str) -> float | None:
        stamp = self._calendar.seconds(head)
        if stamp is not None:
            return stamp
        found = _EPOCH.search(head)
        return None if found is None else float(found[1])


# As the server writes it every text is in quotes, and what a text holds can look like no other column.
_TEXT = r'(?:"(?P<{}>(?:[^"]|"")*)")?'
_ANY = r'(?:"(?:[^"]|"")*"|[^",]*)'
_CSV = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^,]*),"
    + ",".join([_TEXT.format("user"), _TEXT.format("database"), r"(?P<pid>\d*)", _TEXT.format("place")])
    + "".join([f",{_ANY}"] * 6)
    + r",LOG,\w{5},"
    + '"(?P<message>(?:[^"]|"")*)"',
    re.DOTALL,
)


class Csv:
    """csvlog."""

    has_times = True
    has_places = True
    needs_arrivals = False

    def is_plainly_tls(self, line: str) -> bool:
        """Whether a line tells at first sight of a login with TLS."""
        return _LOGIN in line and _TLS_IN_QUOTES.search(line) is not None

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def entry(self, line: str) -> Entry | None:
        """An entry of severity LOG."""
        found = _CSV.match(line)
        if found is None:
            return None
        place = _plain(found["place"])
        return Entry(
            message=_plain(found["message"]) or "",
            time=self._calendar.seconds(found["time"]),
            pid=int(found["pid"]) if found["pid"] else None,
            address=place if place in (None, LOCAL) else str(place).rpartition(":")[0] or place,
            user=_plain(found["user"]),
            database=_plain(found["database"]),
        )

    def time(self, line: str) -> float | None:
        """When a line was written."""
        return self._calendar.seconds(line[:40])


def _plain(text: str | None) -> str | None:
    return text.replace('""', '"') if text else None


class Json:
    """jsonlog, from 15 on."""

    has_times = True
    has_places = True
    needs_arrivals = False

    def is_plainly_tls(self, line: str) -> bool:
        """Whether a line tells at first sight of a login with TLS."""
        return _LOGIN in line and _TLS_IN_QUOTES.search(line) is not None

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def entry(self, line: str) -> Entry | None:
        """An entry of severity LOG."""
        found = _object(line)
        if found.get("error_severity") != "LOG":
            return None
        pid = found.get("pid")
        return Entry(
            message=str(found.get("message", "")),
            time=self._calendar.seconds(str(found.get("timestamp", ""))),
            pid=pid if isinstance(pid, int) else None,
            address=_string(found.get("remote_host")),
            user=_string(found.get("user")),
            database=_string(found.get("dbname")),
        )

    def time(self, line: str) -> float | None:
        """When a line was written."""
        return self._calendar.seconds(str(_object(line).get("timestamp", "")))


def _object(line: str) -> dict[str, t.Any]:
    try:
        found = json.loads(line)
    except ValueError:  # cut off
        return {}
    return found if isinstance(found, dict) else {}


def _string(value: t.Any) -> str | None:
    return value if isinstance(value, str) and value else None
