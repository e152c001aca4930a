# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One certificate or list of one cluster, or of the authority; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

__all__ = ["LIST", "SEVERITIES", "Row", "Values"]

SEVERITIES = ("critical", "warning", "notice", "none")
"""The worst one first."""
_OF_STATE = {"expired": "critical", "not_yet_valid": "critical", "unknown": "critical", "soon": "warning"}
LIST = "revocation_list"

Values = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Row:
    """One certificate or list. ``problems`` are those that ``state`` does not tell, with their severity."""

    host: str
    cluster: str
    role: str = ""
    path: str = ""
    number: int = 1
    subject: str = ""  # of a list, its issuer
    not_after: str = ""
    not_after_epoch: int | None = None
    days_left: int | None = None
    state: str = "unknown"
    problems: tuple[tuple[str, str], ...] = ()
    reason: str = ""

    @property
    def is_list(self) -> bool:
        """Whether it is a revocation list."""
        return self.role == LIST

    @property
    def severity(self) -> str:
        """The worst of all that is wrong with it."""
        found = [_OF_STATE.get(self.state, "none"), *(severity for _code, severity in self.problems)]
        return min(found, key=SEVERITIES.index)

    def order(self) -> tuple[t.Any, ...]:
        """What is not known first, then by the time that is left; what nobody needs any more last."""
        known = self.not_after_epoch is not None
        rank = 0 if self.state == "unknown" else 3 if self.state == "superseded" else 1 if known else 2
        return (rank, self.not_after_epoch or 0, self.host, self.cluster, self.path, self.number)

    def values(self) -> Values:
        """As a playbook gets it."""
        return {
            "host": self.host,
            "cluster": self.cluster,
            "role": self.role,
            "path": self.path or None,
            "number": self.number,
            "subject": self.subject,
            "not_after": self.not_after or None,
            "not_after_epoch": self.not_after_epoch,
            "days_left": self.days_left,
            "state": self.state,
            "severity": self.severity,
            "problems": [code for code, _severity in self.problems],
            "reason": self.reason,
        }
