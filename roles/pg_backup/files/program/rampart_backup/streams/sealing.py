# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encryption to public keys, by age or gpg: this host cannot read what it has made."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import tempfile
import typing as t

from ..faults import SealingFault
from .process import environment
from .pump import ChildSink

if t.TYPE_CHECKING:
    from ..definition import Encryption
    from .line import Line
    from .pump import Pump
    from .pump import Sink

__all__ = ["Sealing"]

_CAPABILITIES = 11  # field of gpg's --with-colons, as is the first of validity
_VALIDITY = {"e": "is expired", "r": "is revoked", "d": "is disabled", "i": "is invalid"}


class Sealing:
    """A context, as gpg wants a directory of its own."""

    SUFFIX: t.Final = {"age": ".age", "gpg": ".gpg", "none": ""}  # what names of files end with

    def __init__(self, encryption: Encryption) -> None:
        self._encryption = encryption
        self._home = tempfile.TemporaryDirectory(prefix="rampart-backup-gpg-")

    def __enter__(self) -> Sealing:
        return self

    def __exit__(self, *_error: object) -> None:
        self._home.cleanup()

    @property
    def suffix(self) -> str:
        """What names of files end with."""
        return self.SUFFIX[self._encryption.method]

    def seal(
        self, line: Line, source: t.IO[bytes], readers: t.Sequence[Sink], sinks: t.Sequence[Sink]
    ) -> tuple[Pump, Pump]:
        """Let ``source`` flow to ``readers`` as it is and to ``sinks`` encrypted; returns the pumps of both."""
        if self._encryption.method == "none":
            pump = line.pump(source, [*readers, *sinks])
            return pump, pump
        sealer = line.child(self._words(), what=self._encryption.method, fault=SealingFault, reads=True, writes=True)
        plain = line.pump(source, [*readers, ChildSink(sealer)])
        return plain, line.pump(sealer.stdout, sinks)

    def _words(self) -> list[str]:
        recipients = self._encryption.recipients
        if self._encryption.method == "age":
            return ["age", *(word for each in recipients for word in ("-r", each))]
        files = [word for each in recipients for word in ("--recipient-file", each)]
        # Dumps are compressed already.
        return [*self._gpg(), "-z", "0", "--trust-model", "always", *files, "--encrypt"]

    def _gpg(self) -> list[str]:
        return ["gpg", "--batch", "--no-tty", "--no-options", "--quiet", "--homedir", self._home.name]

    def fingerprints(self) -> list[str]:
        """Of the keys: public keys of age as they are, others hashed; raises when one is not a key."""
        if self._encryption.method == "gpg":
            return [self._gpg_fingerprint(path) for path in self._encryption.recipients]
        found = [_age_fingerprint(each) for each in self._encryption.recipients]
        if self._encryption.method == "age":
            self._refuse_no_keys()
        return found

    def _refuse_no_keys(self) -> None:
        """age says which key is none when it is given something to encrypt, be it nothing."""
        try:
            done = subprocess.run(
                self._words(), stdin=subprocess.DEVNULL, capture_output=True, env=environment(), check=False
            )
        except OSError as error:
            raise SealingFault(f"age cannot be started: {error}") from None
        if done.returncode != 0:
            raise SealingFault(f"age refuses the recipients: {done.stderr.decode('utf-8', 'replace').strip()}")

    def _gpg_fingerprint(self, path: str) -> str:
        done = subprocess.run(
            [*self._gpg(), "--with-colons", "--show-keys", path],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment(),
            check=False,
        )
        lines = [line.split(":") for line in done.stdout.decode("utf-8", "replace").splitlines()]
        keys = [fields for fields in lines if fields[0] == "pub" and len(fields) > _CAPABILITIES]
        found = [fields[9] for fields in lines if fields[0] == "fpr" and len(fields) > 9]
        if done.returncode != 0 or not keys or not found:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise SealingFault(f"{path} holds no public key for gpg: {said or 'gpg found none'}")
        if len(keys) > 1:
            raise SealingFault(f"{path} holds {len(keys)} public keys, of which gpg would take one: one file for each")
        # A capital letter is what the whole key can do now, without subkeys that are expired or revoked.
        if "E" not in keys[0][_CAPABILITIES]:
            why = _VALIDITY.get(keys[0][1], "has no subkey that can encrypt now")
            raise SealingFault(f"{path}: the key {found[0]} {why}, and nothing can be encrypted to it")
        return found[0]


def _age_fingerprint(recipient: str) -> str:
    """ssh's way of naming a key of ssh's; one of age is short and public."""
    if not recipient.startswith("ssh-"):
        return recipient
    try:
        digest = hashlib.sha256(base64.b64decode(recipient.split()[1], validate=True)).digest()
    except (IndexError, ValueError):
        raise SealingFault(f"{recipient!r} is no public key of ssh") from None
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
