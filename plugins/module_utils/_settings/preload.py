# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Libraries that the server loads at its start: merged over all places, never overwritten; private to the collection."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import split_items

__all__ = ["PARAMETER", "base_name", "candidate_files", "libraries_of", "merge", "prefixes"]

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


def candidate_files(library: str, package_directory: str, search_path: str) -> list[str]:
    """The files that the server would try for a library; ``search_path`` is its dynamic_library_path."""
    directories = [] if "/" in library else [directory.rstrip("/") for directory in search_path.split(":") if directory]
    bases = [f"{directory}/{library}" for directory in directories] or [library]
    full = [_expand(base, package_directory) for base in bases]
    return [path for base in full for path in (base, f"{base}.so")]


def _expand(path: str, package_directory: str) -> str:
    return package_directory + path[len("$libdir") :] if path.startswith("$libdir") else path
