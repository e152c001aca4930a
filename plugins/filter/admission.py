# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: admission
short_description: Whether a client gets in, and which line or attribute says no
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Judges a connection as a major version of PostgreSQL, 13 to 18, judges it. The first rule of C(pg_hba.conf) that
    matches decides what the client has to show, then come LOGIN, CONNECT, the connection limits, C(VALID UNTIL), the
    kind of the password's verifier, TLS, the client certificate, and memberships where rules name V(+role).
  - What is not given of O(roles), O(databases) and O(settings) is taken to admit the client, and named in the result.
  - With O(before), the rules of today, it also tells whether the client is asked for something that it does not have
    to show now. A client that gets in by C(trust), C(peer) or C(ident) today and needs a secret afterwards is
    V(unproven).
  - Nothing is said about C(listen_addresses), C(max_connections), firewalls, or whether a certificate is valid.
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
    description: The role that the client asks for. Without O(roles) it is taken to exist.
    type: string
    required: true
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
    description: Whether this is physical replication, as of a standby or C(pg_basebackup).
    type: boolean
    default: false
  logical:
    description: Whether this is logical replication, which asks for O(database) and needs REPLICATION.
    type: boolean
    default: false
  password:
    description:
      - Whether the client knows the password of its role.
      - Without it and without O(before) it is taken to. Without it and with O(before) it does if it is asked for it
        today.
    type: boolean
  account:
    description:
      - The operating system account of a client that comes through the socket, which C(peer) asks for.
      - Without it, that is not known.
    type: string
  certificate:
    description:
      - The subject of the certificate that the client presents, such as V(/O=Shop/CN=app), in the form of C(client_dn)
        in C(pg_stat_ssl). It is taken to be valid.
      - Without it the client has none.
    type: string
  before:
    description: The rules of today, in any form that the input may have.
    type: raw
  ident:
    description: The text of C(pg_ident.conf), for rules that name a map. Without it what a map does is not known.
    type: string
  roles:
    description: The roles of the server, as RV(rampart.postgresql.cluster_info#module:roles) has them.
    type: list
    elements: dictionary
  memberships:
    description:
      - Who is a member of what, as RV(rampart.postgresql.cluster_info#module:memberships) has it.
      - Needed with O(roles).
    type: list
    elements: dictionary
  member_of:
    description: Without O(roles), the roles that O(user) is a member of, directly or not.
    type: list
    elements: string
    default: []
  server_addresses:
    description:
      - The addresses of the server's own host, each with its network, such as V(10.0.3.1/24); they decide about
        V(samehost) and V(samenet).
    type: list
    elements: string
  databases:
    description: The databases of the server, as RV(rampart.postgresql.cluster_info#module:databases) has them.
    type: list
    elements: dictionary
  settings:
    description: The settings of the server, as RV(rampart.postgresql.cluster_info#module:settings) has them.
    type: dictionary
  now:
    description: When the client comes, in seconds since 1970, for C(VALID UNTIL). Without it, now.
    type: float
seealso:
  - plugin: rampart.postgresql.hba_match
    plugin_type: filter
  - module: rampart.postgresql.cluster_info
"""

EXAMPLES = r"""
---
- name: Look at the cluster
  rampart.postgresql.cluster_info:
  become: true
  register: facts

- name: The application must reach its database over TLS with the rules that are to come
  ansible.builtin.assert:
    that: verdict.outcome == 'admitted'
    fail_msg: "{{ verdict.reason }} ({{ verdict.where }})"
  vars:
    verdict: >-
      {{ rules | rampart.postgresql.admission(version=facts.major, user='app', database='shop', address='10.0.3.7',
         tls=true, roles=facts.roles, memberships=facts.memberships, databases=facts.databases,
         settings=facts.settings) }}

- name: Nothing new may be asked of the monitoring
  ansible.builtin.assert:
    that: (rules | rampart.postgresql.admission(before=old_rules, **monitoring)).outcome == 'admitted'
  vars:
    monitoring: {version: 17, user: monitor, database: postgres, address: 10.0.9.2, tls: true}
"""

RETURN = r"""
_value:
  description: The answer.
  type: dictionary
  contains:
    outcome:
      description:
        - V(admitted), V(refused), V(unproven) for a client that gets in only if it can show what it is not known to
          have, or V(unknown) where only the server can tell.
      type: string
    reason:
      description: What decides, in words.
      type: string
    where:
      description:
        - The rule that decides, or may, without its secrets, or the attribute that says no.
        - V(null) where no rule matches.
      type: string
    rule:
      description: Number of the rule that decides, the first one is 1. V(null) where none does or several may.
      type: integer
    line:
      description: Line of that rule in the file that it was read from. V(null) where RV(_value.rule) is, or it was not.
      type: integer
    was_refused:
      description: Whether the client is refused with the rules of O(before) too. V(null) without O(before).
      type: boolean
    assumed:
      description: Those of O(roles), O(databases) and O(settings) that were not given.
      type: list
      elements: string
  sample:
    outcome: refused
    reason: the role may not log in
    where: "role app: NOLOGIN"
    rule: 2
    line: null
    was_refused: null
    assumed: []
"""

import typing as t


def admission(
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
    **options: object,
) -> dict[str, t.Any]:
    """Whether a client gets in, and which line or attribute says no."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible_collections.rampart.postgresql.plugins.module_utils._hba.attempts import attempt
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._admission import answer
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._admission import question_of
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import dialect_for
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._hba import filter_errors
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

    with filter_errors("admission"):
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
        return answer(question_of(plain(rules), plain(options)), tried, dialect)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"admission": admission}
