# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bundle of a client: key, certificate and roots under the names that libpq looks for; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import re
import stat
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment
from ansible_collections.rampart.postgresql.plugins.plugin_utils import _files as files
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import making
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import encoded
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import Entry

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
except ImportError:
    pass

__all__ = [
    "CERTIFICATE",
    "KEY",
    "MODES",
    "NAMES",
    "TRUST",
    "Bundle",
    "Issuer",
    "Wanted",
    "observe",
    "private_pem",
    "reasons",
]

CERTIFICATE, KEY, TRUST = NAMES = ("postgresql.crt", "postgresql.key", "root.crt")
MODES = {CERTIFICATE: files.PUBLIC, KEY: files.PRIVATE, TRUST: files.PUBLIC}
_OTHERS = 0o077
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A client certificate as it is to be. Times in days, ``made_since`` in seconds since the epoch."""

    path: str
    role: str
    common_name: str
    key: KeySpec
    validity: int
    renew_before: int | None = None  # None: a third of the lifetime
    made_since: int | None = None
    key_passphrase: str | None = dataclasses.field(default=None, repr=False)

    def summary(self, now: int) -> str:
        """What people see before it is made."""
        return "\n".join(
            [
                f"common name: {self.common_name}",
                f"key: {self.key}{', encrypted' if self.key_passphrase else ''}",
                f"valid from: {moment(now - making.BACKDATE)}",
                f"valid until: {moment(now + self.validity * making.DAY)}",
            ]
        )


@dataclasses.dataclass(frozen=True)
class Issuer:
    """What a certificate is judged by. ``not_after`` is the end of the intermediate, in seconds since the epoch."""

    pem: bytes
    generation: int
    not_after: int


@dataclasses.dataclass(frozen=True)
class Bundle:
    """What lies there; None for a file that does not."""

    contents: t.Mapping[str, bytes | None] = dataclasses.field(repr=False)
    modes: t.Mapping[str, int]
    leaf: t.Any = None  # None: there is none, or it cannot be read

    @property
    def there(self) -> tuple[str, ...]:
        """Names of the files that are there."""
        return tuple(name for name in NAMES if self.contents[name] is not None)

    def summary(self) -> str:
        """What people see of it."""
        if self.leaf is None:
            return ", ".join(self.there)
        return "\n".join(
            [
                f"common name: {common_name(self.leaf)}",
                f"key: {keys.describe(self.leaf.public_key())}",
                f"valid from: {moment(making.seconds(self.leaf, 'not_valid_before'))}",
                f"valid until: {moment(making.seconds(self.leaf, 'not_valid_after'))}",
            ]
        )


def observe(path: str) -> Bundle:
    """Look, and only look."""
    contents = {name: files.read(os.path.join(path, name)) for name in NAMES}
    modes = {
        name: stat.S_IMODE(os.stat(os.path.join(path, name)).st_mode) for name in NAMES if contents[name] is not None
    }
    return Bundle(contents=contents, modes=modes, leaf=_leaf(contents[CERTIFICATE] or b""))


def reasons(bundle: Bundle, wanted: Wanted, issuer: Issuer, entries: t.Iterable[Entry], now: int) -> list[str]:
    """Why a new key and certificate have to be made; empty when those that are there are good."""
    if bundle.contents[CERTIFICATE] is None and bundle.contents[KEY] is None:
        return ["there is none"]
    if bundle.leaf is None:
        return ["no certificate can be read"]
    known = {entry.fingerprint: entry for entry in entries}
    entry = known.get(making.fingerprint(bundle.leaf))
    if entry is None:
        return ["this authority did not issue it"]
    found = [
        _wrong_owner(entry, wanted),
        _wrong_issuer(bundle, entry, issuer),
        _wrong_time(entry, wanted, issuer, now),
        _wrong_key(bundle, wanted),
    ]
    return [reason for reason in found if reason]


def private_pem(key: t.Any, passphrase: str | None) -> bytes:
    """The content of the file of the key. Its passphrase is that of a log-in, and libpq opens it in each one."""
    if not passphrase:
        return keys.unprotected(key)
    content: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(encoded(passphrase)),
    )
    return content


def common_name(leaf: t.Any) -> str:
    """The common name of a certificate."""
    found = leaf.subject.get_attributes_for_oid(x509.oid.NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def _leaf(content: bytes) -> t.Any:
    block = _BLOCK.search(content)
    if block is None:
        return None
    try:
        leaf = x509.load_pem_x509_certificate(block.group())
        common_name(leaf), keys.describe(leaf.public_key())
    except Exception:  # anybody's bytes, and versions of the library raise different errors
        return None
    return leaf


def _wrong_owner(entry: Entry, wanted: Wanted) -> str:
    if (entry.usage, entry.owner) != ("client", wanted.role):
        return f"it is that of {entry.owner}"
    if entry.common_name != wanted.common_name:
        return f"its common name is {entry.common_name}"
    return f"it was revoked on {moment(entry.revoked.time)}" if entry.revoked else ""


def _wrong_issuer(bundle: Bundle, entry: Entry, issuer: Issuer) -> str:
    if entry.generation != issuer.generation:
        return f"generation {entry.generation} issued it, and generation {issuer.generation} signs now"
    whole = making.pem_of(bundle.leaf) + issuer.pem
    return "" if bundle.contents[CERTIFICATE] == whole else "more or less follows it than the authority that signed it"


def _wrong_time(entry: Entry, wanted: Wanted, issuer: Issuer, now: int) -> str:
    lifetime, left = entry.not_after - entry.not_before, entry.not_after - now
    if entry.not_before > now:
        return f"it is not valid before {moment(entry.not_before)}"
    if left <= 0:
        return f"it has expired on {moment(entry.not_after)}"
    if wanted.made_since is not None and entry.time < wanted.made_since:
        return f"it was made on {moment(entry.time)}"
    if lifetime > wanted.validity * making.DAY + making.BACKDATE:
        return f"it is valid for more than {wanted.validity} days"
    margin = lifetime // 3 if wanted.renew_before is None else wanted.renew_before * making.DAY
    if left < margin and entry.not_after < issuer.not_after:  # else a new one would end at the same time
        return f"it expires on {moment(entry.not_after)}"
    return ""


def _wrong_key(bundle: Bundle, wanted: Wanted) -> str:
    found = keys.describe(bundle.leaf.public_key())
    if found != str(wanted.key):
        return f"its key is {found}, not {wanted.key}"
    content = bundle.contents[KEY]
    if content is None:
        return "its key is missing"
    if bundle.modes[KEY] & _OTHERS:
        return f"others can read its key: mode {bundle.modes[KEY]:04o}"
    if (b"ENCRYPTED" in content) != bool(wanted.key_passphrase):
        return "its key is not encrypted" if wanted.key_passphrase else "its key is encrypted"
    password = encoded(wanted.key_passphrase) if wanted.key_passphrase else None
    try:
        key = serialization.load_pem_private_key(content, password=password)
        same = keys.digest(key.public_key()) == keys.digest(bundle.leaf.public_key())
    except Exception:  # what the libraries say might quote one of them
        return "its key cannot be read" + (" with this key_passphrase" if password else "")
    return "" if same else "the key does not belong to the certificate"
