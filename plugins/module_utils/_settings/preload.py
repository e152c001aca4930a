# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Libraries that the server loads at its start: merged over all places, never overwritten; private to the collection."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import split_items

__all__ = ["PARAMETER", "base_name", "candidate_files", "in_order", "libraries_of", "merge", "prefixes", "without"]

PARAMETER: t.Final = "shared_preload_libraries"

# Prefixes of parameters that are not the library's own name.
_PREFIXES: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "citus": ("citus", "columnar"),
    "pg_cron": ("cron",),
    "pg_partman_bgw": ("pg_partman_bgw",),
    "pg_squeeze": ("squeeze",),
    "pgauditlogtofile": ("pgaudit",),
    "pglogical": ("pglogical",),
    "pg_net": ("pg_net",),
}

# A library that has to be in front of others, and those others; none named: all others.
_IN_FRONT: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "citus": (),  # docs.citusdata.com: "make sure that Citus is the first extension"
    "pg_stat_statements": ("pg_wait_sampling",),  # README of pg_wait_sampling, commit 8eaa130: query ids
    "pgaudit": ("pgauditlogtofile",),  # README of pgauditlogtofile: "after pgaudit"
}


def base_name(library: str) -> str:
    """The name without ``$libdir/`` and ``.so``, so that two spellings of one library are one."""
    name = library[len("$libdir/") :] if library.startswith("$libdir/") else library
    return name[:-3] if name.endswith(".so") else name


def prefixes(library: str) -> tuple[str, ...]:
    """Prefixes of the parameters that a library defines."""
    name = os.path.basename(base_name(library))
    return _PREFIXES.get(name, (name,))


def libraries_of(value: str) -> list[str]:
    """The libraries that a text of the parameter names; none for a text that is not a list."""
    try:
        return split_items(value)
    except ValueError:
        return []


def merge(*places: t.Iterable[str]) -> list[str]:
    """The libraries of all places in order, each once, in the spelling that comes first."""
    merged: dict[str, str] = {}
    for place in places:
        for library in place:
            merged.setdefault(base_name(library), library)
    return list(merged.values())


def without(libraries: t.Iterable[str], absent: t.Iterable[str]) -> list[str]:
    """The libraries but for the absent ones, whatever the spelling."""
    gone = {base_name(library) for library in absent}
    return [library for library in libraries if base_name(library) not in gone]


def in_order(libraries: t.Sequence[str]) -> list[str]:
    """The libraries as they are, but one that has to be in front of others is moved there when it is behind them."""
    ordered = list(libraries)
    for library in libraries:
        name = os.path.basename(base_name(library))
        if name in _IN_FRONT:
            others = [other for other in ordered if other != library and _is_behind(other, _IN_FRONT[name])]
            first = min((ordered.index(other) for other in others), default=len(ordered))
            if first < ordered.index(library):
                ordered.remove(library)
                ordered.insert(first, library)
    return ordered


def _is_behind(library: str, names: tuple[str, ...]) -> bool:
    return not names or os.path.basename(base_name(library)) in names


def candidate_files(library: str, package_directory: str, search_path: str) -> list[str]:
    """The files that the server would try for a library; ``search_path`` is its dynamic_library_path."""
    directories = [] if "/" in library else [directory.rstrip("/") for directory in search_path.split(":") if directory]
    bases = [f"{directory}/{library}" for directory in directories] or [library]
    full = [_expand(base, package_directory) for base in bases]
    return [path for base in full for path in (base, f"{base}.so")]


def _expand(path: str, package_directory: str) -> str:
    return package_directory + path[len("$libdir") :] if path.startswith("$libdir") else path
