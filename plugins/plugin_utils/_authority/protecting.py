# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys of an authority, encrypted so that guessing the passphrase takes long; private to the collection.

PKCS #8 with PBES2 (RFC 8018), which every OpenSSL reads. The cryptography library writes the same, but with so few rounds
of PBKDF2 (2,048) that a stolen copy could be tried out at millions of passphrases a second.
"""

from __future__ import annotations

import base64
import hashlib
import os
import typing as t

try:
    from cryptography.hazmat.primitives import padding
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers import algorithms
    from cryptography.hazmat.primitives.ciphers import modes
except ImportError:
    pass

__all__ = ["ROUNDS", "protected"]

ROUNDS = 200_000  # of PBKDF2 with SHA-256; a tenth of a second for whoever has the passphrase
_KEY_LENGTH = 32  # bytes: AES-256
_SALT_LENGTH = 16  # bytes
_BLOCK_LENGTH = 16  # bytes
_SEQUENCE, _INTEGER, _OCTETS = 0x30, 0x02, 0x04
_NULL = b"\x05\x00"
_PBES2 = bytes.fromhex("06092a864886f70d01050d")  # object identifiers, in DER
_PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
_HMAC_SHA256 = bytes.fromhex("06082a864886f70d0209")
_AES_256_CBC = bytes.fromhex("060960864801650304012a")


def protected(key: t.Any, passphrase: bytes) -> bytes:
    """PEM of a private key, encrypted with a passphrase."""
    plain = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    salt, vector = os.urandom(_SALT_LENGTH), os.urandom(_BLOCK_LENGTH)
    derived = hashlib.pbkdf2_hmac("sha256", passphrase, salt, ROUNDS, _KEY_LENGTH)
    padder = padding.PKCS7(8 * _BLOCK_LENGTH).padder()
    encryptor = Cipher(algorithms.AES(derived), modes.CBC(vector)).encryptor()
    encrypted = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    function = _der(_SEQUENCE, _HMAC_SHA256, _NULL)
    derivation = _der(_SEQUENCE, _der(_OCTETS, salt), _der(_INTEGER, _number(ROUNDS)), function)
    scheme = _der(_SEQUENCE, _der(_SEQUENCE, _PBKDF2, derivation), _der(_SEQUENCE, _AES_256_CBC, _der(_OCTETS, vector)))
    return _pem(_der(_SEQUENCE, _der(_SEQUENCE, _PBES2, scheme), _der(_OCTETS, encrypted)))


def _der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _number(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big")  # the first bit is the sign


def _pem(content: bytes) -> bytes:
    text = base64.b64encode(content)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"\n".join([b"-----BEGIN ENCRYPTED PRIVATE KEY-----", *lines, b"-----END ENCRYPTED PRIVATE KEY-----", b""])
