# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A log as text (stderr), through the prefix that the server puts before each line; private to the collection."""

from __future__ import annotations

import collections
import itertools
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.languages import LOGINS
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import LONGEST
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import WORSE
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Notes
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.records import Use
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import SEVERITY
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import Calendar
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import host_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import known
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import pid_of
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import prefix_pattern

__all__ = ["Prefix", "Text"]

_PARTS = frozenset(("STATEMENT", "DETAIL", "HINT", "CONTEXT", "QUERY", "LOCATION", "BACKTRACE"))
_NAMES = re.compile(r"%-?\d*[ud]")
_WINDOW = 256  # characters in which what a name tore begins again: the server cuts names to 63 bytes
_LONGEST = 80  # characters that an escape of a prefix becomes, and more
_MOST_READINGS = 8
_TORN = "it is beside a line that a name with a line break tore"
# A severity in another language: "FEHLER:  ", "INSTRUCTION :  ".
_FOREIGN = r"[^\W\d_]+(?: \(?[^\W\d_]+\)?)?\s?:  "
_AMBIGUOUS = "a name in its prefix may hold what looks like a report"


class Prefix:
    """One value of log_line_prefix."""

    def __init__(self, text: str) -> None:
        pattern, escapes = prefix_pattern(text)
        self.head = re.compile(pattern + SEVERITY.pattern, re.DOTALL)
        self._foreign = re.compile(pattern + _FOREIGN, re.DOTALL)
        self.has_stamps = not escapes.isdisjoint("tm")
        self.has_times = not escapes.isdisjoint("tmn")
        self.has_places = not escapes.isdisjoint("hr")
        # Where no prefix ends any more; the name of a host may be longer than others.
        self._reach = len(text) + _LONGEST * text.count("%") + (256 if self.has_places else 0)
        self.has_processes = not escapes.isdisjoint("pc")
        self.has_names = not escapes.isdisjoint("ud")
        self._has_words = not escapes.isdisjoint("uda")
        name = _NAMES.search(text)
        self._before_names = re.compile(prefix_pattern(text[: name.start()])[0], re.DOTALL) if name else None

    def is_torn(self, line: str) -> bool:
        """Whether a line is one of the server's that a name with a line break ends too early."""
        return (
            self._before_names is not None
            and self._before_names.match(line) is not None
            and SEVERITY.search(line) is None
        )

    def is_end(self, line: str) -> bool:
        """Whether a line is the end of one of the server's that a name with a line break begins too late."""
        return self.has_names and SEVERITY.search(line) is not None

    def is_foreign(self, line: str) -> bool:
        """Whether a line is a report in another language."""
        return self.has_stamps and self._foreign.match(line) is not None

    def others(self, line: str, end: int) -> list[re.Match[str]]:
        """Other ways to read a line that was read up to ``end``, as the names of clients may hold anything."""
        if not self._has_words or line.find(":  ", end) < 0:  # as most lines
            return []
        ends = (found.end() for found in SEVERITY.finditer(line, end, self._reach))
        found = (self.head.fullmatch(line, 0, each) for each in ends)
        return list(itertools.islice((each for each in found if each is not None), _MOST_READINGS))


class _Draft:
    """A report whose lines are not all read."""

    def __init__(
        self, line: str, found: re.Match[str], time: float | None, before: float | None, doubt: str, place: int
    ) -> None:
        self.place = place
        self.severity: str = found["word"]
        self._found = found
        self._time, self._before, self._doubt = time, before, doubt
        self._texts = {"": line[found.end() : found.end() + LONGEST]}
        self._room = LONGEST - len(line) + found.end()
        self._at = ""

    def part(self, word: str, text: str) -> None:
        """What stands behind DETAIL, STATEMENT and so on."""
        self._at = word
        self._texts[word] = text[: max(0, self._room)]
        self._room -= len(text)

    def more(self, text: str) -> None:
        """A further line."""
        if self._room > 0:
            self._texts[self._at] += "\n" + text[: self._room]
        self._room -= len(text) + 1

    def record(self, use: Use) -> Record | None:
        """All of it, if it is of use."""
        message, is_cut = self._texts[""], self._room < 0
        if self.severity not in WORSE and not is_cut and not use.is_worth(message):
            return None
        parts = self._found.groupdict()
        return Record(
            time=self._time,
            severity=self.severity,
            message=message,
            code=parts.get("state") or parts["code"],
            pid=pid_of(parts),
            user=known(parts.get("user")),
            database=known(parts.get("database")),
            address=parts.get("host") or host_of(parts.get("place")) or None,
            detail=self._texts.get("DETAIL", ""),
            statement=self._texts.get("STATEMENT", ""),
            context=self._texts.get("CONTEXT", ""),
            is_cut=is_cut,
            doubt=self._doubt,
            before=self._before,
        )


