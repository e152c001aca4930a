# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: assess
short_description: What named controls say about clusters
version_added: 0.1.0
requirements:
  - jmespath on the controller
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Judges what M(rampart.postgresql.cluster_info) tells of clusters by every control of the collection, and by those of the
    site. The page "Controls" of the documentation has them all, with the recommendations of benchmarks that they are about.
  - What could not be read, or was not gathered, is V(unknown) and never passes.
  - Values of parameters are compared with those of a profile, as the roles set them. A stricter value is as good.
options:
  _input:
    description:
      - What M(rampart.postgresql.cluster_info) returned with V(all) in O(rampart.postgresql.cluster_info#module:gather), also
        from a loop; a list of such results; or a dictionary with one or the other for each host.
    type: raw
    required: true
  profile:
    description: The profile that parameters are compared with.
    type: string
    choices: [baseline, cis, strict]
    default: baseline
  host:
    description: Name of the host, where the input does not name it. Waivers look at it.
    type: string
  now:
    description: The present time in seconds since 1970. The default is the clock of the controller.
    type: integer
  controls:
    description:
      - Controls of the site, each a dictionary. C(id), which must not begin with V(RPG-), C(title), C(rationale), C(area),
        C(severity) and C(expression) or C(manual) are required.
      - C(expression) is JMESPath over the facts and yields what offends; nothing means that the cluster passes. With
        C(manual), which says what a person must look at, it yields what that person looks at.
      - Besides the facts there are C(parameters), by name what the profile wants of each; C(overrides), C(held), what roles have
        by way of other roles; C(remote_rules), C(replication_users), C(backup_jobs) with days, C(listening) and C(open_addresses), C(preloaded),
        C(foreign_libraries), C(changed_settings), C(pending_restarts), C(inside_data_directory), C(support), C(profile) and C(now).
      - In JMESPath C(!) binds tighter than the dot, so it takes parentheses, C(!(settings.ssl)).
      - C(area) is one of V(network), V(access), V(authentication), V(encryption), V(logging), V(backup), V(platform).
        C(severity) is one of V(critical), V(high), V(medium), V(low).
      - C(evidence) is JMESPath, too, and is shown for a cluster that passes as well. C(applies) has C(first) and C(last), major
        versions, and C(condition), JMESPath, with C(reason) why the control is about no other cluster.
      - C(unclear) is JMESPath for what nobody could look at. What it yields is the reason why the cluster is V(unknown), where
        C(expression) yields nothing.
      - C(fix) has C(role), C(variable) and C(value), and C(references) are dictionaries with C(benchmark), C(edition),
        C(number), C(title) and C(source). C(needs) lists sections that must be readable besides those in the expressions.
    type: list
    elements: dictionary
  severities:
    description: Another severity for controls, by their ids.
    type: dictionary
  waivers:
    description:
      - What the site has accepted. Each has C(control), an id; C(hosts), a pattern as in a shell or a list of them; C(reason);
        C(approved_by); C(expires), the last day that it holds, in UTC.
      - C(when) is a JMESPath condition on the item. Without it every item of the control is waived.
      - One that has expired holds no more and is a finding itself. So is one that covers nothing, if its C(hosts) is the name
        of this host without a pattern. One for several hosts may be of use on another; RV(_value[].waivers) tells how often each
        was used, and P(rampart.postgresql.report#filter) judges them over the fleet.
    type: list
    elements: dictionary
  newest_minors:
    description:
      - The newest release of each major version, with the number of the version as key and the release in quotes, V("17.11"), as
        value. Without it nobody says whether a minor release is the newest.
    type: dictionary
seealso:
  - module: rampart.postgresql.cluster_info
"""

EXAMPLES = r"""
---
- name: Look at the cluster
  rampart.postgresql.cluster_info:
    gather: [all]
  become: true
  register: facts

- name: Nothing severe may be wrong with it
  ansible.builtin.assert:
    that: severe | length == 0
    fail_msg: "{{ severe }}"
  vars:
    assessments: "{{ facts | rampart.postgresql.assess(profile='cis', host=inventory_hostname) }}"
    severe: >-
      {{ assessments | map(attribute='findings') | flatten | selectattr('status', 'equalto', 'fail')
         | selectattr('severity', 'in', ['critical', 'high']) }}

- name: With what the site has accepted, and a control of its own
  ansible.builtin.debug:
    msg: "{{ (facts | rampart.postgresql.assess(host=inventory_hostname, waivers=waivers, controls=controls) | first).score }}"
  vars:
    waivers:
      - control: RPG-ACC-101
        hosts: "db*.example.org"
        when: role == 'dba'
        reason: The administrators' role until they are all in the directory.
        approved_by: security@example.org
        expires: "2027-06-30"
    controls:
      - id: SITE-ACC-001
        title: Databases belong to roles that cannot log in
        area: access
        severity: medium
        rationale: An application that is its owner can drop everything in it.
        expression: "databases[?owner == 'app'].{database: name}"
"""

RETURN = r"""
_value:
  description: An assessment for each cluster, in the order of the input.
  type: list
  elements: dictionary
  contains:
    schema:
      description: The version of this structure, V(1).
      type: integer
    host:
      description: The host, empty where nobody named it.
      type: string
    cluster:
      description: Name or data directory of the cluster.
      type: string
    major:
      description: Its major version, V(null) where nothing is known.
      type: integer
    version:
      description: Its release.
      type: string
    profile:
      description: The profile that it was assessed by.
      type: string
    follows:
      description: Where benchmarks contradict each other, which one the profile follows.
      type: list
      elements: dictionary
    gathered_epoch:
      description: When the facts were gathered.
      type: integer
    assessed_epoch:
      description: When they were judged.
      type: integer
    in_recovery:
      description: Whether it is a standby.
      type: boolean
    managed_by:
      description: The names of what manages it besides this collection.
      type: list
      elements: string
    score:
      description:
        - For each area and as C(overall), how many controls C(passed), C(failed), are C(unknown), C(manual), C(waived) and
          C(not_applicable).
        - C(percent) is what passed of what passed, failed or is unknown; V(null) for none of these.
      type: dictionary
    findings:
      description: One for each control, whether it passes or not.
      type: list
      elements: dictionary
      contains:
        control:
          description: The id of the control.
          type: string
        title:
          description: What should be.
          type: string
        area:
          description: The area of it.
          type: string
        severity:
          description: How bad it is when it fails.
          type: string
        status:
          description: V(pass), V(fail), V(waived), V(unknown), V(not_applicable) or V(manual).
          type: string
        items:
          description: What offends, or for V(manual) what to look at, at most 100.
          type: list
        item_count:
          description: How many there are.
          type: integer
        waived:
          description: The items that are waived, each with its waiver.
          type: list
        evidence:
          description: What was looked at, or found.
          type: string
        reason:
          description: Why it is unknown or not applicable, or what a person must look at.
          type: string
        rationale:
          description: Why it matters.
          type: string
        fix:
          description: The C(role), its C(variable) and C(value) that put it right, and the C(line) for the playbook. V(null) without one.
          type: dictionary
        references:
          description: Recommendations of benchmarks that it is about. Without any it is unmapped.
          type: list
    waivers:
      description:
        - The waivers that were given, with C(expired); C(used), how many items each covered; and C(concerns), whether one of
          its patterns fits the host.
      type: list
    views:
      description: The facts that reports show as such, C(hba), C(certificates) and C(backups).
      type: dictionary
    error:
      description: Why nothing is known. Missing otherwise.
      type: string
"""

import time
import typing as t


def assess(
    facts: object,
    *,
    profile: object = "baseline",
    host: object = None,
    now: object = None,
    controls: object = None,
    severities: object = None,
    waivers: object = None,
    newest_minors: object = None,
) -> list[dict[str, t.Any]]:
    """What all controls say, cluster by cluster."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible.errors import AnsibleFilterError

    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.assessment import assessment
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.gathering import clusters
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._controls.given import read
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

    try:
        given = read(
            profile=plain(profile),
            now=int(time.time()) if now is None else plain(now),
            controls=plain(controls),
            severities=plain(severities),
            waivers=plain(waivers),
            newest_minors=plain(newest_minors),
        )
        return [assessment(cluster, given) for cluster in clusters(plain(facts), plain(host))]
    except RampartError as error:
        raise AnsibleFilterError(f"assess: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"assess": assess}
