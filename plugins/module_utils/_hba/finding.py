# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One remark about a pg_hba.conf; private to the collection."""

from __future__ import annotations

import typing as t

__all__ = ["CODES", "Finding", "Severity"]

Severity = t.Literal["high", "medium", "low"]

CODES = (
    "cannot-match",
    "cleartext-password",
    "continued-comment",
    "contradicted",
    "duplicate",
    "ident",
    "literal-keyword",
    "md5",
    "no-catch-all",
    "open-world",
    "plaintext",
    "rejected",
    "replication-world",
    "short-address",
    "superuser-remote",
    "trust-local",
    "trust-network",
    "trust-world",
    "unreachable",
)
"""Every kind of remark. What each means, and what to do about it, stands in the guide on pg_hba.conf."""


class Finding(t.NamedTuple):
    """One remark about one line."""

    code: str
    severity: Severity
    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason} ({self.code}, {self.severity})"
