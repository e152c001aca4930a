# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calendar expressions of systemd as cron has them, as far as it can; pure; private to the collection."""

from __future__ import annotations

import re

__all__ = ["KNOWN", "to_cron"]

KNOWN = "hourly, daily, weekly, monthly, or [Mon,Tue | Mon..Fri ][*-*-* | *-*-DD ]HH:MM[:00], HH of which may be *, and MM a step (0/5)"

_NAMED = {"hourly": "0 * * * *", "daily": "0 0 * * *", "weekly": "0 0 * * 1", "monthly": "0 0 1 * *"}
_WEEK = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")  # cron counts them so, from 0
_DAYS = "(?:mon|tue|wed|thu|fri|sat|sun)"
_EXPRESSION = re.compile(
    rf"(?:(?P<days>{_DAYS}(?:\.\.{_DAYS}|(?:,{_DAYS})*)) )?(?:\*-\*-(?P<day>\*|[0-9]{{1,2}}) )?"
    r"(?P<hour>\*|[0-9]{1,2}):(?P<minute>[0-9]{1,2})(?:/(?P<step>[0-9]{1,2}))?(?::00?)?"
)


def to_cron(calendar: str) -> str | None:
    """The first five columns of a line of cron; None for what it cannot say."""
    text = calendar.lower()
    if text in _NAMED:
        return _NAMED[text]
    found = _EXPRESSION.fullmatch(text)
    if found is None:
        return None
    hour, minute, day = found["hour"], int(found["minute"]), found["day"] or "*"
    if minute > 59 or (hour != "*" and int(hour) > 23) or (day != "*" and not 1 <= int(day) <= 31):
        return None
    minutes = _minutes(minute, found["step"])
    if minutes is None:
        return None
    days = _days(found["days"] or "*")
    if day != "*" and days != "*":
        return None  # to cron it is enough if one of them is right
    return " ".join([minutes, _plain(hour), _plain(day), "*", days])


def _days(days: str) -> str:
    """Days of the week by their numbers: a range may go over the week's end, which one of cron may not, and cron has no lists of names."""
    if days == "*":
        return days
    first, dots, last = days.partition("..")
    if not dots:
        return ",".join(sorted({str(_WEEK.index(day)) for day in days.split(",")}))
    start = _WEEK.index(first)
    length = (_WEEK.index(last) - start) % 7 + 1
    return ",".join(sorted(str((start + number) % 7) for number in range(length)))


def _minutes(first: int, step: str | None) -> str | None:
    """One minute of each hour, or every so many from the first on, which both begin anew with each hour."""
    if step is None:
        return str(first)
    if not 1 <= int(step) <= 59:
        return None
    return f"*/{int(step)}" if first == 0 else f"{first}-59/{int(step)}"


def _plain(number: str) -> str:
    return number if number == "*" else str(int(number))
