# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of role attributes, and what they mean; private to the collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.component import RoleAttributes
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import Allowed
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import AllowedMembership
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import Password
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import Values
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.known import MEMBERSHIPS
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.grants.known import PARAMETERS
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import ATTRIBUTES

__all__ = ["ARGUMENTS", "component"]

_CHOICES = list(ATTRIBUTES)
_WHO = ["role", "pattern", "member_of"]
_MAXIMUM_LENGTH = 63  # bytes; NAMEDATALEN - 1: the server cuts a longer name, so it would be another one

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "allow": {
        "type": "list",
        "elements": "dict",
        "options": {
            "role": {"type": "str"},
            "pattern": {"type": "str"},
            "member_of": {"type": "str"},
            "attributes": {"type": "list", "elements": "str", "choices": _CHOICES, "default": []},
            "memberships": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "role": {"type": "str", "required": True},
                    "admin": {"type": "bool", "default": False},
                    "inherit": {"type": "bool"},
                    "set": {"type": "bool"},
                },
            },
            "parameters": {"type": "list", "elements": "str", "default": []},
        },
        "mutually_exclusive": [_WHO],
        "required_one_of": [_WHO],
    },
    "strip": {"type": "list", "elements": "str"},
    "attributes": {"type": "list", "elements": "str", "choices": _CHOICES, "default": _CHOICES},
    "memberships": {"type": "list", "elements": "str", "default": list(MEMBERSHIPS)},
    "parameters": {"type": "list", "elements": "str", "default": list(PARAMETERS)},
    "cascade": {"type": "bool", "default": False},
    "roles": {
        "type": "list",
        "elements": "dict",
        "options": {
            "role": {"type": "str", "required": True},
            "login": {"type": "bool"},
            "connection_limit": {"type": "int"},
            "valid_until": {"type": "str"},
        },
    },
    "passwords": {"type": "dict", "no_log": True},
    "in_use": {"type": "str", "choices": ["fail", "keep"], "default": "fail"},
    "require_other_superuser": {"type": "bool", "default": False},
    "on_standby": {"type": "str", "choices": ["skip", "fail"], "default": "skip"},
}


def component(values: t.Mapping[str, t.Any], *, option: str = "") -> RoleAttributes:
    """The component of these option values; ``option`` is the name of the option that holds them."""
    allow = _allow(values.get("allow"), _path(option, "allow"))
    strip = _strip(values.get("strip"), _path(option, "strip"))
    _refuse_contradiction(allow, strip)
    memberships = _names(values.get("memberships"), MEMBERSHIPS, _path(option, "memberships"))
    parameters = _parameters(values.get("parameters"), PARAMETERS)
    _refuse_without_effect(allow or (), memberships, parameters)
    attributes = values.get("attributes")
    return RoleAttributes(
        Desired(
            allow=allow,
            strip=strip,
            roles=_values(values.get("roles") or (), _path(option, "roles")),
            memberships=memberships,
            parameters=parameters,
            cascade=bool(values.get("cascade")),
            passwords=_passwords(values.get("passwords") or {}, _path(option, "passwords")),
            in_use=values.get("in_use") or "fail",
            attributes=ATTRIBUTES if attributes is None else _attributes(attributes, _path(option, "attributes")),
            require_other_superuser=bool(values.get("require_other_superuser")),
            on_standby=values.get("on_standby") or "skip",
            option=option,
        )
    )


def _path(option: str, name: str) -> str:
    return f"{option}.{name}" if option else name


def _allow(entries: t.Sequence[t.Mapping[str, t.Any]] | None, option: str) -> tuple[Allowed, ...] | None:
    if entries is None:
        return None
    allowed: list[Allowed] = []
    named: set[str] = set()
    for number, entry in enumerate(entries):
        where = f"{option}[{number}]"
        role = entry.get("role")
        if role is not None:
            role = _role(role, f"{where}.role")
            if role in named:
                raise InputError(option=f"{where}.role", value=role, expected="each role once")
            named.add(role)
        allowed.append(_entry(entry, role, where))
    return tuple(allowed)


def _entry(entry: t.Mapping[str, t.Any], role: str | None, where: str) -> Allowed:
    if sum(entry.get(name) is not None for name in _WHO) != 1:
        raise InputError(option=where, value=dict(entry), expected=f"one of {', '.join(_WHO)}")
    pattern, member_of = entry.get("pattern"), entry.get("member_of")
    return Allowed(
        role=role,
        pattern=None if pattern is None else _pattern(pattern, f"{where}.pattern"),
        member_of=None if member_of is None else _role(member_of, f"{where}.member_of"),
        attributes=_attributes(entry.get("attributes") or (), f"{where}.attributes"),
        memberships=_memberships(entry.get("memberships") or (), f"{where}.memberships"),
        parameters=_parameters(entry.get("parameters"), ()),
        option=where,
    )


