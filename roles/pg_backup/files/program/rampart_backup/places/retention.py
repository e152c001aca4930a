# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which backups go: pure, by the order in which they came and by their own times, so that a clock that jumps removes nothing."""

from __future__ import annotations

import datetime
import typing as t

if t.TYPE_CHECKING:
    from ..definition import Retention
    from .catalogue import Record

__all__ = ["Decision", "decide"]


_NEWER = 2  # good ones after one that is not good, before that goes


class Decision(t.NamedTuple):
    """Of one backup. ``why`` says which rule keeps it, or that none does."""

    record: Record
    keep: bool
    why: str


def decide(records: t.Sequence[Record], rules: Retention) -> list[Decision]:
    """Judge each backup that is still there, the newest first; ``records`` begin with the one that came first.

    Only good ones count for a rule, and what drills alone call wrong beside them. One that is not good goes when there are
    as many newer good ones as ``last`` and ``at_least`` ask for, two at least: parts of it may be what is left of a day.
    Without any rule nothing goes.
    """
    present = [each for each in records if not each.removed][::-1]
    kept = {**_spared(present, rules), **_kept([each for each in present if each.good], rules)}
    decisions, newer = [], 0
    for each in present:
        decisions.append(_decision(each, newer, kept, rules))
        newer += each.good
    return _whole(decisions)


def _spared(present: t.Sequence[Record], rules: Retention) -> dict[str, str]:
    """What only drills call wrong stays for as long as if they had not: whoever holds the key of one could have anything go."""
    sound = {each.id for each in present if each.complete and not each.damaged}
    found = [each for each in present if each.id in sound and sound.issuperset(each.needs)]
    why = _kept(found, rules)
    return {each.id: f"{why[each.id]}, whatever a drill says" for each in found if each.id in why and not each.good}


def _whole(decisions: t.Sequence[Decision]) -> list[Decision]:
    """Whatever one that stays is built upon stays."""
    needed = {each: decision.record.id for decision in decisions if decision.keep for each in decision.record.needs}
    return [
        Decision(record, True, f"{needed[record.id]} is built upon it")
        if not keep and record.id in needed
        else decision
        for decision in decisions
        for record, keep, _why in [decision]
    ]


def _decision(record: Record, newer: int, kept: t.Mapping[str, str], rules: Retention) -> Decision:
    """``newer``: how many good ones came later."""
    if not _any(rules):
        return Decision(record, True, "nothing is ever removed")
    if record.id in kept:
        return Decision(record, True, kept[record.id])
    if record.good:
        return Decision(record, False, "no rule keeps it")
    wanted = max(rules.last, rules.at_least, _NEWER)
    if newer < wanted:
        return Decision(record, True, f"it is not good, and only {newer} newer ones are")
    return Decision(record, False, f"it is not good, and {newer} newer ones are")


def _any(rules: Retention) -> bool:
    return bool(rules.last or rules.days or rules.weeks or rules.months or rules.years)


def _kept(good: t.Sequence[Record], rules: Retention) -> dict[str, str]:
    """Identifiers and reasons; ``good`` begins with the newest."""
    kept: dict[str, str] = {}
    for number, record in enumerate(good[: rules.last], 1):
        kept.setdefault(record.id, f"one of the last {rules.last} ({number})")
    periods: tuple[tuple[str, int, t.Callable[[datetime.datetime], object]], ...] = (
        ("day", rules.days, lambda at: at.date()),
        ("week", rules.weeks, lambda at: at.isocalendar()[:2]),
        ("month", rules.months, lambda at: (at.year, at.month)),
        ("year", rules.years, lambda at: at.year),
    )
    for name, number, period in periods:
        for key, record in _newest_of_each(good, period, number).items():
            kept.setdefault(record.id, f"the newest of its {name} ({_shown(key)})")
    for record in good[: rules.at_least]:
        kept.setdefault(record.id, f"one of the {rules.at_least} that always stay")
    return kept


def _newest_of_each(
    good: t.Sequence[Record], period: t.Callable[[datetime.datetime], object], number: int
) -> dict[object, Record]:
    found: dict[object, Record] = {}
    for record in good:
        key = period(_moment(record.moment))
        if key not in found and len(found) < number:
            found[key] = record
    return found


def _shown(key: object) -> str:
    return "-".join(f"{each:02d}" for each in key) if isinstance(key, tuple) else str(key)


def _moment(text: str) -> datetime.datetime:
    """A time as the catalogue has it. One that is none is as old as can be."""
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return datetime.datetime.min
