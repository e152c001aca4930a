# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Revocation lists of an authority, all of them in one text; private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import making
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import Generation
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import Entry

with contextlib.suppress(ImportError):  # sanity tests have none
    from cryptography import x509

__all__ = ["RevocationList", "all_made", "due", "list_of", "parsed", "serials_of"]

_BELOW = {"root": ("intermediate",), "intermediate": ("server", "client")}
_BLOCK = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----\n?", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class RevocationList:
    """One list as it was read. Times are seconds since the epoch."""

    pem: bytes
    issuer: t.Any
    issuer_key: bytes | None  # identifier, by which two of the same name are told apart
    number: int
    last_update: int
    next_update: int
    revoked: tuple[making.RevokedSerial, ...]

    @property
    def serials(self) -> frozenset[str]:
        """What it names, as the record spells it."""
        return frozenset(f"{each.serial:x}" for each in self.revoked)


def parsed(content: bytes, path: str) -> list[RevocationList]:
    """The lists of a file."""
    try:
        return [_parsed(found.group()) for found in _BLOCK.finditer(content)]
    except (ValueError, x509.ExtensionNotFound):
        raise RampartError(f"{path} holds something else than revocation lists of this authority") from None


def list_of(lists: t.Iterable[RevocationList], issuer: t.Any) -> RevocationList | None:
    """The list of this root or intermediate."""
    own = _identifier(issuer)
    return next((found for found in lists if found.issuer == issuer.subject and found.issuer_key == own), None)


def serials_of(entries: t.Iterable[Entry], generation: int, usage: str, now: int) -> frozenset[str]:
    """What the list of a root or an intermediate must name: an expired certificate is refused without."""
    return frozenset(entry.serial for entry in _revoked(entries, generation, _BELOW[usage]) if entry.not_after > now)


def due(found: RevocationList | None, wanted: frozenset[str], *, validity: int, interval: int, now: int) -> str:
    """Why a list has to be made anew; empty when it is good. Days: how long it is valid, how often it is renewed."""
    if found is None:
        return "there is none"
    if wanted - found.serials:
        return f"it lacks {', '.join(sorted(wanted - found.serials))}"
    if found.last_update > now:
        return "it is not valid yet"
    if found.next_update <= now:
        return "it has expired"
    if found.next_update - found.last_update != validity * making.DAY + making.BACKDATE:
        return f"it is not valid for {validity} days"
    if now - found.last_update - making.BACKDATE >= interval * making.DAY:
        return f"it is {interval} days old"
    return ""


def all_made(
    generations: t.Iterable[Generation],
    entries: t.Sequence[Entry],
    before: t.Sequence[RevocationList],
    *,
    passphrase: str,
    validity: int,
    now: int,
) -> bytes:
    """New lists of each root and intermediate."""
    made = []
    for generation in generations:
        for usage, issuer in generation.both:
            old = list_of(before, issuer)
            made.append(
                making.revocation_list(
                    issuer,
                    generation.key(usage, passphrase),
                    _named(entries, old, generation.number, usage, now),
                    number=max(now, old.number + 1 if old else 0),  # grows even where the last one was lost
                    last_update=now - making.BACKDATE,
                    next_update=now + validity * making.DAY,
                )
            )
    return b"".join(making.pem_of(each) for each in made)


def _named(
    entries: t.Sequence[Entry], old: RevocationList | None, generation: int, usage: str, now: int
) -> t.Iterable[making.RevokedSerial]:
    """What the record says is revoked, and what the list said until now: a record may have been lost, or come from an
    older copy, and nobody gets in again because of that."""
    expired = {entry.serial for entry in entries if entry.not_after <= now}
    named = {each.serial: each for each in (old.revoked if old else ()) if f"{each.serial:x}" not in expired}
    for entry in _revoked(entries, generation, _BELOW[usage]):
        if entry.revoked and entry.serial not in expired:
            serial = int(entry.serial, 16)
            named[serial] = making.RevokedSerial(serial, entry.revoked.time, entry.revoked.reason)
    return named.values()


def _revoked(entries: t.Iterable[Entry], generation: int, usages: tuple[str, ...]) -> list[Entry]:
    return [entry for entry in entries if entry.revoked and entry.generation == generation and entry.usage in usages]


def _parsed(pem: bytes) -> RevocationList:
    found = x509.load_pem_x509_crl(pem)
    return RevocationList(
        pem=pem,
        issuer=found.issuer,
        issuer_key=found.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier,
        number=found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number,
        last_update=making.seconds(found, "last_update"),
        next_update=making.seconds(found, "next_update"),
        revoked=tuple(_entry(each) for each in found),
    )


def _entry(found: t.Any) -> making.RevokedSerial:
    try:
        reason = found.extensions.get_extension_for_class(x509.CRLReason).value.reason.name
    except x509.ExtensionNotFound:
        reason = "unspecified"
    return making.RevokedSerial(found.serial_number, making.seconds(found, "revocation_date"), reason)


def _identifier(issuer: t.Any) -> bytes:
    digest: bytes = x509.SubjectKeyIdentifier.from_public_key(issuer.public_key()).digest
    return digest
