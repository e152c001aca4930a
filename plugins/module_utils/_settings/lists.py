# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parameters whose value is a list, which pg_settings does not say; private to the collection."""

from __future__ import annotations

import re
import typing as t

__all__ = ["LISTS", "PRELOADS", "is_quoted", "join_items", "list_key", "split_items"]

PRELOADS: t.Final = ("shared_preload_libraries", "session_preload_libraries", "local_preload_libraries")
"""Parameters that name libraries, in the order in which a session meets them."""

_EXACT = "exact"  # items as they are, in their order
_FOLDED = "folded"  # unquoted items are names of SQL: case does not count, the order does
_SET = "set"  # neither case nor order counts

LISTS: t.Final[t.Mapping[str, str]] = {
    **dict.fromkeys(PRELOADS, _EXACT),
    "oauth_validator_libraries": _EXACT,
    "output_plugin_libraries": _EXACT,
    "listen_addresses": _EXACT,
    "unix_socket_directories": _EXACT,
    "search_path": _FOLDED,
    "temp_tablespaces": _FOLDED,
    "synchronized_standby_slots": _FOLDED,
    "datestyle": _SET,
    "createrole_self_grant": _SET,
    "debug_io_direct": _SET,
    "log_connections": _SET,
    "log_destination": _SET,
    "restrict_nonsystem_relation_kind": _SET,
    "wal_consistency_checking": _SET,
}
"""List-valued parameters by lower-case name, and how their items compare."""

# The server puts the items of these between double quotes by itself; by the version that began it. Measured with
# ALTER SYSTEM SET on 13 to 18.
_QUOTED: t.Final[t.Mapping[str, int]] = {
    **dict.fromkeys((*PRELOADS, "search_path", "temp_tablespaces"), 0),
    **dict.fromkeys(("oauth_validator_libraries", "output_plugin_libraries"), 0),
    "unix_socket_directories": 140000,
}

_ITEM = re.compile(r'\s*(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[^",][^,]*?))\s*(?:,|$)')
_PLAIN_ITEM = re.compile(r"[^\s\",'\\]+")
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_$]*")


def is_quoted(name: str, version: int) -> bool:
    """Whether SET takes the items of the parameter one by one and not the text of the list as one string."""
    return version >= _QUOTED.get(name.lower(), version + 1)


def split_items(value: str, *, fold: bool = False, single_words: bool = False) -> list[str]:
    """The items of a list as the server splits them; ValueError when it is not a list.

    ``fold``: items without quotes are lower-cased. ``single_words``: such items hold no space.
    """
    items: list[str] = []
    position = 0
    if not value.strip():
        return items
    while position < len(value):
        match = _ITEM.match(value, position)
        if not match:
            raise ValueError("a list with commas between its items")
        plain = match.group("plain")
        if plain is None:
            items.append(match.group("quoted").replace('""', '"'))
        else:
            if single_words and re.search(r"\s", plain):
                raise ValueError("a list with commas between its items")
            items.append(plain.lower() if fold else plain)
        position = match.end()
    if value.rstrip().endswith(","):
        raise ValueError("a list that does not end with a comma")
    return items


def join_items(items: t.Iterable[str], *, fold: bool = False) -> str:
    """The text of a list, each item between double quotes of its own where it needs them."""
    plain = _PLAIN_NAME if fold else _PLAIN_ITEM
    return ", ".join(item if plain.fullmatch(item) else '"' + item.replace('"', '""') + '"' for item in items)


def list_key(name: str, value: str) -> t.Hashable:
    """What must be equal for two texts of a list parameter to mean the same; ValueError when it is not a list."""
    kind = LISTS[name.lower()]
    if kind == _SET:
        return frozenset(item.lower() for item in split_items(value, single_words=True))
    return tuple(split_items(value, fold=kind == _FOLDED, single_words=kind == _FOLDED))
