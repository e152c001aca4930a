# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of the module of the same name, which has nothing to do on a host."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import failure
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.reporting import ReportOptions
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.reporting import write_reports


class ActionModule(ActionBase):
    """Reads and writes files of the controller."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Write the reports, then judge."""
        result: dict[str, t.Any] = super().run(tmp, task_vars or {})
        try:
            result.update(write_reports(ReportOptions.of(self._task.args), check_mode=self._task.check_mode))
        except RampartError as error:
            result.update(failure(error))
        return result
