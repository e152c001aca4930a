# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: certificate_metrics
short_description: The certificates and revocation lists of clusters as metrics for Prometheus
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Turns what M(rampart.postgresql.cluster_info) tells of certificates into Prometheus' text format, as the textfile
    collector of C(node_exporter) reads it.
  - C(rampart_postgresql_certificate_not_after_seconds) has a series for each certificate, with the labels C(host),
    C(cluster), C(role), C(subject), C(path) and C(number), its place in the file.
  - C(rampart_postgresql_revocation_list_next_update_seconds) has one for each revocation list, with C(host),
    C(cluster), C(issuer), C(path) and C(number).
  - C(rampart_postgresql_certificate_problem) is 1 for each thing that is wrong, with the labels C(problem) and
    C(severity) besides. What cannot be read is a problem V(unreadable).
  - C(rampart_postgresql_certificates) and C(rampart_postgresql_certificates_gathered_seconds) say for each cluster how
    many there are and when that was looked at, so that an alert can tell "nothing is wrong" from "nobody looked".
  - A label that would be empty is left out.
options:
  _input:
    description: As for P(rampart.postgresql.certificate_expiry#filter).
    type: raw
    required: true
  within:
    description:
      - Days that are left when something counts as expiring soon, which is the problem V(expires_soon).
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
  - plugin: rampart.postgresql.certificate_expiry
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Look at the certificates
  rampart.postgresql.cluster_info:
    gather: [certificates]
  become: true
  register: facts

- name: Give them to node_exporter
  ansible.builtin.copy:
    content: "{{ facts | rampart.postgresql.certificate_metrics(host=inventory_hostname) }}"
    dest: /var/lib/node_exporter/textfile_collector/rampart_postgresql.prom
    mode: "0644"
  become: true
"""

RETURN = r"""
_value:
  description: The text, every line ended by a newline. Empty for no cluster.
  type: string
  sample: |
    # HELP rampart_postgresql_certificate_not_after_seconds When the certificate expires, in seconds since 1970.
    # TYPE rampart_postgresql_certificate_not_after_seconds gauge
    rampart_postgresql_certificate_not_after_seconds{cluster="17/main",host="db1",number="1",path="/etc/own.pem",role="server",subject="CN=db1"} 1801396800
"""

import time
import typing as t


def certificate_metrics(facts: object, *, within: object = None, host: object = None, now: object = None) -> str:
    """Certificates and lists in Prometheus' text format."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible.errors import AnsibleFilterError

    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.metrics import exposition
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._expiry.rows import gathered
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

    try:
        time_now = int(time.time()) if now is None else plain(now)
        clusters = gathered(plain(facts), host=plain(host), within=plain(within), now=time_now)
    except RampartError as error:
        raise AnsibleFilterError(f"certificate_metrics: {error}") from error
    return exposition(clusters, now=time_now)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"certificate_metrics": certificate_metrics}
