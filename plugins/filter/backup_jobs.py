# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: backup_jobs
short_description: Jobs that make backups, with what they have in common, for each cluster
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Gives each job what it does not say itself, and sorts the jobs by the cluster that they name.
options:
  _input:
    description: >-
      The jobs, each as the option C(jobs) of M(rampart.postgresql.backup_job) has it, and maybe with C(cluster).
    type: list
    elements: dictionary
    required: true
  defaults:
    description: What a job has that does not say it. A value of C(null) is left out.
    type: dictionary
    default: {}
  vault:
    description: The same of places whose C(kind) is C(vault).
    type: dictionary
    default: {}
  rclone:
    description: The same of places whose C(kind) is C(rclone).
    type: dictionary
    default: {}
  check:
    description: >-
      Whether a job is an error that M(rampart.postgresql.backup_job) would refuse whatever the server is, or whose name another one has, so that
      nothing is done for the others.
    type: bool
    default: false
"""

EXAMPLES = r"""
---
- name: Schedule jobs that go to one place
  rampart.postgresql.backup_job: "{{ item }}"
  loop: "{{ backups | rampart.postgresql.backup_jobs({'places': [{'path': '/srv/backups'}]}) }}"
"""

RETURN = r"""
_value:
  description: For each cluster that a job names, and for those that name none, options of M(rampart.postgresql.backup_job).
  type: list
  elements: dictionary
  sample:
    - {cluster: 17/main, jobs: [{name: nightly, places: [{path: /srv/backups}]}]}
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._backup_jobs import refuse
from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

Values = t.Mapping[str, t.Any]


def backup_jobs(
    jobs: t.Iterable[Values],
    defaults: Values | None = None,
    vault: Values | None = None,
    rclone: Values | None = None,
    *,
    check: bool = False,
) -> list[Values]:
    """Options of the module backup_job, one dictionary for each cluster."""
    given = {name: value for name, value in (defaults or {}).items() if value is not None}
    clusters: dict[str, list[Values]] = {}
    try:
        for each in jobs:
            job = {**given, **each}
            if "places" in job:
                job["places"] = [
                    _place(place, {"vault": vault or {}, "rclone": rclone or {}}) for place in job["places"]
                ]
            clusters.setdefault(str(job.pop("cluster", "") or ""), []).append(job)
    except (AttributeError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"backup_jobs: this is not a list of jobs: {jobs!r}") from error
    by_cluster: list[Values] = [
        {**({"cluster": name} if name else {}), "jobs": found} for name, found in clusters.items()
    ]
    if check:
        try:
            refuse(plain(by_cluster))
        except RampartError as error:
            raise AnsibleFilterError(str(error)) from error
    return by_cluster


def _place(place: Values, kinds: t.Mapping[str, Values]) -> Values:
    return {**kinds.get(str(place.get("kind")), {}), **place}


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"backup_jobs": backup_jobs}
