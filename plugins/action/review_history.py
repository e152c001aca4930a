# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of the module of the same name, which has nothing to do on a host."""

from __future__ import annotations

import json
import time
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.plugin_utils import _files as files
from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import failure
from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import validated
from ansible_collections.rampart.postgresql.plugins.plugin_utils._history import History
from ansible_collections.rampart.postgresql.plugins.plugin_utils._history import Limits

_SPEC: t.Final[dict[str, dict[str, t.Any]]] = {
    "directory": {"type": "path", "required": True},
    "source": {"type": "path"},
    "content": {"type": "raw"},
    "signed": {"type": "path"},
    "runs": {"type": "int"},
    "days": {"type": "int"},
    "now": {"type": "int"},
}


class ActionModule(ActionBase):
    """Reads and writes files of the controller."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Keep one result."""
        result: dict[str, t.Any] = super().run(tmp, task_vars or {})
        try:
            result.update(_keep(self._task.args, check_mode=self._task.check_mode))
        except RampartError as error:
            result.update(failure(error))
        return result


def _keep(arguments: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    values = validated(arguments, _SPEC)
    if (values["source"] is None) == (values["content"] is None):
        given = [name for name in ("source", "content") if values[name] is not None]
        raise InputError(option="content", value=given, expected="either source or content says what is kept")
    history = History(values["directory"], option="directory")
    limits = Limits.of(values["runs"], values["days"])
    if check_mode:
        return {"changed": True, "path": None}
    now = int(time.time()) if values["now"] is None else values["now"]
    path = history.keep(_content(values), limits=limits, now=now, signed=values["signed"])
    return {"changed": True, "path": path}


def _content(values: t.Mapping[str, t.Any]) -> bytes:
    if values["source"] is None:
        return f"{json.dumps(values['content'], indent=1, sort_keys=True)}\n".encode()
    found = files.read(values["source"])
    if found is None:
        raise InputError(option="source", value=values["source"], expected="there is no such file on the controller")
    return found
