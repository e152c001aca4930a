# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of the module of the same name: it has the sources of the program."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.rampart.postgresql.plugins.plugin_utils._backup_program import packed


class ActionModule(ActionBase):
    """Sends the program along."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module once."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        result.update(
            self._execute_module(
                module_name="rampart.postgresql.backup_program",
                module_args={**self._task.args, "program": packed()},
                task_vars=task_vars,
                wrap_async=self._task.async_val,
            )
        )
        if not self._task.async_val:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result
