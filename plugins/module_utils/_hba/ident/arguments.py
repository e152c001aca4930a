# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of ident; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.arguments import FILE_ARGUMENTS
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.expansion import INCLUDES

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.component import Ident

__all__ = ["ARGUMENTS", "component"]

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "mappings": {
        "type": "list",
        "elements": "dict",
        "options": {
            "map": {"type": "str"},
            "system_user": {"type": "str"},
            "pg_user": {"type": "str"},
            "include": {"type": "str"},
            "type": {"type": "str", "choices": list(INCLUDES)},
            "comment": {"type": "str"},
        },
    },
    **FILE_ARGUMENTS,
    "block_name": {"type": "str", "default": "mappings"},
}


def component(values: t.Mapping[str, t.Any], *, option: str = "") -> Ident:
    """Validate the options and make the component of them."""
    # Only here: most runs of all components together are without this one.
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.ident.reading import component as read

    return read(values, option=option)
