# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hostile text made fit to be read: names of roles and objects are whatever their owners chose; private."""

from __future__ import annotations

import json
import re
import time
import typing as t

__all__ = ["LATEST", "epoch", "brief", "escapes_halves", "moment", "one_line", "place", "valid", "visible", "words"]

_HALF = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\u[dD]")
_BYTE = range(0xDC80, 0xDD00)  # what Python makes of a byte that is not UTF-8
# Control characters, and those that turn the direction of what follows or cannot be seen at all.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]"
)
LATEST = 253_402_300_799
"""The last second of the year 9999, behind which no calendar goes."""


def valid(text: str) -> str:
    """The text without halves of characters, which no format can hold: a host in wrong hands may send them."""
    return _HALF.sub(_whole, text)


def escapes_halves(document: str) -> bool:
    """Whether JSON may hold halves of characters although it is valid itself: as escapes."""
    return _ESCAPE.search(document) is not None


def visible(text: str) -> str:
    """The text with what cannot be seen written out, so that it is XML too and reads as it is stored."""
    return _HIDDEN.sub(lambda found: f"\\u{{{ord(found.group()):x}}}", text)


def one_line(text: str) -> str:
    """The same on a single line."""
    return visible(text.replace("\r\n", "\n").replace("\n", "\\n").replace("\r", "\\r").replace("\t", " "))


def brief(text: str, most: int = 500) -> str:
    """The beginning of a line that may be endless."""
    return one_line(text if len(text) <= most else f"{text[:most]}… and {len(text) - most} more characters")


def words(item: t.Any) -> str:
    """An item as people read it: its keys and values, in the order that the control gave them."""
    if isinstance(item, str):
        return one_line(item)
    if isinstance(item, dict):
        return one_line(", ".join(f"{key}: {_value(value)}" for key, value in item.items() if value not in (None, "")))
    return one_line(_value(item))


def place(item: t.Any) -> tuple[str, int | None] | None:
    """File and line of an item that has them."""
    if not isinstance(item, dict):
        return None
    file, line = item.get("file") or item.get("path"), item.get("line")
    if not isinstance(file, str) or not file:
        return None
    return file, line if isinstance(line, int) and not isinstance(line, bool) and line > 0 else None


def epoch(value: t.Any) -> int | None:
    """A time in seconds since 1970 that a calendar has; None for anything else that a host may send."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LATEST else None


def moment(seconds: int | None) -> str:
    """A time as people read it, in UTC."""
    return "never" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))


def _whole(found: re.Match[str]) -> str:
    number = ord(found.group())
    return f"\\x{number - 0xDC00:02x}" if number in _BYTE else "\ufffd"


def _value(value: t.Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
