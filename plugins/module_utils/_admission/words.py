# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator is told about clients that would not get in; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.asking import Asked
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import OWN
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.trust import PLACES
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError

__all__ = ["refusal", "sentence"]

_NAMED = 20  # clients in a message
_WORDS = {"refused": "would be refused", "unproven": "might be refused", "unknown": "might be refused"}


def sentence(asked: Asked, written: t.Container[str]) -> str:
    """Who would be refused, and which line or attribute says so."""
    client, verdict = asked.client, asked.verdict
    who = str(client)
    if client.label == OWN:
        who = f"{OWN} ({who[len(OWN) + 2 :]})"
    return f"{who} {_WORDS[verdict.outcome]}: {_reason(asked, written)}"


def _reason(asked: Asked, written: t.Container[str]) -> str:
    verdict = asked.verdict
    if len(verdict.records) == 1:
        [record] = verdict.records
        place = f"{record.path}:{record.line}: "
        if verdict.where.startswith(place):
            new = "the new " if record.path in written else ""
            return f"line {record.line} of {new}{record.path} ({verdict.where[len(place) :]}): {verdict.reason}"
    return f"{verdict.reason} ({verdict.where})" if verdict.where else verdict.reason


def refusal(found: t.Sequence[Asked], written: t.Container[str]) -> RampartError:
    """The error that names them all, as far as they fit; the details have every one."""
    sentences = [sentence(asked, written) for asked in found]
    more = f"; and {len(sentences) - _NAMED} more" if len(sentences) > _NAMED else ""
    words = "; ".join(sentences[:_NAMED]) + more
    details = {
        "refused": [asked.result() for asked in found if asked.refused],
        "unproven": [asked.result() for asked in found if not asked.refused],
    }
    if all(asked.demanded and asked.client.label != OWN for asked in found):
        first = found[0].client
        return InputError(
            option=first.label.partition(" ")[0],
            value=first.attempt.user,
            expected=f"{words}; nothing was changed; correct the entry or admit it, or set allow_lockout to true",
            **details,
        )
    return RampartError(
        f"somebody would be locked out, so nothing was changed: {words}. What to do: {_advice(found)}", **details
    )


def _advice(found: t.Sequence[Asked]) -> str:
    """Only what helps against what was found."""
    advice = []
    by_trust = [asked.verdict.where in PLACES for asked in found]
    by_parameter = [asked.verdict.where.startswith("parameter") for asked in found if asked.refused]
    if any(by_trust):
        advice.append("give the client a certificate that the server believes then, or take away one that it does not")
    if any(by_parameter) and not all(by_trust):
        advice.append("give the parameter a value that lets it in")
    if not all(by_parameter):
        advice.append("admit it with an earlier rule, or change the role or database that says no")
    if any(not asked.refused and not asked.demanded for asked in found):
        advice.append("list who is known to have what will be asked for in accept_unproven")
    if any(asked.sessions for asked in found):
        advice.append("end a session that is of no use any more")
    return "; ".join([*advice, "or set allow_lockout to true"])
