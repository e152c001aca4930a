# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements that set and reset parameters, composed; private to the collection."""

from __future__ import annotations

import re

from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import DottedName
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literals
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import LISTS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import is_quoted
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import split_items
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import RoleSetting

__all__ = ["as_stored", "can_be_set", "reset_for", "reset_system", "set_for", "set_system"]

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


def set_system(name: str, text: str, version: int) -> str:
    """ALTER SYSTEM SET of a text of the configuration file."""
    return compose(
        "ALTER SYSTEM SET {name} = {values}", name=DottedName(name), values=Literals(_arguments(name, text, version))
    )


def reset_system(name: str) -> str:
    """ALTER SYSTEM RESET."""
    return compose("ALTER SYSTEM RESET {name}", name=DottedName(name))


def set_for(setting: RoleSetting, version: int) -> str:
    """What makes the setting of a role or database."""
    values = Literals(_arguments(setting.name, setting.value, version))
    return _alter(setting, "SET {name} = {values}", name=DottedName(setting.name), values=values)


def reset_for(setting: RoleSetting) -> str:
    """What takes the setting of a role or database away."""
    return _alter(setting, "RESET {name}", name=DottedName(setting.name))


def can_be_set(name: str, text: str, version: int) -> bool:
    """Whether ALTER SYSTEM SET can express the text: no line end, and no list without an item that the server quotes."""
    return "\n" not in text and "\r" not in text and (bool(text.strip()) or not is_quoted(name, version))


def as_stored(name: str, text: str, version: int) -> str:
    """The text that ALTER SYSTEM SET of ``text`` leaves in its file."""
    if not is_quoted(name, version):
        return text
    items = _arguments(name, text, version)
    return ", ".join(item if _PLAIN.fullmatch(item) else str(Identifier(item)) for item in items)


def _alter(setting: RoleSetting, action: str, **parts: DottedName | Literals) -> str:
    if setting.role is None and setting.database is None:
        return compose(f"ALTER ROLE ALL {action}", **parts)
    if setting.role is None:
        return compose(f"ALTER DATABASE {{database}} {action}", database=_identifier(setting.database), **parts)
    if setting.database is None:
        return compose(f"ALTER ROLE {{role}} {action}", role=_identifier(setting.role), **parts)
    return compose(
        f"ALTER ROLE {{role}} IN DATABASE {{database}} {action}",
        role=_identifier(setting.role),
        database=_identifier(setting.database),
        **parts,
    )


def _identifier(name: str | None) -> Identifier:
    return Identifier(name or "")


def _arguments(name: str, text: str, version: int) -> tuple[str, ...]:
    """The constants that SET needs for the server to store this text: items of a list that it quotes come one by one."""
    if not is_quoted(name, version):
        return (text,)
    try:
        return tuple(split_items(text, fold=LISTS[name.lower()] == "folded")) or ("",)
    except ValueError:
        return (text,)
