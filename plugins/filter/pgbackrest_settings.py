# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: pgbackrest_settings
short_description: Jobs that make backups, as pgBackRest does them
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Jobs of kind C(physical) and C(wal) become stanzas of pgBackRest and jobs that start it; others are left as they are. What pgBackRest
    cannot do is an error that names the option and what it takes.
  - C(retention) is C(last) or C(days); C(compression) is what M(rampart.postgresql.backup_job) has; C(places) are directories,
    each of which is a repository. A job of kind C(wal) becomes a C(check), as pgBackRest always archives.
options:
  _input:
    description: >-
      The jobs, each as the option C(jobs) of M(rampart.postgresql.backup_job) has it, and maybe with C(cluster), C(stanza), and
      C(backrest_type) (C(full), C(diff), C(incr)) or C(incremental) with C(full_every).
    type: list
    elements: dictionary
    required: true
  given:
    description: >-
      C(defaults), what a job has that does not say it; C(cipher), C(aes-256-cbc) or C(none); C(passphrase); and C(options) of pgBackRest
      as they are.
    type: dictionary
    default: {}
"""

EXAMPLES = r"""
---
- name: Show what pgBackRest would be told
  ansible.builtin.debug:
    msg: "{{ (backups | rampart.postgresql.pgbackrest_settings({'passphrase': secret})).stanzas | map(attribute='lines') }}"
"""

RETURN = r"""
_value:
  description: >-
    C(others), jobs that go, or that pgBackRest does not do; C(jobs), with C(cluster), for M(rampart.postgresql.backup_job); C(stanzas), each
    with C(cluster), C(stanza), C(repositories) (how many), C(directories), C(lines) of its file, and C(secret_lines) of the one
    that is secret; C(ended), cluster and stanza that no job needs any more.
  type: dictionary
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._backrest.mapping import Wish
from ansible_collections.rampart.postgresql.plugins.plugin_utils._backrest.mapping import settings


def pgbackrest_settings(
    jobs: t.Sequence[t.Mapping[str, t.Any]], given: t.Mapping[str, t.Any] | None = None
) -> dict[str, t.Any]:
    """Stanzas and jobs of pgBackRest."""
    if not isinstance(jobs, (list, tuple)) or not all(isinstance(job, t.Mapping) for job in jobs):
        raise AnsibleFilterError("pgbackrest_settings: this is not a list of jobs")
    try:
        return settings(jobs, Wish.of(given or {}))
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error
    except (
        AttributeError,
        KeyError,
        TypeError,
    ) as error:  # the chain would show values, and there are secrets among them
        raise AnsibleFilterError(f"pgbackrest_settings: these are not jobs: {type(error).__name__}") from None


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"pgbackrest_settings": pgbackrest_settings}
