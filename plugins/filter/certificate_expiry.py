# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: certificate_expiry
short_description: When the certificates and revocation lists of clusters expire, the most urgent one first
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Turns what M(rampart.postgresql.cluster_info) tells of certificates, on one host or on a fleet, into a list for a
    report or an assertion.
  - A cluster of which the module failed, or a host that could not be reached, is in the list too, as V(unknown).
  - What is expired is judged by O(now), the clock of the controller, not by those of the hosts.
options:
  _input:
    description:
      - What M(rampart.postgresql.cluster_info) returned with V(certificates) in
        O(rampart.postgresql.cluster_info#module:gather), also from a loop; a list of such results; or a dictionary with
        one or the other for each host.
      - What M(rampart.postgresql.certificate_authority) returned is taken in the same places. Then C(cluster) is
        V(authority), and C(role) is V(root), V(intermediate), V(revocation_list), or V(client) for the certificate of
        each client that lasts longest.
    type: raw
    required: true
  within:
    description:
      - Days that are left when something counts as expiring soon.
      - The default is 30, or a quarter of the lifetime where that is shorter.
    type: integer
  host:
    description: Name of the host, where the input does not name it.
    type: string
  now:
    description: The present time in seconds since 1970. The default is the clock of the controller.
    type: integer
seealso:
  - module: rampart.postgresql.cluster_info
  - module: rampart.postgresql.certificate_authority
  - plugin: rampart.postgresql.certificate_metrics
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Look at the certificates
  rampart.postgresql.cluster_info:
    gather: [certificates]
  become: true
  register: facts

- name: Nothing may expire within three weeks
  ansible.builtin.assert:
    that: urgent | length == 0
    fail_msg: "{{ urgent }}"
  vars:
    urgent: >-
      {{ facts | rampart.postgresql.certificate_expiry(within=21) | rejectattr('state', 'in', ['ok', 'superseded']) }}

- name: What expires first in the fleet
  ansible.builtin.debug:
    msg: "{{ (all_facts | rampart.postgresql.certificate_expiry) | first }}"
  run_once: true
  vars:
    all_facts: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'facts'))) }}"
"""

RETURN = r"""
_value:
  description:
    - One entry for each certificate and list. What is unknown comes first, then what expires first.
  type: list
  elements: dictionary
  contains:
    host:
      description: The host, empty where nobody named it.
      type: string
    cluster:
      description: Name or data directory of the cluster.
      type: string
    role:
      description:
        - V(server), V(intermediate), V(client_authority), V(revocation_list), those of an authority, or empty for a whole cluster of which nothing is known.
      type: string
    path:
      description: The file, V(null) for what is served while the file holds something else.
      type: string
    number:
      description: Which one of its file it is.
      type: integer
    subject:
      description: The subject of a certificate, the issuer of a list.
      type: string
    not_after:
      description: Until when it is valid, in UTC. V(null) where it never expires or nothing is known.
      type: string
    not_after_epoch:
      description: The same in seconds since 1970.
      type: integer
    days_left:
      description: Whole days that are left, negative when it has expired.
      type: integer
    state:
      description: V(ok), V(soon), V(expired), V(not_yet_valid), V(unknown), or V(superseded) for a list that another one replaced.
      type: string
    problems:
      description: The codes of what else is wrong, as in RV(rampart.postgresql.cluster_info#module:certificates[].problems).
      type: list
      elements: string
    severity:
      description: The worst of it, V(critical), V(warning), V(notice) or V(none).
      type: string
    reason:
      description: Why nothing is known, empty otherwise.
      type: string
  sample:
    - host: db1.example.org
      cluster: 17/main
      role: server
      path: /etc/postgresql/17/main/rampart-server.pem
      number: 1
      subject: CN=db1.example.org
      not_after: "2027-01-31T12:00:00Z"
      not_after_epoch: 1801396800
      days_left: 12
      state: soon
      problems: []
      severity: warning
      reason: ""
"""

import time
import typing as t


def certificate_expiry(
    facts: object, *, within: object = None, host: object = None, now: object = None
) -> list[dict[str, t.Any]]:
    """When certificates and lists expire, the most urgent one first."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible.errors import AnsibleFilterError

    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.rows import gathered
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.rows import in_order
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

    try:
        time_now = int(time.time()) if now is None else plain(now)
        clusters = gathered(plain(facts), host=plain(host), within=plain(within), now=time_now)
    except RampartError as error:
        raise AnsibleFilterError(f"certificate_expiry: {error}") from error
    return [row.values() for row in in_order(clusters)]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"certificate_expiry": certificate_expiry}
