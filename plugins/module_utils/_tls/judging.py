# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a certificate has to be replaced, and whose it is; private to the collection. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._tls import state as _state
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import BACKDATE
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import DAY
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Contents
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import CA
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import REQUEST
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import SELF_SIGNED
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.names import is_loopback
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import OwnFile
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.state import State

__all__ = [
    "ends_with_issuer",
    "foreign",
    "is_due",
    "key_shown",
    "names_wanted",
    "not_served",
    "own_fingerprint",
    "problem",
    "reasons",
    "shortcomings",
    "waits_for_restart",
]

_OTHERS = 0o077
_OTHERS_OF_ROOTS = 0o037  # its group may read it, and the owner of the cluster has to be in that


def names_wanted(desired: Desired, state: State) -> tuple[str, ...]:
    """The names of a new certificate."""
    own = state.host_names
    if desired.granted is not None:
        from ansible_collections.rampart.postgresql.plugins.module_utils._tls.grants import Grants

        refused = Grants(desired.granted).refused(own)
        own = tuple(name for name in own if name not in refused)
    # the first one becomes the subject, which tells people whose certificate it is
    return desired.exact_names or tuple(sorted(dict.fromkeys([*own, *desired.additional_names]), key=is_loopback))


def reasons(desired: Desired, state: State) -> list[str]:
    """Why the file has to be made anew; empty when it is good."""
    if state.own is None:
        return ["there is none"]
    contents = state.own.contents
    wrong = problem(contents, state)
    if contents is None or contents.certificate is None or wrong:
        return [wrong]
    found = [*shortcomings(desired, state, contents.certificate), *_origin(desired, state)]
    return [*found, *filter(None, [key_shown(state.own)])]


def key_shown(own: OwnFile) -> str:
    """Why the server would not take a private key from a file; empty when it would. The rules are PostgreSQL's."""
    if own.stranger:
        return f"it belongs to {own.stranger}, neither to root nor to the owner of the cluster"
    if own.mode & (_OTHERS_OF_ROOTS if own.roots else _OTHERS):
        return f"others can read its key: mode {own.mode:04o}"
    return ""


def problem(contents: Contents | None, state: State) -> str:
    """Why the server cannot use a file; empty when it can. A passphrase is none where the server has a command for it."""
    if contents is None:
        return "it cannot be judged"
    return "" if contents.protected and state.passphrase_command else contents.problem


def waits_for_restart(state: State) -> str:
    """That the server goes on with what it had, as no reload loads this key; empty when that is not so."""
    if not _only_at_start(state) or state.served is None or state.served.fingerprint == own_fingerprint(state):
        return ""
    return (
        f"the server does not serve {state.path} before it is restarted: the private key has a passphrase, for which"
        " ssl_passphrase_command is not called at a reload; with ssl_passphrase_command_supports_reload = on, or a key"
        " without a passphrase, a reload is enough"
    )


def _only_at_start(state: State) -> bool:
    """Whether the key of our file is one that the server loads at a start and at no reload."""
    contents = state.own.contents if state.own and state.named and state.ssl else None
    return contents is not None and contents.protected and not state.passphrase_at_reload


def shortcomings(desired: Desired, state: State, certificate: Certificate) -> list[str]:
    """What a certificate lacks, wherever it came from."""
    found = [_wrong_names(desired, state, certificate), _wrong_time(desired, state, certificate)]
    if certificate.key != str(desired.key):
        found.append(f"its key is {certificate.key}, not {desired.key}")
    return [reason for reason in found if reason]


def _origin(desired: Desired, state: State) -> list[str]:
    """Whether it comes from where it should come from."""
    contents = state.own.contents if state.own else None
    if contents is None or contents.certificate is None:
        return []
    if desired.provider == SELF_SIGNED:
        return [] if contents.certificate.self_signed else ["its signature is not that of its own key"]
    if not contents.linked:
        return ["the certificates that follow it did not sign it"]
    if desired.provider in (CA, REQUEST) and contents.certificate.self_issued:
        return ["it is self-signed"]
    issued_now = contents.above == state.issuers if desired.provider == CA else _begins(contents.above, state.issuers)
    if desired.provider in (CA, REQUEST) and not issued_now:
        return ["it was not issued by the authority that issues now"]
    return []


