# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make backups of PostgreSQL, keep them, and prove them: the program that the units of jobs start.

Standard library and Python 3.9 only, as it runs on every managed host. The way of the data, for each part of a backup:

    pg_dump ──▶ pump ─┬▶ pg_restore -f /dev/null (reads the whole archive)
                      └▶ age or gpg ──▶ pump ─┬▶ a file of a directory
                                              └▶ ssh ──▶ this program at the vault ──▶ a file there

    pg_basebackup ──▶ pump ─┬▶ tar and manifest (every file against its checksum)
                            └▶ gzip or zstd ──▶ age or gpg ──▶ as above

and back, in a drill or a restore:

    file or ssh ──▶ pump (the checksum) ──▶ age or gpg ──▶ pg_restore, or tar and pg_verifybackup

Rooms, each with what it is for in its own words:

- `streams`: `process` (children), `pump` and `line` (what flows between them), `patient` (with other ends that may hang),
  `packing` (gzip by `deflating`), `sealing` and `unsealing`, and what reads along: `tar`, `manifest`
- `sources`: the `server`, and for each of the `kinds` a `source`: `logical`, `physical` (with its `marker`, and `incremental`:
  chains), `logs`; what cannot flow lies in `staging` meanwhile; `backrest` has pgBackRest make its backups
- `places`: `deliveries` (all places of a run, as `several`), `store` (a directory, by `directories`), `remote` (rclone), `ssh`,
  `wire`, `vault` and `offering` (another host), `shelves` (to read again), `repository` (to read again, of pgBackRest),
  `catalogue` (what is known), `retention` (what stays)
- `archiving`: `wal` (names), `archive` (archive_command), `archive_store` (a directory), `remote_archive` (rclone), `wal_shelves`
  (to read again), `wal_chain` and `keeping` (what is needed, what is missing), `watch` (a run of a job); `until` (how far it
  is replayed), `timelines` (what leads there), `replay` (`repository_replay` of pgBackRest's), and `broker` (restore_command,
  for a server without a network)
- `clusters`: `scratch` (one of its own), `restoring` (dumps), `unpacking` (base backups), `sandbox` and `confine` (where all
  that reads a backup runs), `workplace` (a directory for one drill)

and the runs that take data through them: `run` (a job), `drill`, `restore`, `tending` and `pulling` (a vault's), `reporting` (all of
a host's), which read a `definition` by `fields`, and end by `conclusion`, `telling` (journal, status, metrics) and `faults` (exit
statuses); `commands` starts them.
"""

from __future__ import annotations
