# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong, or soon will be, with the certificates of a cluster: pure; private to the collection."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import AUTHORITY
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import INTERMEDIATE
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import SERVER
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import Found
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.observed import Observed
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import RevocationList
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.reading import Unread
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.states import days_left
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.expiry.states import state_of

__all__ = ["PROBLEMS", "judge"]

PROBLEMS = {
    "expired": "critical",
    "not_yet_valid": "critical",
    "unreadable": "critical",
    "key_unusable": "critical",
    "key_mismatch": "critical",
    "key_exposed": "critical",
    "list_missing": "critical",
    "wrong_signature": "critical",
    "expires_soon": "warning",
    "not_served": "warning",
    "not_loaded": "warning",
    "not_looked_for": "warning",
    "chain_broken": "warning",
    "weak_key": "warning",
    "weak_signature": "warning",
    "no_channel_binding": "warning",
    "self_signed": "notice",
}
"""Every problem and how much it matters: something fails now or at the next start, may fail, or is merely so."""

_REFUSED = "the server refuses every client certificate of this authority"
_AMISS = {
    "expired": "it expired {after}",
    "not_yet_valid": "it is not valid before {before}; is the clock of this host right?",
    "soon": "it expires {after}, in {days} days",
}
_CODES = {"soon": "expires_soon"}

Told = t.Iterator[tuple[str, str]]  # code and words


def judge(observed: Observed, *, within: int | None = None) -> list[dict[str, t.Any]]:
    """Each certificate and list with what is wrong; ``within`` as in ``state_of``."""
    return [_entry(found, observed, within) for found in observed.found]


def _entry(found: Found, observed: Observed, within: int | None) -> dict[str, t.Any]:
    item = found.item
    state = _state(found, observed, within)
    told = [] if state == "superseded" else list(_told(found, state, observed))
    key_file = observed.key_file if found.role == SERVER and found.path is not None else None
    return {
        "role": found.role,
        "path": found.path,
        "number": found.number,
        **_words(item),
        "days_left": None if isinstance(item, Unread) else days_left(item.not_after, observed.now),
        "state": state,
        "served": _is_served(found, observed),
        "key_path": key_file.path if key_file else None,
        "key_matches": key_file.key.matches if key_file else None,
        "key_reason": key_file.key.reason if key_file else "",
        "reason": item.reason if isinstance(item, Unread) else "",
        "problems": [{"code": code, "severity": PROBLEMS[code], "message": words} for code, words in told],
    }


def _words(item: Certificate | RevocationList | Unread) -> dict[str, t.Any]:
    """What it says about itself, with the same keys whatever it is."""
    times = (None, None) if isinstance(item, Unread) else (item.not_before, item.not_after)
    certificate = item if isinstance(item, Certificate) else None
    return {
        "subject": certificate.subject if certificate else None,
        "issuer": getattr(item, "issuer", None),
        "names": list(certificate.names) if certificate else [],
        "serial": getattr(item, "serial", None),
        "not_before": _iso(times[0]),
        "not_after": _iso(times[1]),
        "not_before_epoch": times[0],
        "not_after_epoch": times[1],
        "fingerprint": item.fingerprint,
        "key": certificate.key if certificate else None,
        "signature": getattr(item, "signature", None),
        "self_signed": certificate.self_issued if certificate else None,
        "revoked": item.revoked if isinstance(item, RevocationList) else None,
    }


def _state(found: Found, observed: Observed, within: int | None) -> str:
    item = found.item
    if isinstance(item, Unread):
        return "unknown"
    state = state_of(item.not_before, item.not_after, now=observed.now, within=within)
    if isinstance(item, RevocationList) and state in ("expired", "not_yet_valid"):
        others = (other.item for other in observed.found if other is not found and not other.passed_over)
        if any(_is_good_list(other, item.issuer, observed) for other in others):
            return "superseded"
    return state


def _is_good_list(item: t.Any, issuer: str, observed: Observed) -> bool:
    if not isinstance(item, RevocationList) or item.issuer != issuer:
        return False
    state = state_of(item.not_before, item.not_after, now=observed.now)
    return state in ("ok", "soon") and not _wrongly_signed(item, observed)


