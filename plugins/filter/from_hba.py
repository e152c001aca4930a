# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: from_hba
short_description: The records of a pg_hba.conf as a list
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Reads the text of a C(pg_hba.conf) exactly as a major version of PostgreSQL, 13 to 18, reads it.
  - A record that this version rejects is part of the list, with the server's own words.
  - The text is taken as it stands. Files that it includes, and lists that it names with V(@), are not read.
  - Passwords that the file holds (C(ldapbindpasswd), C(radiussecrets)) are in the result as they are.
  - The server is taken as one with TLS, and built with GSSAPI, LDAP and PAM, as distributions do.
options:
  _input:
    description: The text of the file.
    type: string
    required: true
  version:
    description: The major version of the server that reads the file, such as V(17).
    type: integer
    required: true
seealso:
  - plugin: rampart.postgresql.to_hba
    plugin_type: filter
  - plugin: rampart.postgresql.hba_match
    plugin_type: filter
  - plugin: rampart.postgresql.hba_lint
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Read the rules of a server
  ansible.builtin.slurp:
    path: /etc/postgresql/17/main/pg_hba.conf
  become: true
  register: file

- name: Show those that ask for no password
  ansible.builtin.debug:
    msg: >-
      {{ file.content | b64decode | rampart.postgresql.from_hba(version=17)
         | selectattr('method', 'defined') | selectattr('method', 'eq', 'trust') }}
"""

RETURN = r"""
_value:
  description:
    - One dictionary for each record, in the order in which the server tries them.
    - Each has C(line), the number of its first line in the file, and C(comment), which holds the comment lines right
      before it and the comment on its line, or is V(null).
    - A rule has C(type), C(databases) and C(users) spelled as in the file because quotes carry meaning, C(address) and
      C(netmask) or V(null), C(method) as the server understands it (C(ident) on a socket is V(peer)), and C(options),
      a dictionary.
    - An include of 16 or newer has C(include), the file or directory that it names, and C(type), which is V(include),
      V(include_if_exists) or V(include_dir).
    - A record that the version rejects has C(error), the words of the server, and C(text), its fields.
    - O(rampart.postgresql.hba#module:rules) takes the rules of this list.
  type: list
  elements: dictionary
  sample:
    - line: 3
      type: hostssl
      databases: [shop]
      users: [app, +reporting]
      address: 10.0.3.0/24
      netmask: null
      method: scram-sha-256
      options: {}
      comment: the web shop
    - line: 4
      error: invalid authentication method "scram"
      text: "host\tall\tall\tall\tscram"
      comment: null
"""

import typing as t


def from_hba(text: object, version: object = None) -> list[dict[str, t.Any]]:
    """The records of a pg_hba.conf as dictionaries."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import describe
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.interchange import entries_of_text
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import dialect_for
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import filter_errors
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

    with filter_errors("from_hba"):
        given = plain(text)
        if not isinstance(given, str):
            raise InputError(option="input", value=given, expected="give the text of a pg_hba.conf")
        return [describe(entry) for entry in entries_of_text(given, dialect_for(version))]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"from_hba": from_hba}
