# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the module `wal_archiving`; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import Wish
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import STANZA
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import checked_name
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import LAYOUT
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.state import Layout

__all__ = ["ARGUMENTS", "RULES", "wish"]

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "job": {"type": "str"},
    "stanza": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "archive_timeout": {"type": "int", "default": 300},
    "replace": {"type": "bool", "default": False},
    "prove": {"type": "bool", "default": False},
    "allow_restart": {"type": "bool", "default": False},
}
RULES: dict[str, t.Any] = {"required_one_of": [["job", "stanza"]], "mutually_exclusive": [["job", "stanza"]]}
_MOST = 2**30 - 1  # what the server takes
_UNTOUCHED = -1


def wish(values: t.Mapping[str, t.Any], *, check_mode: bool, layout: Layout = LAYOUT) -> Wish:
    """What a module's parameters ask for; raises InputError for what no server has to be asked about."""
    timeout = values["archive_timeout"]
    if not _UNTOUCHED <= timeout <= _MOST:
        raise InputError(
            option="archive_timeout", value=timeout, expected=f"seconds from 0 to {_MOST}, or -1 to leave it as it is"
        )
    stanza = values["stanza"] or ""
    job = "" if stanza else checked_name(values["job"], "job")
    if stanza and not STANZA.fullmatch(stanza):
        raise InputError(option="stanza", value=stanza, expected="letters, digits and _ - (a letter or digit first)")
    return Wish(
        job=job,
        program=layout.program,
        definition=layout.paths(job).definition,
        stanza=stanza,
        present=values["state"] == "present",
        archive_timeout=None if timeout == _UNTOUCHED else timeout,
        replace=values["replace"],
        prove=values["prove"],
        allow_restart=values["allow_restart"],
        foreseen=check_mode,
    )
