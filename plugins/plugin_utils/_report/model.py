# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assessments as the filter assess returns them, read into typed values; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import AREAS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.model import SEVERITIES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.reading import Entry

__all__ = [
    "AREAS",
    "FLEET",
    "OVERALL",
    "SCHEMA",
    "SEVERITIES",
    "STATUSES",
    "Assessment",
    "Finding",
    "Fix",
    "Follows",
    "Reference",
    "Score",
    "Waived",
]

SCHEMA = 1
OVERALL = "overall"
FLEET = "the fleet"
"""How what is about all clusters together is called."""
STATUSES = ("fail", "unknown", "manual", "waived", "pass", "not_applicable")
"""What wants attention first."""

Values = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Fix:
    """What to write into a playbook."""

    role: str
    variable: str
    value: t.Any
    line: str

    @classmethod
    def read(cls, entry: Entry) -> Fix:
        """One of a finding."""
        return cls(entry.text("role"), entry.text("variable"), entry.anything("value"), entry.text("line"))


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """A recommendation of a benchmark."""

    benchmark: str
    edition: str
    number: str
    title: str
    source: str

    @classmethod
    def read(cls, entry: Entry) -> Reference:
        """One of a finding."""
        return cls(*(entry.text(name) for name in ("benchmark", "edition", "number", "title", "source")))

    def __str__(self) -> str:
        return " ".join(part for part in (self.benchmark, self.edition, self.number) if part)


@dataclasses.dataclass(frozen=True, slots=True)
class Waived:
    """An item that somebody answers for."""

    item: t.Any
    waiver: Values

    @classmethod
    def read(cls, entry: Entry) -> Waived:
        """One of a finding."""
        return cls(entry.anything("item"), entry.mapping("waiver"))

    @property
    def justification(self) -> str:
        """Reason, approval and end in one sentence."""
        told = [str(self.waiver.get("reason") or "no reason given")]
        told += [f"approved by {self.waiver['approved_by']}"] if self.waiver.get("approved_by") else []
        told += [f"until {self.waiver['expires']}"] if self.waiver.get("expires") else []
        return ", ".join(told)


@dataclasses.dataclass(frozen=True, slots=True)
class Follows:
    """Which benchmark the profile follows where they contradict each other."""

    topic: str
    benchmark: str
    says: str

    @classmethod
    def read(cls, entry: Entry) -> Follows:
        """One of an assessment."""
        return cls(entry.text("topic"), entry.text("benchmark"), entry.text("says"))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What became of one control on one cluster; the same object on all clusters that have it alike."""

    control: str
    title: str
    area: str
    severity: str
    status: str
    items: tuple[t.Any, ...]
    item_count: int
    waived: tuple[Waived, ...]
    evidence: str
    reason: str
    rationale: str
    fix: Fix | None
    references: tuple[Reference, ...]

    @classmethod
    def read(cls, entry: Entry) -> Finding:
        """One of an assessment."""
        items = tuple(entry.sequence("items"))
        fix = entry.part("fix")
        return cls(
            control=entry.text("control", required=True),
            title=entry.text("title"),
            area=entry.text("area", required=True),
            severity=entry.choice("severity", SEVERITIES),
            status=entry.choice("status", STATUSES),
            items=items,
            item_count=max(entry.number("item_count") or 0, len(items)),
            waived=tuple(Waived.read(one) for one in entry.parts("waived")),
            evidence=entry.text("evidence"),
            reason=entry.text("reason"),
            rationale=entry.text("rationale"),
            fix=None if fix is None else Fix.read(fix),
            references=tuple(Reference.read(one) for one in entry.parts("references")),
        )

    @property
    def order(self) -> tuple[int, int, str]:
        """What wants attention first."""
        return (STATUSES.index(self.status), SEVERITIES.index(self.severity), self.control)


_COUNTS: t.Final = ("passed", "failed", "unknown", "manual", "waived", "not_applicable")


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """How many controls of an area came out how."""

    passed: int
    failed: int
    unknown: int
    manual: int
    waived: int
    not_applicable: int
    percent: int | None

    @classmethod
    def read(cls, entry: Entry) -> Score:
        """One of an assessment."""
        return cls(**{name: entry.number(name) or 0 for name in _COUNTS}, percent=entry.number("percent"))


@dataclasses.dataclass(frozen=True, slots=True)
class Assessment:
    """One cluster."""

    host: str
    cluster: str
    major: int | None
    version: str
    profile: str
    follows: tuple[Follows, ...]
    gathered_epoch: int | None
    assessed_epoch: int | None
    in_recovery: bool | None
    managed_by: tuple[str, ...]
    score: dict[str, Score]
    findings: tuple[Finding, ...]
    waivers: tuple[Values, ...]
    views: Values
    error: str = ""

    @classmethod
    def read(
        cls, entry: Entry, *, host: str, finding: t.Callable[[Entry], Finding], waiver: t.Callable[[Entry], Values]
    ) -> Assessment:
        """One as the filter assess returned it; ``host`` is its name where it has none itself, ``finding`` and ``waiver`` read one."""
        entry.choice("schema", (SCHEMA,))
        findings = [finding(one) for one in entry.parts("findings")]
        scores = entry.within("score")
        return cls(
            host=entry.text("host") or host,
            cluster=entry.text("cluster"),
            major=entry.number("major"),
            version=entry.text("version"),
            profile=entry.text("profile"),
            follows=tuple(Follows.read(one) for one in entry.parts("follows")),
            gathered_epoch=entry.moment("gathered_epoch"),
            assessed_epoch=entry.moment("assessed_epoch"),
            in_recovery=entry.flag("in_recovery"),
            managed_by=tuple(str(name) for name in entry.sequence("managed_by")),
            score={area: Score.read(scores.within(area)) for area in (*AREAS, OVERALL)},
            findings=tuple(sorted(findings, key=lambda finding: finding.control)),
            waivers=tuple(waiver(one) for one in entry.parts("waivers")),
            views=entry.mapping("views"),
            error=entry.text("error"),
        )

    @classmethod
    def of_fleet(cls, findings: tuple[Finding, ...], *, made_epoch: int | None) -> Assessment:
        """What is about all clusters together and none of them, in the shape that formats know."""
        entry = Entry({"schema": SCHEMA, "cluster": FLEET, "assessed_epoch": made_epoch}, FLEET)
        empty = cls.read(entry, host="", finding=Finding.read, waiver=lambda one: one.values)
        return dataclasses.replace(empty, findings=findings)

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others."""
        return (self.host, self.cluster)

    @property
    def name(self) -> str:
        """As people call it."""
        return f"{self.host} {self.cluster}".strip() or "unnamed"

    @property
    def percent(self) -> int | None:
        """The score of all areas together."""
        return self.score[OVERALL].percent

    def with_status(self, status: str) -> list[Finding]:
        """Findings of one status, the most severe one first."""
        return sorted((finding for finding in self.findings if finding.status == status), key=lambda one: one.order)
