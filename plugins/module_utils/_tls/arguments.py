# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a certificate, and what they mean; private to the collection."""

from __future__ import annotations

import datetime
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KINDS
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import MAXIMUM_VALIDITY
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import MINIMUM_RSA_BITS
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import KeySpec
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.component import CertificateComponent
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import CA
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import EXISTING
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import INSTALL
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import PROVIDERS
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import SELF_SIGNED
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.names import normalised

__all__ = ["ARGUMENTS", "component", "desired"]

MAXIMUM_RSA_BITS = 8192  # a longer key only makes every login slower

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "provider": {"type": "str", "choices": list(PROVIDERS), "default": SELF_SIGNED},
    "authority": {
        "type": "dict",
        "options": {
            "path": {"type": "path", "required": True},
            "passphrase": {"type": "str", "no_log": True},
            "allowed_names": {"type": "list", "elements": "str"},
            "trust_clients": {"type": "bool", "default": False},
        },
    },
    "names": {"type": "list", "elements": "str"},
    "additional_names": {"type": "list", "elements": "str", "default": []},
    "key_type": {"type": "str", "default": "ecdsa_p256", "no_log": False},
    "key_size": {"type": "int", "default": MINIMUM_RSA_BITS, "no_log": False},
    "path": {"type": "path"},
    "validity": {"type": "int", "default": 365},
    "renew_before": {"type": "int"},
    "made_since": {"type": "str"},
    "chain": {"type": "str"},
    "issuers": {"type": "str"},
    "source_certificate": {"type": "path"},
    "source_key": {"type": "path", "no_log": False},
    "foreign": {"type": "str", "choices": ["keep", "replace"], "default": "keep"},
    "configure": {"type": "bool", "default": True},
    "client_authorities": {"type": "str"},
    "client_revocation_lists": {"type": "str"},
    "controller_clock": {"type": "int"},
}
_NEEDED = {INSTALL: "chain", EXISTING: "source_certificate", CA: "authority"}
_BELONGS = {**{name: provider for provider, name in _NEEDED.items()}, "source_key": EXISTING}


def component(values: t.Mapping[str, t.Any], *, option: str = "", can_only_judge: bool = False) -> CertificateComponent:
    """The component of these option values; ``option`` is the name of the option that holds them.

    ``can_only_judge`` is check mode: a missing cryptography library is reported there and is an error otherwise.
    """
    return CertificateComponent(desired(values, option=option), can_only_judge=can_only_judge)


def desired(values: t.Mapping[str, t.Any], *, option: str = "") -> Desired:
    """What these option values mean."""
    given = {name: _value(values, name) for name in ARGUMENTS}
    provider = given["provider"]
    _check_company(given, provider, option)
    authority = given["authority"] or {}
    return Desired(
        provider=provider,
        names=_names(given["names"], _path(option, "names")),
        additional_names=_names(given["additional_names"] or None, _path(option, "additional_names")),
        granted=_granted(authority.get("allowed_names"), _path(option, "authority.allowed_names"))
        if provider == CA
        else None,
        key=_key(given["key_type"], given["key_size"], option),
        path=_absolute(given["path"], _path(option, "path")),
        validity=_validity(given["validity"], _path(option, "validity")),
        renew_before=_renew_before(given["renew_before"], given["validity"], _path(option, "renew_before")),
        made_since=_moment(given["made_since"], _path(option, "made_since")),
        clock=given["controller_clock"],
        chain=(given["chain"] or "").encode(),
        issuers=(given["issuers"] or "").encode(),
        source_certificate=_absolute(given["source_certificate"], _path(option, "source_certificate")) or "",
        source_key=_absolute(given["source_key"], _path(option, "source_key")) or "",
        option=option,
        replace_foreign=given["foreign"] == "replace",
        configure=given["configure"],
    )


def _check_company(given: t.Mapping[str, t.Any], provider: str, option: str) -> None:
    """Refuse options whose provider is not there, and a provider without what it needs."""
    needed = _NEEDED.get(provider)
    if needed and not given[needed]:
        raise InputError(
            option=_path(option, needed),
            value=given[needed],
            expected=f"a value, as {_path(option, 'provider')} is {provider}",
        )
    for name, other in _BELONGS.items():
        if given[name] and provider != other and not (name == "chain" and provider == CA):
            raise InputError(
                option=_path(option, "provider"),
                value=provider,
                expected=f"{other}, as {_path(option, name)} is given, or no value for that",
            )


def _granted(names: t.Sequence[str] | None, option: str) -> tuple[str, ...]:
    if not names:
        return ()
    from ansible_collections.rampart.postgresql.plugins.module_utils._tls.grants import Grants

    Grants(names, option=option)  # which complains of what is no such name
    return tuple(names)


def _moment(text: str | None, option: str) -> int | None:
    if not text:
        return None
    try:
        found = datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise InputError(
            option=option, value=text, expected="a moment with its time zone, such as 2026-11-29T12:00:00Z"
        ) from None
    if found.tzinfo is None:
        raise InputError(option=option, value=text, expected="a time zone too, such as 2026-11-29T12:00:00Z")
    return int(found.timestamp())


def _value(values: t.Mapping[str, t.Any], name: str) -> t.Any:
    value = values.get(name)
    return ARGUMENTS[name].get("default") if value is None else value


def _path(option: str, name: str) -> str:
    return f"{option}.{name}" if option else name


def _names(names: t.Sequence[str] | None, option: str) -> tuple[str, ...]:
    if names is None:
        return ()
    if not names:
        raise InputError(option=option, value=names, expected="at least one name, or no value for the host's own names")
    valid = []
    for number, name in enumerate(names):
        try:
            valid.append(normalised(name))
        except ValueError as error:
            raise InputError(option=f"{option}[{number}]", value=name, expected=str(error)) from None
    return tuple(dict.fromkeys(valid))


def _key(kind: str, bits: int, option: str) -> KeySpec:
    if kind.lower() in ("ed25519", "ed448"):
        raise InputError(
            option=_path(option, "key_type"),
            value=kind,
            expected=f"{', '.join(KINDS)}; clients cannot log in with SCRAM over TLS to a server with such a key,"
            " because its signature names no hash for channel binding (PostgreSQL 13 to 18)",
        )
    if kind not in KINDS:
        raise InputError(option=_path(option, "key_type"), value=kind, expected=f"one of {', '.join(KINDS)}")
    if kind != "rsa":
        return KeySpec(kind)
    if not MINIMUM_RSA_BITS <= bits <= MAXIMUM_RSA_BITS or bits % 8:
        raise InputError(
            option=_path(option, "key_size"),
            value=bits,
            expected=f"a multiple of 8 from {MINIMUM_RSA_BITS} to {MAXIMUM_RSA_BITS}",
        )
    return KeySpec("rsa", bits)


def _absolute(path: str | None, option: str) -> str | None:
    if path is None:
        return None
    if not os.path.isabs(path) or path.endswith(os.sep) or not path.isprintable():
        raise InputError(option=option, value=path, expected="the absolute path of a file")
    return os.path.normpath(path)


def _validity(days: int, option: str) -> int:
    if not 1 <= days <= MAXIMUM_VALIDITY:
        raise InputError(
            option=option,
            value=days,
            expected=f"1 to {MAXIMUM_VALIDITY} days; some clients refuse certificates that are valid for longer",
        )
    return days


def _renew_before(days: int | None, validity: int, option: str) -> int | None:
    if days is not None and not 0 <= days < validity:
        raise InputError(
            option=option, value=days, expected=f"0 up to less than validity ({validity}), in days before the end"
        )
    return days
