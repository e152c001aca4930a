# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to say about the certificate that is there; private to the collection. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import judging
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import EXISTING
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import INSTALL
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import QUESTION
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import REQUEST
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import State

__all__ = ["check_moment", "exposure", "facts", "findings"]


def check_moment(desired: Desired, state: State) -> None:
    """Refuse a moment that has not come yet."""
    now = state.now if desired.clock is None else desired.clock
    if desired.made_since is not None and desired.made_since > now:
        raise InputError(
            option=desired.named("made_since"),
            value=moment(desired.made_since),
            expected="a moment that has passed, or every run would make another certificate",
        )


def exposure(state: State) -> str:
    """That somebody else could put a key of their own in the place of the server's; empty when nobody could."""
    return f"{state.path}: {state.exposed}: another key can be put in its place" if state.exposed else ""


def findings(desired: Desired, state: State) -> tuple[str, ...]:
    """What only an operator can mend: certificates that come from outside and end, or end with their authority."""
    installed = state.own.contents.certificate if state.own and state.own.contents else None
    waits = tuple(filter(None, [judging.waits_for_restart(state), exposure(state)]))
    if installed is None:
        return waits
    if judging.is_due(desired, state, installed) and judging.ends_with_issuer(desired, state, installed):
        return (
            *waits,
            f"the certificate {state.path} expires on {moment(installed.not_after)} with the authority that signs, so another"
            " one would not be valid for longer: sign with another generation",
        )
    if desired.provider not in (INSTALL, EXISTING):
        return waits
    return waits + tuple(
        f"the certificate {state.path} has to be renewed where it comes from: {reason}"
        for reason in judging.shortcomings(desired, state, installed)
        if reason.startswith(("it expires", "it has expired"))
    )


def facts(desired: Desired) -> dict[str, t.Any]:
    """Return values of a run that has nothing to ask for."""
    return {QUESTION: None} if desired.provider == REQUEST else {}
