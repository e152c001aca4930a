# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of an authority, and what they mean; private to the collection."""

from __future__ import annotations

import datetime
import os
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KINDS
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import MINIMUM_RSA_BITS
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.generation import Recipe
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.layout import Policy
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.making import REASONS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.making import Subject
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import Desired
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.situation import ToRevoke

__all__ = ["ARGUMENTS", "absolute", "days", "desired", "key_spec", "moment_of", "secret"]

MAXIMUM_RSA_BITS = 8192  # a longer key only makes every login slower
LONGEST_VALIDITY = 9131  # days: 25 years
LONGEST_LIST = 3650  # days
SHORTEST_PASSPHRASE = 12  # characters; whoever has a copy of the directory may guess as fast as they can
_LONGEST_PASSPHRASE = 1023  # bytes; OpenSSL reads no longer one
_LONGEST_COMMON_NAME = 46  # characters; a certificate holds 64, and what the certificate is for follows
_LONGEST_ORGANIZATION = 64  # characters; RFC 5280, ub-organization-name
_LAST_GENERATION = 9999
_ROTATIONS = 4  # a list lives for at least so many intervals
_HEXADECIMAL = re.compile(r"[0-9a-f]{1,40}")

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "path": {"type": "path", "required": True},
    "passphrase": {"type": "str", "required": True, "no_log": True},
    "common_name": {"type": "str", "default": "PostgreSQL"},
    "organization": {"type": "str", "default": ""},
    "key_type": {"type": "str", "default": "ecdsa_p384", "no_log": False},
    "key_size": {"type": "int", "default": MINIMUM_RSA_BITS, "no_log": False},
    "root_validity": {"type": "int", "default": 3650},
    "intermediate_validity": {"type": "int", "default": 1825},
    "generation": {"type": "int", "default": 1},
    "trusted_generations": {"type": "list", "elements": "int"},
    "crl_validity": {"type": "int", "default": 180},
    "crl_interval": {"type": "int", "default": 45},
    "revoked": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "serial": {"type": "str"},
            "host": {"type": "str"},
            "role": {"type": "str"},
            "reason": {"type": "str", "default": "unspecified", "choices": list(REASONS)},
            "issued_before": {"type": "str"},
        },
        "mutually_exclusive": [("serial", "host", "role"), ("serial", "issued_before")],
        "required_one_of": [("serial", "host", "role")],
    },
}


def desired(values: t.Mapping[str, t.Any]) -> Desired:
    """What validated option values ask for."""
    root = days(values["root_validity"], "root_validity", 1, LONGEST_VALIDITY)
    return Desired(
        path=absolute(values["path"], "path"),
        recipe=Recipe(
            subject=Subject(
                _name(values["common_name"], "common_name", 1, _LONGEST_COMMON_NAME),
                _name(values["organization"], "organization", 0, _LONGEST_ORGANIZATION),
            ),
            key=key_spec(values["key_type"], values["key_size"]),
            root_validity=root,
            intermediate_validity=days(values["intermediate_validity"], "intermediate_validity", 1, root),
        ),
        policy=_policy(values),
        revoked=tuple(_to_revoke(each, f"revoked[{number}]") for number, each in enumerate(values["revoked"])),
    )


def absolute(path: str, option: str) -> str:
    """The path of a directory on the controller."""
    if not os.path.isabs(path) or not path.isprintable() or os.path.normpath(path) == os.sep:
        raise InputError(option=option, value=path, expected="the absolute path of a directory on the controller")
    return os.path.normpath(path)


def secret(passphrase: str, option: str, *, shortest: int = SHORTEST_PASSPHRASE) -> str:
    """A passphrase that can be used; the message does not show it."""
    if len(passphrase) < shortest:
        raise RampartError(f"{option}: it has fewer than {shortest} characters")
    if len(passphrase.encode("utf-8", "surrogateescape")) > _LONGEST_PASSPHRASE:
        raise RampartError(f"{option}: it has more than {_LONGEST_PASSPHRASE} bytes")
    return passphrase


def key_spec(kind: str, bits: int) -> KeySpec:
    """Kind and size of a key."""
    if kind not in KINDS:
        raise InputError(option="key_type", value=kind, expected=f"one of {', '.join(KINDS)}")
    if kind != "rsa":
        return KeySpec(kind)
    if not MINIMUM_RSA_BITS <= bits <= MAXIMUM_RSA_BITS or bits % 8:
        expected = f"a multiple of 8 from {MINIMUM_RSA_BITS} to {MAXIMUM_RSA_BITS}"
        raise InputError(option="key_size", value=bits, expected=expected)
    return KeySpec("rsa", bits)


def days(value: int, option: str, least: int, most: int) -> int:
    """A number of days."""
    if not least <= value <= most:
        raise InputError(option=option, value=value, expected=f"{least} to {most} days")
    return value


def _name(value: str, option: str, least: int, most: int) -> str:
    if not least <= len(value) <= most or not value.isprintable() or value != value.strip():
        raise InputError(option=option, value=value, expected=f"{least} to {most} printable characters")
    return value


def _policy(values: t.Mapping[str, t.Any]) -> Policy:
    generation = values["generation"]
    trusted = [generation] if values["trusted_generations"] is None else values["trusted_generations"]
    for option, number in [("generation", generation), *_numbered(trusted)]:
        if not 1 <= number <= _LAST_GENERATION:
            raise InputError(option=option, value=number, expected=f"a number from 1 to {_LAST_GENERATION}")
    if generation not in trusted:
        raise InputError(
            option="trusted_generations",
            value=trusted,
            expected=f"the one that signs ({generation}) among them: nobody would trust what it signs",
        )
    validity = days(values["crl_validity"], "crl_validity", _ROTATIONS, LONGEST_LIST)
    interval = values["crl_interval"]
    if not 1 <= interval <= validity // _ROTATIONS:
        raise InputError(
            option="crl_interval",
            value=interval,
            expected=f"1 to {validity // _ROTATIONS} days, a quarter of crl_validity: where an expired list lies every"
            " client that presents a certificate is refused, so some runs must be allowed to fail",
        )
    return Policy(
        generation=generation, trusted=tuple(sorted(set(trusted))), crl_validity=validity, crl_interval=interval
    )


def _numbered(trusted: t.Sequence[int]) -> list[tuple[str, int]]:
    return [(f"trusted_generations[{number}]", each) for number, each in enumerate(trusted)]


def _to_revoke(each: t.Mapping[str, t.Any], option: str) -> ToRevoke:
    return ToRevoke(
        option=option,
        serial=_serial(each["serial"], f"{option}.serial"),
        host=each["host"] or "",
        role=each["role"] or "",
        reason=each["reason"],
        before=moment_of(each["issued_before"], f"{option}.issued_before"),
    )


def _serial(value: str | None, option: str) -> str:
    """As openssl prints it, or as the record spells it."""
    if value is None:
        return ""
    plain = value.lower().replace(":", "").removeprefix("0x").lstrip("0")
    if not _HEXADECIMAL.fullmatch(plain):
        raise InputError(option=option, value=value, expected="a serial number in hexadecimal digits")
    return plain


def moment_of(value: str | None, option: str) -> int | None:
    """A time in seconds since the epoch; UTC where it does not say otherwise."""
    if value is None:
        return None
    try:
        found = datetime.datetime.fromisoformat(value)
    except ValueError:
        raise InputError(option=option, value=value, expected="a time such as 2026-11-30T08:00:00Z") from None
    return int((found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)).timestamp())
