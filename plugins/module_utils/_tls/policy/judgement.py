# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong, or unwise, with the TLS that a plan leads to; pure; private to the collection."""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy import words
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.words import Cipher

__all__ = ["PARAMETERS", "Coming", "Library", "question", "warnings"]

PARAMETERS: t.Final = (
    "ssl",
    "ssl_ca_file",
    "ssl_cert_file",
    "ssl_ciphers",
    "ssl_crl_dir",
    "ssl_crl_file",
    "ssl_dh_params_file",
    "ssl_ecdh_curve",
    "ssl_groups",
    "ssl_key_file",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "ssl_prefer_server_ciphers",
    "ssl_tls13_ciphers",
)
"""What makes up the TLS that a server loads as one."""

_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_GROUPS = {"ssl_groups": "groups", "ssl_ecdh_curve": "curves"}  # parameter to kind of question
_AUTHENTICATION = {"RS": "RSA", "EC": "ECDSA", "Ed": "ECDSA"}  # how a kind of key begins to what ciphers call it
_NAMED = 3  # ciphers of one weakness in a warning
_LEVELS = frozenset(("HIGH", "MEDIUM", "LOW", "EXP", "EXPORT"))  # nobody minds that one of them is empty
_BROKEN = ("3DES", "DES", "IDEA", "RC2", "RC4")
_PASSPHRASE = (
    "the private key has a passphrase, for which ssl_passphrase_command is not called at a reload"
    " (ssl_passphrase_command_supports_reload)"
)
_UNTRIED = "it was not tried with the OpenSSL of the server, which this run cannot ask"


@dataclasses.dataclass(frozen=True)
class Coming:
    """The values of parameters once the plan is applied, those that it sets, and the key of the certificate then."""

    values: t.Mapping[str, str]
    touched: frozenset[str]
    key: str = ""  # as str(KeySpec) spells it; empty when it is not known
    certificate_touched: bool = False
    trust: str = ""  # the file that says which certificates of clients are believed, where that changes
    only_at_start: bool = False  # its private key has a passphrase that no reload asks for

    def has(self, name: str) -> bool:
        """Whether the plan gives this parameter a value that is not empty."""
        return name in self.touched and bool(self.values.get(name))

    @property
    def decides_who_fits(self) -> bool:
        """Whether the plan may part the certificate from the ciphers."""
        names = {"ssl", "ssl_cert_file", "ssl_ciphers", "ssl_max_protocol_version", "ssl_min_protocol_version"}
        return self.certificate_touched or not names.isdisjoint(self.touched)


@dataclasses.dataclass(frozen=True)
class Library:
    """Answers of an OpenSSL to the question. Not ``certain``: it may be another one than the server's."""

    version: str = ""  # empty: none answered
    certain: bool = False
    ciphers: t.Mapping[str, tuple[Cipher, ...]] = dataclasses.field(default_factory=dict)
    suites: t.Mapping[str, tuple[Cipher, ...]] = dataclasses.field(default_factory=dict)
    groups: t.Mapping[str, bool] = dataclasses.field(default_factory=dict)
    curves: t.Mapping[str, bool] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """For people."""
        return f"the server's {self.version}" if self.certain else self.version


def question(coming: Coming) -> dict[str, list[str]]:
    """What has to be asked for these values; empty when nothing."""
    found: dict[str, list[str]] = {}
    if coming.has("ssl_ciphers") or coming.decides_who_fits:
        text = coming.values.get("ssl_ciphers", "")
        found["ciphers"] = [text, words.SOUND, *(each.name for each in words.cipher_words(text))]
    if coming.has("ssl_tls13_ciphers"):
        text = coming.values["ssl_tls13_ciphers"]
        found["suites"] = [text, *words.suite_words(text)]
    for name, kind in _GROUPS.items():
        if coming.has(name):
            found[kind] = [*words.USUAL_GROUPS, *words.group_words(coming.values[name])]
    return found


