# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between the grammars of PostgreSQL 13 to 18: a table; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported

__all__ = ["CONNECTION_TYPES", "DIALECTS", "NAME_BYTES", "OPTIONS", "Dialect", "Option", "dialect_of"]

CONNECTION_TYPES = ("local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc")
NAME_BYTES = 63  # NAMEDATALEN - 1: a longer name in a rule is accepted and matches nothing

_METHODS = (
    "trust",
    "reject",
    "scram-sha-256",
    "md5",
    "password",
    "gss",
    "sspi",
    "ident",
    "peer",
    "ldap",
    "radius",
    "cert",
    "pam",
    "bsd",
)
_CLIENTCERT = {"verify-ca": "verify-ca", "verify-full": "verify-full"}


class Option(t.NamedTuple):
    """With which methods an option is valid, and how the server names those in its refusal."""

    methods: frozenset[str]
    words: str


def _option(*methods: str, words: str = "") -> Option:
    return Option(frozenset(methods), words or " and ".join(methods))


_MAP = ("ident", "peer", "gss", "sspi", "cert")
_LDAP = (
    "ldapurl",
    "ldaptls",
    "ldapscheme",
    "ldapserver",
    "ldapport",
    "ldapbinddn",
    "ldapbindpasswd",
    "ldapsearchattribute",
    "ldapsearchfilter",
    "ldapbasedn",
    "ldapprefix",
    "ldapsuffix",
)
OPTIONS: dict[str, Option] = {
    "map": _option(*_MAP, words="ident, peer, gssapi, sspi, and cert"),
    "pamservice": _option("pam"),
    "pam_use_hostname": _option("pam"),
    "krb_realm": _option("gss", "sspi", words="gssapi and sspi"),
    "include_realm": _option("gss", "sspi", words="gssapi and sspi"),
    "compat_realm": _option("sspi"),
    "upn_username": _option("sspi"),
    **{name: _option("ldap") for name in _LDAP},
    **{name: _option("radius") for name in ("radiusservers", "radiusports", "radiussecrets", "radiusidentifiers")},
}
_OAUTH_OPTIONS: dict[str, Option] = {
    "map": _option(*_MAP, "oauth", words="ident, peer, gssapi, sspi, cert, and oauth"),
    **{name: _option("oauth") for name in ("issuer", "scope", "validator", "delegate_ident_mapping")},
}


@dataclasses.dataclass(frozen=True, eq=False)
class Dialect:
    """The grammar of one major version. Limits are in bytes; None is no limit."""

    major: int
    line_limit: int | None = None  # a line of this many bytes, its newline counted, is too long
    token_limit: int | None = None  # the longest token
    continuation: bool = True  # a backslash before the newline joins lines
    includes: bool = False  # include, include_if_exists, include_dir
    regular_expressions: bool = False  # /… as database or user
    negated_in_brackets: bool = True  # regular expressions know \D, \S and \W in brackets, and [[:word:]]
    nesting_limit: int | None = None  # of files that include files
    special_pg_users: bool = False  # all, +role and /… as the PostgreSQL user of a mapping in pg_ident.conf
    mappings_view: bool = True  # whether pg_ident_file_mappings is there
    methods: tuple[str, ...] = _METHODS
    options: t.Mapping[str, Option] = dataclasses.field(default_factory=lambda: OPTIONS)
    clientcert: t.Mapping[str, str] = dataclasses.field(default_factory=lambda: _CLIENTCERT)  # value to meaning
    clientname: bool = True
    cert_refuses_verify_ca: bool = True
    list_blanks: str = " \t\n\v\f\r"  # what may stand around the items of a list in the value of an option
    shows_radius_counts: bool = True  # whether a wrong number of RADIUS secrets is explained in the view
    reports_directories: bool = False  # a directory where a file should be is an error, not an empty file
    mixed_ldap_binds: str = "cannot mix options for simple bind and search+bind modes"
    missing_file: str = 'could not open file "{path}": {reason}'


_BEFORE_18: dict[str, t.Any] = {
    "mixed_ldap_binds": "cannot use ldapbasedn, ldapbinddn, ldapbindpasswd, ldapsearchattribute, ldapsearchfilter,"
    " or ldapurl together with ldapprefix",
}
_BEFORE_17: dict[str, t.Any] = {**_BEFORE_18, "list_blanks": " \t\n\f\r"}
_BEFORE_16: dict[str, t.Any] = {
    **_BEFORE_17,
    "token_limit": 10239,
    "missing_file": 'could not open secondary authentication file "@{name}" as "{path}": {reason}',
}
_FROM_16: dict[str, t.Any] = {
    "includes": True,
    "regular_expressions": True,
    "nesting_limit": 10,
    "special_pg_users": True,
}

DIALECTS: dict[int, Dialect] = {
    13: Dialect(
        major=13,
        line_limit=20479,
        continuation=False,
        negated_in_brackets=False,
        clientcert={**_CLIENTCERT, "1": "verify-ca", "0": "", "no-verify": ""},
        clientname=False,
        cert_refuses_verify_ca=False,
        shows_radius_counts=False,
        reports_directories=True,
        mappings_view=False,
        **_BEFORE_16,
    ),
    14: Dialect(major=14, mappings_view=False, **_BEFORE_16),
    15: Dialect(major=15, **_BEFORE_16),
    16: Dialect(major=16, **_FROM_16, **_BEFORE_17),
    17: Dialect(major=17, **_FROM_16, **_BEFORE_18),
    18: Dialect(major=18, methods=(*_METHODS, "oauth"), options={**OPTIONS, **_OAUTH_OPTIONS}, **_FROM_16),
}


def dialect_of(major: int) -> Dialect:
    """The grammar of a major version; that of the newest known one for what is newer."""
    if major < min(DIALECTS):
        raise Unsupported(f"pg_hba.conf of PostgreSQL {major} is not understood: {min(DIALECTS)} is the oldest")
    return DIALECTS[min(major, max(DIALECTS))]
