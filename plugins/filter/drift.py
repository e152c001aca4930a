# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drift
short_description: What a hardening in check mode would change, as a document for programs
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Turns the facts C(pg_harden_result), which the role P(rampart.postgresql.pg_harden#role) leaves on each host, into one document with a row for
    each thing that is not as it should be.
  - A host without that fact, which could not be reached or whose run ended before it, has a row of the component V(unknown), because nobody knows its
    drift.
options:
  _input:
    description: For each host its C(pg_harden_result), or nothing.
    type: dictionary
    required: true
  severities:
    description:
      - How severe it is when a server parameter drifts, by its name. Without an entry it is what the control about that parameter says, and
        V(medium) where there is none.
      - Rules, mappings, role attributes, privileges and certificates are V(high), extensions, packages and restarts that are waited for V(medium).
    type: dictionary
    default: {}
  now:
    description: The present time in seconds since 1970. The default is the clock of the controller.
    type: integer
seealso:
  - plugin: rampart.postgresql.pg_harden
    plugin_type: role
"""

EXAMPLES = r"""
---
- name: Look at the drift
  hosts: postgresql
  become: true
  gather_facts: false
  roles:
    - rampart.postgresql.pg_harden
  post_tasks:
    - name: Write it down
      ansible.builtin.copy:
        content: "{{ dict(ansible_play_hosts | zip(results)) | rampart.postgresql.drift | to_nice_json }}"
        dest: /var/lib/audit/drift.json
        mode: "0600"
      check_mode: false
      delegate_to: localhost
      become: false
      run_once: true
      vars:
        results: "{{ ansible_play_hosts | map('extract', hostvars, 'pg_harden_result') }}"
"""

RETURN = r"""
_value:
  description: The document.
  type: dictionary
  contains:
    schema:
      description: Which form it has.
      type: integer
    generated_epoch:
      description: When it was made, in seconds since 1970.
      type: integer
    hosts:
      description: All hosts that it is about.
      type: list
      elements: string
    drifted:
      description: Those of them that have a row.
      type: list
      elements: string
    counts:
      description: How many rows there are of each severity.
      type: dictionary
    rows:
      description: What is not as it should be, the gravest first.
      type: list
      elements: dictionary
      contains:
        host:
          description: The host.
          type: string
        cluster:
          description: The cluster; empty for what concerns the whole host.
          type: string
        component:
          description: The component of M(rampart.postgresql.cluster), or V(packages), V(restart), V(unknown).
          type: string
        severity:
          description: V(critical), V(high), V(medium) or V(low).
          type: string
        subject:
          description: The file, the role, the parameter that it is about.
          type: string
        description:
          description: What would be done.
          type: string
        statement:
          description: What an operator would type for the same effect; may be empty.
          type: string
        before:
          description: What is.
          type: string
        after:
          description: What would be.
          type: string
  sample:
    schema: 1
    generated_epoch: 1796040000
    hosts: [db1, db2]
    drifted: [db1]
    counts: {critical: 0, high: 1, medium: 0, low: 0}
    rows:
      - host: db1
        cluster: 17/main
        component: role_attributes
        severity: high
        subject: role "app"
        description: take away SUPERUSER
        statement: ALTER ROLE "app" NOSUPERUSER
        before: SUPERUSER
        after: ""
"""

import time
import typing as t


def drift(results: object, *, severities: object = None, now: object = None) -> dict[str, t.Any]:
    """What a hardening in check mode would change."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible.errors import AnsibleFilterError

    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
    from ansible_collections.rampart.postgresql.plugins.plugin_utils import _drift
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.controls import CONTROLS
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

    try:
        hosts = plain(results)
        if not isinstance(hosts, dict):
            raise InputError(
                option="input", value=hosts, expected="it is a dictionary with pg_harden_result of each host"
            )
        own = _drift.severities(plain(severities))
        told = {control.parameter: control.severity for control in CONTROLS if control.parameter}
        return _drift.drift(hosts, severities={**told, **own}, now=int(time.time()) if now is None else int(plain(now)))
    except RampartError as error:
        raise AnsibleFilterError(f"drift: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"drift": drift}
