# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot be known from a log, and why; private to the collection."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.review import SAID
from ansible_collections.rampart.postgresql.plugins.module_utils._log_review.review import Review
from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_messages import logs_logins

__all__ = ["Seen", "Writing", "is_english", "unknown"]

_LOGINS = ("superuser_logins", "first_seen")
_EVERY: tuple[str, ...] = ("failed_logins", *_LOGINS, "changes", "configuration", "restarts")
_NAMED = 5
Reason = tuple[t.Iterable[str], str]
_ENGLISH = re.compile(r"|C|POSIX|C\..*|(?:en|English).*", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Writing:
    """How the log is written now."""

    parameters: t.Mapping[str, str]
    destination: str
    has_times: bool = True
    has_places: bool = True
    is_forgeable: bool = False  # whether what a client sends may look like a line of it
    elsewhere: tuple[str, ...] = ()  # who has one of the parameters set otherwise
    speaks_english: bool = (
        True  # what the server says of itself: LANGUAGE can make it write another language than lc_messages
    )

    @property
    def english(self) -> bool:
        """Whether its words are understood."""
        return self.speaks_english and is_english(self.parameters["lc_messages"])


@dataclasses.dataclass(frozen=True)
class Seen:
    """What was noticed while it was read."""

    unread: int = 0  # files that could not be read to their end
    is_limited: bool = False
    is_later: bool = False  # whether it has nothing that is as old as the end of the period
    too_long: int = 0  # reports
    foreign: int = 0  # reports that are not in English
    gone: t.Sequence[str] = ()  # roles that logged in and are no superusers now, but may have been

    @property
    def is_complete(self) -> bool:
        """Whether reading the same period again would tell no more; more than the limit would be so then, too."""
        return not self.unread and not self.is_later


def is_english(language: str) -> bool:
    """Whether a value of lc_messages makes the server write English."""
    return _ENGLISH.fullmatch(language) is not None


def unknown(writing: Writing, review: Review, seen: Seen = Seen()) -> dict[str, list[str]]:
    """For each part of the result the reasons why it may lack something; parts that lack nothing are not in it."""
    found: dict[str, list[str]] = {}
    reasons = [*_reading(writing, seen)]
    for ask in (_language, _level, _logins, _changes, _prefix, _doubts):
        reasons += ask(writing, review)
    for parts, reason in reasons:
        for part in parts:
            found.setdefault(part, []).append(reason)
    return found


def _reading(writing: Writing, seen: Seen) -> t.Iterator[Reason]:
    if seen.unread:
        yield _EVERY, f"{seen.unread} files of the log could not be read to their end, as gaps says"
    if seen.is_limited:
        yield _EVERY, "the log has more than limit"
    if seen.is_later:
        yield _EVERY, "what could be read of the log has nothing of the period"
    if seen.foreign and writing.english:
        yield _EVERY, f"{seen.foreign} reports are not in English, and others may not be either"
    if seen.too_long:
        yield ("changes",), f"{seen.too_long} reports are too long to be understood"
    if seen.gone:
        some = ", ".join(json.dumps(name) for name in sorted(seen.gone)[:_NAMED])
        yield ("superuser_logins",), f"{len(seen.gone)} roles that logged in may have been superusers then: {some}"


def _language(writing: Writing, review: Review) -> t.Iterator[Reason]:
    if writing.english:
        if review.changes_parameter("lc_messages"):
            yield _EVERY, "lc_messages was changed in the period"
        return
    language = writing.parameters["lc_messages"]
    reason = f"the log is not in English (lc_messages is {language!r}): what is meant cannot be told"
    if writing.destination == "stderr":
        yield _EVERY, reason
    else:
        yield _EVERY[1:], reason
        yield _EVERY[:1], f"{reason} but by SQLSTATE"


def _level(writing: Writing, _review: Review) -> t.Iterator[Reason]:
    level = writing.parameters["log_min_messages"]
    if level in ("fatal", "panic"):
        yield (_EVERY if level == "panic" else _EVERY[1:]), f"log_min_messages is {level}"


def _logins(writing: Writing, review: Review) -> t.Iterator[Reason]:
    value = writing.parameters["log_connections"]
    if not logs_logins(value):
        yield _LOGINS, f"log_connections is {value or 'off'}"
    elif review.changes_parameter("log_connections"):
        yield _LOGINS, "log_connections was changed in the period"
    if review.unplaced:
        yield ("first_seen",), f"of {review.unplaced} logins the log does not say where they came from"
    if writing.elsewhere:
        yield ("changes", *_LOGINS), f"it is otherwise for some: {', '.join(writing.elsewhere)}"


def _changes(writing: Writing, review: Review) -> t.Iterator[Reason]:
    statement = writing.parameters["log_statement"]
    if not _logs_changes(writing.parameters):
        yield ("changes",), f"log_statement is {statement}, and pgAudit does not log both role and ddl"
    elif review.changes_parameter("log_statement"):
        yield ("changes",), "log_statement was changed in the period"
    if review.cut:
        yield ("changes",), f"the end of {review.cut} very long statements was not looked at"


def _prefix(writing: Writing, _review: Review) -> t.Iterator[Reason]:
    if not writing.has_places:
        reason = "log_line_prefix does not say where a client comes from: it needs %h, %r, %p or %c"
        yield ("failed_logins",), reason
    if not writing.has_times:
        yield ("period",), "log_line_prefix does not say when: it needs %m, %t or %n; everything in the files was taken"


def _doubts(_writing: Writing, review: Review) -> t.Iterator[Reason]:
    """What a session said hides nothing. A line that can be read in several ways is one of them."""
    counts: dict[str, int] = {}
    for row, _others, count in review.tables["doubtful"].rows():
        if row["why"] != SAID:
            counts[str(row["table"])] = counts.get(str(row["table"]), 0) + count.count
    for table, number in counts.items():
        parts = {"pairs": ("first_seen",), "runs": ("restarts",), "None": _EVERY}.get(table, (table,))
        yield parts, f"{number} reports may be forged, or be others than they seem, as doubtful says"


def _logs_changes(parameters: t.Mapping[str, str]) -> bool:
    audited = {word.strip().lower() for word in parameters.get("pgaudit.log", "").split(",")}
    everything = "all" in audited and audited.isdisjoint(("-role", "-ddl"))
    return parameters["log_statement"] != "none" or everything or {"role", "ddl"} <= audited
