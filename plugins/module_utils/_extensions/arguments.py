# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of extensions; private to the collection."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.component import Extensions

__all__ = ["ARGUMENTS", "component"]

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "present": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "databases": {"type": "list", "elements": "str", "default": ["postgres"]},
            "schema": {"type": "str", "default": "public"},
            "library": {"type": "str"},
            "role": {"type": "str"},
            "parameters": {"type": "dict", "default": {}},
        },
    },
}


def component(values: t.Mapping[str, t.Any], *, option: str = "") -> Extensions:
    """The component of these option values; ``option`` is the name of the option that holds them."""
    # Only here: most runs of all components together are without this one.
    from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.reading import component as read

    return read(values, option=option)
