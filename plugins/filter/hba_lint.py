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
    remarks that M(rampart.postgresql.hba) makes, with the same codes; the page "Rules of pg_hba.conf" of the
    documentation says what each means and what to do about it.
  - The text is taken as it stands. Files that it includes, and lists that it names with V(@), are not read.
options:
  _input:
    description:
      - The text of the file, or the rules, as O(rampart.postgresql.hba#module:rules) takes them or
        P(rampart.postgresql.from_hba#filter) returns them. V(continued-comment) needs the text.
    type: raw
    required: true
  version:
    description: The major version of the server, such as V(17). The default is the newest that is known, V(18).
    type: integer
  roles:
    description:
      - The roles of the server, as RV(rampart.postgresql.cluster_info#module:roles) has them, or their names.
      - Without them the roles that rules name, and any others, are taken to be there.
    type: list
    elements: raw
  memberships:
    description: Who is a member of what, as RV(rampart.postgresql.cluster_info#module:memberships) has it.
    type: list
    elements: dictionary
  superusers:
    description:
      - The names of the superusers. The default is what O(roles) says; where that does not tell, V(postgres) is one.
    type: list
    elements: string
  databases:
    description: The databases of the server, as RV(rampart.postgresql.cluster_info#module:databases) has them, or their names.
    type: list
    elements: raw
  tls:
    description: Whether the server has TLS (C(ssl)).
    type: boolean
    default: true
  catch_all:
    description: Whether the policy asks for rules at the end that reject what is left.
    type: boolean
    default: false
seealso:
  - plugin: rampart.postgresql.from_hba
    plugin_type: filter
  - plugin: rampart.postgresql.hba_match
    plugin_type: filter
  - module: rampart.postgresql.cluster_info
"""

EXAMPLES = r"""
---
- name: Nothing serious is wrong with the rules in the repository
  ansible.builtin.assert:
    that: findings | selectattr('severity', 'eq', 'high') | length == 0
    fail_msg: "{{ findings }}"
  vars:
    findings: "{{ lookup('ansible.builtin.file', 'pg_hba.conf') | rampart.postgresql.hba_lint(version=17) }}"

- name: Ask a server for what rules are about
  rampart.postgresql.cluster_info:
  become: true
  register: facts

- name: No superuser gets in from another host with the new rules
  ansible.builtin.assert:
    that: findings | selectattr('code', 'eq', 'superuser-remote') | length == 0
    fail_msg: "{{ findings }}"
  vars:
    findings: >-
      {{ rules | rampart.postgresql.hba_lint(version=facts.major, roles=facts.roles, memberships=facts.memberships,
         databases=facts.databases, tls=(facts.settings.ssl.setting == 'on')) }}
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
      description: Number of the rule, the first one is 1. V(null) for a comment.
      type: integer
    line:
      description: Line of the rule in the file. V(null) for rules that were not read from a file.
      type: integer
    reason:
      description: What is unwise about it. Where rules have no lines, it names other rules by their numbers.
      type: string
  sample:
    - code: trust-world
      severity: high
      rule: 2
      line: 7
      reason: anybody from anywhere gets in without a password
"""

import typing as t


def hba_lint(
    rules: object,
    version: object = None,
    *,
    roles: object = None,
    memberships: object = None,
    superusers: object = None,
    databases: object = None,
    tls: object = True,
    catch_all: object = False,
) -> list[dict[str, t.Any]]:
    """What is unwise in rules."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import DIALECTS
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.lint import Context
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.verdict import findings
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import dialect_for
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import entries_of
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import filter_errors
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._world import world_for

    with filter_errors("hba_lint"):
        dialect = dialect_for(max(DIALECTS) if version is None else version)
        world = world_for(roles=roles, memberships=memberships, databases=databases, superusers=superusers, tls=tls)
        if not isinstance(plain(catch_all), bool):
            raise InputError(option="catch_all", value=catch_all, expected="give true or false")
        given = plain(rules)
        text = given if isinstance(given, str) else None
        context = Context(dialect, world, catch_all=bool(plain(catch_all)))
        return findings(entries_of(given, dialect), context, text=text)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"hba_lint": hba_lint}
