# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of client_certificate: all of it happens on the controller, where the bundle is made."""

from __future__ import annotations

import os
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import ControllerAction
from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import check_library
from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import validated
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import client_arguments as arguments
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import clients
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.authority import Authority
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.change import diff_of
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.returning import shown


class ActionModule(ControllerAction):
    """Ansible's entry point."""

    def outcome(self, given: t.Mapping[str, t.Any], *, check: bool) -> dict[str, t.Any]:
        """Make, renew or revoke the certificate."""
        check_library()
        values = validated(given, arguments.ARGUMENTS)
        wanted = arguments.wanted(values)
        path, passphrase = values["authority"]["path"], values["authority"]["passphrase"]
        now, entry = int(time.time()), None
        if check and values["state"] == "present" and not os.path.lexists(path):
            plan = clients.foreseen(path, wanted, now)
        else:
            authority = Authority.open(path)
            if values["state"] == "present":
                plan = clients.give(authority, wanted, passphrase=passphrase, now=now, check=check)
            else:
                plan = clients.revoke(authority, wanted, values["reason"], passphrase=passphrase, now=now, check=check)
            entry = clients.holds(authority, wanted.path)
        return {
            "changed": bool(plan.changes),
            "diff": diff_of(plan.changes),
            "steps": [change.result("client_certificate") for change in plan.changes],
            "warnings": list(plan.warnings),
            "path": wanted.path,
            "certificate": None if entry is None else shown(entry),
        }
