# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What action plugins of the collection have in common; private to it."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import AnsibleValidationError
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import keys
from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

__all__ = ["ControllerAction", "check_library", "failure", "validated"]


class ControllerAction(ActionBase):
    """The whole of the module of its name, which has nothing to do on a host."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Do it; what is raised is the result of a task that failed."""
        result: dict[str, t.Any] = super().run(tmp, task_vars or {})
        try:
            return {**result, **self.outcome(self._task.args, check=self._task.check_mode)}
        except RampartError as error:
            return {**result, **failure(error)}

    def outcome(self, given: t.Mapping[str, t.Any], *, check: bool) -> dict[str, t.Any]:
        """What the task returns; raises RampartError."""
        raise NotImplementedError


def check_library() -> None:
    """Raise when what an authority needs is missing here, on the controller."""
    if not keys.AVAILABLE:
        raise Unsupported("the cryptography library is missing on the controller: install it where ansible-core runs")


def validated(arguments: t.Mapping[str, t.Any], spec: t.Mapping[str, t.Any], *, option: str = "") -> dict[str, t.Any]:
    """Option values as a module on a host would get them; RampartError says which one cannot be used.

    ``option`` is the name of the option that holds them.
    """
    result = ArgumentSpecValidator(dict(spec)).validate(plain(arguments))
    if result.errors.errors:
        raise RampartError((f"{option}: " if option else "") + "; ".join(map(_told, result.errors.errors)))
    return dict(result.validated_parameters)


def _told(error: AnsibleValidationError) -> str:
    """One of the messages names nothing but the options that there are not."""
    return f"there is no option {error.msg}" if isinstance(error, UnsupportedError) else str(error.msg)


def failure(error: RampartError) -> dict[str, t.Any]:
    """The result of a task that failed, as fail_json would make it."""
    return {"failed": True, "msg": str(error), **error.details}
