# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a playbook hands over, as one report; private to the collection."""

from __future__ import annotations

import collections.abc
import dataclasses
import json
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.alike import Alike
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.comparing import Comparison
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.comparing import compared
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.drift import Drift
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Finding
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.reading import Entry
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import epoch
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import escapes_halves
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.text import valid
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.trend import Point
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.waivers import SiteWaiver
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.waivers import fleet_findings
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.waivers import site_waivers
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.waivers import without_repeats

__all__ = ["Report", "gathered"]

_TITLE = "PostgreSQL security assessment"


@dataclasses.dataclass(frozen=True)
class Report:
    """What every format is made from."""

    title: str
    made_epoch: int
    assessments: tuple[Assessment, ...]
    comparison: Comparison | None = None
    drift: Drift | None = None
    trend: tuple[Point, ...] = ()
    waivers: tuple[SiteWaiver, ...] = ()
    fleet: Assessment | None = None
    """What fails for no single cluster; none where nobody told which hosts there are."""

    @property
    def everything(self) -> tuple[Assessment, ...]:
        """The clusters, and with them the fleet where something of it fails."""
        return (*self.assessments, *([self.fleet] if self.fleet and self.fleet.findings else []))


def gathered(
    given: t.Any, *, before: t.Any = None, drift: t.Any = None, title: t.Any = None, fleet: t.Any = None, now: t.Any
) -> Report:
    """A report of what a playbook gave.

    An iterator is taken one by one, so that no more than one is there as it was given; its values are plain, without halves of
    characters. ``fleet`` has the names of all hosts that waivers may be for, whether they are in the report or not.
    """
    title, before, drift, fleet, now = (plain(value, half=valid) for value in (title, before, drift, fleet, now))
    if title is not None and not isinstance(title, str):
        raise InputError(option="title", value=title, expected="a text")
    if fleet is not None and not (isinstance(fleet, list) and all(isinstance(host, str) for host in fleet)):
        raise InputError(option="fleet", value=fleet, expected="a list of names of hosts")
    if epoch(now) is None:
        raise InputError(option="now", value=now, expected="a time in seconds since 1970")
    assessments = _assessments(given, "input")
    waivers = site_waivers(assessments, fleet)
    of_fleet = Assessment.of_fleet(fleet_findings(waivers, assessments), made_epoch=now)
    comparison = None if before is None else _compared(assessments, of_fleet, before)
    differences = None if drift is None else Drift.read(Entry.of(_parsed(drift, "drift"), "drift"))
    return Report(
        title=title or _TITLE,
        made_epoch=now,
        assessments=assessments,
        comparison=comparison,
        drift=differences,
        waivers=tuple(waivers),
        fleet=None if fleet is None else of_fleet,
    )


def _compared(assessments: tuple[Assessment, ...], of_fleet: Assessment, before: t.Any) -> Comparison:
    """The clusters and the fleet, each with what an earlier report says of it."""
    found = _parsed(before, "before")
    # One that is read from JSON is plain: that of a large fleet is not copied once more.
    if isinstance(before, str) and escapes_halves(before):
        found = plain(found, half=valid)
    past = Entry(found if isinstance(found, dict) and "assessments" in found else {}, "before")
    findings = tuple(Finding.read(one) for one in past.parts("fleet"))
    fleet_before = Assessment.of_fleet(findings, made_epoch=None)
    comparison = compared(assessments, _assessments(iter((found,)), "before"))
    return dataclasses.replace(comparison, of_fleet=compared([of_fleet], [fleet_before]).changes)


def _parsed(given: t.Any, option: str) -> t.Any:
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError as error:
        raise InputError(option=option, value=given[:40], expected=f"a document as JSON ({error})") from None


def _assessments(given: t.Any, option: str) -> tuple[Assessment, ...]:
    found: dict[tuple[str, str], Assessment] = {}
    alike = Alike()
    for part in given if isinstance(given, collections.abc.Iterator) else (plain(given, half=valid),):
        for host, where, values in _each(part, "", option):
            one = Assessment.read(Entry(values, where), host=host, finding=alike.finding, waiver=alike.waiver)
            if one.key in found:
                raise InputError(option=where, value=one.name, expected="each cluster of a host can be there only once")
            found[one.key] = one
    return tuple(without_repeats(found[key] for key in sorted(found)))


def _each(given: t.Any, host: str, where: str) -> t.Iterator[tuple[str, str, dict[str, t.Any]]]:
    """Each assessment, with its host where that is known from outside."""
    if isinstance(given, list):
        for number, one in enumerate(given):
            yield from _each(one, host, f"{where}[{number}]")
    elif not isinstance(given, dict):
        raise InputError(
            option=where,
            value=given,
            expected="give what rampart.postgresql.assess returned, a list of it, a dictionary with one or the other"
            " for each host, or an earlier JSON report",
        )
    elif "findings" in given:
        yield host, where, given
    elif "assessments" in given:  # a JSON report
        yield from _each(given["assessments"], host, f"{where}.assessments")
    else:
        for name, of_host in given.items():
            yield from _each(of_host, str(name), f"{where}[{name!r}]")
