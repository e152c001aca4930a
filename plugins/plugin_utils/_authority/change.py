# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One change of something on the controller, as data; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

__all__ = ["Change", "diff_of"]


@dataclasses.dataclass(frozen=True)
class Change:
    """What is done. ``before`` and ``after`` are text for people and never hold a secret."""

    kind: str
    subject: str  # the path of what changes
    description: str
    before: str
    after: str
    payload: t.Any = dataclasses.field(default=None, repr=False)

    def result(self, component: str) -> dict[str, str]:
        """The change as returned to the playbook, in the form of all modules."""
        return {
            "component": component,
            "subject": self.subject,
            "description": self.description,
            "statement": "",
            "before": self.before,
            "after": self.after,
        }


def diff_of(changes: t.Iterable[Change]) -> list[dict[str, str]]:
    """Ansible's diff: one entry for each change."""
    return [
        {
            "before_header": f"{change.subject} (now)",
            "after_header": f"{change.subject} ({change.description})",
            "before": _text(change.before),
            "after": _text(change.after),
        }
        for change in changes
    ]


def _text(value: str) -> str:
    return value if not value or value.endswith("\n") else value + "\n"