def warnings(coming: Coming, library: Library) -> list[str]:
    """What is unwise. Raises RampartError for what keeps clients out, is not known to the server or would not be loaded."""
    found = [*_versions(coming), *_late(coming)]
    if not library.version:
        names = [name for name in ("ssl_ciphers", "ssl_tls13_ciphers", *_GROUPS) if coming.has(name)]
        return [*found, *(f"{name}: {_UNTRIED}" for name in names)]
    if coming.has("ssl_ciphers"):
        found += _ciphers(coming.values["ssl_ciphers"], library)
    if coming.has("ssl_tls13_ciphers"):
        found += _suites(coming.values["ssl_tls13_ciphers"], library)
    for name, kind in _GROUPS.items():
        if coming.has(name):
            found += _groups(name, coming.values[name], getattr(library, kind), library)
    return [*found, *_certificate(coming, library)]


def _versions(coming: Coming) -> list[str]:
    oldest, newest = (coming.values.get(f"ssl_{end}_protocol_version", "") for end in ("min", "max"))
    if oldest not in _VERSIONS:
        return []
    name = "ssl_min_protocol_version"
    touched = not coming.touched.isdisjoint((name, "ssl_max_protocol_version"))
    if touched and newest in _VERSIONS and _VERSIONS.index(oldest) > _VERSIONS.index(newest):
        raise InputError(
            option=name, value=oldest, expected=f"it is newer than ssl_max_protocol_version, which is {newest!r}"
        )
    if name in coming.touched and oldest in _VERSIONS[:2]:
        return [f"{name}: {oldest} is broken; every client of the last ten years knows TLSv1.2"]
    return []


def _late(coming: Coming) -> list[str]:
    """A server that cannot load its key at a reload keeps all of its TLS as it was, and shows the new values."""
    if not coming.only_at_start or coming.values.get("ssl") != "on":
        return []
    if coming.trust:
        raise Unsupported(
            f"{coming.trust}: the server would go on believing the clients that it believes now, so nothing was changed:"
            f" {_PASSPHRASE}; switch that on, or give the server a key without a passphrase",
            path=coming.trust,
        )
    names = sorted(name for name in coming.touched if name in PARAMETERS)
    return [f"{', '.join(names)}: in force after a restart only, whatever SHOW says: {_PASSPHRASE}"] if names else []


def _ciphers(text: str, library: Library) -> list[str]:
    found = []
    for word in words.cipher_words(text):
        if not library.ciphers[word.name]:
            found += _selects_nothing(word, library)
    selected = library.ciphers[text]
    if not selected:
        raise InputError(
            option="ssl_ciphers",
            value=text,
            expected=f"{library.name} has none of these for TLS 1.2, and TLS 1.3 has a list of its own; {_sound(library)}",
        )
    return [*found, *_weak("ssl_ciphers", selected)]


def _selects_nothing(word: words.Word, library: Library) -> list[str]:
    """Silence, a warning, or an error for a word of ssl_ciphers that no cipher answers to."""
    if word.is_suite:
        return [
            f"ssl_ciphers: {word.text} has no effect: it is a cipher of TLS 1.3, and this list is for TLS 1.2 and older;"
            " ssl_tls13_ciphers takes it, from PostgreSQL 18"
        ]
    if word.is_keyword:
        silent = not word.adds or word.name in _LEVELS
        return [] if silent else [f"ssl_ciphers: {word.text} selects nothing, as {library.name} has no such cipher"]
    if not word.adds:
        return [f"ssl_ciphers: {word.text} takes nothing away, as {library.name} knows no such name"]
    return _unknown("ssl_ciphers", word.text, library, _known(word.name, library))


def _suites(text: str, library: Library) -> list[str]:
    found = []
    for name in words.suite_words(text):
        if not library.suites[name]:
            found += _unknown("ssl_tls13_ciphers", name, library, "TLS_AES_256_GCM_SHA384 is one of TLS 1.3")
    return [*found, *_weak("ssl_tls13_ciphers", library.suites[text])]


def _unknown(parameter: str, name: str, library: Library, known: str) -> list[str]:
    """OpenSSL leaves out a name that it does not know without a word, as long as another one is known."""
    if not library.certain:
        return [f"{parameter}: {library.version} does not know {name}, and {_UNTRIED}"]
    if "CHACHA20" in name and name.isupper():  # every supported OpenSSL has it, unless its policy (FIPS) forbids it
        return [f"{parameter}: {name} selects nothing, as {library.name} is not allowed to use it"]
    raise InputError(
        option=parameter,
        value=name,
        expected=f"{library.name} knows no such cipher, and would leave it out without a word; {known}",
    )


