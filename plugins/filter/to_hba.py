# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: to_hba
short_description: The text of a pg_hba.conf from a list of rules
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Writes rules as text that the same major version of PostgreSQL, 13 to 18, reads back to the same rules, with quotes
    where they are needed. Comments stand before their rule.
  - What that version would reject is an error that names the rule and the value.
  - A rule that has a C(line), as P(rampart.postgresql.from_hba#filter) returns it, was read from a file, and is written
    as it stood there, unless a regular expression in it would be a plain name to that version.
  - Any other is judged as M(rampart.postgresql.hba) judges, so what the server would take and never match is an error
    too, such as the keyword V(ALL) in capitals, a name of more than 63 bytes, or the address V(10/8).
options:
  _input:
    description:
      - The rules, as O(rampart.postgresql.hba#module:rules) takes them or P(rampart.postgresql.from_hba#filter) returns
        them.
    type: list
    elements: dictionary
    required: true
  version:
    description: The major version of the server that shall read the text, such as V(17).
    type: integer
    required: true
seealso:
  - plugin: rampart.postgresql.from_hba
    plugin_type: filter
  - module: rampart.postgresql.hba
"""

EXAMPLES = r"""
---
- name: Give rules to a tool that wants text
  ansible.builtin.copy:
    content: "{{ rules | rampart.postgresql.to_hba(version=17) }}"
    dest: /srv/images/database/pg_hba.conf
    mode: "0640"
  vars:
    rules:
      - {type: local, databases: [all], users: [postgres], method: peer}
      - {type: hostssl, databases: [shop], users: [app], address: 10.0.3.0/24, method: scram-sha-256}
"""

RETURN = r"""
_value:
  description: The text, every line ended by a newline.
  type: string
"""

import typing as t


def to_hba(rules: object, version: object = None) -> str:
    """The text of rules."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import rules_text
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import dialect_for
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import filter_errors
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

    with filter_errors("to_hba"):
        return rules_text(plain(rules), dialect_for(version))


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"to_hba": to_hba}