class Text:
    """Reads lines in their order."""

    def __init__(self, prefixes: t.Sequence[str], calendar: Calendar, notes: Notes, use: Use) -> None:
        self._prefixes = [Prefix(each) for each in prefixes]
        self._calendar = calendar
        self._notes = notes
        self._use = use
        self._stamp, self._seconds = "", 0.0
        self._window = 0  # characters in which lines that begin are doubted
        self._is_doubted = False
        self._place = 0  # characters that were read
        self._held: collections.deque[tuple[int, Record]] = collections.deque()  # which may be doubted yet

    @property
    def prefix(self) -> Prefix:
        """The one that the server has now."""
        return self._prefixes[0]

    def records(self, lines: t.Iterable[str]) -> t.Iterator[Record]:
        """The reports of a file."""
        drafts: list[_Draft] = []  # more than one where a line can be read in several ways
        for line in lines:
            self._counts(line)
            if line[:1] == "\t":
                for draft in drafts:
                    draft.more(line[1:])
                continue
            prefix, found = self._match(line)
            if found is not None and found["word"] in _PARTS:
                for draft in drafts:
                    draft.part(found["word"], line[found.end() :])
                self._hold(self._drafts(line, prefix, found, is_part=True))
                continue
            self._hold(drafts)
            drafts = [] if found is None else self._drafts(line, prefix, found)
            if found is None:
                self._strange(line)
            if self._held:
                yield from self._settled(self._place - (_WINDOW if self.prefix.has_names else -1))
        self._hold(drafts)
        yield from self._settled(self._place + 1)

    def _counts(self, line: str) -> None:
        self._notes.line += 1
        self._notes.lines += 1
        self._place += len(line) + 1
        self._is_doubted = self._window > 0
        if self._is_doubted:
            self._window -= len(line) + 1

    def _settled(self, before: int) -> t.Iterator[Record]:
        """The reports that began before a place, of which nothing makes doubt any more."""
        while self._held and self._held[0][0] < before:
            yield self._held.popleft()[1]

    def _hold(self, drafts: t.Sequence[_Draft]) -> None:
        for draft in drafts:
            record = draft.record(self._use)
            if record is not None:
                self._held.append((draft.place, record))

    def _match(self, line: str) -> tuple[Prefix, re.Match[str] | None]:
        for prefix in self._prefixes:
            found = prefix.head.match(line)
            if found is not None:
                return prefix, found
        return self.prefix, None

    def _strange(self, line: str) -> None:
        self._notes.foreign += self.prefix.is_foreign(line)
        if self.prefix.is_torn(line):
            self._window = _WINDOW
            self._notes.strange(line, "torn")
        elif self.prefix.is_end(line):
            self._held = collections.deque(
                (place, record._replace(doubt=record.doubt or _TORN)) for place, record in self._held
            )
            self._notes.strange(line, "torn")
        elif line:
            self._notes.strange(line)

    def _drafts(self, line: str, prefix: Prefix, found: re.Match[str], *, is_part: bool = False) -> list[_Draft]:
        """A line in all ways to read it that are of use; ``is_part`` when the first one belongs to the line before."""
        self._notes.foreign += line.startswith(LOGINS, found.end())
        others = prefix.others(line, found.end())
        if is_part and not others:
            return []
        before, time = self._notes.last, self._moment(prefix, found)
        if time is not None and not self._is_doubted and not is_part:
            self._notes.moment(time)
        doubt = _TORN if self._is_doubted else _AMBIGUOUS if others else ""
        return [
            _Draft(line, each, time, before, doubt, self._place)
            for each in (found, *others)
            if each["word"] in WORSE or (each["word"] not in _PARTS and line.startswith(self._use.starts, each.end()))
        ]

    def _moment(self, prefix: Prefix, found: re.Match[str]) -> float | None:
        if prefix.has_stamps:
            stamp = found["time"]
            if stamp is not None and stamp[:19] != self._stamp:
                seconds = self._calendar.seconds(stamp, self._notes.last)
                if seconds is None:
                    return None
                self._stamp, self._seconds = stamp[:19], seconds // 1
            return None if stamp is None else self._seconds + float(stamp[19:] or 0)
        epoch = found["epoch"] if prefix.has_times else None
        return float(epoch) if epoch else None
