# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: steps_by_component
short_description: The steps of a run in words, for each component
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Turns the list C(steps) that modules of this collection return into a short account of what changed.
options:
  _input:
    description: The steps as M(rampart.postgresql.cluster) returns them.
    type: list
    elements: dictionary
    required: true
"""

EXAMPLES = r"""
---
- name: Report the drift of a cluster
  rampart.postgresql.cluster:
    settings:
      parameters:
        log_connections: true
  check_mode: true
  register: drift

- name: Show it
  ansible.builtin.debug:
    msg: "{{ drift.steps | rampart.postgresql.steps_by_component }}"
"""

RETURN = r"""
_value:
  description: Name of each component that has steps, and its steps in order, as text.
  type: dictionary
  sample:
    role_attributes: ['role "app": take away SUPERUSER']
"""

import typing as t

from ansible.errors import AnsibleFilterError


def steps_by_component(steps: t.Iterable[t.Mapping[str, str]]) -> dict[str, list[str]]:
    """The steps of a run in words, for each component."""
    found: dict[str, list[str]] = {}
    try:
        for step in steps:
            found.setdefault(str(step["component"]), []).append(f"{step['subject']}: {step['description']}")
    except (KeyError, TypeError) as error:
        raise AnsibleFilterError(f"steps_by_component: this is not a list of steps: {steps!r}") from error
    return found


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"steps_by_component": steps_by_component}
