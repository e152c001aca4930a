#!/usr/bin/python
# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_report
short_description: Write the reports of an audit, and fail where it found what may not be
version_added: 0.1.0
description:
  - Reads the assessments that M(rampart.postgresql.audit) has left in O(directory) on the controller, and writes the reports of all of them there,
    as P(rampart.postgresql.report#filter) makes them.
  - A host of O(hosts) without an assessment, because it could not be reached, is in the reports as unknown.
  - It runs on the controller only, whatever host the task is for, and changes nothing but its reports.
requirements:
  - jmespath on the controller
author:
  - rampart.postgresql contributors (@rampart-postgresql)
extends_documentation_fragment:
  - rampart.postgresql.attributes
attributes:
  action:
    description: Has an action plugin of the same name, which does the work that belongs to the controller.
    support: full
  check_mode:
    support: full
    details: The reports are written in check mode too, but for O(history).
  diff_mode:
    support: N/A
    details: Reports are made anew each time.
  idempotent:
    support: full
  platform:
    platforms: posix
    support: full
options:
  directory:
    description: The O(rampart.postgresql.audit#module:directory) of the audit. Reports are called C(report.html), C(report.json) and so on.
    type: path
    required: true
  hosts:
    description: The hosts that were to be assessed.
    type: list
    elements: str
    required: true
  fleet:
    description:
      - All hosts that waivers may be for, those of O(hosts) among them or not.
      - With it a waiver that covers nothing on any cluster, or whose patterns fit no host at all, is a finding of the fleet. One that fits a
        host which is not in O(hosts) is not judged, as it may be of use there.
      - Without it no waiver is called idle.
    type: list
    elements: str
  formats:
    description: Which reports are written.
    type: list
    elements: str
    choices: [json, sarif, junit, markdown, csv, prometheus, html]
    default: [json, html]
  profile:
    description: The profile of hosts that could not be reached, which say nothing themselves. The others bear their own.
    type: str
    choices: [baseline, cis, strict]
    default: baseline
  title:
    description: What the reports are called.
    type: str
    default: PostgreSQL audit
  baseline:
    description:
      - A report as JSON of an earlier audit, on the controller. Reports say then what is new, what is fixed, and what is still so.
      - A file that does not exist is an error.
      - The default is the newest report of O(history), if there is one.
    type: path
  history:
    description:
      - A directory on the controller, an absolute path, in which the report is kept as JSON with those of earlier audits, under its time in
        UTC, such as C(20260301T101500Z.json). The page for people has the score of all of them.
      - It is the history of one fleet; an audit of other hosts needs one of its own, or what it does not look at is missing.
      - The newest one is never removed, and neither is the newest of those that are the same as O(baseline), byte by byte.
      - Check mode compares with it, and adds and removes nothing.
    type: path
  history_runs:
    description:
      - How many reports are kept in O(history), the new one among them, from 1 up.
      - Where neither this nor O(history_days) is given it is 52, those of a year with one audit each week.
    type: int
  history_days:
    description: After how many days a report is removed from O(history), from 1 up. With O(history_runs) as soon as one of the two says so.
    type: int
  drift:
    description:
      - A document on the controller that the playbook C(harden) has written in check mode (C(harden_drift)). The page for people has a
        tab with it then.
    type: path
  fail_on:
    description:
      - The task fails, after it has written the reports, when a control of this severity or a graver one fails anywhere, or a host or a
        cluster could not be assessed.
    type: str
    choices: [critical, high, medium, low, never]
    default: never
  only_new:
    description: With O(baseline), or an earlier report of O(history), O(fail_on) is about findings that this does not have.
    type: bool
    default: false
  now:
    description: The present time in seconds since 1970. The default is the clock of the controller.
    type: int
seealso:
  - module: rampart.postgresql.audit
  - plugin: rampart.postgresql.report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Fail where something grave is new since the last release
  rampart.postgresql.audit_report:
    directory: /var/lib/audit/postgresql
    hosts: "{{ groups['postgresql'] }}"
    formats: [json, html, junit]
    baseline: /srv/audit/accepted.json
    fail_on: high
    only_new: true
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
files:
  description: The report of each format.
  returned: always, if they could be written
  type: dict
  sample: {html: /var/lib/audit/postgresql/report.html}
summary:
  description: The lines of a summary for one screen.
  returned: always, if there are assessments
  type: list
  elements: str
comparison:
  description: How many findings are C(new), C(fixed) and C(still) there since an earlier report.
  returned: with O(baseline), or an earlier report of O(history)
  type: dict
compared_with:
  description: That earlier report.
  returned: with O(baseline), or an earlier report of O(history)
  type: str
  sample: /var/lib/audit/postgresql/history/20260301T101500Z.json
kept:
  description: The report in O(history).
  returned: with O(history), not in check mode
  type: str
  sample: /var/lib/audit/postgresql/history/20260308T101500Z.json
"""
