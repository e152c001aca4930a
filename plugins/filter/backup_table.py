# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: backup_table
short_description: The backups of a fleet as a table, the worst ones first
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Turns what C(rampart-backup report) tells on database hosts, vaults and drill hosts into one table for people, or into a list for
    an assertion or another program.
  - There is a row for each job in each place, one for each drill, and one for what a vault does by itself. A place of a vault that
    tells of it itself is one row, with what the database host knows of the job.
  - A host that could not be asked, or that has nothing to tell, is in the table too.
options:
  _input:
    description:
      - For each host what it told, which is the result of a task that ran C(rampart-backup report) there as root, or a list of its lines.
    type: dictionary
    required: true
  form:
    description: V(text) for a table, V(rows) for a list.
    type: string
    choices: [text, rows]
    default: text
  hours:
    description:
      - How many hours old the newest good backup of a job may be. Without it any age is good enough.
    type: float
  jobs:
    description: The same for jobs by their names, where it differs from O(hours).
    type: dictionary
    default: {}
  now:
    description: The present time in seconds since 1970. The default is the clock of the controller.
    type: integer
"""

EXAMPLES = r"""
---
- name: Ask what there is
  ansible.builtin.command: /usr/local/bin/rampart-backup report
  become: true
  register: told
  changed_when: false
  check_mode: false

- name: Show it
  ansible.builtin.debug:
    msg: "{{ (dict(ansible_play_hosts | zip(all_told)) | rampart.postgresql.backup_table(hours=26)).splitlines() }}"
  run_once: true
  vars:
    all_told: "{{ ansible_play_hosts | map('extract', hostvars, 'told') }}"
"""

RETURN = r"""
_value:
  description: A text with a line for each row, or the rows. Times are UTC, as RFC 3339 writes them.
  type: raw
  contains:
    host:
      description: The host whose backups they are, as the inventory has it or else as the vault does; of a drill or a vault, itself.
      type: string
    told_by:
      description: The host that told it.
      type: string
    job:
      description: The job; of a drill, the one that it restores; empty for a host of which nothing is known.
      type: string
    kind:
      description: The kind of the job, V(drill) or V(vault).
      type: string
    cluster:
      description: The cluster of the job.
      type: string
    place:
      description: Where the backups are.
      type: string
    newest:
      description: The newest good backup, or what was restored last.
      type: string
    finished:
      description: When that was made. Of an archive of WAL, when the last file came in or it was looked at last; of a drill or a vault, its last success.
      type: string
    age_hours:
      description: How long that is ago.
      type: float
    size:
      description: How large it is, in bytes, as it is stored.
      type: integer
    verified:
      description: When every byte of it was read and was right.
      type: string
    restored:
      description: When a backup of the job in this place was restored last.
      type: string
    kept:
      description: How many good backups there are.
      type: integer
    stale:
      description: Whether there is no good backup, or none that is young enough, or nothing is known.
      type: boolean
    severity:
      description: The worst of the problems, V(critical), V(warning) or V(none).
      type: string
    problems:
      description: What is wrong.
      type: list
      elements: string
  sample:
    - host: db1
      told_by: vault1
      job: nightly
      kind: logical
      cluster: 17/main
      place: vault1:/var/lib/rampart-vault/hosts/db1/nightly
      newest: 20261130T023001Z-0a1b2c3d
      finished: "2026-11-30T02:31:12Z"
      age_hours: 5.5
      size: 734003200
      verified: "2026-11-30T06:00:09Z"
      restored: "2026-11-29T04:12:44Z"
      kept: 21
      stale: false
      severity: none
      problems: []
"""

import time
import typing as t


def backup_table(
    told: object, *, form: object = "text", hours: object = None, jobs: object = None, now: object = None
) -> t.Any:
    """What hosts tell of their backups as a table or as rows."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible.errors import AnsibleFilterError

    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._backup_report import Limits
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._backup_report import rows_of
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._backup_report import table
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

    try:
        limits = Limits.given(hours=plain(hours), jobs=plain(jobs), now=int(time.time()) if now is None else plain(now))
        rows = rows_of(plain(told), limits)
        if form not in ("rows", "text"):
            raise InputError(option="form", value=form, expected="text or rows")
    except RampartError as error:
        raise AnsibleFilterError(f"backup_table: {error}") from error
    return table(rows) if form == "text" else [row.values() for row in rows]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"backup_table": backup_table}
