# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments as operators write them; private to the collection."""

from __future__ import annotations

import datetime
import math
import re

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError

__all__ = ["moment"]

_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)? ?(?:(Z|UTC)|([+-])(\d\d)(?::?(\d\d))?)?", re.ASCII
)


def moment(text: str, option: str) -> float:
    """Seconds since the epoch, infinity for ever. Without a time it is midnight, without an offset UTC."""
    if text.strip().lower() == "infinity":
        return math.inf
    found = _MOMENT.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        offset = datetime.timedelta(hours=int(found[9] or 0), minutes=int(found[10] or 0))
        zone = datetime.timezone(-offset if found[8] == "-" else offset)
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        return datetime.datetime(year, month, day, hour, minute, second, tzinfo=zone).timestamp()
    except (ValueError, OverflowError):
        expected = "a moment such as 2030-01-31, 2030-01-31 23:59:00+01:00, or infinity"
        raise InputError(option=option, value=text, expected=expected) from None
