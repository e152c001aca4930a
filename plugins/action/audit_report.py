# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of the module of the same name, which has nothing to do on a host."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import ControllerAction
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.reporting import ReportOptions
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.reporting import write_reports


class ActionModule(ControllerAction):
    """Reads and writes files of the controller."""

    def outcome(self, given: t.Mapping[str, t.Any], *, check: bool) -> dict[str, t.Any]:
        """Write the reports, then judge."""
        return write_reports(ReportOptions.of(given), check_mode=check)
