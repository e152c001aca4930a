# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one report of a server's log says, however it is written; private to the collection."""

from __future__ import annotations

import re
import typing as t

__all__ = ["LONGEST", "SEVERITIES", "WORSE", "Notes", "Record", "Use", "shape"]

LONGEST = 2**16
"""Characters of a message or a statement that are kept."""
SEVERITIES = frozenset(("DEBUG", "LOG", "INFO", "NOTICE", "WARNING", "ERROR", "FATAL", "PANIC"))
"""In English, without the digit of DEBUG."""
WORSE = frozenset(("ERROR", "FATAL", "PANIC"))
"""Severities of which every report is of use."""
_SAMPLES = 10
_SHAPE = 60


class Record(t.NamedTuple):
    """One report. None and empty for what it does not say."""

    time: float | None  # seconds since the epoch
    severity: str
    message: str
    code: str | None = None  # SQLSTATE
    pid: int | None = None
    user: str | None = None
    database: str | None = None
    address: str | None = None
    detail: str = ""
    statement: str = ""
    context: str = ""
    stage: str = ""  # what the process did: authentication, startup, or a command
    is_cut: bool = False
    doubt: str = ""  # why it may be forged
    before: float | None = None  # when the line before it was written


class Use(t.NamedTuple):
    """Which reports that are no worse than LOG are of use; the others are not put together."""

    starts: tuple[str, ...] = ("",)  # how those begin
    is_worth: t.Callable[[str], bool] = bool  # what is asked of the whole message


class Notes:
    """What is noticed of lines besides their reports: times, silences, and what is not understood."""

    def __init__(self, gap: float, back: float = 7200.0) -> None:
        self.lines = 0
        self.first: float | None = None
        self.last: float | None = None
        self.silences: list[tuple[str, float, float]] = []
        self.silences_left_out = 0
        self.not_understood = 0
        self.torn = 0
        self.too_long = 0
        self.foreign = 0  # reports that are not in English
        self.samples: list[dict[str, t.Any]] = []
        self.path = ""
        self.line = 0
        self._gap = gap
        self._back = back  # seconds that the clock may be set back by, as at the end of summer

    def opens(self, path: str) -> None:
        """The lines of another file follow."""
        self.path, self.line = path, 0

    def moment(self, time: float) -> None:
        """A line was written then."""
        last = self.last
        if last is None:
            self.first = self.last = time
            return
        if time - last > self._gap:
            self._silence("silence", last, time)
        elif last - time > self._back:
            self._silence("time_goes_back", last, time)
        self.last = time

    def _silence(self, kind: str, begin: float, end: float) -> None:
        if len(self.silences) < 1000:
            self.silences.append((kind, begin, end))
        else:
            self.silences_left_out += 1

    def strange(self, text: str, why: str = "not_understood") -> None:
        """A line that is not what the server is set up to write."""
        if why == "torn":
            self.torn += 1
        else:
            self.not_understood += 1
            self.too_long += len(text) > LONGEST
        if len(self.samples) < _SAMPLES:
            self.samples.append(
                {"file": self.path, "line": self.line, "why": why, "length": len(text), "shape": shape(text)}
            )


def shape(text: str) -> str:
    """What a text looks like, without what it says: it may be a part of a statement with a password."""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "0", text[:_SHAPE]))
