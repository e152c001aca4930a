# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text of pg_hba.conf for people: what only the server may know is masked; private to the collection."""

from __future__ import annotations

import re

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.methods import SECRET_OPTIONS

__all__ = ["MASK", "names_secrets", "without_secrets"]

MASK = "********"

# The server takes quotes out wherever they stand in a token, and from 14 on joins lines before it looks at anything.
_IGNORED = r'(?:"|\\\r?\n)*'
_NAME = re.compile(
    rf"\"?({'|'.join(_IGNORED.join(name) for name in SECRET_OPTIONS)}){_IGNORED}=",
)
_QUOTED = r'(?:\\\r?\n|[^"\n])*(?:"|(?=\n)|\Z)'
_UNQUOTED = rf'(?:\\\r?\n|[^ \t\r\n,#"]|"{_QUOTED})*'
_OUTSIDE, _INSIDE = re.compile(_UNQUOTED), re.compile(_QUOTED + _UNQUOTED)


def names_secrets(text: str) -> bool:
    """Whether an option whose value is secret is named, however it is spelled."""
    bare = re.sub(_IGNORED, "", text) if "\\" in text else text.replace('"', "")
    return any(name in bare for name in SECRET_OPTIONS)


def without_secrets(text: str) -> str:
    """The text with masks in the place of secret values, to the end of their token."""
    if not names_secrets(text):
        return text
    pieces, end = [], 0
    for found in _NAME.finditer(text):
        if found.start() < end:
            continue
        value = _INSIDE if text.count('"', _line_begin(text, found.start()), found.end()) % 2 else _OUTSIDE
        pieces += [text[end : found.start()], re.sub(_IGNORED, "", found.group(1)), "=", MASK]
        match = value.match(text, found.end())
        end = found.end() if match is None else match.end()
    return "".join([*pieces, text[end:]])


def _line_begin(text: str, position: int) -> int:
    """Where the line begins as the server may read it, with those that it is a continuation of."""
    begin = text.rfind("\n", 0, position)
    while begin > 0 and text[:begin].rstrip("\r")[-1:] == "\\":
        begin = text.rfind("\n", 0, begin)
    return begin + 1
