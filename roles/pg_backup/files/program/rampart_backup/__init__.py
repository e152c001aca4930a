# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make backups of PostgreSQL, keep them, and prove them: the program that the units of jobs start.

Standard library and Python 3.9 only, as it runs on every managed host. The way of the data, for each part of a backup:

    pg_dump ──▶ pump ─┬▶ pg_restore -f /dev/null (reads the whole archive)
                      └▶ age or gpg ──▶ pump ─┬▶ a file of a directory
                                              └▶ ssh ──▶ this program at the vault ──▶ a file there

Rooms: `definition` (a job), `process` and `pump` (children and the bytes between them), `source` (what is read from a
server), `sealing` (encryption), `places` (where backups are put), `catalogue` and `retention` (what is there, what
goes), `run` (a job from its beginning to its end), `telling` (journal, status, metrics), `commands` (what it is
started with).
"""

from __future__ import annotations
