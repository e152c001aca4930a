# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of the module of the same name, which has nothing to do on a host."""

from __future__ import annotations

import json
import time
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.plugin_utils import _files as files
from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import ControllerAction
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


class ActionModule(ControllerAction):
    """Reads and writes files of the controller."""

    def outcome(self, given: t.Mapping[str, t.Any], *, check: bool) -> dict[str, t.Any]:
        """Keep one result."""
        values = validated(given, _SPEC)
        if (values["source"] is None) == (values["content"] is None):
            named = [name for name in ("source", "content") if values[name] is not None]
            raise InputError(option="content", value=named, expected="either source or content says what is kept")
        history = History(values["directory"], option="directory")
        limits = Limits.of(values["runs"], values["days"])
        if check:
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
