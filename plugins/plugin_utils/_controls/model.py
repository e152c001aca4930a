# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of a control; private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.expressions import checked

__all__ = ["AREAS", "SEVERITIES", "Applies", "Control", "Fix", "Reference"]

AREAS: t.Final = ("network", "access", "authentication", "encryption", "logging", "backup", "platform")
SEVERITIES: t.Final = ("critical", "high", "medium", "low")
"""The worst one first."""

_ID = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+")


@dataclasses.dataclass(frozen=True)
class Reference:
    """A recommendation of a benchmark as it is printed there, and where that was seen."""

    benchmark: str
    edition: str
    number: str
    title: str
    source: str

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _require_text(f"references.{field.name}", getattr(self, field.name))


@dataclasses.dataclass(frozen=True)
class Fix:
    """What puts it right: a variable of a role, with its value as YAML. ``{profile}`` in it is the one assessed by."""

    role: str
    variable: str
    value: str

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _require_text(f"fix.{field.name}", getattr(self, field.name))

    def told(self, profile: str) -> dict[str, str]:
        """The fix with the line for a playbook."""
        value = self.value.replace("{profile}", profile)
        return {
            "role": self.role,
            "variable": self.variable,
            "value": value,
            "line": f"{self.variable}: {value}",
        }


@dataclasses.dataclass(frozen=True)
class Applies:
    """Which clusters a control is about. ``condition`` is JMESPath; ``reason`` says why it is about no other."""

    first: int = 0  # major versions
    last: int = 99
    condition: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise InputError(option="applies.first", value=self.first, expected=f"it is not above last, {self.last}")
        if self.condition:
            checked("applies.condition", self.condition)
            _require_text("applies.reason", self.reason)


@dataclasses.dataclass(frozen=True)
class Control:
    """One question about a cluster. ``expression`` is JMESPath over the facts and yields what offends.

    With ``manual`` a person decides; what the expression yields is then what that person looks at.
    """

    id: str
    title: str
    area: str
    severity: str
    rationale: str
    expression: str = ""
    manual: str = ""  # what a person must look at
    evidence: str = ""  # JMESPath; what is shown for a cluster that passes, too
    fix: Fix | None = None
    references: tuple[Reference, ...] = ()
    applies: Applies = Applies()
    needs: tuple[str, ...] = ()  # of ``unreadable``, besides what the expressions read
    unclear: str = ""  # JMESPath; what nobody could look at, or why: where nothing offends this makes it unknown
    parameter: str = ""  # of a profile, for a control about one
    depends_on: tuple[str, ...] = ()  # parameters that decide what it finds, besides those that the expression reads

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not _ID.fullmatch(self.id):
            raise InputError(option="controls.id", value=self.id, expected="an id such as SITE-NET-001")
        for name in ("title", "rationale"):
            _require_text(f"{self.id}.{name}", getattr(self, name))
        _require_one_of(f"{self.id}.area", self.area, AREAS)
        _require_one_of(f"{self.id}.severity", self.severity, SEVERITIES)
        if not self.expression and not self.manual:
            raise InputError(
                option=f"{self.id}.expression",
                value=self.expression,
                expected="JMESPath, unless manual says what to do",
            )
        for name in ("expression", "evidence", "unclear"):
            if getattr(self, name):
                checked(f"{self.id}.{name}", getattr(self, name))


def _require_text(option: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InputError(option=option, value=value, expected="give a text that is not empty")


def _require_one_of(option: str, value: object, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        raise InputError(option=option, value=value, expected=f"it is one of {', '.join(accepted)}")
