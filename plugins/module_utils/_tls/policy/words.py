# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of lists of ciphers, suites and groups; private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

__all__ = ["KEYWORDS", "SOUND", "USUAL_GROUPS", "Cipher", "Word", "cipher_words", "group_words", "suite_words"]

SOUND: t.Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""What stands for ciphers of TLS 1.2 with forward secrecy and authenticated encryption."""

USUAL_GROUPS: t.Final = ("X25519MLKEM768", "X25519", "prime256v1", "secp384r1", "secp521r1", "X448", "ffdhe3072")
"""Groups that an error may name, if the server's OpenSSL has them; the newest ones are not in all versions."""

# From the manual page ciphers(1) of OpenSSL 1.1.1 to 3.5, and what older versions had: they may select nothing.
_KEYWORDS = """
3DES ADH AECDH AES AES128 AES256 AESCCM AESCCM8 AESGCM ALL ARIA ARIA128 ARIA256 ARIAGCM CAMELLIA CAMELLIA128
CAMELLIA256 CBC CHACHA20 COMPLEMENTOFALL COMPLEMENTOFDEFAULT DEFAULT DES DH DHE DSS ECDH ECDHE ECDSA EDH EECDH EXP
EXPORT EXPORT40 EXPORT56 FIPS GOST GOST89MAC GOST94 HIGH IDEA LOW MD5 MEDIUM NULL PSK RC2 RC4 RSA SEED SHA SHA1
SHA256 SHA384 SRP SSLv2 SSLv3 SUITEB128 SUITEB128C2 SUITEB128ONLY SUITEB192 TLSv1 TLSv1.0 TLSv1.2 aDH aDSS aECDH
aECDSA aGOST aGOST01 aNULL aPSK aRSA aSRP eNULL kDH kDHE kDHEPSK kDHd kDHr kECDH kECDHE kECDHEPSK kECDHe kECDHr kEDH
kEECDH kGOST kPSK kRSA kRSAPSK kSRP
"""
KEYWORDS: t.Final = frozenset(_KEYWORDS.split())
"""What stands for kinds of ciphers and is no name of one."""

_SEPARATORS = re.compile("[:, ;]+")
_COMMAND = re.compile("@(STRENGTH|SECLEVEL=[0-5])")
_SUITE = re.compile("TLS_(?!.*_WITH_)")  # names of TLS 1.3 say nothing of key exchange


@dataclasses.dataclass(frozen=True)
class Word:
    """One element of a list of ciphers; ``adds`` unless it only takes away or moves what others add."""

    text: str
    name: str
    adds: bool = True

    @property
    def is_keyword(self) -> bool:
        """Whether it stands for kinds of ciphers, of which there may be none."""
        return all(part in KEYWORDS for part in self.name.split("+"))

    @property
    def is_suite(self) -> bool:
        """Whether it is a name of TLS 1.3."""
        return _SUITE.match(self.name) is not None


@dataclasses.dataclass(frozen=True)
class Cipher:
    """A cipher as OpenSSL describes it."""

    name: str
    exchange: str = ""
    authentication: str = ""
    encryption: str = ""
    mac: str = ""

    @classmethod
    def described(cls, text: str) -> Cipher:
        """From a line of SSL_CIPHER_description."""
        name, *rest = text.split()
        found = dict(word.partition("=")[::2] for word in rest if "=" in word)
        return cls(name, found.get("Kx", ""), found.get("Au", ""), found.get("Enc", ""), found.get("Mac", ""))


def cipher_words(text: str) -> list[Word]:
    """The elements of ssl_ciphers without commands such as @STRENGTH."""
    found = [each for each in _SEPARATORS.split(text) if each and not _COMMAND.fullmatch(each)]
    return [Word(each, each.lstrip("!+-"), each[0] not in "!+-") for each in found]


def suite_words(text: str) -> list[str]:
    """The elements of ssl_tls13_ciphers."""
    return [each for each in _SEPARATORS.split(text) if each]


def group_words(text: str) -> list[str]:
    """The elements of ssl_groups; OpenSSL 3.5 has signs for those that it offers first, or may not know."""
    found = [each.strip().lstrip("?*-") for each in re.split("[:/]", text)]
    return [each for each in found if each and each != "DEFAULT"]