def _told(found: Found, state: str, observed: Observed) -> Told:
    item = found.item
    if isinstance(item, Unread):
        yield "unreadable", item.reason
    else:
        yield from _about_time(item, state, observed)
    if isinstance(item, RevocationList):
        yield from _about_list(item, observed)
    if isinstance(item, Certificate):
        yield from _about_certificate(found, item, observed)
    if found.role == SERVER and found.path is not None:
        yield from _about_key(observed)
        yield from _about_serving(found, observed)
    if found.not_loaded:
        yield "not_loaded", "the file was changed after the server last read its configuration: reload it"
    if found.passed_over:
        yield "not_looked_for", "OpenSSL does not look for a file of this name, see openssl rehash"


def _about_time(item: Certificate | RevocationList, state: str, observed: Observed) -> Told:
    words = _AMISS.get(state)
    if words is None:
        return
    told = words.format(
        before=_iso(item.not_before), after=_iso(item.not_after), days=days_left(item.not_after, observed.now)
    )
    refuses = isinstance(item, RevocationList) and observed.checks_lists and state != "soon"
    yield _CODES.get(state, state), f"{told}; {_REFUSED}" if refuses else told


def _about_list(item: RevocationList, observed: Observed) -> Told:
    if _wrongly_signed(item, observed):
        yield "wrong_signature", f"its signature is not that of {item.issuer}; {_REFUSED}"
    if item.weak_signature:
        yield "weak_signature", f"it is signed with {item.signature}"


def _wrongly_signed(item: RevocationList, observed: Observed) -> bool:
    """Whether its authority is known here and did not sign it."""
    authorities = [authority for authority in _authorities(observed) if authority.subject == item.issuer]
    return bool(authorities) and not any(item.signed_by(authority) for authority in authorities)


def _authorities(observed: Observed) -> list[Certificate]:
    return [found.item for found in observed.found if found.role == AUTHORITY and isinstance(found.item, Certificate)]


def _about_certificate(found: Found, item: Certificate, observed: Observed) -> Told:
    if item.weak_key:
        yield "weak_key", f"its key is {item.key}"
    if item.weak_signature and not item.self_issued:  # nobody relies on the signature of a root
        yield "weak_signature", f"it is signed with {item.signature}"
    if found.role == AUTHORITY and observed.checks_lists and not _has_list(item, observed):
        yield "list_missing", f"there is no revocation list of {item.subject}; {_REFUSED}"
    if found.role == SERVER and item.self_issued:
        yield "self_signed", "it is self-signed: a client that verifies it has to be given every new one"
    if found.role == SERVER and item.signature is None:
        yield "no_channel_binding", "its signature names no hash, so clients cannot log in with SCRAM over TLS"
    if found.role in (SERVER, INTERMEDIATE) and found.path is not None:
        yield from _about_chain(found, item, observed)


def _has_list(authority: Certificate, observed: Observed) -> bool:
    """Whether there is a list of its, good or not: one that is not good tells so itself."""
    return any(
        isinstance(found.item, RevocationList) and found.item.issuer == authority.subject and not found.passed_over
        for found in observed.found
    )


def _about_chain(found: Found, item: Certificate, observed: Observed) -> Told:
    """The next certificate of the file has to be that of the issuer, or a client cannot follow."""
    for other in observed.found:
        follows = other.role == INTERMEDIATE and other.number == found.number + 1
        if follows and isinstance(other.item, Certificate) and other.item.subject != item.issuer:
            yield "chain_broken", f"the next one in the file is {other.item.subject}, not its issuer {item.issuer}"


def _about_key(observed: Observed) -> Told:
    key_file = observed.key_file
    if key_file is None:
        return
    if not key_file.key.usable:
        yield "key_unusable", f"{key_file.path}: {key_file.key.reason}"
    elif key_file.key.matches is False:
        yield "key_mismatch", f"the private key in {key_file.path} does not belong to it"
    if key_file.exposed:
        yield "key_exposed", f"{key_file.path}: {key_file.exposed}"


def _about_serving(found: Found, observed: Observed) -> Told:
    if not observed.ssl:
        return
    if observed.not_served:
        yield "not_served", observed.not_served
    elif _is_served(found, observed) is False:
        yield "not_served", "the server serves another certificate than the file holds: reload it"


def _is_served(found: Found, observed: Observed) -> bool | None:
    """Whether clients are shown it; None where that is not known, or it is no server certificate."""
    if found.role != SERVER:
        return None
    if not observed.ssl:
        return False
    if observed.served is None or found.item.fingerprint is None:
        return None
    return found.item.fingerprint == observed.served


def _iso(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} seconds after 1970"
