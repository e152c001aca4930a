# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option ldapurl, as OpenLDAP's library reads it for the server; private to the collection."""

from __future__ import annotations

import re

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.refusal import Refusal

__all__ = ["ANY_DEPTH", "options_of"]

ANY_DEPTH = "2"
_SCOPES = {
    **{"": "0", "base": "0", "one": "1", "onelevel": "1", "sub": ANY_DEPTH, "subtree": ANY_DEPTH},
    **{"subord": "3", "subordinate": "3", "children": "3"},
}
_PREFIX = re.compile(r"(<?)(?:URL:)?(ldap|ldaps|ldapi)://", re.I)
_PORT = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)\Z")
_ESCAPED = re.compile(rb"[0-9a-fA-F]{2}")
_PORTS = {"ldap": "389", "ldaps": "636", "ldapi": "0"}

# The server takes the library's codes for those of the protocol, and says what they mean there.
_SCHEME = "Time limit exceeded"
_ENCLOSURE = "Size limit exceeded"
_FORM = "Compare False"
_SCOPE = "Strong(er) authentication required"
_EXTENSIONS = "Referral"
_FILTER = "Partial results and referral received"


def options_of(url: str) -> dict[str, str]:
    """The options that a URL stands for."""
    try:
        return _Url(url).options()
    except _Malformed as error:
        raise Refusal(f'could not parse LDAP URL "{url}": {error}') from None


class _Malformed(Exception):
    """What the server says of a URL."""


class _Url:
    def __init__(self, url: str) -> None:
        prefix = _PREFIX.match(url)
        if prefix is None:
            raise _Malformed(_SCHEME)
        self.scheme = prefix.group(2).lower()
        rest = url[prefix.end() :]
        if prefix.group(1):
            if not rest.endswith(">"):
                raise _Malformed(_ENCLOSURE)
            rest = rest[:-1]
        host, slash, path = rest.partition("/")
        if not slash:
            host = host.partition("?")[0]
        self.host, self.port = (_unescaped(host), "0") if self.scheme == "ldapi" else self._host_and_port(host)
        self.parts = path.split("?") if slash else []

    def _host_and_port(self, text: str) -> tuple[str, str]:
        host, rest = text, ""
        if text.startswith("["):
            host, bracket, rest = text[1:].partition("]")
            if not bracket or (":" in rest and rest[0] != ":"):
                raise _Malformed(_FORM)
            colon, port = rest[:1] == ":", rest[1:]
        else:
            host, mark, port = text.partition(":")
            colon = bool(mark)
        if not colon:
            return _unescaped(host), _PORTS[self.scheme]
        number = _PORT.match(_unescaped(port))
        if number is None:
            raise _Malformed(_FORM)
        return _unescaped(host), str(_number(number.group(1)) or _PORTS[self.scheme])

    def options(self) -> dict[str, str]:
        base = _unescaped(self.parts[0]) if self.parts else None
        attributes, scope, search_filter, *extensions = [*self.parts[1:], "", "", ""][: max(3, len(self.parts) - 1)]
        depth = _SCOPES.get(_unescaped(scope).lower())
        if depth is None or (scope and not _unescaped(scope)):
            raise _Malformed(_SCOPE)
        if search_filter and not _unescaped(search_filter):
            raise _Malformed(_FILTER)
        if len(extensions) > 1:
            raise _Malformed(_FORM)
        if extensions and not extensions[0].strip(","):
            raise _Malformed(_EXTENSIONS)
        if self.scheme not in ("ldap", "ldaps"):
            raise Refusal(f"unsupported LDAP URL scheme: {self.scheme}")
        names = [name for name in _unescaped(attributes).split(",") if name]
        if attributes and not names:
            raise Refusal("an LDAP URL with attributes but no name among them ends the server", in_view=False)
        found: dict[str, str | None] = {
            "ldapscheme": self.scheme,
            "ldapserver": self.host or None,
            "ldapport": self.port,
            "ldapbasedn": base,
            "ldapsearchattribute": names[0] if names else None,
            "ldapscope": depth,
            "ldapsearchfilter": _unescaped(search_filter) or None,
        }
        return {name: value for name, value in found.items() if value is not None}


def _unescaped(text: str) -> str:
    """Without percent signs; nothing is left of a text in which one is not followed by two digits."""
    if "%" not in text:
        return text
    first, *rest = text.encode("utf-8", "surrogateescape").split(b"%")
    if not all(_ESCAPED.match(part) for part in rest):
        return ""
    content = first + b"".join(bytes((int(part[:2], 16),)) + part[2:] for part in rest)
    return content.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _number(text: str) -> int:
    """What a C int makes of a long one."""
    digits = int(text.lstrip("+-").lstrip("0")[:20] or "0")
    number = (max(-digits, -(1 << 63)) if text[0] == "-" else min(digits, (1 << 63) - 1)) & 0xFFFFFFFF
    return number - (1 << 32) if number & (1 << 31) else number
