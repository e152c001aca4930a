# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of certificate_authority: all of it happens on the controller, so its passphrase does not travel."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import ControllerAction
from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import check_library
from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import validated
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority import arguments
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.change import diff_of
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.establishing import establish
from ansible_collections.rampart.postgresql.plugins.plugin_utils._authority.returning import standing


class ActionModule(ControllerAction):
    """Ansible's entry point."""

    def outcome(self, given: t.Mapping[str, t.Any], *, check: bool) -> dict[str, t.Any]:
        """Make or change the authority."""
        check_library()
        values = validated(given, arguments.ARGUMENTS)
        now = int(time.time())
        desired = arguments.desired(values)
        plan = establish(desired, passphrase=arguments.secret(values["passphrase"], "passphrase"), now=now, check=check)
        return {
            "changed": bool(plan.changes),
            "diff": diff_of(plan.changes),
            "steps": [change.result("certificate_authority") for change in plan.changes],
            "warnings": list(plan.warnings),
            **standing(desired.path, now),
        }
