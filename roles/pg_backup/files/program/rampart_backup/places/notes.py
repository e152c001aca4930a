# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words of ours in a repository of pgBackRest, by which a drill learns what has to be in what it restored: pure."""

from __future__ import annotations

import re
import typing as t

from ..archiving import wal

__all__ = ["MARKER", "POINT", "read"]

MARKER: t.Final = "rampart-marker"  # job/number/backup, as the marker has them
POINT: t.Final = "rampart-restore-point"  # name/position
_MARKED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,63})/([0-9]{1,18})/([0-9a-f]{16})")


def read(told: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What they say, in the words of an entry; nothing of what is not ours."""
    found: dict[str, t.Any] = {}
    marked = _MARKED.fullmatch(str(told.get(MARKER, "")))
    if marked:
        found.update(marker=int(marked.group(2)), marked={"job": marked.group(1), "backup": marked.group(3)})
    name, _slash, position = str(told.get(POINT, "")).partition("/")
    try:
        found.update(restore_point=name, restore_point_lsn=wal.shown(wal.lsn(position)))
    except ValueError:
        return found
    return found