def _groups(parameter: str, text: str, known: t.Mapping[str, bool], library: Library) -> list[str]:
    has = f"it has {', '.join(name for name in words.USUAL_GROUPS if known[name])}"
    if parameter == "ssl_ecdh_curve" and len(words.group_words(text)) > 1:
        raise InputError(option=parameter, value=text, expected="PostgreSQL before 18 takes one curve, no list")
    unknown = [name for name in words.group_words(text) if not known[name]]
    if unknown and library.certain:
        what = "group" if parameter == "ssl_groups" else "curve that PostgreSQL before 18 could use"
        raise InputError(option=parameter, value=unknown[0], expected=f"{library.name} knows no such {what}; {has}")
    return [f"{parameter}: {library.version} does not know {name}, and {_UNTRIED}" for name in unknown]


def _known(name: str, library: Library) -> str:
    """The nearest names, or those that are sound."""
    names = {cipher.name for each in library.ciphers.values() for cipher in each}
    near = difflib.get_close_matches(name, sorted(names), n=2)
    return f"the nearest are {' and '.join(near)}" if near else _sound(library)


def _sound(library: Library) -> str:
    return f"with forward secrecy it has {', '.join(each.name for each in library.ciphers[words.SOUND])}"


def _certificate(coming: Coming, library: Library) -> list[str]:
    """TLS 1.2 needs a cipher for the kind of key that the certificate has; TLS 1.3 does not."""
    text, oldest = coming.values.get("ssl_ciphers", ""), coming.values.get("ssl_min_protocol_version")
    kind = _AUTHENTICATION.get(coming.key[:2])
    if not (coming.decides_who_fits and kind and coming.values.get("ssl") == "on") or oldest == _VERSIONS[-1]:
        return []
    if any(each.authentication in (kind, "None") for each in library.ciphers[text]):
        return []
    only = coming.values.get("ssl_max_protocol_version") not in ("", None, _VERSIONS[-1])
    clients = "no client could connect with TLS" if only else "clients without TLS 1.3 could not connect with TLS"
    reason = f"the key of the certificate is {coming.key}, and none of these ciphers works with it, so that {clients}"
    if not library.certain:
        return [f"ssl_ciphers: {reason}; {_UNTRIED}"]
    remedy = f"add ECDHE-{kind}-AES256-GCM-SHA384" + ("" if only else ", or set ssl_min_protocol_version to 'TLSv1.3'")
    raise InputError(option="ssl_ciphers", value=text, expected=f"{reason}; {remedy}")


_WEAKNESSES: tuple[tuple[str, t.Callable[[Cipher], bool]], ...]


def _weak(parameter: str, selected: t.Sequence[Cipher]) -> list[str]:
    """One warning about all that the list admits and should not."""
    admitted = [each for each in selected if "PSK" not in each.exchange and each.authentication not in ("PSK", "SRP")]
    told = []
    for weakness, fits in _WEAKNESSES:
        names = [each.name for each in admitted if fits(each)]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        told += [f"{weakness} ({', '.join(names[:_NAMED])}{more})"] if names else []
    return [f"{parameter}: the list admits ciphers {'; '.join(told)}"] if told else []


def _without_forward_secrecy(cipher: Cipher) -> bool:
    return cipher.exchange in ("RSA", "GOST", "ECDH/RSA", "ECDH/ECDSA")


def _broken(cipher: Cipher) -> bool:
    return cipher.encryption.split("(")[0] in _BROKEN


_WEAKNESSES = (
    ("without encryption", lambda each: each.encryption == "None"),
    ("without a certificate, open to anybody in between", lambda each: each.authentication == "None"),
    ("that are broken", _broken),
    ("with MD5", lambda each: each.mac == "MD5"),
    ("with a tag of 8 bytes", lambda each: each.encryption.startswith("AESCCM8")),
    ("without forward secrecy", _without_forward_secrecy),
    ("without authenticated encryption", lambda each: each.mac != "AEAD"),
)
