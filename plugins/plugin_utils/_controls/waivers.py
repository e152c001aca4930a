# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings that somebody has accepted, until when and why; pure, private to the collection."""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.expressions import checked
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.expressions import search

__all__ = ["OWN_CONTROLS", "Waiver", "Waivers", "fits", "is_name", "read_waivers"]

OWN_CONTROLS: t.Final = "RPG-AUD-"
"""How the controls about waivers begin, which no waiver can be about."""

_KEYS: t.Final = ("control", "hosts", "when", "reason", "approved_by", "expires")
_REQUIRED: t.Final = ("control", "hosts", "reason", "approved_by", "expires")
_WILDCARDS: t.Final = "*?["
_ENDED: t.Final = ("pass", "fail", "waived", "not_applicable")


@dataclasses.dataclass(frozen=True)
class Waiver:
    """One of them. It holds through the day on which it expires, in UTC."""

    control: str
    hosts: tuple[str, ...]
    reason: str
    approved_by: str
    expires: datetime.date
    when: str = ""

    def values(self) -> dict[str, t.Any]:
        """As plain values."""
        hosts, when, expires = list(self.hosts), self.when or None, self.expires.isoformat()
        return {**dataclasses.asdict(self), "hosts": hosts, "when": when, "expires": expires}

    def concerns(self, host: str) -> bool:
        """Whether one of its patterns fits the host."""
        return fits(self.hosts, host)

    def is_for(self, host: str) -> bool:
        """Whether it names this very host, so that no other can use it."""
        return self.hosts == (host,) and is_name(host)

    def has_expired(self, now: int) -> bool:
        """Whether its last day is over."""
        return datetime.datetime.fromtimestamp(now, datetime.timezone.utc).date() > self.expires

    def covers(self, item: t.Any) -> bool:
        """Whether it is about this item; one that its condition does not fit is not."""
        if not self.when:
            return True
        try:
            return search(self.when, item) not in (None, False, [], {}, "")
        except ValueError:
            return False


def fits(patterns: t.Iterable[str], host: str) -> bool:
    """Whether one of the patterns, as in a shell, fits the host."""
    return any(fnmatch.fnmatchcase(host, pattern) for pattern in patterns)


def is_name(pattern: str) -> bool:
    """Whether a pattern can fit one host only."""
    return not any(sign in pattern for sign in _WILDCARDS)


class Waivers:
    """Those that were given for one host, and which of them were of use for one cluster."""

    def __init__(self, waivers: t.Iterable[Waiver], *, host: str, now: int) -> None:
        self._host = host
        waivers = list(waivers)
        concerning = [waiver for waiver in waivers if waiver.concerns(host)]
        self._elsewhere = {waiver: waiver.has_expired(now) for waiver in waivers if not waiver.concerns(host)}
        self._expired = [waiver for waiver in concerning if waiver.has_expired(now)]
        self._used = {waiver: 0 for waiver in concerning if not waiver.has_expired(now)}
        self._judged: dict[str, str] = {}

    def split(self, control: str, items: t.Iterable[t.Any]) -> tuple[list[t.Any], list[dict[str, t.Any]]]:
        """The items that remain, and those that are waived, each with its waiver."""
        waivers = [waiver for waiver in self._used if waiver.control == control]
        remaining, waived = [], []
        for item in items:
            waiver = next((each for each in waivers if each.covers(item)), None)
            if waiver is None:
                remaining.append(item)
            else:
                self._used[waiver] += 1
                waived.append({"item": item, "waiver": waiver.values()})
        return remaining, waived

    def judged(self, control: str, status: str) -> None:
        """Take note of a verdict: only a control that could be looked at shows that a waiver is of no use."""
        self._judged[control] = status

    def values(self) -> list[dict[str, t.Any]]:
        """All of them with how many items each covered, those of other hosts too, for a report over a fleet."""
        return [
            *(_told(waiver, used=used) for waiver, used in self._used.items()),
            *(_told(waiver, expired=True) for waiver in self._expired),
            *(_told(waiver, expired=expired, concerns=False) for waiver, expired in self._elsewhere.items()),
        ]

    def remarks(self) -> dict[str, list[dict[str, t.Any]]]:
        """What is wrong with them. One whose pattern fits other hosts may be of use there, so it is not called unused."""
        unused = [
            waiver.values()
            for waiver, used in self._used.items()
            if not used and waiver.is_for(self._host) and self._judged.get(waiver.control) in _ENDED
        ]
        return {"expired": [waiver.values() for waiver in self._expired], "unused": unused}


def _told(waiver: Waiver, *, expired: bool = False, used: int = 0, concerns: bool = True) -> dict[str, t.Any]:
    return {**waiver.values(), "expired": expired, "used": used, "concerns": concerns}


def read_waivers(given: t.Any, known: t.Collection[str]) -> tuple[Waiver, ...]:
    """The option ``waivers`` of plain values; ``known`` are the ids of all controls."""
    if not isinstance(given, list):
        raise InputError(option="waivers", value=given, expected="give a list of dictionaries")
    return tuple(_read(each, f"waivers[{number}]", known) for number, each in enumerate(given))


def _read(given: t.Any, option: str, known: t.Collection[str]) -> Waiver:
    if not isinstance(given, dict):
        raise InputError(option=option, value=given, expected=f"give a dictionary with {', '.join(_REQUIRED)}")
    for name in given:
        if name not in _KEYS:
            raise InputError(option=f"{option}.{name}", value=given[name], expected=f"the keys are {', '.join(_KEYS)}")
    for name in _REQUIRED:
        if given.get(name) in (None, "", []):
            raise InputError(option=f"{option}.{name}", value=given.get(name), expected="it is required")
    for name in ("reason", "approved_by"):
        if not isinstance(given[name], str) or not given[name].strip():
            raise InputError(option=f"{option}.{name}", value=given[name], expected="give a text that is not empty")
    if (
        not isinstance(given["control"], str)
        or given["control"] not in known
        or given["control"].startswith(OWN_CONTROLS)
    ):
        raise InputError(
            option=f"{option}.control",
            value=given["control"],
            expected=f"the id of a control, and not of one about waivers ({OWN_CONTROLS}...)",
        )
    return Waiver(
        control=given["control"],
        hosts=_hosts(given["hosts"], option),
        reason=given["reason"],
        approved_by=given["approved_by"],
        expires=_date(given["expires"], option),
        when=checked(f"{option}.when", given["when"]) if given.get("when") is not None else "",
    )


def _hosts(given: t.Any, option: str) -> tuple[str, ...]:
    hosts = [given] if isinstance(given, str) else given
    if not isinstance(hosts, list) or not all(isinstance(host, str) and host for host in hosts):
        raise InputError(
            option=f"{option}.hosts",
            value=given,
            expected="a pattern such as db*.example.org, or a list of such patterns",
        )
    return tuple(hosts)


def _date(given: t.Any, option: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(given)
    except (TypeError, ValueError):
        raise InputError(
            option=f"{option}.expires", value=given, expected="the last day that it holds, such as 2027-06-30"
        ) from None