def _memberships(entries: t.Sequence[t.Mapping[str, t.Any]], option: str) -> tuple[AllowedMembership, ...]:
    found: dict[str, AllowedMembership] = {}
    for number, entry in enumerate(entries):
        where = f"{option}[{number}].role"
        role = _role(entry["role"], where)
        if role in found:
            raise InputError(option=where, value=role, expected="each role once")
        found[role] = AllowedMembership(
            role=role, admin=bool(entry.get("admin")), inherit=entry.get("inherit"), set=entry.get("set")
        )
    return tuple(found.values())


def _names(given: t.Sequence[str] | None, usual: t.Iterable[str], option: str) -> tuple[str, ...]:
    if given is None:
        return tuple(usual)
    return tuple(_role(name, f"{option}[{number}]") for number, name in enumerate(given))


def _parameters(given: t.Sequence[str] | None, usual: t.Iterable[str]) -> tuple[str, ...]:
    """Names of parameters as the catalogue has them: in lower case."""
    return tuple(str(name).lower() for name in (usual if given is None else given))


def _passwords(given: t.Mapping[str, t.Any], option: str) -> tuple[Password, ...]:
    """Messages name the role, never the password."""
    if not given:
        return ()
    from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords.verifiers import is_verifier

    found = []
    for name, secret in given.items():
        role = _role(name, option)
        if role.startswith("pg_"):
            raise InputError(option=option, value=role, expected="a role that PostgreSQL did not make itself")
        if not isinstance(secret, str) or not secret or "\0" in secret or not _is_text(secret):
            raise InputError(option=option, value=role, expected="a password that is a text of at least one character")
        if is_verifier(secret):
            raise InputError(option=option, value=role, expected="a password, not the verifier of one")
        found.append(Password(role, secret))
    return tuple(found)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pattern(text: str, option: str) -> t.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise InputError(option=option, value=text, expected=f"a regular expression of Python: {error}") from None


def _values(entries: t.Sequence[t.Mapping[str, t.Any]], option: str) -> tuple[Values, ...]:
    found: dict[str, Values] = {}
    for number, entry in enumerate(entries):
        where = f"{option}[{number}]"
        role = _role(entry["role"], f"{where}.role")
        if role in found:
            raise InputError(option=f"{where}.role", value=role, expected="each role once")
        if role.startswith("pg_"):
            raise InputError(option=f"{where}.role", value=role, expected="a role that PostgreSQL did not make itself")
        limit = entry.get("connection_limit")
        if limit is not None and not -1 <= limit < 2**31:
            raise InputError(
                option=f"{where}.connection_limit", value=limit, expected="a number from 0 up, or -1 for no limit"
            )
        until = entry.get("valid_until")
        found[role] = Values(
            role=role,
            option=f"{where}.role",
            login=entry.get("login"),
            connection_limit=limit,
            valid_until=None if until is None else _moment(until, f"{where}.valid_until"),
        )
    return tuple(found.values())


def _moment(text: str, option: str) -> float:
    # Only here: few runs name one.
    from ansible_collections.rampart.postgresql.plugins.module_utils._roles.moments import moment

    return moment(text, option)


def _strip(names: t.Sequence[str] | None, option: str) -> tuple[tuple[str, str], ...] | None:
    if names is None:
        return None
    found = [(f"{option}[{number}]", _role(name, f"{option}[{number}]")) for number, name in enumerate(names)]
    for where, name in found:
        if name.startswith("pg_"):
            raise InputError(option=where, value=name, expected="a role that PostgreSQL did not make itself")
    return tuple(found)


def _refuse_contradiction(allow: tuple[Allowed, ...] | None, strip: tuple[tuple[str, str], ...] | None) -> None:
    allowed = {entry.role: entry for entry in allow or () if entry.role is not None and not entry.is_empty}
    for where, name in strip or ():
        if name in allowed:
            raise InputError(option=where, value=name, expected=f"a role that {allowed[name].option} does not allow")


def _refuse_without_effect(
    allow: t.Iterable[Allowed], memberships: t.Sequence[str], parameters: t.Sequence[str]
) -> None:
    """A name that nothing is taken of needs no permission, so it is misspelt; an empty list says that nothing is wanted."""
    for entry in allow:
        named = [membership.role for membership in entry.memberships]
        for kind, names, governed in (
            ("memberships", named, memberships),
            ("parameters", entry.parameters, parameters),
        ):
            for name in names:
                if governed and name not in governed:
                    expected = f"among those that {kind} has, {', '.join(governed)}"
                    raise InputError(option=f"{entry.option}.{kind}", value=name, expected=expected)


def _role(name: t.Any, option: str) -> str:
    text = str(name)
    if not text or "\0" in text or len(text.encode("utf-8", "replace")) > _MAXIMUM_LENGTH:
        raise InputError(
            option=option, value=name, expected=f"the name of a role as pg_roles has it, 1 to {_MAXIMUM_LENGTH} bytes"
        )
    return text


def _attributes(names: t.Sequence[str], option: str) -> tuple[str, ...]:
    for name in names:
        if name not in ATTRIBUTES:
            raise InputError(option=option, value=name, expected=f"among {', '.join(ATTRIBUTES)}")
    return tuple(attribute for attribute in ATTRIBUTES if attribute in names)
