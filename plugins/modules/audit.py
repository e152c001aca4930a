#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: audit
short_description: Assess every cluster of a host against the controls, and keep facts and findings in files
version_added: 0.1.0
description:
  - Runs M(rampart.postgresql.cluster_info) with V(all) in O(rampart.postgresql.cluster_info#module:gather), once for each cluster that runs
    on the host, or for the one that O(cluster) or O(port) names. Then it assesses what that tells, on the controller, as
    P(rampart.postgresql.assess#filter) does.
  - Facts and assessments go to files in O(directory) on the controller, which only its owner may read. The result of the task stays
    small, so a play over a thousand hosts needs no more memory than one over ten.
  - What a cluster that cannot be looked at would have told is unknown, and never passed. The task does not fail for it.
  - It only ever reads on the host.
requirements:
  - jmespath on the controller
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.attributes
  - rampart.postgresql.connection
attributes:
  action:
    description: Has an action plugin of the same name, which does the work that belongs to the controller.
    support: full
  check_mode:
    support: full
    details: The files on the controller are written in check mode too.
  diff_mode:
    support: N/A
    details: It never changes anything on a host.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
    details: Linux only.
options:
  directory:
    description:
      - An absolute path on the controller. C(facts/HOST.json) and C(assessments/HOST.json) are written into it; it is made if it is missing.
    type: path
    required: true
  gather:
    description:
      - V(false) assesses the facts that an earlier execution has left in O(directory), and does not talk to the host.
    type: bool
    default: true
  name:
    description: What the host is called in files and findings. The default is its name in the inventory.
    type: str
  clusters:
    description:
      - The clusters of the host. Without any, the one that O(cluster) or O(port) names, else each one that runs. A cluster that is
        named and does not run is unknown in the report, while nobody misses one that is only looked for.
    type: list
    elements: dict
    default: []
    suboptions:
      cluster:
        description: As in O(cluster).
        type: str
      data_directory:
        description: The data directory, which alone is enough.
        type: path
      port:
        description: As in O(port).
        type: int
      socket_directory:
        description: As in O(socket_directory).
        type: path
  profile:
    description: The profile whose values are wanted, as in the role P(rampart.postgresql.pg_harden#role).
    type: str
    choices: [baseline, cis, strict]
    default: baseline
  controls:
    description: Controls of your own, see P(rampart.postgresql.assess#filter).
    type: list
    elements: dict
    default: []
  severities:
    description: Other severities than those of the catalogue, by the ids of controls.
    type: dict
    default: {}
  waivers:
    description: Findings that somebody has accepted for a while, see P(rampart.postgresql.assess#filter).
    type: list
    elements: dict
    default: []
  newest_minors:
    description:
      - 'The newest minor version of each major one, for example V({"17": "17.11"}). Without it nobody knows whether a server is up to date.'
    type: dict
    default: {}
  now:
    description: The present time in seconds since 1970. The default is the clock of the controller.
    type: int
seealso:
  - module: rampart.postgresql.cluster_info
  - module: rampart.postgresql.audit_report
  - plugin: rampart.postgresql.assess
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Assess the servers
  hosts: postgresql
  gather_facts: false
  become: true
  tasks:
    - name: Assess every cluster of the host
      rampart.postgresql.audit:
        directory: /var/lib/audit/postgresql
        profile: cis
        newest_minors: {"17": "17.11"}

- name: Report
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Write the page that people read, and what CI reads
      rampart.postgresql.audit_report:
        directory: /var/lib/audit/postgresql
        hosts: "{{ groups['postgresql'] }}"
        formats: [html, sarif]
        fail_on: high
"""

RETURN = r"""
facts_file:
  description: The file with the facts. Empty where none were gathered.
  returned: success
  type: str
assessments_file:
  description: The file with the assessments.
  returned: success
  type: str
clusters:
  description: What became of each cluster.
  returned: success
  type: list
  elements: dict
  contains:
    cluster:
      description: Its name or data directory.
      type: str
    error:
      description: Why it could not be looked at. Empty otherwise.
      type: str
    statuses:
      description: How many controls passed, failed, and so on.
      type: dict
    failed:
      description: The ids of the controls that failed, by severity.
      type: dict
    unknown:
      description: The ids of the controls that could not be judged.
      type: list
      elements: str
  sample:
    - cluster: 17/main
      error: ""
      statuses: {pass: 81, fail: 3, manual: 14}
      failed: {critical: [], high: [RPG-NET-003], medium: [RPG-LOG-011, RPG-LOG-014], low: []}
      unknown: []
"""
