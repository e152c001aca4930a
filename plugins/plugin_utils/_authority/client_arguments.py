# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a client certificate, and what they mean; private to the collection."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import MINIMUM_RSA_BITS
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.arguments import absolute
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.arguments import days
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.arguments import key_spec
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.arguments import moment_of
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.arguments import secret
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.bundle import Wanted
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.making import REASONS

__all__ = ["ARGUMENTS", "wanted"]

LONGEST_VALIDITY = 825  # days; as for servers
_LONGEST_ROLE = 63  # bytes; PostgreSQL's NAMEDATALEN - 1
_LONGEST_COMMON_NAME = 64  # characters; RFC 5280, ub-common-name

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "authority": {
        "type": "dict",
        "required": True,
        "options": {
            "path": {"type": "path", "required": True},
            "passphrase": {"type": "str", "required": True, "no_log": True},
        },
    },
    "role": {"type": "str", "required": True},
    "common_name": {"type": "str"},
    "path": {"type": "path", "required": True},
    "key_type": {"type": "str", "default": "ecdsa_p256", "no_log": False},
    "key_size": {"type": "int", "default": MINIMUM_RSA_BITS, "no_log": False},
    "key_passphrase": {"type": "str", "no_log": True},
    "validity": {"type": "int", "default": 365},
    "renew_before": {"type": "int"},
    "made_since": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "revoked"], "default": "present"},
    "reason": {"type": "str", "choices": list(REASONS), "default": "unspecified"},
}


def wanted(values: t.Mapping[str, t.Any]) -> Wanted:
    """What validated option values ask for."""
    role = _text(values["role"], "role")
    if len(role.encode("utf-8", "surrogateescape")) > _LONGEST_ROLE:
        raise InputError(option="role", value=role, expected=f"at most {_LONGEST_ROLE} bytes, as PostgreSQL has it")
    validity = days(values["validity"], "validity", 1, LONGEST_VALIDITY)
    renew_before = values["renew_before"]
    if renew_before is not None:
        days(renew_before, "renew_before", 0, validity - 1)
    common_name = values["common_name"]
    passphrase = values["key_passphrase"]
    return Wanted(
        path=_directory(values["path"], values["authority"]["path"]),
        role=role,
        common_name=role if common_name is None else _text(common_name, "common_name"),
        key=key_spec(values["key_type"], values["key_size"]),
        validity=validity,
        renew_before=renew_before,
        made_since=moment_of(values["made_since"], "made_since"),
        key_passphrase=None if passphrase is None else secret(passphrase, "key_passphrase", shortest=4),
    )


def _directory(path: str, authority: str) -> str:
    """One of the client's own: what lies in the authority's is the authority's."""
    found = absolute(path, "path")
    inner, outer = os.path.realpath(found), os.path.realpath(authority)
    if os.path.commonpath([inner, outer]) == outer:
        raise InputError(
            option="path", value=path, expected=f"a directory outside of that of the authority, {authority}"
        )
    return found


def _text(value: str, option: str) -> str:
    if not 1 <= len(value) <= _LONGEST_COMMON_NAME or not value.isprintable():
        raise InputError(option=option, value=value, expected=f"1 to {_LONGEST_COMMON_NAME} printable characters")
    return value
