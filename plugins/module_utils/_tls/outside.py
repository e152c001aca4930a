# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates that come from outside: given by an operator, or renewed by something else; private to the collection."""

from __future__ import annotations

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import fitness
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import judging
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import waiting
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import BACKDATE
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Contents
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import EXISTING
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import INSTALL
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import State

__all__ = ["check", "given", "reasons"]


def check(desired: Desired, state: State) -> None:
    """Refuse what clients or the server would refuse."""
    if desired.provider == INSTALL:
        chain = waiting.judged_chain(desired.chain, option=desired.named("chain"))
        _check_given(desired, state, chain, option="chain")
    if desired.provider == EXISTING and state.source is not None:
        wrong = judging.problem(state.source.contents, state)
        if wrong:
            raise InputError(
                option=desired.named("source_key"),
                value=desired.source_key or desired.source_certificate,
                expected=f"the private key of the certificate, but {wrong}",
            )
        _check_given(desired, state, state.source.contents, option="source_certificate")


def reasons(desired: Desired, state: State) -> list[str]:
    """Why something has to be done; empty when the file is good."""
    brought = given(desired, state)
    if brought is None or state.own is None:
        return judging.reasons(desired, state)
    contents = state.own.contents
    wrong = judging.problem(contents, state)
    if wrong:
        return [wrong]
    if contents is None or contents.chain != brought.chain:
        return ["another certificate was given"]
    return [*filter(None, [judging.key_shown(state.own)])]


def given(desired: Desired, state: State) -> Contents | None:
    """The certificate that came from outside."""
    if desired.provider == INSTALL:
        return pem.read(desired.chain)
    return state.source.contents if desired.provider == EXISTING and state.source else None


def _check_given(desired: Desired, state: State, brought: Contents, *, option: str) -> None:
    """Refuse a certificate from outside that clients would refuse."""
    certificate = brought.certificate
    if certificate is None:
        return
    wrong = ""
    missing = sorted(set(desired.exact_names) - set(certificate.names))
    if not brought.linked:
        wrong = "whose chain is in order: each certificate signed by the one that follows it"
    elif certificate.not_after <= state.now:
        wrong = f"that is valid; it has expired on {moment(certificate.not_after)}"
    elif certificate.not_before > state.now + BACKDATE:
        wrong = f"that is valid; it is not valid before {moment(certificate.not_before)}"
    elif certificate.key.startswith(("Ed25519", "Ed448")):
        wrong = "with an ECDSA or RSA key; with this one clients cannot log in with SCRAM over TLS"
    elif missing:
        wrong = f"that bears every name; it lacks {', '.join(missing)}"
    else:
        wrong = fitness.unfit(desired.chain if state.source is None else state.source.content, now=state.now)
    if wrong:
        raise InputError(option=desired.named(option), value=certificate.subject, expected=f"a certificate {wrong}")
