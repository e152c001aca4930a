# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One generation of an authority: a root and the intermediate that signs; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import moment
from ansible_collections.rampart.postgresql.plugins.plugin_utils import _files as files
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import making
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import protecting
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import CERTIFICATES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import KEYS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import Places
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.record import Entry

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
except ImportError:
    pass

__all__ = ["Generation", "Recipe", "encoded", "made", "opened"]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a generation is made. Validity in days."""

    subject: making.Subject
    key: KeySpec
    root_validity: int
    intermediate_validity: int


@dataclasses.dataclass(frozen=True)
class Generation:
    """Certificates of one generation, and where its encrypted keys lie."""

    number: int
    directory: str
    root: t.Any
    intermediate: t.Any

    @property
    def both(self) -> tuple[tuple[str, t.Any], tuple[str, t.Any]]:
        """Usage and certificate of each of the two."""
        return (("root", self.root), ("intermediate", self.intermediate))

    def key(self, usage: str, passphrase: str) -> t.Any:
        """The private key of ``root`` or ``intermediate``."""
        path = os.path.join(self.directory, f"{usage}.key")
        content = files.read(path)
        if content is None:
            raise RampartError(f"{path} is missing")
        certificate = self.root if usage == "root" else self.intermediate
        return _decrypted(content, passphrase, path, certificate)

    def check_time(self, now: int) -> None:
        """Raise when this generation cannot sign at this time."""
        for usage, certificate in self.both:
            before, after = (making.seconds(certificate, f"not_valid_{end}") for end in ("before", "after"))
            which = f"the {usage} of generation {self.number} ({self.directory})"
            if now < before:
                raise RampartError(
                    f"{which} is not valid before {moment(before)}, and the clock of the controller says {moment(now)}"
                )
            if now >= after:
                raise RampartError(
                    f"{which} has expired on {moment(after)}: make another generation and sign with that"
                )

    def entries(self) -> list[Entry]:
        """Root and intermediate as the record names them."""
        return [
            Entry(
                serial=making.serial_of(certificate),
                usage=usage,
                owner="",
                common_name=certificate.subject.rfc4514_string(),
                names=(),
                generation=self.number,
                not_before=making.seconds(certificate, "not_valid_before"),
                not_after=making.seconds(certificate, "not_valid_after"),
                fingerprint=making.fingerprint(certificate),
                time=making.seconds(certificate, "not_valid_before") + making.BACKDATE,
            )
            for usage, certificate in self.both
        ]


def opened(places: Places, number: int) -> Generation:
    """Read one generation, and look at who else could read or write its files."""
    directory = places.generation(number)
    if not os.path.isdir(directory):
        raise RampartError(f"{places.directory} has no generation {number}")
    files.check_owned(directory)
    for name in (*CERTIFICATES, *KEYS):
        path = os.path.join(directory, name)
        if not os.path.exists(path):
            raise RampartError(f"{path} is missing")
        files.check_owned(path, secret=name in KEYS)
    root, intermediate = (_certificate(os.path.join(directory, name)) for name in CERTIFICATES)
    return Generation(number=number, directory=directory, root=root, intermediate=intermediate)


def made(places: Places, number: int, recipe: Recipe, *, passphrase: str, now: int) -> Generation:
    """Make one generation: its directory appears with everything in it, or not at all."""
    begin = now - making.BACKDATE
    root_key, intermediate_key = keys.new_key(recipe.key), keys.new_key(recipe.key)
    root = making.root(
        root_key,
        recipe.subject.named(f"root {number}"),
        not_before=begin,
        not_after=now + recipe.root_validity * making.DAY,
    )
    intermediate = making.intermediate(
        intermediate_key.public_key(),
        recipe.subject.named(f"intermediate {number}"),
        issuer=root,
        issuer_key=root_key,
        not_before=begin,
        not_after=now + min(recipe.intermediate_validity, recipe.root_validity) * making.DAY,
    )
    directory = places.generation(number)
    temporary = files.temporary_directory(directory)
    secret = encoded(passphrase)
    for usage, certificate, key in (("root", root, root_key), ("intermediate", intermediate, intermediate_key)):
        files.replace(os.path.join(temporary, f"{usage}.key"), protecting.protected(key, secret), files.PRIVATE)
        files.replace(os.path.join(temporary, f"{usage}.pem"), making.pem_of(certificate), files.PUBLIC)
    files.move_into_place(temporary, directory)
    return opened(places, number)


def encoded(passphrase: str) -> bytes:
    """A passphrase as it is used; bytes that are not UTF-8 survive."""
    return passphrase.encode("utf-8", "surrogateescape")


def _certificate(path: str) -> t.Any:
    try:
        return x509.load_pem_x509_certificate(files.read(path) or b"")
    except ValueError:
        raise RampartError(f"{path} holds no certificate") from None


def _decrypted(content: bytes, passphrase: str, path: str, certificate: t.Any) -> t.Any:
    if b"ENCRYPTED" not in content:
        raise RampartError(f"{path} is not encrypted: whoever has the file is the authority; it is not used")
    try:
        key = serialization.load_pem_private_key(content, password=encoded(passphrase))
        same = keys.digest(key.public_key()) == keys.digest(certificate.public_key())
    except Exception:  # what the libraries say might quote one of them
        raise RampartError(f"{path} cannot be opened with this passphrase") from None
    if not same:
        raise RampartError(f"{path} is not the key of the certificate beside it")
    return key
