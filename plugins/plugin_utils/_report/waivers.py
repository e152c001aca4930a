# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The waivers of a whole fleet, and which of them are of use nowhere; private to the collection."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.catalogue.waivers import WAIVERS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.waivers import fits
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.waivers import is_name
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Assessment
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.model import Finding

__all__ = ["ABSENT", "UNUSED", "SiteWaiver", "fleet_findings", "site_waivers", "without_repeats"]

ABSENT: t.Final = "for no host of the fleet"
UNUSED: t.Final = "of use nowhere"
_EXPIRED, _IDLE = "RPG-AUD-001", "RPG-AUD-002"
_IDENTITY: t.Final = ("control", "hosts", "when", "reason", "approved_by", "expires")
_JUDGED: t.Final = ("pass", "fail", "waived", "not_applicable")

Values = dict[str, t.Any]


@dataclasses.dataclass
class SiteWaiver:
    """A waiver with what became of it on all clusters of a report."""

    values: Values
    expired: bool = False
    used: int = 0
    here: bool = False
    """Whether one of its patterns fits a host of the report."""
    given: bool = False
    """Whether such a host was given it, and not only others."""
    idle: str = ""
    """``ABSENT``, ``UNUSED``, or empty where it is of use or nobody can tell."""

    @property
    def patterns(self) -> list[str]:
        """Those of its hosts."""
        hosts = self.values.get("hosts")
        return list(map(str, hosts)) if isinstance(hosts, list) else [str(hosts)]

    def concerns(self, host: str) -> bool:
        """Whether one of its patterns fits the host."""
        return fits(self.patterns, host)

    @property
    def fails_on_its_host(self) -> bool:
        """Whether it names a single host that was given it: there it is a finding itself."""
        return self.given and len(self.patterns) == 1 and is_name(self.patterns[0])


def without_repeats(assessments: t.Iterable[Assessment]) -> t.Iterator[Assessment]:
    """With each waiver that is about other hosts once, or a fleet would have as many as hosts times waivers."""
    known: set[str] = set()
    for one in assessments:
        kept = [each for each in one.waivers if each.get("concerns") is not False or _is_new(each, known)]
        yield one if len(kept) == len(one.waivers) else dataclasses.replace(one, waivers=tuple(kept))


def site_waivers(assessments: t.Sequence[Assessment], fleet: t.Collection[str] | None) -> list[SiteWaiver]:
    """Each waiver once. Without the hosts of the fleet nobody says that one is idle; neither of one that fits a host beyond the report."""
    found: dict[str, SiteWaiver] = {}
    for host, each in ((one.host, waiver) for one in assessments for waiver in one.waivers):
        waiver = found.setdefault(_key(each), SiteWaiver({name: each.get(name) for name in _IDENTITY}))
        waiver.given = waiver.given or waiver.concerns(host)
        waiver.expired |= each.get("expired") is True
        waiver.used += each["used"] if isinstance(each.get("used"), int) else 0
    if not found:
        return []
    judged: dict[str, list[set[str]]] = {}
    for one in assessments:
        judged.setdefault(one.host, []).append({each.control for each in one.findings if each.status in _JUDGED})
    beyond = None if fleet is None else set(fleet) - set(judged)
    for waiver in found.values():
        hosts = [host for host in judged if waiver.concerns(host)]
        waiver.here = bool(hosts)
        if beyond is not None and not any(map(waiver.concerns, beyond)):
            waiver.idle = _idle(waiver, [controls for host in hosts for controls in judged[host]])
    return [found[key] for key in sorted(found)]


def fleet_findings(waivers: t.Iterable[SiteWaiver], assessments: t.Iterable[Assessment]) -> tuple[Finding, ...]:
    """What fails for the fleet as no host fails for it, as the controls about waivers tell it."""
    items: dict[str, list[Values]] = {}
    for waiver in waivers:
        if waiver.idle == ABSENT or (waiver.idle == UNUSED and not waiver.fails_on_its_host):
            control = _EXPIRED if waiver.expired else _IDLE
            items.setdefault(control, []).append({**waiver.values, "why": waiver.idle})
    severities = {each.control: each.severity for one in assessments for each in one.findings if each.control in items}
    return tuple(_finding(control, found, severities) for control, found in sorted(items.items()))


def _key(waiver: Values) -> str:
    return json.dumps([waiver.get(name) for name in _IDENTITY])


def _is_new(waiver: Values, known: set[str]) -> bool:
    before = len(known)
    known.add(_key(waiver))
    return len(known) > before


def _idle(waiver: SiteWaiver, judged: list[set[str]]) -> str:
    """Where the control could not be judged on one of its clusters, it may be of use there. Expired ones fail on their hosts."""
    if not judged:
        return ABSENT
    if waiver.expired or waiver.used:
        return ""
    return UNUSED if all(str(waiver.values["control"]) in controls for controls in judged) else ""


def _finding(control: str, items: list[Values], severities: dict[str, str]) -> Finding:
    known = next(each for each in WAIVERS if each.id == control)
    return Finding(
        control=control,
        title=known.title,
        area=known.area,
        severity=severities.get(control, known.severity),
        status="fail",
        items=tuple(items),
        item_count=len(items),
        waived=(),
        evidence=f"waivers of the fleet: {len(items)} found",
        reason="",
        rationale=known.rationale,
        fix=None,
        references=(),
    )
