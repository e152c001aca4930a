# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Authentication methods and their options, as the server reads them; private to the collection."""

from __future__ import annotations

import functools
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba import ldap_urls
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.circumstances import Circumstances
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lexer import Token
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.refusal import Refusal

__all__ = ["SECRET_OPTIONS", "Reader", "Values", "read_method", "read_options", "shown_options"]

Values = dict[str, str]
"""Options by name; the last of several wins."""

SECRET_OPTIONS = ("ldapbindpasswd", "radiussecrets")

_ATOI = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")
_RADIUS_LISTS = (("radiussecrets", "secrets"), ("radiusports", "ports"), ("radiusidentifiers", "identifiers"))
_RADIUS_WORDS = {"radiusservers": "server", "radiussecrets": "secret", "radiusidentifiers": "identifiers"}
_SEARCH_AND_BIND = ("ldapbasedn", "ldapbinddn", "ldapbindpasswd", "ldapsearchattribute", "ldapsearchfilter")


class Reader(t.Protocol):
    """The fields of a line, taken one after the other."""

    def single(self, missing: str, name: str) -> Token:
        """The one value of the next field."""

    def rest(self) -> t.Iterator[Token]:
        """Every value that is left."""


def read_method(reader: Reader, kind: str, dialect: Dialect, around: Circumstances) -> str:
    """The method that a record means on its type of connection."""
    method = reader.single("authentication method", "authentication type").text
    if method not in dialect.methods:
        raise Refusal(f'invalid authentication method "{method}"')
    if method in around.unsupported:
        raise Refusal(f'invalid authentication method "{method}": not supported by this build')
    if kind == "local":
        if method == "ident":
            return "peer"
        if method == "gss":
            raise Refusal("gssapi authentication is not supported on local sockets")
    elif method == "peer":
        raise Refusal("peer authentication is only supported on local sockets")
    if method == "cert" and kind != "hostssl":
        raise Refusal("cert authentication is only supported on hostssl connections")
    return method


def read_options(reader: Reader, kind: str, method: str, dialect: Dialect, around: Circumstances) -> Values:
    """The options of a record with what they imply."""
    values: Values = {}
    for token in reader.rest():
        name, equals, value = token.text.partition("=")
        if not equals:
            raise Refusal(f"authentication option not in name=value format: {token.text}")
        if method == "ldap":
            values["ldapscope"] = ldap_urls.ANY_DEPTH  # every option sets it back, whatever an ldapurl before it said
        if name == "clientcert":
            values[name] = _clientcert(value, kind, method, dialect)
        elif name == "clientname" and dialect.clientname:
            values[name] = _clientname(value, kind)
        else:
            _check_option(name, value, method, dialect, around)
            values[name] = str(_atoi(value)) if name == "ldapport" else value
            if name == "ldapurl":
                values.update(ldap_urls.options_of(value))
    _CHECKS.get(method, _no_check)(values, dialect, around)
    if method == "cert":
        values["clientcert"] = "verify-full"
    return values


def shown_options(method: str, values: t.Mapping[str, str]) -> list[str]:
    """The options as pg_hba_file_rules shows them; some it never does."""
    shown = []
    if method in ("gss", "sspi"):
        if values.get("include_realm", "1") == "1":
            shown.append("include_realm=true")
        if "krb_realm" in values:
            shown.append(f"krb_realm={values['krb_realm']}")
    shown += [f"{name}={values[name]}" for name in _SHOWN_ALWAYS if name in values and _is_shown(name, values[name])]
    for name in _SHOWN_FOR.get(method, ()):
        if name not in values:
            continue
        if name in ("ldaptls", "delegate_ident_mapping"):
            if values[name] == "1":
                shown.append(f"{name}=true")
        elif name != "ldapscope" or values[name] != "0":
            shown.append(f"{name}={values[name]}")
    return shown


def _is_shown(name: str, value: str) -> bool:
    return name != "clientcert" or value != ""  # 13 knows values that turn it off


_SHOWN_ALWAYS = ("map", "clientcert", "pamservice")
_SHOWN_FOR = {
    "ldap": (
        *("ldapserver", "ldapport", "ldapscheme", "ldaptls", "ldapprefix", "ldapsuffix"),
        *("ldapbasedn", "ldapbinddn", "ldapbindpasswd", "ldapsearchattribute", "ldapsearchfilter", "ldapscope"),
    ),
    "radius": ("radiusservers", "radiussecrets", "radiusidentifiers", "radiusports"),
    "oauth": ("issuer", "scope", "validator", "delegate_ident_mapping"),
}


def _clientcert(value: str, kind: str, method: str, dialect: Dialect) -> str:
    if kind != "hostssl":
        raise Refusal('clientcert can only be configured for "hostssl" rows')
    if value not in dialect.clientcert:
        raise Refusal(f'invalid value for clientcert: "{value}"', in_view=False)
    if value == "verify-ca" and method == "cert" and dialect.cert_refuses_verify_ca:
        raise Refusal('clientcert can only be set to "verify-full" when using "cert" authentication')
    if not dialect.clientcert[value] and method == "cert":
        raise Refusal('clientcert cannot be set to "no-verify" when using "cert" authentication')
    return dialect.clientcert[value]


def _clientname(value: str, kind: str) -> str:
    if kind != "hostssl":
        raise Refusal('clientname can only be configured for "hostssl" rows')
    if value not in ("CN", "DN"):
        raise Refusal(f'invalid value for clientname: "{value}"', in_view=False)
    return value


