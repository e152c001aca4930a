# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Giving a role a client certificate, and taking it away; private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import NotConverged
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment
from ansible_collections.rampart.postgresql.plugins.plugin_utils import _files as files
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import bundle as _bundle
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import making
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.authority import Authority
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.bundle import Bundle
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.bundle import Issuer
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.bundle import Wanted
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.change import Change
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.establishing import establish
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import Recipe
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.making import Subject
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.planning import Plan
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import Entry
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import Desired
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import ToRevoke

with contextlib.suppress(ImportError):  # sanity tests have none
    from cryptography.hazmat.primitives import serialization

__all__ = ["foreseen", "give", "holds", "revoke"]

_CERTIFICATE, _TRUST, _REMOVE = "certificate", "trust", "remove"
_DIRECTORY_MODE = 0o700


def give(authority: Authority, wanted: Wanted, *, passphrase: str, now: int, check: bool = False) -> Plan:
    """Make the bundle what it is to be; what was done, or in check mode would be."""
    if not os.path.isdir(os.path.dirname(wanted.path)):
        raise RampartError(f"{os.path.dirname(wanted.path)} is no directory, so {wanted.path} cannot be made in it")
    if wanted.made_since is not None and wanted.made_since > now:
        raise InputError(
            option="made_since", value=moment(wanted.made_since), expected=f"not after now ({moment(now)})"
        )
    files.check_owned(wanted.path)  # others could put another key in the place of ours
    authority.signing_key(passphrase, now)  # before anything is there, and in check mode
    if check:
        return _planned(authority, wanted, now)
    if not os.path.isdir(wanted.path):
        files.make_directory(wanted.path, _DIRECTORY_MODE)
    with files.locked(wanted.path):
        files.remove_leftovers(wanted.path)
        plan = _planned(authority, wanted, now)
        warnings = list(plan.warnings)
        for change in plan.changes:
            if change.kind == _CERTIFICATE:
                warnings += _issue(authority, wanted, passphrase, now)
            else:
                _write(wanted.path, {_bundle.TRUST: authority.trust_pem.encode()})
        left = _planned(authority, wanted, now).changes if plan.changes else ()
        if left:
            raise NotConverged(f"{wanted.path}: after the run there is still to do: {left[0].description}")
    return dataclasses.replace(plan, warnings=tuple(warnings))


def foreseen(path: str, wanted: Wanted, now: int) -> Plan:
    """What check mode says where the authority itself is still to be made."""
    changes = [
        _certificate_change(wanted, "there is no authority yet", _bundle.observe(wanted.path), now),
        _trust_change(wanted, "", "roots of the authority"),
    ]
    return Plan(tuple(changes), (f"{path} is still to be made by certificate_authority",))


def revoke(
    authority: Authority, wanted: Wanted, reason: str, *, passphrase: str, now: int, check: bool = False
) -> Plan:
    """Put every certificate that was made for this bundle on the list, and take the bundle away."""
    with contextlib.ExitStack() as held:
        if not check and os.path.isdir(wanted.path):
            _hold(held, wanted.path)
        return _revoked(authority, wanted, reason, passphrase=passphrase, now=now, check=check)


def _hold(held: contextlib.ExitStack, path: str) -> None:
    try:
        held.enter_context(files.locked(path))
        files.remove_leftovers(path)
    except RampartError:
        if os.path.isdir(path):  # else another run has taken it away meanwhile
            raise


def _revoked(authority: Authority, wanted: Wanted, reason: str, *, passphrase: str, now: int, check: bool) -> Plan:
    found = _bundle.observe(wanted.path)
    entries = [entry for entry in authority.entries() if _is_meant(entry, wanted, found)]
    valid = [entry.serial for entry in entries if entry.revoked is None and entry.not_after > now]
    desired = Desired(
        path=authority.places.directory,
        recipe=Recipe(Subject("PostgreSQL"), KeySpec("ecdsa_p384"), 1, 1),  # nothing is made of it
        policy=authority.policy,
        revoked=tuple(ToRevoke(option="role", serial=serial, reason=reason) for serial in valid),
    )
    plan = establish(desired, passphrase=passphrase, now=now, check=check)
    if not found.there and not _is_empty(wanted.path):
        return plan
    gone = Change(_REMOVE, wanted.path, "remove the bundle", found.summary(), "")
    if not check:
        files.remove(wanted.path, _bundle.NAMES)
    return dataclasses.replace(plan, changes=(*plan.changes, gone))


