# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands before a message in a server's log: severity, prefix and times; private to the collection."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import re
import typing as t

__all__ = ["LOCAL", "SEVERITY", "Calendar", "Change", "host_of", "known", "pid_of", "prefix_pattern"]

LOCAL = "[local]"
"""The address of who comes through the socket."""

SEVERITY = re.compile(
    r"(?<![A-Z])(?P<word>DEBUG\d?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|STATEMENT|DETAIL|HINT|CONTEXT|QUERY|LOCATION|BACKTRACE)"
    r":  (?:(?!AUDIT: )(?P<code>[0-9A-Z]{5}): )?"
)
"""Between the prefix and the message; with its SQLSTATE where log_error_verbosity is verbose. AUDIT is what pgAudit says."""

_DISORDER = 60.0  # seconds that a line may be older than the one before it
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d):(\d\d):(\d\d)(\.\d+)?")
_ESCAPE = re.compile(r"%(-?\d+)?(.)", re.DOTALL)
_NAME = ".{0,70}?"
# What each escape of log_line_prefix becomes. One that is not here, of a version to come, may be anything short.
_ESCAPES: t.Final[t.Mapping[str, str]] = {
    "a": ".{0,70}?",
    "u": f"(?P<user>{_NAME})",
    "d": f"(?P<database>{_NAME})",
    "r": r"(?P<place>\[local\]|[^ ]*?\(\d*\)|)",
    "h": r"(?P<host>\[local\]|[^ ]*?)",
    "b": ".{0,70}?",
    "p": r"(?P<pid>\d+)",
    "P": r"\d*",
    "t": r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) [\w+-]+",
    "m": r"(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) [\w+-]+",
    "n": r"(?P<epoch>\d+\.\d+)",
    "i": ".{0,70}?",
    "e": r"(?P<state>\w{5})",
    "c": r"[0-9a-f]+\.(?P<session>[0-9a-f]+)",
    "l": r"\d+",
    "s": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [\w+-]+",
    "v": r"[\d/]*",
    "x": r"\d+",
    "Q": r"-?\d+",
    "L": r"\S*?",
}
_ANYTHING = ".{0,70}?"


class Change(t.NamedTuple):
    """When clocks were changed on a day, as in spring and autumn."""

    moment: float  # seconds since the epoch
    before: int  # seconds east of UTC
    later: int


@dataclasses.dataclass(frozen=True)
class Calendar:
    """Turns the log's local time into seconds since the epoch."""

    offsets: t.Mapping[str, int] = dataclasses.field(default_factory=dict)  # day to seconds east of UTC
    otherwise: int = 0
    changes: t.Mapping[str, Change] = dataclasses.field(default_factory=dict)  # of such a day

    def seconds(self, text: str, last: float | None = None) -> float | None:
        """The moment of the first date and time in a text.

        In autumn an hour comes twice: ``last``, the moment of what was written before, tells which one it is.
        """
        found = _STAMP.search(text)
        if found is None:
            return None
        day, hours, minutes, seconds, fraction = found.groups()
        midnight = _midnight(day)
        if midnight is None:
            return None
        passed = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(fraction or 0)
        change = self.changes.get(day)
        if change is None:
            return midnight + passed - self.offsets.get(day, self.otherwise)
        early, late = midnight + passed - change.before, midnight + passed - change.later
        if early < change.moment and (late < change.moment or last is None or early >= last - _DISORDER):
            return early
        return late


@functools.lru_cache(maxsize=1024)
def _midnight(day: str) -> float | None:
    try:
        return datetime.datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()
    except ValueError:
        return None


def prefix_pattern(prefix: str) -> tuple[str, set[str]]:
    """A regular expression for what a prefix becomes, and its escapes."""
    pieces: list[str] = []
    escapes: set[str] = set()
    end, groups = 0, 0
    for found in _ESCAPE.finditer(prefix):
        pieces.append(re.escape(prefix[end : found.start()]))
        end = found.end()
        letter = found[2]
        if letter == "q":  # processes without a session end the prefix here
            pieces.append("(?:")
            groups += 1
        elif letter == "%":
            pieces.append("%")
        else:
            piece = _ESCAPES.get(letter, _ANYTHING)
            # A name of a group may be there once only.
            piece = re.sub(r"\?P<\w+>", "?:", piece) if letter in escapes else piece
            if letter in "mt" and not escapes.isdisjoint("mt"):
                piece = re.sub(r"\?P<\w+>", "?:", piece)
            pieces.append(f" *{piece} *" if found[1] else piece)
            escapes.add(letter)
    pieces += [re.escape(prefix[end:]), ")?" * groups]
    return "".join(pieces), escapes


def pid_of(parts: t.Mapping[str, str | None]) -> int | None:
    """The process, of %p or %c."""
    decimal, hexadecimal = parts.get("pid"), parts.get("session")
    if decimal:
        return int(decimal)
    return int(hexadecimal, 16) if hexadecimal else None


def host_of(place: str | None) -> str | None:
    """An address without its port in parentheses, as %r has it."""
    return None if place is None else place.partition("(")[0]


def known(name: str | None) -> str | None:
    """A name, unless it stands for none."""
    return None if name in (None, "", "[unknown]") else name
