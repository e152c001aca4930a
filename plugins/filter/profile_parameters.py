# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: profile_parameters
short_description: The server parameters that a role sets under a profile
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - The roles' desired state, as data, for M(rampart.postgresql.settings) or for a report.
  - The page R(Profiles,ansible_collections.rampart.postgresql.docsite.profiles) shows all values with their reasons.
positional: profile
options:
  _input:
    description: Name of a component role of this collection.
    type: string
    choices: [pg_tls, pg_network, pg_authentication, pg_logging, pg_access]
    required: true
  profile:
    description: Name of the profile.
    type: string
    choices: [baseline, cis, strict]
    required: true
  extension:
    description: Name of an extension, V(pgaudit), for its parameters instead of the server's own.
    type: string
    default: ""
seealso:
  - plugin: rampart.postgresql.profile_optional
    plugin_type: filter
  - plugin: rampart.postgresql.profile_libraries
    plugin_type: filter
"""

EXAMPLES = r"""
---
- name: Show what the role would set
  ansible.builtin.debug:
    msg: "{{ 'pg_authentication' | rampart.postgresql.profile_parameters('cis') }}"
"""

RETURN = r"""
_value:
  description:
    - Name of each parameter, and its value as text. Where editions of the benchmark differ the value is a dictionary, in
      which each value stands under the first major version that has it, as the module takes it.
  type: dictionary
"""

import typing as t

from ansible.errors import AnsibleFilterError


def profile_parameters(role: object, profile: object, extension: object = "") -> dict[str, str | dict[str, str]]:
    """The server parameters that a role sets under a profile."""
    # Here and not above: to find one filter Ansible loads all of a collection, in every task anew.
    from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
    from ansible_collections.rampart.postgresql.plugins.plugin_utils._profiles.catalogue import parameters

    try:
        return parameters(role, profile, extension)
    except RampartError as error:
        raise AnsibleFilterError(f"profile_parameters: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"profile_parameters": profile_parameters}
