# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever the program does in time has units of one kind."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.rampart.postgresql.plugins.filter.backup_unit import backup_unit

VAULT: t.Final[dict[str, t.Any]] = {
    "name": "rampart-backup-vault",
    "writer": "a test",
    "title": "Verify 100% of it",
    "command": "tend /etc/vault.json",
    "conclude": "conclude vault /etc/vault.json",
    "account": "rampart-vault",
    "group": "rampart-vault",
    "state": "vault",
    "calendar": "*-*-*  06:00:00",
    "random_delay": "900",
    "writable": ["/var/lib/rampart-vault/hosts"],
}


def test_a_service_with_its_timer() -> None:
    lines = backup_unit(VAULT, "service").splitlines()
    assert {
        "Description=Verify 100%% of it",
        "ExecStart=/usr/local/bin/rampart-backup tend /etc/vault.json",
        "TimeoutStartSec=infinity",
        "RestrictNamespaces=yes",
        'ReadWritePaths="-/var/lib/rampart-vault/hosts"',
    } <= set(lines)
    assert not [line for line in lines if line.startswith("PrivateNetwork")]
    confined = set(backup_unit({**VAULT, "network": False, "namespaces": True}, "service").splitlines())
    assert confined ^ set(lines) == {"PrivateNetwork=yes", "RestrictNamespaces=yes"}
    timer = backup_unit(VAULT, "timer").splitlines()
    assert {"OnCalendar=*-*-* 06:00:00", "RandomizedDelaySec=900s", "Persistent=yes"} <= set(timer)


def test_a_file_for_cron() -> None:
    assert backup_unit(VAULT, "cron").splitlines()[-1] == (
        "0 6 * * * rampart-vault sleep $(shuf -n 1 -i 0-900); nice -n 10 ionice -c 2 -n 7"
        " /usr/local/bin/rampart-backup tend /etc/vault.json;"
        " exec /usr/local/bin/rampart-backup conclude vault /etc/vault.json"
    )


@pytest.mark.parametrize(
    ("changes", "form", "message"),
    [
        ({"calendar": "*-*-1..7 06:00"}, "cron", r"vault\.calendar: .* no systemd, and cron can do hourly"),
        ({"calendar": "daily\nExecStart=/bin/x"}, "timer", r"vault\.calendar: .* a calendar expression"),
        ({"calendar": ""}, "service", r"vault\.calendar: ''"),
        ({"name": "rampart-pull-db1.example.com"}, "cron", r"name: 'rampart-pull-db1.example.com' .* without dots"),
        ({"random_delay": -1}, "timer", "from 0 up"),
        ({"random_delay": "x"}, "timer", "cannot be scheduled"),
        ({"unknown": 1}, "timer", "cannot be scheduled: .*unknown"),
        ({}, "socket", "cannot be scheduled: 'socket'"),
    ],
)
def test_what_cannot_be_scheduled_is_named(changes: dict[str, t.Any], form: str, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        backup_unit({**VAULT, **changes}, form)
