# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: report
short_description: Assessments of clusters as a report for people or for tools
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Turns what P(rampart.postgresql.assess#filter) returned, for one cluster or for a fleet, into a text in one of several
    formats. It neither reads nor writes files.
  - Names of roles, objects and files are whatever their owners chose. Each format writes them as data; what cannot be seen,
    such as control characters and those that turn the direction of text, is written out as C(\u{202e}).
options:
  _input:
    description:
      - What P(rampart.postgresql.assess#filter) returned; a list of it; a dictionary with one or the other for each host; or
        a report in V(json).
    type: raw
    required: true
  format:
    description:
      - V(json) is the whole, in a stable order, with a summary. It is what O(before) reads.
      - V(sarif) is SARIF 2.1.0, with what fails, what nobody knows and what a person has to look at. The cluster is a logical
        location, and files that items name are physical ones. Waived items are suppressed results with their justification.
        Fingerprints stay the same from run to run.
      - V(junit) has a test suite for each cluster and a case for each control. What nobody knows, or has to be looked at by a
        person, is skipped, as is what is waived. What fails for the fleet as a whole has a suite of its own.
      - V(markdown) is for a merge request, with the failures by severity.
      - V(csv) has a line for each finding; one of the fleet as a whole has no host. What a spreadsheet would take as a formula has an apostrophe before it.
      - V(prometheus) has counts, scores and the age of the facts for the textfile collector of C(node_exporter).
      - V(html) is a single file for a browser, which asks for nothing from elsewhere.
    type: string
    choices: [json, sarif, junit, markdown, csv, prometheus, html]
    required: true
  before:
    description:
      - An earlier report in V(json), as text or as the values in it. Then the report says of each control that fails, or
        failed then, what became of it.
      - V(new) fails now and did not then, V(still) fails as it did then, V(fixed) passes or does not apply any more,
        V(waived) is answered for by somebody, and V(unproven) failed then while nobody knows now.
    type: raw
  drift:
    description:
      - What P(rampart.postgresql.drift#filter) returned, as text or as the values in it. V(html) has a page for it then.
    type: raw
  title:
    description: What the report is called.
    type: string
    default: PostgreSQL security assessment
  fleet:
    description:
      - The names of all hosts that waivers may be for, those of the input among them or not.
      - With it a waiver that covers nothing on any cluster, or whose patterns fit no host at all, is a finding of the fleet as a
        whole, which changes no count and no score of clusters. One that fits a host which is not in the input is not judged,
        as it may be of use there. Neither is one whose control could not be judged on a cluster that it is for.
      - Without it no waiver is called idle.
    type: list
    elements: string
  now:
    description: The present time in seconds since 1970. The default is the clock of the controller.
    type: integer
seealso:
  - plugin: rampart.postgresql.assess
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Write a report for people, and note what has changed since the last one
  ansible.builtin.copy:
    content: "{{ assessments | rampart.postgresql.report('html', before=lookup('ansible.builtin.file', 'last.json')) }}"
    dest: report.html
    mode: "0600"
  delegate_to: localhost
  run_once: true
  vars:
    assessments: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'assessment'))) }}"

- name: Give the numbers to node_exporter
  ansible.builtin.copy:
    content: "{{ assessment | rampart.postgresql.report('prometheus') }}"
    dest: /var/lib/node_exporter/textfile_collector/rampart_postgresql_assessment.prom
    mode: "0644"
  become: true
"""

RETURN = r"""
_value:
  description: The report.
  type: string
  sample: |
    # HELP rampart_postgresql_assessment_score_percent Share of the controls of an area that passed; the area overall has all of them.
    # TYPE rampart_postgresql_assessment_score_percent gauge
    rampart_postgresql_assessment_score_percent{host="db1",cluster="17/main",area="network"} 92
"""

import time
import typing as t


def report(
    assessments: object,
    format: object,  # noqa: A002 # the word that a playbook says
    *,
    before: object = None,
    drift: object = None,
    title: object = None,
    fleet: object = None,
    now: object = None,
) -> str:
    """Assessments as a report in one of the formats."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible.errors import AnsibleFilterError

    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.gathering import gathered
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._report.rendering import rendered

    try:
        time_now = int(time.time()) if now is None else now
        found = gathered(assessments, before=before, drift=drift, title=title, fleet=fleet, now=time_now)
        return rendered(found, plain(format))
    except RampartError as error:
        raise AnsibleFilterError(f"report: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"report": report}
