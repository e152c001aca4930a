# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a certificate is to be and what one is, as values; private to the collection.

Nothing here needs the cryptography library. Times are whole seconds since the epoch.
"""

from __future__ import annotations

import dataclasses
import datetime

__all__ = [
    "BACKDATE",
    "DAY",
    "DEFAULT_KEY",
    "KINDS",
    "MAXIMUM_VALIDITY",
    "MINIMUM_RSA_BITS",
    "Certificate",
    "Contents",
    "KeySpec",
    "Pending",
    "Request",
    "moment",
]

DAY = 86400  # seconds
BACKDATE = 3600  # seconds; clients whose clock is behind accept a new certificate at once
MAXIMUM_VALIDITY = 825  # days; Apple's systems refuse server certificates that are valid for longer, private ones too
MINIMUM_RSA_BITS = 3072  # 128 bits of security, as NIST SP 800-57 part 1 rates it; what P-256 has too
KINDS = ("ecdsa_p256", "ecdsa_p384", "rsa")


@dataclasses.dataclass(frozen=True)
class KeySpec:
    """Kind and size of a private key; ``bits`` matters for RSA only."""

    kind: str
    bits: int = 0

    def __str__(self) -> str:
        return f"RSA {self.bits}" if self.kind == "rsa" else self.kind.replace("_p", " P-").replace("ecdsa", "ECDSA")


DEFAULT_KEY = KeySpec("ecdsa_p256")


@dataclasses.dataclass(frozen=True)
class Request:
    """A certificate to be made. ``names`` holds DNS names and IP addresses, the first one becomes the subject."""

    names: tuple[str, ...]
    key: KeySpec
    not_before: int
    not_after: int

    def summary(self) -> str:
        """What people see before it is made: everything but the fingerprint."""
        return "\n".join(
            [
                f"names: {', '.join(self.names)}",
                f"key: {self.key}",
                f"valid from: {moment(self.not_before)}",
                f"valid until: {moment(self.not_after)}",
            ]
        )


@dataclasses.dataclass(frozen=True)
class Certificate:
    """What a certificate says. ``key`` is spelled as KeySpec spells it; ``fingerprint`` is SHA-256 in hexadecimal."""

    subject: str
    names: tuple[str, ...]
    key: str
    not_before: int
    not_after: int
    fingerprint: str
    self_signed: bool  # issued by its own subject, and the signature is that of its own key
    self_issued: bool  # issued by its own subject, whatever the signature is worth
    public_key: str = ""  # SHA-256 of the public key, in hexadecimal

    def summary(self) -> str:
        """What people see; nothing of it is secret."""
        return "\n".join(
            [
                f"names: {', '.join(self.names)}",
                f"key: {self.key}",
                f"valid from: {moment(self.not_before)}",
                f"valid until: {moment(self.not_after)}",
                f"SHA-256 fingerprint: {self.fingerprint}",
            ]
        )


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a PEM file turned out to hold. ``problem`` says why a server cannot use it; empty when it can."""

    certificate: Certificate | None = None
    problem: str = ""
    marked: bool = False  # bears the line that we write above what we make
    above: tuple[str, ...] = ()  # fingerprints of the certificates that follow the first one
    protected: bool = False  # the private key has a passphrase: a problem unless the server has a command for it
    linked: bool = True  # each certificate is signed by the one that follows it

    @property
    def chain(self) -> tuple[str, ...]:
        """Fingerprints of all certificates, the server's own first."""
        return (self.certificate.fingerprint, *self.above) if self.certificate else ()


@dataclasses.dataclass(frozen=True)
class Pending:
    """A private key that waits for its certificate, and the request for it (PEM)."""

    names: tuple[str, ...]
    key: str  # as KeySpec spells it
    public_key: str  # SHA-256, in hexadecimal
    request: str


def moment(seconds: int) -> str:
    """A time as people read it, in UTC."""
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} seconds after 1970"
