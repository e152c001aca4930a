# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: hba_match
short_description: Which rule of a pg_hba.conf decides about a connection
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Finds the first rule that matches a connection, as a major version of PostgreSQL, 13 to 18, finds it, and says what
    follows. Whether the client then knows the password is another matter.
  - Where only the server can tell whether a rule matches (a host name, V(samehost) and V(samenet) without
    O(server_addresses), a file that is included or a list that is named with V(@), a regular expression that Python
    reads differently), the answer is V(unknown), with every rule that may decide.
  - Rules of which the server would reject one are an error, because it would load none of them.
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
  user:
    description: The role that the client asks for. It is one that exists, or V(+role) of its own name would not match.
    type: string
    required: true
  member_of:
    description:
      - Roles that O(user) is a member of, directly or not. Every role is a member of itself. A superuser is a member of
        no other role just for being one.
    type: list
    elements: string
    default: []
  database:
    description: The database that the client asks for. Not needed with O(replication).
    type: string
  address:
    description: The IP address of the client. Without it, or with V(local), the client comes through the socket.
    type: string
  tls:
    description: Whether the connection is encrypted with TLS.
    type: boolean
    default: false
  gss:
    description: Whether the connection is encrypted with GSSAPI.
    type: boolean
    default: false
  replication:
    description: Whether this is physical replication, as of a standby or C(pg_basebackup). Logical replication is not.
    type: boolean
    default: false
  server_addresses:
    description:
      - The addresses of the server's own host, each with its network, such as V(10.0.3.1/24); they decide about
        V(samehost) and V(samenet).
      - Those of the loopback interface, C(127.0.0.1/8) and C(::1/128), are always among them.
      - Without it those two words are not known to match anything but a client on the loopback interface.
    type: list
    elements: string
seealso:
  - plugin: rampart.postgresql.from_hba
    plugin_type: filter
  - plugin: rampart.postgresql.hba_lint
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: The application must be asked for its password, over TLS only
  ansible.builtin.assert:
    that:
      - (rules | rampart.postgresql.hba_match(version=17, tls=true, **client)).outcome == 'scram-sha-256'
      - (rules | rampart.postgresql.hba_match(version=17, tls=false, **client)).outcome is search('reject')
  vars:
    client: {user: app, database: shop, address: 10.0.3.7}
    rules:
      - {type: hostssl, databases: [shop], users: [app], address: 10.0.3.0/24, method: scram-sha-256}
"""

RETURN = r"""
_value:
  description: The answer.
  type: dictionary
  contains:
    outcome:
      description:
        - What follows, which is the method of the rule that decides, V(reject), V(implicit reject) where no rule
          matches, or V(unknown).
      type: string
    rule:
      description: Number of the rule that decides, the first one is 1. V(null) where none does.
      type: integer
    line:
      description: Line of that rule in the file. V(null) for rules that were not read from a file.
      type: integer
    options:
      description: The options of that rule, with those that its method implies. Passwords are masked.
      type: dictionary
    candidates:
      description:
        - With RV(_value.outcome=unknown) every rule that may decide, in order, each with C(rule), C(line), C(outcome)
          and C(options). Empty otherwise.
      type: list
      elements: dictionary
  sample:
    outcome: scram-sha-256
    rule: 2
    line: 7
    options: {clientcert: verify-ca}
    candidates: []
"""

import typing as t


def hba_match(
    rules: object,
    user: object = None,
    database: object = None,
    *,
    version: object = None,
    address: object = None,
    tls: object = False,
    gss: object = False,
    replication: object = False,
    member_of: object = None,
    server_addresses: object = None,
) -> dict[str, t.Any]:
    """Which rule decides about a connection and what follows."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.attempts import attempt
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.verdict import verdict
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import dialect_for
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import entries_of
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import filter_errors
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

    with filter_errors("hba_match"):
        dialect = dialect_for(version)
        tried = attempt(
            user=plain(user),
            database=plain(database),
            address=plain(address),
            tls=plain(tls),
            gss=plain(gss),
            replication=plain(replication),
            member_of=plain(member_of),
            server_addresses=plain(server_addresses),
        )
        return verdict(entries_of(rules, dialect), tried, dialect)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"hba_match": hba_match}
