# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Authorities and revocation lists as values; private to the collection.

Nothing here needs the cryptography library. Times are whole seconds since the epoch.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment

__all__ = ["MARK", "Authority", "RevocationList", "Trust", "findings", "told"]

MARK = b"# Who may issue certificates of clients, and what they revoked; written by rampart.postgresql."
_NOTE = b"# What is edited here is lost."
_SHARE = 3  # a list is to be renewed when less than this part of its validity is left
_SOON = 90 * 86400  # seconds; an authority is replaced by people, who need time


@dataclasses.dataclass(frozen=True)
class Authority:
    """A certificate that vouches for others."""

    title: str  # subject as RFC 4514 writes it, without anything that is not printable
    name: str  # the same as pg_stat_ssl writes it, but whole
    announced: bytes  # the same in DER, as the server tells its clients
    key: str  # SHA-256 of its public key, in hexadecimal
    self_issued: bool
    not_before: int
    not_after: int
    fingerprint: str  # SHA-256, in hexadecimal
    pem: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class RevocationList:
    """What an authority has revoked, and until when that is all."""

    title: str  # the authority's subject as RFC 4514 writes it
    name: str  # the same as pg_stat_ssl writes it, but whole
    last_update: int
    next_update: int | None  # None: it never expires
    entries: int
    fingerprint: str  # SHA-256, in hexadecimal
    pem: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Trust:
    """Whom a server believes, and what it does not believe any more."""

    authorities: tuple[Authority, ...] = ()
    lists: tuple[RevocationList, ...] = ()

    def content(self) -> bytes:
        """One file with all of it: libssl takes from it what it looks for."""
        parts = [MARK, _NOTE]
        blocks = [(each.title, each.pem) for each in self.authorities] + [(each.title, each.pem) for each in self.lists]
        for title, pem in blocks:
            parts += [b"# " + title.encode("ascii", "backslashreplace"), pem.rstrip(b"\n")]
        return b"\n".join(parts) + b"\n"

    def summary(self) -> str:
        """What people see; nothing of it is secret."""
        lines = []
        for authority in self.authorities:
            lines.append(f"authority: {authority.title}, valid until {moment(authority.not_after)}")
            lines.append(f"  SHA-256 fingerprint: {authority.fingerprint}")
        for each in self.lists:
            until = "for ever" if each.next_update is None else f"until {moment(each.next_update)}"
            lines.append(f"revocation list: {each.title}, of {moment(each.last_update)}, valid {until}")
            lines.append(f"  {each.entries} revoked, SHA-256 fingerprint: {each.fingerprint}")
        return "\n".join(lines)


def findings(trust: Trust, *, now: int) -> t.Iterator[str]:
    """What somebody has to do soon, or had to."""
    for authority in trust.authorities:
        until = moment(authority.not_after)
        if authority.not_after <= now:
            yield (
                f"the authority {authority.title} has expired on {until}: the server refuses every client that shows a"
                " certificate of its"
            )
        elif authority.not_after - now < _SOON:
            yield f"the authority {authority.title} expires on {until}; its successor has to be trusted before that"
    for name in _shared(trust.authorities):
        yield (
            f"several authorities have the same name and different keys, {name}: OpenSSL tells them apart only by the"
            " authority key identifier of a certificate, and takes the first for one that has none"
        )
    for each in trust.lists:
        if each.next_update is None:
            continue
        until = moment(each.next_update)
        if each.next_update <= now:
            yield (
                f"the revocation list of {each.title} has expired on {until}: the server refuses every client that shows"
                " a certificate of that authority, revoked or not"
            )
        elif each.next_update - now < (each.next_update - each.last_update) // _SHARE:
            yield (
                f"the revocation list of {each.title} expires on {until}, and less than a third of its validity is left:"
                " once it has expired the server refuses every client that shows a certificate of that authority"
            )


def _shared(authorities: t.Sequence[Authority]) -> list[str]:
    keys: dict[str, set[str]] = {}
    for each in authorities:
        keys.setdefault(each.title, set()).add(each.key)
    return [title for title, found in keys.items() if len(found) > 1]


def told(trust: Trust) -> dict[str, t.Any]:
    """As return values."""
    return {
        "authorities": [
            {"subject": each.title, "not_after": each.not_after, "fingerprint": each.fingerprint}
            for each in trust.authorities
        ],
        "revocation_lists": [
            {
                "issuer": each.title,
                "last_update": each.last_update,
                "next_update": each.next_update,
                "revoked": each.entries,
            }
            for each in trust.lists
        ],
    }
