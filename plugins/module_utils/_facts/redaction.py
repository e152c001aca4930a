# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL that shows nothing of what may hold secrets, so that these never leave the server; private to the collection."""

from __future__ import annotations

import re

from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.secrets import CONNECTION
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.secrets import PAIRS
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literal

__all__ = ["HIDDEN_PARAMETER", "NOT_SHOWN", "connection_role", "connection_word", "has_password", "without_values"]

NOT_SHOWN = "(not shown)"

# Whoever names a parameter of an application so means it.
HIDDEN_PARAMETER = """(s.name IN ('archive_cleanup_command', 'archive_command', 'primary_conninfo', 'recovery_end_command',
           'restore_command', 'ssl_passphrase_command')
  OR (s.vartype = 'string'
      AND s.name ~* '[.](.*_)?(password|passwd|pwd|passphrase|secret|token|key|salt|credentials?|conninfo)$'))"""
"""SQL: whether a row s of pg_settings has a value that is not to be shown."""

_WORDS = {
    "sslmode": "disable|allow|prefer|require|verify-ca|verify-full",
    "channel_binding": "disable|prefer|require",
}
_URI = r"^postgres(?:ql)?://"

_VALUES = (
    re.compile(r"(authentication option not in name=value format: ).*", re.DOTALL),
    re.compile(r"(could not parse RADIUS secrets list ).*", re.DOTALL),
)


def has_password(text: str) -> str:
    """SQL: whether a connection string holds a password."""
    return f"({text} ~ {Literal(CONNECTION)})"


def connection_word(text: str, name: str) -> str:
    """SQL: the value of a parameter that has few, none of them secret; NULL where the connection string has none."""
    value = f"({_WORDS[name]})"
    return _first(
        text,
        rf"{PAIRS}{name}\s*=\s*'?{value}(?:'|\s|$)",
        rf"{_URI}[^?]*\?(?:[^&]*&)*{name}={value}(?:&|$)",
    )


def connection_role(text: str) -> str:
    """SQL: the role that a connection string names, NULL where it names none."""
    return _first(
        text,
        rf"{PAIRS}user\s*=\s*'((?:[^'\\]|\\.)*)'",
        rf"{PAIRS}user\s*=\s*([^\s'\\]+)",
        rf"{_URI}([^:/@?]+)(?::[^/@]*)?@",
        rf"{_URI}[^?]*\?(?:[^&]*&)*user=([^&]+)",
    )


def _first(text: str, *patterns: str) -> str:
    found = ", ".join(f"pg_catalog.substring({text}, {Literal(pattern)})" for pattern in patterns)
    return f"coalesce({found})"


def without_values(words: str | None) -> str | None:
    """What the server says of a line that it refuses, without the part of the line that may be a secret. Pure."""
    for pattern in _VALUES if words else ():
        words = pattern.sub(rf"\g<1>{NOT_SHOWN}", words or "")
    return words
