# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who can do what in a fleet, as a table or as rows, and what changed since an earlier review."""

from __future__ import annotations

DOCUMENTATION = r"""
name: access_review
short_description: Who can do what in a fleet, and what changed since the review that was signed off
version_added: 0.1.0
author:
  - rampart.postgresql contributors (@rampart-postgresql)
description:
  - Makes a table, or rows, of what M(rampart.postgresql.access_review) told on one host or on many.
  - With the rows of an earlier review it tells what was added and removed since, to the single privilege on the single
    object.
  - What could not be looked at is in it as V(unknown), and what was signed off there, or of roles, databases and kinds that the
    module was not asked about now, is neither V(removed) nor V(same).
positional: _input
options:
  _input:
    description:
      - What M(rampart.postgresql.access_review) returned, also from a loop; a list of such results; or a dictionary with
        one or the other for each host.
    type: raw
    required: true
  form:
    description:
      - V(text) is a table for a terminal, V(markdown) a table for each role, V(csv) is for spreadsheets, and V(rows) a list
        of dictionaries, of which JSON can be kept to be signed off.
      - With O(signed), V(text) has only what changed, and V(rows) is a dictionary.
    type: string
    choices: [text, markdown, csv, rows]
    default: text
  signed:
    description: The rows of an earlier review, as O(form=rows) gave them.
    type: list
    elements: dictionary
  host:
    description: Name of the host, where the input does not name it.
    type: string
seealso:
  - module: rampart.postgresql.access_review
"""

EXAMPLES = r"""
---
- name: Review access
  rampart.postgresql.access_review:
  become: true
  register: review

- name: Show it
  ansible.builtin.debug:
    msg: "{{ (review | rampart.postgresql.access_review).splitlines() }}"

- name: Keep it
  ansible.builtin.copy:
    content: "{{ review | rampart.postgresql.access_review(form='rows') | to_nice_json }}"
    dest: review.json
    mode: "0600"
  delegate_to: localhost

- name: Nobody may have got more since
  ansible.builtin.assert:
    that: (review | rampart.postgresql.access_review(form='rows', signed=signed)).added | length == 0
  vars:
    signed: "{{ lookup('ansible.builtin.file', 'signed.json') | from_json }}"
"""

RETURN = r"""
_value:
  description:
    - The table, or the rows, which have C(host) and C(cluster) and what RV(rampart.postgresql.access_review#module:rows) has.
      A row with the C(kind) V(unknown) says in C(reason) why a host or a database could not be looked at.
    - With O(signed) and O(form=rows) a dictionary with the lists C(added), C(removed), C(same), and C(unknown) for what was
      signed off and was not looked at now. More objects than O(rampart.postgresql.access_review#module:listed) that a role
      holds in the same way are not named one by one, and while they are all of their schema it is the same however many they are.
  type: raw
  sample:
    - host: db1.example.org
      cluster: 17/main
      role: reporting
      set_role: ""
      kind: table
      database: shop
      schema: sales
      objects: [orders]
      columns: []
      count: 1
      total: 12
      digest: ""
      privileges: [SELECT]
      grantable: false
      ways: ['member of "readers"']
      missing: []
      reason: ""
"""

import typing as t


def access_review(given: object, *, form: object = "text", signed: object = None, host: object = None) -> t.Any:
    """What reviews of hosts tell, as a table or as rows."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible.errors import AnsibleFilterError

    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._access_review import telling
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._access_review.difference import compared
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._access_review.rows import gathered
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._access_review.rows import signed_rows
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

    forms = {"text": telling.as_text, "markdown": telling.as_markdown, "csv": telling.as_csv}
    try:
        review = gathered(plain(given), host=plain(host))
        difference = None if signed is None else compared(review, signed_rows(plain(signed)))
        if form != "rows" and form not in forms:
            raise InputError(option="form", value=form, expected="text, markdown, csv or rows")
    except RampartError as error:
        raise AnsibleFilterError(f"access_review: {error}") from error
    if form == "rows":
        return review.rows if difference is None else difference.values()
    return forms[str(form)](review.rows, difference)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"access_review": access_review}
