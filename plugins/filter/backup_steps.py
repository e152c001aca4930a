# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: backup_steps
short_description: The order in which jobs come and go around the archive of a server's WAL
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - A job has to be defined before a server archives its WAL by it, and a server has to archive no longer by a job that is removed.
  - A server has to note what changes before a job can build base backups upon each other.
  - A cluster for which two jobs of the kind V(wal) are wanted is an error, as a server has one C(archive_command).
options:
  _input:
    description: Jobs of each cluster, as the filter P(rampart.postgresql.backup_jobs#filter) returns them.
    type: list
    elements: dictionary
    required: true
"""

EXAMPLES = r"""
---
- name: Have servers archive their WAL
  rampart.postgresql.wal_archiving: "{{ item }}"
  loop: "{{ (backups | rampart.postgresql.backup_jobs | rampart.postgresql.backup_steps).archives }}"
"""

RETURN = r"""
_value:
  description:
    - V(present) and V(absent) are options of M(rampart.postgresql.backup_job) for each cluster, the first to be used before and the second after
      V(archives), which are options of M(rampart.postgresql.wal_archiving). V(summaries), options of M(rampart.postgresql.settings), come
      before all of them.
  type: dictionary
  sample:
    summaries: []
    present: [{cluster: 17/main, jobs: [{name: wal, kind: wal}]}]
    archives: [{cluster: 17/main, job: wal, state: present}]
    absent: []
"""

import typing as t

from ansible.errors import AnsibleFilterError

Values = t.Mapping[str, t.Any]

_SUMMARIES: t.Final = {"pg_backup_incremental": {"summarize_wal": {"17": "on"}}}  # by the first version that has it


def backup_steps(clusters: t.Iterable[Values]) -> dict[str, list[Values]]:
    """What is defined, what archives, and what is removed."""
    steps: dict[str, list[Values]] = {"summaries": [], "present": [], "archives": [], "absent": []}
    try:
        for each in clusters:
            name = {key: value for key, value in each.items() if key == "cluster"}
            kept = [job for job in each["jobs"] if job.get("state", "present") != "absent"]
            gone = [job for job in each["jobs"] if job.get("state", "present") == "absent"]
            if any(job.get("incremental") for job in kept):
                steps["summaries"].append({**name, "sections": _SUMMARIES})
            steps["present"] += [{**name, "jobs": kept}] if kept else []
            steps["archives"] += [{**name, **archive} for archive in _archives(kept, gone)]
            steps["absent"] += [{**name, "jobs": gone}] if gone else []
    except (AttributeError, KeyError, TypeError) as error:
        raise AnsibleFilterError(f"backup_steps: this is not what backup_jobs returns: {clusters!r}") from error
    return steps


def _archives(kept: t.Sequence[Values], gone: t.Sequence[Values]) -> list[Values]:
    """The job that archives, else those that may have done so: one that goes need not say of which kind it was."""
    names = [job["name"] for job in kept if job.get("kind") == "wal"]
    if len(names) > 1:
        raise AnsibleFilterError(
            f"backup_steps: {', '.join(names)} are jobs of the kind wal for one cluster, and a server archives by one of them"
        )
    if names:
        return [{"job": names[0], "state": "present"}]
    return [{"job": job["name"], "state": "absent"} for job in gone if job.get("kind", "wal") == "wal"]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"backup_steps": backup_steps}
