# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of pg_hba.conf with hostssl where it has host, every other byte as it is; private to the collection."""

from __future__ import annotations

import collections
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import Line
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import Item
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import items
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.layout import units
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.meaning import RuleReading
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.pairing import meaning_of
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import parse_line
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.rules import Written

__all__ = ["PLAIN", "Change", "admits_plainly", "kept_turned", "turnable", "turned", "turned_rules"]

PLAIN = ("host", "hostnossl", "hostnogssenc")
"""Types of rules that match connections without any encryption."""

_TYPE = re.compile(r'[ \t,]*(?:host|"host")(?=[ \t])')
_WIDTH = len("ssl")


class Change(t.NamedTuple):
    """Where one rule begins and how, as offsets into the text."""

    begin: int
    end: int
    line: int
    becomes: str


def admits_plainly(record: Record) -> bool:
    """Whether a record lets in who comes over the network without encryption."""
    return record.accepted and record.type in PLAIN and record.method != "reject"


def turnable(text: str, reading: RuleReading) -> list[Change]:
    """The rules of a file that can be turned. Those of pg_auto_failover are its own."""
    found = []
    for item in items(units(text, reading.dialect)):
        change = None if item.is_tagged or not item.is_rule else _change(item, reading)
        found += [] if change is None else [change]
    return found


def _change(item: Item, reading: RuleReading) -> Change | None:
    line = item.unit.line
    if line is None or line.error is not None or not line.fields or line.fields[0][0].text != "host":
        return None
    record = parse_line(Line("", line.number, line.fields, line.fields, None, None), reading.dialect, reading.around)
    begins = _TYPE.match(item.unit.raw)
    if begins is None or not admits_plainly(record):
        return None
    becomes = begins.group().replace("host", "hostssl")
    end = begins.end()
    if item.unit.raw[end : end + _WIDTH + 1] == " " * (_WIDTH + 1):  # columns stay columns
        end += _WIDTH
    return Change(item.unit.start, item.unit.start + end, line.number, becomes)


def turned(text: str, reading: RuleReading) -> str:
    """The text once its rules are turned."""
    pieces, end = [], 0
    changes = turnable(text, reading)
    for change in changes:
        pieces += [text[end : change.begin], change.becomes]
        end = change.end
    made = "".join([*pieces, text[end:]])
    if changes and turnable(made, reading):
        lines = ", ".join([str(change.line) for change in turnable(made, reading)])
        raise RampartError(f"these lines cannot be made rules for TLS, so nothing was changed: {lines}")
    return made


def turned_rules(wanted: t.Sequence[Written], reading: RuleReading) -> list[Written]:
    """The rules that an operator gave, turned."""
    return [_turned_rule(rule, reading) for rule in wanted]


def _turned_rule(rule: Written, reading: RuleReading) -> Written:
    line = turned(rule.line, reading) if rule.line.startswith("host\t") else rule.line
    return rule if line == rule.line else rule._replace(line=line)


def kept_turned(text: str, wanted: t.Sequence[Written], reading: RuleReading) -> list[Written]:
    """The rules that an operator gave; turned are those that an earlier run has turned.

    ``text`` is the part of the file that holds these rules. One that is there as host too is not turned yet.
    """
    lines = [item.bare for item in items(units(text, reading.dialect)) if item.is_rule]
    ready = [turned(line, reading) for line in lines]
    plain = collections.Counter(_meanings([one for line, one in zip(lines, ready) if one != line], reading))
    there = collections.Counter(_meanings([one for line, one in zip(lines, ready) if one == line], reading))
    there.subtract(_meanings([rule.line for rule in wanted], reading))
    found = []
    for rule, other in zip(wanted, turned_rules(wanted, reading)):
        [meaning] = _meanings([other.line], reading)
        is_kept = other is not rule and plain[meaning] <= 0 < there[meaning]
        if other is not rule:
            (there if is_kept else plain)[meaning] -= 1
        found.append(other if is_kept else rule)
    return found


def _meanings(lines: t.Iterable[str], reading: RuleReading) -> list[t.Hashable]:
    found = [meaning_of(line, reading) for line in lines]
    return [None if meaning is None else meaning.whole for meaning in found]
