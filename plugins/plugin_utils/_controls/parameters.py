# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a profile wants of a server's parameters, and what they have; pure, private to the collection."""

from __future__ import annotations

import functools
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter
from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.acceptable import meets
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import CATALOGUE
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import ProfileParameter
from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.model import ProfileValue

__all__ = ["OF_SESSIONS", "overrides", "wanted_parameters"]

Values = t.Mapping[str, t.Any]

OF_SESSIONS: t.Final = ("client", "database", "database user", "session", "user")
"""Sources of values that one session was given, and not the server."""

_OLD_NAMES: t.Final = {"ssl_groups": "ssl_ecdh_curve"}  # of 17 and before
_COLLECTED: t.Final = ("csvlog", "jsonlog")
_BEYOND_FILES: t.Final = ("command line", "environment variable")


def wanted_parameters(facts: Values, profile: str) -> dict[str, dict[str, t.Any]]:
    """By name, those that the profile sets on this server, with what the server has."""
    settings: Values = facts["settings"]
    found: dict[str, dict[str, t.Any]] = {}
    for role, entry in _entries():
        wanted = _at(entry.value(profile), facts["major"])
        name = entry.name if entry.name in settings else _OLD_NAMES.get(entry.name, entry.name)
        if wanted is None or (entry.optional and name not in settings):
            continue
        row = settings.get(name) or {}
        found[entry.name] = {
            "name": name,
            "setting": row.get("setting"),
            "unit": row.get("unit"),
            "wanted": wanted,
            "source": row.get("source"),
            "meets": _meets(entry.name, row, wanted, settings) and not _is_inside(entry.name, row, settings),
            "pending_restart": row.get("pending_restart"),
            "profile": profile,
            "role": role,
        }
    return found


def overrides(facts: Values, profile: str) -> list[dict[str, t.Any]]:
    """Places stronger than the configuration files that give a parameter of the profile a worse value."""
    settings: Values = facts["settings"]
    wanted = wanted_parameters(facts, profile)
    found = [
        {"name": each["name"], "place": each["source"], "value": each["setting"], "wanted": each["wanted"]}
        for each in wanted.values()
        if each["source"] in _BEYOND_FILES and not each["meets"]
    ]
    for row in facts["role_settings"]:
        each = wanted.get(row["name"])
        if each is None or row["value"] is None:
            continue
        changed = {**(settings.get(each["name"]) or {}), "setting": row["value"]}
        if not _meets(row["name"], changed, each["wanted"], settings):
            who = f"role {row['role'] or 'all'}, database {row['database'] or 'all'}"
            found.append({"name": row["name"], "place": who, "value": row["value"], "wanted": each["wanted"]})
    return found


@functools.cache
def _entries() -> tuple[tuple[str, ProfileParameter], ...]:
    return tuple((role, entry) for role, entries in CATALOGUE.items() for entry in entries)


def _at(value: ProfileValue, major: int) -> str | None:
    """The value for a major version: that of the newest edition which is not newer."""
    if value is None or isinstance(value, str):
        return value
    fitting = [first for first in value if int(first) <= major]
    return value[max(fitting, key=int)] if fitting else None


def _is_inside(name: str, row: Values, settings: Values) -> bool:
    """Whether a directory that should lie outside lies in the data directory, which base backups copy."""
    data = str((settings.get("data_directory") or {}).get("setting") or "")
    path = str(row.get("setting") or "")
    return name == "log_directory" and bool(data) and os.path.normpath(path).startswith(f"{os.path.normpath(data)}/")


def _meets(name: str, row: Values, wanted: str, settings: Values) -> bool:
    setting = row.get("setting")
    if setting is None:
        return False
    if wanted == "auto":  # of the log's collector: on, unless something else keeps what the server writes
        destinations = str((settings.get("log_destination") or {}).get("setting") or "")
        return setting == "on" or not any(word in destinations for word in _COLLECTED)
    parameter = Parameter(
        name=name,
        vartype=str(row.get("vartype") or "string"),
        unit=row.get("unit"),
        labels=(wanted,) if row.get("vartype") == "enum" else (),
        setting=setting,
    )
    try:
        return meets(parameter, setting, wanted)
    except ValueError:
        return False
