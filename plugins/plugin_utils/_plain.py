# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as a template hands them over, turned into plain Python; private to the collection."""

from __future__ import annotations

import collections.abc
import math
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError

__all__ = ["plain"]

_NO_CHARACTER = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # those between stand for bytes that are not UTF-8


def plain(value: t.Any, *, half: t.Callable[[str], str] | None = None) -> t.Any:
    """The same value made of exact built-in types.

    Ansible's containers template their elements when these are taken out one by one; a copy by ``dict()`` or
    ``list()`` would take the templates themselves. Its strings carry tags, or are still encrypted. ``half`` is given
    texts that may hold half a character, which is refused otherwise; with it numbers that are none become texts.
    """
    if value is None or type(value) in (bool, int):
        return value
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if isinstance(value, str):
        return _text(value, half)
    if isinstance(value, (int, float)):
        return int(value) if isinstance(value, int) else _number(float(value), half)
    if hasattr(value, "__ENCRYPTED__"):  # a vaulted string of ansible-core 2.18, which is a sequence too
        return str(value)
    if isinstance(value, collections.abc.Mapping):
        return {plain(key, half=half): plain(value[key], half=half) for key in value}
    if isinstance(value, collections.abc.Iterable):
        return [plain(element, half=half) for element in value]
    return str(value)


def _number(value: float, half: t.Callable[[str], str] | None) -> t.Any:
    # JSON has no word for these, and a browser reads nothing of a document with one.
    return value if half is None or math.isfinite(value) else str(value)


def _text(value: str, half: t.Callable[[str], str] | None) -> str:
    if value.isascii():
        return str.__str__(value)
    if half is not None:
        return half(str.__str__(value))
    found = _NO_CHARACTER.search(value)
    if found is not None:
        raise InputError(option="input", value=found.group(), expected="it is half a character, which no file holds")
    return str.__str__(value)
