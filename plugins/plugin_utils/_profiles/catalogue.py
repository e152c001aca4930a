# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The profiles of all roles, and questions about them; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles import pg_access
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles import pg_authentication
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles import pg_logging
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles import pg_network
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles import pg_tls
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import PROFILES
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import ProfileParameter

__all__ = ["CATALOGUE", "libraries", "optional", "parameters"]

CATALOGUE: t.Mapping[str, tuple[ProfileParameter, ...]] = {
    "pg_tls": pg_tls.PARAMETERS,
    "pg_network": pg_network.PARAMETERS,
    "pg_authentication": pg_authentication.PARAMETERS,
    "pg_logging": pg_logging.PARAMETERS,
    "pg_access": pg_access.PARAMETERS,
}


def _entries(
    role: object, profile: object, extension: object = ""
) -> list[tuple[ProfileParameter, str | t.Mapping[str, str]]]:
    """The role's entries of this extension, or of none, that have a value in this profile, with that value."""
    if not isinstance(role, str) or role not in CATALOGUE:
        raise InputError(option="role", value=role, expected=f"it is one of {', '.join(CATALOGUE)}")
    if not isinstance(profile, str) or profile not in PROFILES:
        raise InputError(option="profile", value=profile, expected=f"it is one of {', '.join(PROFILES)}")
    valued = ((entry, entry.value(profile)) for entry in CATALOGUE[role] if entry.extension == extension)
    return [(entry, value) for entry, value in valued if value is not None]


def parameters(role: object, profile: object, extension: object = "") -> dict[str, str | dict[str, str]]:
    """Name to value of what this role sets of the server, or of an extension, under this profile; see ``ProfileValue``."""
    entries = _entries(role, profile, extension)
    return {entry.name: value if isinstance(value, str) else dict(value) for entry, value in entries}


def optional(role: object, profile: object) -> list[str]:
    """Those of them that some supported server does not have."""
    return [entry.name for entry, _value in _entries(role, profile) if entry.optional]


def libraries(role: object, profile: object) -> list[str]:
    """The libraries that must be preloaded for them."""
    return list(dict.fromkeys(entry.library for entry, _value in _entries(role, profile) if entry.library))