def _check_option(name: str, value: str, method: str, dialect: Dialect, around: Circumstances) -> None:
    option = dialect.options.get(name)
    if option is None:
        raise Refusal(f'unrecognized authentication option name: "{name}"')
    if method not in option.methods:
        raise Refusal(f'authentication option "{name}" is only valid for authentication methods {option.words}')
    if name == "ldapport" and _atoi(value) == 0:
        raise Refusal(f'invalid LDAP port number: "{value}"')
    if name.startswith("radius"):
        _check_radius_list(name, value, dialect, around)


def _check_radius_list(name: str, value: str, dialect: Dialect, around: Circumstances) -> None:
    items = _split_list(value, dialect)
    bad_ports = f'invalid RADIUS port number: "{value}"'
    if items is None:
        # The log has the value too, which may be a secret.
        words = bad_ports if name == "radiusports" else f"could not parse RADIUS {_RADIUS_WORDS[name]} list"
        raise Refusal(words, in_view=name == "radiusports")
    for item in items if name == "radiusservers" else ():
        if not around.resolves(item):
            raise Refusal(f'could not translate RADIUS server name "{item}" to address', in_view=False)
    if name == "radiusports" and any(_atoi(item) == 0 for item in items):
        raise Refusal(bad_ports, in_view=False)


def _check_ldap(values: Values, dialect: Dialect, _around: Circumstances) -> None:
    if "ldapprefix" in values or "ldapsuffix" in values:
        if any(name in values for name in _SEARCH_AND_BIND):
            raise Refusal(dialect.mixed_ldap_binds)
    elif "ldapbasedn" not in values:
        raise Refusal(
            'authentication method "ldap" requires argument "ldapbasedn", "ldapprefix", or "ldapsuffix" to be set'
        )
    if "ldapsearchattribute" in values and "ldapsearchfilter" in values:
        raise Refusal("cannot use ldapsearchattribute together with ldapsearchfilter")


def _check_radius(values: Values, dialect: Dialect, _around: Circumstances) -> None:
    lists = {name: _split_list(value, dialect) or [] for name, value in values.items() if name.startswith("radius")}
    for name in ("radiusservers", "radiussecrets"):
        if not lists.get(name):
            raise _required("radius", name)
    servers = len(lists["radiusservers"])
    for name, words in _RADIUS_LISTS:
        count = len(lists.get(name, ()))
        if count not in (0, 1, servers):
            raise Refusal(
                f"the number of RADIUS {words} ({count}) must be 1 or the same as the number of RADIUS servers"
                f" ({servers})",
                in_view=dialect.shows_radius_counts,
            )


def _check_oauth(values: Values, _dialect: Dialect, around: Circumstances) -> None:
    for name in ("scope", "issuer"):
        if name not in values:
            raise _required("oauth", name)
    allowed = around.oauth_validators
    if allowed is not None:
        _check_validator(values, allowed)
    if values.get("delegate_ident_mapping") == "1" and "map" in values:
        raise Refusal("map cannot be used in combination with delegate_ident_mapping")


def _check_validator(values: Values, allowed: tuple[str, ...]) -> None:
    if not allowed:
        raise Refusal("oauth_validator_libraries must be set for authentication method oauth")
    if "validator" not in values:
        if len(allowed) > 1:
            raise Refusal(
                'authentication method "oauth" requires argument "validator" to be set when'
                " oauth_validator_libraries contains multiple options"
            )
        values["validator"] = allowed[0]
    elif values["validator"] not in allowed:
        raise Refusal(f'validator "{values["validator"]}" is not permitted by oauth_validator_libraries')


def _required(method: str, name: str) -> Refusal:
    return Refusal(f'authentication method "{method}" requires argument "{name}" to be set')


def _no_check(_values: Values, _dialect: Dialect, _around: Circumstances) -> None:
    """Most methods need nothing."""


_CHECKS: dict[str, t.Callable[[Values, Dialect, Circumstances], None]] = {
    "ldap": _check_ldap,
    "radius": _check_radius,
    "oauth": _check_oauth,
}


def _atoi(text: str) -> int:
    match = _ATOI.match(text)
    number = _long(match.group(1)) & 0xFFFFFFFF if match else 0
    return number - 0x100000000 if number & 0x80000000 else number


def _long(digits: str) -> int:
    """A number as C's strtol reads it: what is too large is the largest."""
    sign, rest = (-1, digits[1:]) if digits[0] == "-" else (1, digits.lstrip("+"))
    number = int(rest.lstrip("0")[:20] or "0")
    return -min(number, 1 << 63) if sign < 0 else min(number, (1 << 63) - 1)


def _split_list(text: str, dialect: Dialect) -> list[str] | None:
    """The items of a list as the server splits it; None for what it cannot."""
    items: list[str] = []
    list_item = _list_item(dialect.list_blanks)
    text = text.lstrip(dialect.list_blanks)
    at = 0
    while text:
        match = list_item.match(text, at)
        if match is None:
            return None
        quoted, plain, separator = match.groups()
        items.append(plain if quoted is None else quoted.replace('""', '"'))
        at = match.end()
        if not separator:
            return items if at == len(text) else None
    return items


@functools.cache
def _list_item(blanks: str) -> re.Pattern[str]:
    return re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|([^",{blanks}][^,{blanks}]*))[{blanks}]*(,?)[{blanks}]*')
