# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_jobs
short_description: Audits and reviews that timers of a control host run, ready to be installed
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Gives each job what it does not say itself, and works out its variables and its units. P(rampart.postgresql.pg_audit_schedule#role) uses it.
  - A job that cannot be used is an error that names the option, the value, and what is accepted.
options:
  _input:
    description: The jobs, as P(rampart.postgresql.pg_audit_schedule#role) has them in C(pg_audit_schedule_jobs).
    type: list
    elements: dictionary
    required: true
  defaults:
    description: What a job has that does not say it.
    type: dictionary
    default: {}
seealso:
  - plugin: rampart.postgresql.backup_unit
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: See what would be started
  ansible.builtin.debug:
    msg: "{{ jobs | rampart.postgresql.audit_jobs(defaults) | map(attribute='wish') | map('rampart.postgresql.backup_unit', 'service') }}"
  vars:
    jobs:
      - name: weekly
        kind: audit
        calendar: Mon 06:00
        inventory: [/srv/ansible/inventory.yml]
    defaults:
      account: rampart-audit
      ansible_playbook: /usr/bin/ansible-playbook
      random_delay: 0
      timeout: 3600
"""

RETURN = r"""
_value:
  description: >-
    For each job its C(name), the C(unit) without an ending, whether it is C(present), its C(kind), C(account), C(calendar), C(inventory),
    C(program), C(directory), whether it has to be made (C(makes_directory)) and those C(above) it, C(variables) with the file that they belong into
    (C(variables_file)), and C(wish), of which P(rampart.postgresql.backup_unit#filter) makes units once it has the C(group), and among
    C(writable) where the account has its temporary files.
  type: list
  elements: dictionary
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit_jobs import completed
from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain


def audit_jobs(jobs: object, defaults: object = None) -> list[dict[str, t.Any]]:
    """The jobs with all that belongs to them."""
    try:
        return completed(plain(jobs), plain(defaults) or {})
    except InputError as error:
        raise AnsibleFilterError(f"pg_audit_schedule_{error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"audit_jobs": audit_jobs}
