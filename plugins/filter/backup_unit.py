# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: backup_unit
short_description: The unit or the file for cron that starts the program of backups in time
version_added: 0.1.0
author: The rampart.postgresql maintainers (@rampart-postgresql)
description:
  - Returns the text of a service of systemd in the sandbox that jobs of M(rampart.postgresql.backup_job) have, of its timer, or of a file for
    C(/etc/cron.d) that does the same without the sandbox.
options:
  _input:
    description:
      - What is started. C(name) is what its files are called, C(title) says in a line what it is, C(writer) who writes the files. C(command) are the
        words for the program, and C(conclude) those with which it is started again whatever became of it. C(account), C(group).
      - C(state), a directory below C(states) in C(/var/lib), which is V(rampart-backup) where it is left out; systemd makes it.
        C(calendar), C(random_delay) and C(timeout) in seconds, 0 for none. C(writable), paths in which it may write, C(read), paths that it
        has to see. C(network) and C(namespaces), whether it may use a network and make namespaces, V(true) and V(false) where they are left out.
      - C(program), what is started if it is not the program of backups; C(conclude) may be empty then. C(directory) in which it is started, and
        C(environment), a list of V(NAME=value). C(on_failure), units that systemd starts when it fails, and C(documentation), an address.
    type: dictionary
    required: true
  form:
    description: Which file.
    type: string
    choices: [service, timer, cron]
    required: true
"""

EXAMPLES = r"""
---
- name: Verify the backups of a vault each morning
  ansible.builtin.copy:
    content: "{{ vault | rampart.postgresql.backup_unit('cron') }}"
    dest: /etc/cron.d/rampart-backup-vault
    mode: "0644"
  vars:
    vault:
      name: rampart-backup-vault
      writer: a playbook
      title: Verify backups in the vault
      command: tend /etc/rampart-backup/vault/vault.json
      conclude: conclude vault /etc/rampart-backup/vault/vault.json
      account: rampart-vault
      group: rampart-vault
      state: vault
      calendar: "*-*-* 06:00:00"
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: string
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.calendar import KNOWN
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.desired import checked_calendar
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import Scheduled
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import cron
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import service
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.units import timer
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

Values = t.Mapping[str, t.Any]


def backup_unit(given: Values, form: str) -> str:
    """The text of one file."""
    try:
        values = dict(plain(given))
        name = str(values.pop("name"))
        wish = _scheduled(values, f"{name}.calendar")
        if form == "cron":
            return _cron(wish, name)
        return {"service": service, "timer": timer}[form](wish)
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error
    except (KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"backup_unit: this cannot be scheduled: {error}") from error


def _scheduled(values: dict[str, t.Any], option: str) -> Scheduled:
    lists: Values = {key: tuple(values.pop(key)) for key in ("writable", "read", "environment") if key in values}
    numbers: Values = {key: int(values.pop(key)) for key in ("random_delay", "timeout") if key in values}
    if any(number < 0 for number in numbers.values()):
        raise InputError(option=option, value=numbers, expected="numbers of seconds from 0 up")
    calendar = checked_calendar(str(values.pop("calendar")), option)
    return Scheduled(calendar=calendar, **lists, **numbers, **values)


def _cron(wish: Scheduled, name: str) -> str:
    if "." in name:
        raise InputError(
            option="name", value=name, expected="without systemd, a name without dots: cron reads no other"
        )
    text = cron(wish)
    if text is None:
        raise InputError(
            option=f"{name}.calendar",
            value=wish.calendar,
            expected=f"this host has no systemd, and cron can do {KNOWN}",
        )
    return text


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name to function."""
        return {"backup_unit": backup_unit}
