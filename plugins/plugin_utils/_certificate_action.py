# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of modules that install certificates: it signs, the host keeps the key; private to the collection.

The module runs once. Only where it returns a request does it run again, with the certificate that was issued for it.
What only an authority needs is imported where there is one: every task of every host pays for imports anew.
"""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.validation import check_type_dict
from ansible.plugins.action import ActionBase

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

__all__ = ["CertificateAction"]

_CA = "ca"  # of the option provider
_QUESTION = "certificate_request"  # what the module returns when it needs an answer


class CertificateAction(ActionBase):
    """``option`` is the name of the option that holds those of the certificate; empty where the module has no others."""

    option = ""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module, and answer what it asks."""
        variables = task_vars or {}
        result: dict[str, t.Any] = super().run(tmp, variables)
        try:
            values = _options(self._task.args.get(self.option) if self.option else self._task.args)
            if values is not None and values.get("provider") == _CA:
                result.update(self._with_authority(values, variables))
            else:
                clocked = None if values is None else {**_public(values), "controller_clock": int(time.time())}
                result.update(self._module(clocked, variables))
        except RampartError as error:
            raise AnsibleActionFail(str(error), result=dict(error.details)) from None
        finally:
            if not self._task.async_val:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _with_authority(self, values: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        from ansible_collections.rampart.postgresql.plugins.plugin_utils._signing import Signer

        if self._task.async_val:
            raise InputError(option="async", value=self._task.async_val, expected="0 where an authority has to sign")
        check = bool(self._task.check_mode)
        signer = Signer.of(values, self._host_variables(variables), option=self.option, check=check)
        told = {**values, **signer.public(int(time.time()))}
        first = self._module(told, variables)
        request = first.pop(_QUESTION, None)
        if first.get("failed"):
            return first
        if signer.missing:
            return _warned(first, signer.missing)
        if not request:
            return first
        issued = signer.sign(request, int(time.time()), check=check)
        second = first if check else self._module({**told, "chain": issued.chain_pem}, variables)
        return _warned(second, *issued.warnings)

    def _host_variables(self, variables: dict[str, t.Any]) -> dict[str, t.Any]:
        """What the inventory calls the host that the module runs on; its address there is often a template."""
        host = self._task.delegate_to
        own = variables.get("ansible_delegated_vars", {}).get(host, {}) if host else variables
        templar = self._templar.copy_with_new_env(available_variables=own)
        address = templar.template(own.get("ansible_host", ""))
        return {"inventory_hostname": host or variables.get("inventory_hostname", ""), "ansible_host": address}

    def _module(self, values: dict[str, t.Any] | None, variables: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run the module with these options of the certificate."""
        if not self.option:
            arguments = values or {}
        else:
            arguments = {name: self._task.args[name] for name in self._task.args}  # a copy by dict() takes templates
            if values is not None:
                arguments[self.option] = values
        found: dict[str, t.Any] = self._execute_module(
            module_args=arguments, task_vars=variables, wrap_async=self._task.async_val
        )
        return found


def _warned(result: dict[str, t.Any], *warnings: str) -> dict[str, t.Any]:
    return {**result, "warnings": [*result.get("warnings", ()), *warnings]}


def _options(given: t.Any) -> dict[str, t.Any] | None:
    """The options of a certificate, which may be a text as those of every dictionary; None when there are none."""
    values = plain(given)
    if isinstance(values, str):
        try:
            values = check_type_dict(values)
        except TypeError:  # the module says so with the name of the option
            return None
    return values if isinstance(values, dict) else None


def _public(values: dict[str, t.Any]) -> dict[str, t.Any]:
    """Without the passphrase, which no host needs: not one that is going to say that the provider is another either."""
    authority = _options(values.get("authority"))
    if authority is None:
        return values
    return {**values, "authority": {name: value for name, value in authority.items() if name != "passphrase"}}
