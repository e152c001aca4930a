# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that the rotation of a log should have left and that are not there; private to the collection."""

from __future__ import annotations

import datetime
import os
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._server.log_prefix import Calendar

__all__ = ["missing_by_number", "missing_by_time"]

_MOST = 1000
_NUMBERED = re.compile(r"\.(\d{1,4})(?:\.(?:gz|bz2|xz|zst))?")
_PLAIN = re.compile(r"%(?![YmdHMSjaAbByuw%FTRDeI])")  # what Python may write otherwise than the server


def missing_by_number(path: str, names: t.Iterable[str]) -> list[str]:
    """Numbers that are left out among the files that logrotate made of one."""
    base = os.path.basename(path)
    found = (
        _NUMBERED.fullmatch(os.path.basename(name)[len(base) :])
        for name in names
        if os.path.basename(name).startswith(base)
    )
    numbers = {int(each[1]) for each in found if each is not None}
    return [f"{path}.{number}" for number in range(1, max(numbers, default=0)) if number not in numbers][:_MOST]


def missing_by_time(
    names: t.Collection[str], pattern: str, *, age: int, begin: float, end: float, calendar: Calendar
) -> list[tuple[str, float]]:
    """Files that a collector begins every ``age`` seconds; it names them by the time at which it was to do so."""
    if age <= 0 or _PLAIN.search(pattern) or "%" not in pattern:
        return []
    there = {re.sub(r"(?:[.-]\d[\d.-]*)?(?:\.(?:gz|bz2|xz|zst))?\Z", "", os.path.basename(name)) for name in names}
    there |= {os.path.basename(name) for name in names}
    missing: dict[str, float] = {}
    for _turn in range(_MOST):
        time, local = _next_turn(begin, age, calendar)
        if time > end:
            break
        begin = time
        name = local.strftime(pattern)
        if name not in there:
            missing.setdefault(name, time)
    return list(missing.items())


def _next_turn(after: float, age: int, calendar: Calendar) -> tuple[float, datetime.datetime]:
    """The next time at which a file is begun: a multiple of ``age`` since midnight where the log is."""
    day = datetime.datetime.fromtimestamp(after, datetime.timezone.utc).strftime("%Y-%m-%d")
    offset = calendar.offsets.get(day, calendar.otherwise)
    local = (int(after) + offset) // age * age + age
    return float(local - offset), datetime.datetime.fromtimestamp(local, datetime.timezone.utc)
