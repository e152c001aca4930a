# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: hba_lint
short_description: What is unwise in a pg_hba.conf
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Says what is unwise in rules, and which of them a major version of PostgreSQL, 13 to 18, rejects. These are the
    remarks that M(rampart.postgresql.hba) makes.
options:
  _input:
    description:
      - The text of the file, or the rules, as O(rampart.postgresql.hba#module:rules) takes them or
        P(rampart.postgresql.from_hba#filter) returns them.
    type: raw
    required: true
  version:
    description: The major version of the server, such as V(17).
    type: integer
    required: true
seealso:
  - plugin: rampart.postgresql.from_hba
    plugin_type: filter
  - plugin: rampart.postgresql.hba_match
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Nothing serious is wrong with the rules in the repository
  ansible.builtin.assert:
    that: findings | selectattr('severity', 'eq', 'high') | length == 0
    fail_msg: "{{ findings }}"
  vars:
    findings: "{{ lookup('ansible.builtin.file', 'pg_hba.conf') | rampart.postgresql.hba_lint(version=17) }}"
"""

RETURN = r"""
_value:
  description: The findings, in the order of the rules.
  type: list
  elements: dictionary
  contains:
    code:
      description: Which kind of finding this is.
      type: string
    severity:
      description: One of V(high), V(medium), V(low).
      type: string
    rule:
      description: Number of the rule, the first one is 1.
      type: integer
    line:
      description: Line of the rule in the file. V(null) for rules that were not read from a file.
      type: integer
    reason:
      description: What is unwise about it.
      type: string
  sample:
    - code: trust-world
      severity: high
      rule: 2
      line: 7
      reason: anybody from anywhere gets in without a password
"""

import typing as t


def hba_lint(rules: object, version: object = None) -> list[dict[str, t.Any]]:
    """What is unwise in rules."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.verdict import findings
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import dialect_for
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import entries_of
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import filter_errors

    with filter_errors("hba_lint"):
        return findings(entries_of(rules, dialect_for(version)))


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"hba_lint": hba_lint}