def _begins(above: tuple[str, ...], issuers: tuple[str, ...]) -> bool:
    """A company's chain may go on, up to the root; without issuers every authority will do."""
    return above[: len(issuers)] == issuers


def _wrong_names(desired: Desired, state: State, certificate: Certificate) -> str:
    """Names that were given are exact; of the host's own, which a resolver may know today and not tomorrow, none may be
    missing."""
    present, exact = set(certificate.names), set(desired.exact_names)
    missing = sorted(set(names_wanted(desired, state)) - present)
    surplus = sorted(present - exact) if exact else []
    told = [f"it lacks {', '.join(missing)}"] if missing else []
    told += [f"it bears {', '.join(surplus)} too"] if surplus else []
    return " and ".join(told)


def ends_with_issuer(desired: Desired, state: State, certificate: Certificate) -> bool:
    """Whether another certificate of the authority that issues now would be valid for no longer."""
    return desired.provider == CA and state.issuer_end is not None and certificate.not_after >= state.issuer_end


def is_due(desired: Desired, state: State, certificate: Certificate) -> bool:
    """Whether so little of its lifetime is left that another one is wanted."""
    third = (certificate.not_after - certificate.not_before) // 3
    margin = third if desired.renew_before is None else desired.renew_before * DAY
    return certificate.not_after - state.now < margin


def _wrong_time(desired: Desired, state: State, certificate: Certificate) -> str:
    now, lifetime = state.now, certificate.not_after - certificate.not_before
    if certificate.not_before > now:
        return f"it is not valid before {moment(certificate.not_before)}"
    if certificate.not_after <= now:
        return f"it has expired on {moment(certificate.not_after)}"
    if is_due(desired, state, certificate) and not ends_with_issuer(desired, state, certificate):
        return f"it expires on {moment(certificate.not_after)}"
    if lifetime > desired.validity * DAY + BACKDATE:
        return f"it is valid for more than {desired.validity} days"
    if desired.made_since is not None and certificate.not_before + BACKDATE < desired.made_since:
        return f"it was made before {moment(desired.made_since)}"
    return ""


def foreign(state: State, provider: str) -> str:
    """Why the present certificate is the operator's own; empty when it is ours or nobody's.

    Ours is what lies at our path or bears our mark; the distribution's self-made one is nobody's.
    """
    own = state.own.contents if state.own else None
    if own and own.certificate and not own.certificate.self_issued and not (own.marked and provider != SELF_SIGNED):
        return f"it was issued by somebody else{_expiry(own.certificate, state.now)}"
    used = state.in_use
    if used is None:
        return ""
    if used.unreadable:
        return f"it is neither ours nor the distribution's: {used.unreadable}"
    certificate = used.contents.certificate if used.contents else None
    distribution = {used.path, used.real_path} & set(_state.DISTRIBUTION_CERTIFICATES)
    if (used.contents and used.contents.marked) or (distribution and (not certificate or certificate.self_issued)):
        return ""
    return f"it is neither ours nor the distribution's{_expiry(certificate, state.now)}"


def _expiry(certificate: Certificate | None, now: int) -> str:
    """The server itself loads an expired certificate without a word."""
    if certificate is None:
        return ""
    verb = "it has expired on" if certificate.not_after <= now else "it is valid until"
    return f"; {verb} {moment(certificate.not_after)}"


def not_served(state: State) -> str:
    """Why the file at our path is not what the server works with, as far as that can be known."""
    if not (state.named and state.ssl and state.own) or _only_at_start(state):
        return ""
    if state.served is None:  # nothing listens on TCP: the times are all there is
        newer = state.own.modified > state.loaded
        return "the file is newer than the configuration that the server has loaded" if newer else ""
    if state.served.refusal:
        return f"ssl is on, but {state.served.refusal}"
    if state.served.fingerprint != own_fingerprint(state):
        return "the server still serves another certificate"
    return ""


def own_fingerprint(state: State) -> str:
    """Of the certificate at our path."""
    contents: t.Any = state.own.contents if state.own else None
    return contents.certificate.fingerprint if contents and contents.certificate else ""