def holds(authority: Authority, path: str) -> Entry | None:
    """What the record says of the certificate in a bundle."""
    found = _bundle.observe(path)
    if found.leaf is None:
        return None
    fingerprint = making.fingerprint(found.leaf)
    return next((entry for entry in authority.entries() if entry.fingerprint == fingerprint), None)


def _is_empty(path: str) -> bool:
    """Whether only the directory is left, by a run that was killed."""
    return os.path.isdir(path) and not os.listdir(path)


def _is_meant(entry: Entry, wanted: Wanted, found: Bundle) -> bool:
    """Made for this place, or lying in it."""
    here = found.leaf is not None and making.serial_of(found.leaf) == entry.serial
    if here and entry.owner != wanted.role:
        raise RampartError(f"{wanted.path} holds the certificate of {entry.owner}, not of {wanted.role}")
    return entry.usage == "client" and entry.owner == wanted.role and (here or entry.place == wanted.path)


def _planned(authority: Authority, wanted: Wanted, now: int) -> Plan:
    found = _bundle.observe(wanted.path)
    intermediate = authority.issuing.intermediate
    end = making.seconds(intermediate, "not_valid_after")
    issuer = Issuer(authority.issuer_pem.encode(), authority.issuing.number, end)
    why = _bundle.reasons(found, wanted, issuer, authority.entries(), now)
    changes = [_certificate_change(wanted, "; ".join(why), found, now)] if why else []
    if found.contents[_bundle.TRUST] != authority.trust_pem.encode():
        before = "" if found.contents[_bundle.TRUST] is None else "other roots"
        numbers = ", ".join(str(number) for number in authority.policy.trusted)
        changes.append(_trust_change(wanted, before, f"roots of the generations {numbers}"))
    return Plan(tuple(changes), tuple(_ends_with_authority(found, wanted, end, now)))


def _certificate_change(wanted: Wanted, why: str, found: Bundle, now: int) -> Change:
    what = f"make a private key and a client certificate for the role {wanted.role}: {why}"
    subject = os.path.join(wanted.path, _bundle.CERTIFICATE)
    return Change(_CERTIFICATE, subject, what, found.summary(), wanted.summary(now))


def _trust_change(wanted: Wanted, before: str, after: str) -> Change:
    subject = os.path.join(wanted.path, _bundle.TRUST)
    return Change(_TRUST, subject, "write the roots that are trusted", before, after)


def _ends_with_authority(found: Bundle, wanted: Wanted, end: int, now: int) -> list[str]:
    if found.leaf is None or making.seconds(found.leaf, "not_valid_after") != end:
        return []
    if end - now >= wanted.validity * making.DAY // 3:
        return []
    return [f"the certificate in {wanted.path} ends with the authority that signed it, on {moment(end)}"]


def _issue(authority: Authority, wanted: Wanted, passphrase: str, now: int) -> t.Sequence[str]:
    key = keys.new_key(wanted.key)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    issued = authority.sign_client(
        public,
        passphrase=passphrase,
        role=wanted.role,
        common_name=wanted.common_name,
        key=wanted.key,
        validity_days=wanted.validity,
        now=now,
        place=wanted.path,
    )
    contents = {
        _bundle.CERTIFICATE: issued.chain_pem.encode(),
        _bundle.KEY: _bundle.private_pem(key, wanted.key_passphrase),
    }
    _write(wanted.path, contents)
    return issued.warnings


def _write(path: str, contents: t.Mapping[str, bytes]) -> None:
    files.replace_all((os.path.join(path, name), content, _bundle.MODES[name]) for name, content in contents.items())
