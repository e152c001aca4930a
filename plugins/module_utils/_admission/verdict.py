# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Would this client get in, and which line or attribute says no? Private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Side
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = ["Outcome", "Verdict", "compared", "verdict"]

Outcome = t.Literal["admitted", "refused", "unproven", "unknown"]
"""unproven: it gets in if it can show what it never had to show; unknown: only the server can tell."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The answer. ``str()`` of it is a sentence for messages, without secrets."""

    outcome: Outcome
    reason: str  # what decides, in words
    where: str = ""  # "path:line: rule" without secrets, or "role app: NOLOGIN"; of several, joined by "; "
    records: tuple[Record, ...] = ()  # the rules that decide, or may
    was_refused: bool = False  # refused before the change too

    def __str__(self) -> str:
        return f"{self.outcome}: {self.reason}" + (f" ({self.where})" if self.where else "")


def verdict(side: Side, client: Client) -> Verdict:
    """Whether the client gets in as things are on this side. Total: raises nothing."""
    raise NotImplementedError


def compared(before: Side, after: Side, client: Client) -> Verdict:
    """Whether the client gets in after a change. Total: raises nothing.

    What a connected client shows today it can show tomorrow: one that gives its password now is not asked for anything
    new by another rule that asks for the same password. One that gets in by trust, peer or ident and will have to show
    a secret is ``unproven``.
    """
    raise NotImplementedError
