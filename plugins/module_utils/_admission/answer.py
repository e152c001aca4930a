# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One reason why a client gets in or not; private to the collection."""

from __future__ import annotations

import typing as t

__all__ = ["ADMITTED", "Answer", "Outcome", "first_no", "refused", "unknown", "unproven"]

Outcome = t.Literal["admitted", "refused", "unproven", "unknown"]
"""unproven: it gets in if it can show what it never had to show; unknown: only the server can tell."""


class Answer(t.NamedTuple):
    """What one part of the world says to a client."""

    outcome: Outcome
    reason: str = ""
    where: str = ""


ADMITTED = Answer("admitted")


def refused(reason: str, where: str = "") -> Answer:
    """No."""
    return Answer("refused", reason, where)


def unproven(reason: str, where: str = "") -> Answer:
    """Yes, if it can show what it never had to."""
    return Answer("unproven", reason, where)


def unknown(reason: str, where: str = "") -> Answer:
    """Only the server can tell."""
    return Answer("unknown", reason, where)


def first_no(answers: t.Iterable[Answer]) -> Answer:
    """The first refusal, else the first thing that is not known, else the first that is not proven, else admitted."""
    found = list(answers)
    for outcome in ("refused", "unknown", "unproven"):
        for answer in found:
            if answer.outcome == outcome:
                return answer
    return next((answer for answer in found if answer.reason), ADMITTED)
