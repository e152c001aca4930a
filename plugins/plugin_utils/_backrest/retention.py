# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Retention and compression in pgBackRest's words; pure; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError

__all__ = ["compression", "retention"]

Values = t.Mapping[str, t.Any]
Options = dict[str, t.Union[str, int]]

_EVERYTHING = 9_999_999  # the most that pgBackRest takes; without a number it warns with each backup
_UNMAPPED = ("weeks", "months", "years")
_TYPES = {"gzip": "gz", "zstd": "zst", "lz4": "lz4", "none": "none"}
_LEVELS = {"gzip": (0, 9), "zstd": (1, 22), "lz4": (1, 12)}


def retention(values: Values, option: str) -> Options:
    """Options without ``repoN-`` in front: so many full backups, or those of so many days. All zero keeps everything."""
    rules = {name: _number(values, name, option) for name in ("last", "days", *_UNMAPPED)}
    for name in _UNMAPPED:
        if rules[name]:
            raise InputError(
                option=f"{option}.{name}",
                value=rules[name],
                expected="pgBackRest keeps so many full backups (last), or those of so many days (days), and nothing else",
            )
    at_least = _number(values, "at_least", option, default=1)
    if rules["last"] and rules["days"]:
        raise InputError(
            option=f"{option}.days", value=rules["days"], expected="pgBackRest takes last or days, not both"
        )
    if rules["days"]:
        _refuse_more(at_least, 1, option, "it is 1 where days is the rule")
        return {"retention-full-type": "time", "retention-full": rules["days"]}
    if rules["last"]:
        _refuse_more(at_least, rules["last"], option, "last keeps fewer")
    return {"retention-full-type": "count", "retention-full": rules["last"] or _EVERYTHING}


def _refuse_more(at_least: int, most: int, option: str, why: str) -> None:
    if at_least > most:
        raise InputError(
            option=f"{option}.at_least", value=at_least, expected=f"pgBackRest has no such rule of its own: {why}"
        )


def compression(values: Values, option: str) -> Options:
    """How files and WAL are compressed."""
    method = values.get("method", "gzip")
    if method not in _TYPES:
        raise InputError(option=f"{option}.method", value=method, expected=f"one of {', '.join(_TYPES)}")
    level = _number(values, "level", option, default=-1, least=-1)
    found: Options = {"compress-type": _TYPES[method]}
    if level == -1:
        return found
    least, most = _LEVELS.get(method, (-1, -1))
    if not least <= level <= most:
        raise InputError(
            option=f"{option}.level",
            value=level,
            expected=f"from {least} to {most} for {method}, or -1 for its default" if most > 0 else "none has no level",
        )
    return {**found, "compress-level": level}


def _number(values: Values, name: str, option: str, *, default: int = 0, least: int = 0) -> int:
    value = values.get(name, default)
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = least - 1
    if isinstance(value, (bool, float)) or number < least:
        raise InputError(option=f"{option}.{name}", value=value, expected=f"a whole number from {least} on")
    return number
