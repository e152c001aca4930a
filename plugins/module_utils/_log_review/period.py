# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments and spans of time as an operator gives them; private to the collection."""

from __future__ import annotations

import datetime
import math
import re

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError

__all__ = ["Period", "moment", "span", "text_of"]

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_SPAN = re.compile(r"(\d{1,6})\s*(second|minute|hour|day|week)s?", re.IGNORECASE)


class Period:
    """From ``since`` to just before ``until``, in seconds since the epoch, so that the next one can begin there."""

    def __init__(self, since: str, until: str | None, now: float) -> None:
        self.since = moment("since", since, now)
        self.until = now if until is None else min(float(math.floor(now)), moment("until", until, now))
        if self.since >= self.until:
            raise InputError(
                option="since", value=since, expected="a time before the end of the period, and before now"
            )

    def holds(self, time: float | None) -> bool:
        """Whether it was then. What does not say when it was may have been."""
        return time is None or self.since <= time < self.until


def span(option: str, text: str) -> float:
    """A length of time in seconds, such as '7 days'."""
    found = _SPAN.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        raise InputError(
            option=option, value=text, expected="a length of time such as '90 minutes', '36 hours' or '7 days'"
        )
    return float(int(found[1]) * _SECONDS[found[2].lower()])


def moment(option: str, text: str, now: float) -> float:
    """A time, or a length of time before now, to the second, as it is told."""
    if _SPAN.fullmatch(text.strip()):
        return float(math.floor(now - span(option, text)))
    try:
        # Python 3.9 knows neither the letter for UTC nor fractions of any length; these are dropped in the end.
        plain = re.sub(r"(:\d\d)\.\d+", r"\1", re.sub(r"[zZ]\Z", "+00:00", text.strip()))
        found = datetime.datetime.fromisoformat(plain)
    except ValueError:
        raise InputError(
            option=option,
            value=text,
            expected="an ISO 8601 time, in UTC unless it says otherwise, or one like '7 days'",
        ) from None
    return float(math.floor((found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)).timestamp()))


def text_of(time: float | None) -> str | None:
    """A moment in UTC."""
    if time is None:
        return None
    return datetime.datetime.fromtimestamp(time, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
