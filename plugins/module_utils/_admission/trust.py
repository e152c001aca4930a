# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the server still believes the certificate of a client; pure; private to the collection.

It looks at whatever a client shows, rules or no rules, and ends the connection when it does not believe it.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import Answer
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import refused
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.answer import unproven
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Certificate
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import Client
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.client import as_shown
from ansible_collections.rampart.postgresql.plugins.module_utils._admission.world import Parameters
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ClientTrust

__all__ = ["PLACES", "answers", "refuses"]

_AUTHORITIES = "parameter ssl_ca_file"
_LISTS = "parameters ssl_crl_file, ssl_crl_dir"
PLACES = (_AUTHORITIES, _LISTS)
"""Where it stands that a certificate is not believed."""

Named = t.AbstractSet[tuple[str, str]]  # authorities by name and key


def answers(before: Parameters, after: Parameters, client: Client) -> list[Answer]:
    """What a change of authorities and lists does to a client; nothing where they stay as they are."""
    if before.ssl_ca is None and after.ssl_ca is not None and client.attempt.tls and client.may_have_certificate:
        return [_asked_from_then_on()]
    certificate = client.certificate
    if certificate is None or after.ssl_ca is None:
        return []
    if after.trust is None or certificate.issuer is None:
        return _unknown(before, after, is_claimed=after.trust is not None and not client.connected)
    return [
        *_vouched(before.trust, after.trust, certificate.issuer, is_new=before.ssl_ca is None),
        *_listed(before.trust, after.trust, certificate, certificate.issuer),
    ]


def refuses(parameters: Parameters, client: Client) -> bool:
    """Whether the server does not believe the certificate today, of a session that is older than the list."""
    trust, certificate = parameters.trust, client.certificate
    if trust is None or certificate is None or certificate.issuer is None:
        return False
    return any(answer.outcome == "refused" for answer in _listed(trust, trust, certificate, certificate.issuer))


def _asked_from_then_on() -> Answer:
    return unproven(
        "from then on the server asks clients for a certificate and refuses one that its authorities do not vouch for."
        " libpq shows what lies in ~/.postgresql/postgresql.crt unasked, even an old one, and whether this client has"
        " something there is not known",
        _AUTHORITIES,
    )


def _unknown(before: Parameters, after: Parameters, *, is_claimed: bool) -> list[Answer]:
    """Of a certificate, or of authorities, of which no more is known than that there are others than before."""
    found = []
    if after.ssl_crl not in (None, before.ssl_crl) and not is_claimed:
        found.append(unproven("the lists of revoked certificates change", _LISTS))
    keeps = before.trust is not None and after.trust is not None and _all(before.trust) <= _all(after.trust)
    if before.ssl_ca not in (None, after.ssl_ca) and not keeps:
        reason = "the authorities that vouch for client certificates change, and whether they know its own is not known"
        found.append(unproven(reason, _AUTHORITIES))
    return found


def _vouched(before: ClientTrust | None, after: ClientTrust, issuer: str, *, is_new: bool) -> t.Iterator[Answer]:
    """Whether an authority that is trusted then stands behind it."""
    if is_new or (before is not None and _all(before) <= _all(after)):
        return
    now, then = (None if before is None else _of(before.roots, issuer)), _of(after.roots, issuer)
    if then and (not now or now & then):
        return
    if now or (before is not None and not before.roots & after.roots):
        yield refused(f"its certificate was issued by {issuer}, and nobody vouches for that any more", _AUTHORITIES)
    else:
        reason = f"whether one of the authorities that remain vouches for {issuer}, which issued its certificate,"
        yield unproven(f"{reason} is not known", _AUTHORITIES)


def _listed(
    before: ClientTrust | None, after: ClientTrust, certificate: Certificate, issuer: str
) -> t.Iterator[Answer]:
    """Whether it is on a list, or nothing says that it is not."""
    if after.listed is None:
        return
    names = [name for name in after.listed if as_shown(name) == issuer]
    if any((name, certificate.serial) in after.revoked for name in names):
        yield refused(f"its certificate, number {certificate.serial} of {issuer}, is revoked", _LISTS)
    elif not names and after.more_lists:
        yield unproven(
            f"its certificate was issued by {issuer}, and whether ssl_crl_dir has a list of that is not known", _LISTS
        )
    elif not names:
        reason = (
            f"its certificate was issued by {issuer}, and without a list of what that revoked the server believes none"
        )
        yield refused(reason, _LISTS)
    elif not _of(after.roots, issuer) and not {name for name, _key in after.roots}.isdisjoint(_revoking(before, after)):
        yield unproven(
            f"whether {issuer}, which issued its certificate, is itself among what is revoked is not known", _LISTS
        )


@functools.lru_cache(maxsize=1)
def _revoking(before: ClientTrust | None, after: ClientTrust) -> set[str]:
    """Who revokes something anew."""
    return {name for name, _serial in after.revoked - (frozenset() if before is None else before.revoked)}


def _all(trust: ClientTrust) -> Named:
    return trust.roots | trust.intermediates


def _of(authorities: Named, issuer: str) -> set[str]:
    """Keys of the authorities of this name."""
    return {key for name, key in authorities if as_shown(name) == issuer}
