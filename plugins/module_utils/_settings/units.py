# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers and units as the server's own parser reads them; private to the collection."""

from __future__ import annotations

import math
import re
import sys

__all__ = ["parse_integer", "parse_real", "show_integer", "units_for"]

_SPACE = " \t\n\v\f\r"
_LONG_MAX = 2**63 - 1
_INT_MAX = 2**31 - 1
_UNIT_LENGTH = 3  # the server looks at no more characters of a unit

_INTEGER = re.compile(r"[ \t\n\v\f\r]*(?P<sign>[+-]?)(?P<digits>0[xX][0-9a-fA-F]+|[0-9]+)")
_REAL = re.compile(
    r"[ \t\n\v\f\r]*(?P<sign>[+-]?)(?:"
    r"(?P<hex>0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?)"
    r"|(?P<decimal>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<infinity>inf(?:inity)?))",
    re.IGNORECASE | re.ASCII,
)
_BASE = re.compile(r"(?P<count>[0-9]*)(?P<unit>B|kB|MB|GB|TB|us|ms|s|min|h|d)")

# Largest first, as in the server: a fraction is rounded to the next smaller unit.
_MEMORY = {"TB": 1024**4, "GB": 1024**3, "MB": 1024**2, "kB": 1024, "B": 1}
_TIME = {"d": 86_400_000_000, "h": 3_600_000_000, "min": 60_000_000, "s": 1_000_000, "ms": 1000, "us": 1}


def units_for(base: str | None) -> tuple[str, ...]:
    """The units that a parameter accepts whose unit in pg_settings is ``base``, smallest first."""
    table = _table(base)[0] if base else {}
    return tuple(reversed(list(table)))


def parse_integer(text: str, unit: str | None) -> int:
    """The value in base units of an integer parameter; ValueError says in words what is wrong.

    ``unit`` is that of pg_settings (``kB``, ``8kB``, ``ms``), None for a plain number.
    """
    value, end = _strtol(text)
    if end == 0 and text[:1] != ".":
        raise ValueError("a number")
    if value is None or text[end : end + 1] in (".", "e", "E"):
        value, end = _strtod(text)
    result = _rint(_in_base_unit(value, text[end:], unit))
    if not -_INT_MAX - 1 <= result <= _INT_MAX:
        raise ValueError("a number that fits into 32 bits")
    return int(result)


def parse_real(text: str, unit: str | None) -> float:
    """The value in base units of a floating-point parameter; ValueError says in words what is wrong."""
    value, end = _strtod(text)
    return _in_base_unit(value, text[end:], unit)


def show_integer(value: int, unit: str | None) -> str:
    """The value with the largest unit that holds it exactly, as SHOW prints it."""
    if not unit or value <= 0:
        return str(value)
    table, base = _table(unit)
    for name, size in table.items():
        if size <= base or value * base % size == 0:
            return f"{round(value * base / size)}{name}"
    return str(value)


def _strtol(text: str) -> tuple[float | None, int]:
    """What strtol(3) with base 0 makes of the beginning; None where it overflows or finds no number."""
    match = _INTEGER.match(text)
    if not match:
        return None, 0
    digits = match.group("digits")
    end = match.end()
    if digits[:2] in ("0x", "0X"):
        number = int(digits, 16)
    elif digits.startswith("0"):
        octal = re.match("[0-7]+", digits)
        octal_digits = octal.group() if octal else "0"
        end -= len(digits) - len(octal_digits)
        number = int(octal_digits, 8)
    else:
        number = int(digits)
    if number > _LONG_MAX + (match.group("sign") == "-"):
        return None, end
    return float(-number if match.group("sign") == "-" else number), end


def _strtod(text: str) -> tuple[float, int]:
    """What strtod(3) makes of the beginning."""
    match = _REAL.match(text)
    if not match:
        raise ValueError("a number")
    number = math.inf if match.group("infinity") else _finite(match)
    return (-number if match.group("sign") == "-" else number), match.end()


def _finite(match: re.Match[str]) -> float:
    try:
        number = float.fromhex(match.group("hex")) if match.group("hex") else float(match.group("decimal"))
    except OverflowError:
        number = math.inf
    mantissa = re.split("[pP]" if match.group("hex") else "[eE]", match.group())[0]
    is_zero = not re.search("[1-9a-fA-F]", re.sub("0[xX]", "", mantissa))
    if number == math.inf or (number < sys.float_info.min and not is_zero):
        raise ValueError("a number that a double can hold")
    return number


def _in_base_unit(value: float, rest: str, unit: str | None) -> float:
    """Convert with the unit that ``rest`` names; a fraction is rounded to the next smaller unit."""
    name = rest.strip(_SPACE)
    if not rest.lstrip(_SPACE):
        return value
    if unit is None:
        raise ValueError("a number without a unit")
    table, base = _table(unit)
    if name not in table or len(name) > _UNIT_LENGTH:
        raise ValueError(f"a number with one of the units {', '.join(units_for(unit))}")
    names = list(table)
    converted = value * (table[name] / base)
    following = names.index(name) + 1
    if following < len(names):
        step = table[names[following]] / base
        converted = _rint(converted / step) * step
    return converted


def _rint(value: float) -> float:
    return float(round(value)) if math.isfinite(value) else value


def _table(unit: str) -> tuple[dict[str, int], int]:
    """The units of the same kind and the size of ``unit`` in the smallest of them."""
    match = _BASE.fullmatch(unit)
    if not match:
        raise ValueError(f"a number in units of {unit}")
    table = _MEMORY if match.group("unit") in _MEMORY else _TIME
    return table, int(match.group("count") or 1) * table[match.group("unit")]
