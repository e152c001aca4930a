# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifiers as PostgreSQL stores them (RFC 5802, 7677 and 5803); pure, private to the collection."""

from __future__ import annotations

import base64
import hashlib
import hmac
import stringprep
import unicodedata

__all__ = ["DEFAULT_ITERATIONS", "digest", "is_verifier", "md5_verifier", "prepared", "scram_verifier"]

DEFAULT_ITERATIONS = 4096
"""Until PostgreSQL 15; from 16 on the default of scram_iterations."""

_PROHIBITED = (
    stringprep.in_table_a1,
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def scram_verifier(password: str, salt: bytes, iterations: int) -> str:
    """What SCRAM-SHA-256 needs to check this password."""
    salted = hashlib.pbkdf2_hmac("sha256", prepared(password), salt, iterations)
    client_key = hmac.new(salted, b"Client Key", hashlib.sha256).digest()
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.new(salted, b"Server Key", hashlib.sha256).digest()
    return f"SCRAM-SHA-256${iterations}:{_base64(salt)}${_base64(stored_key)}:{_base64(server_key)}"


def md5_verifier(password: str, role: str) -> str:
    """What the method md5 compares with: it takes the password as it is."""
    salted = hashlib.md5((password + role).encode(), usedforsecurity=False)
    return "md5" + salted.hexdigest()


def digest(verifier: str) -> str:
    """By which two verifiers are told apart without showing them."""
    return hashlib.sha256(verifier.encode()).hexdigest()


def is_verifier(text: str) -> bool:
    """Whether the server would take it for a verifier, not for a password."""
    hashed = text.startswith("md5") and len(text) == 35 and all(letter in "0123456789abcdef" for letter in text[3:])
    return hashed or text.startswith("SCRAM-SHA-256$")


def prepared(password: str) -> bytes:
    """The password after SASLprep; where that refuses it, as it is, which is what PostgreSQL does."""
    text = "" if password.isascii() else _saslprep(password)
    return (text or password).encode()


def _saslprep(password: str) -> str:
    """The prepared password, or nothing where it holds what is prohibited."""
    mapped = "".join(
        " " if stringprep.in_table_c12(letter) else letter
        for letter in password
        if stringprep.in_table_c12(letter) or not stringprep.in_table_b1(letter)
    )
    # PostgreSQL looks for what is prohibited before it normalizes.
    if any(prohibits(letter) for letter in mapped for prohibits in _PROHIBITED) or not _goes_one_way(mapped):
        return ""
    return unicodedata.normalize("NFKC", mapped)


def _goes_one_way(text: str) -> bool:
    """Whether letters that are written from right to left stand at both ends and have no others among them."""
    if not any(map(stringprep.in_table_d1, text)):
        return True
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return ends and not any(map(stringprep.in_table_d2, text))


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
