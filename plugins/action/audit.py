# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gathers the facts of a host's clusters, assesses them here, and keeps both in files: its result stays small.

What assesses is imported above, and not where it is needed: a strategy loads this file before it forks, so a fleet pays for the
catalogue once.
"""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.plugin_utils._action import failure
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.options import AuditOptions
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.options import place_of
from ansible_collections.rampart.postgresql.plugins.plugin_utils._audit.summary import brief
from ansible_collections.rampart.postgresql.plugins.plugin_utils._plain import plain

_CHOOSING = (
    "port",
    "login_port",
    "socket_directory",
    "login_unix_socket",
    "unix_socket",
)  # not together with a cluster


class ActionModule(ActionBase):
    """One execution of cluster_info for each cluster; more than one where the host turns out to have several."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Look, assess, write down."""
        variables = task_vars or {}
        result: dict[str, t.Any] = super().run(tmp, variables)
        try:
            host = str(variables.get("inventory_hostname", ""))
            directory, called = place_of(self._task.args, host=host)
            directory.forget_assessments(called)  # whatever happens now, they are not of this audit
            options = AuditOptions.of(self._task.args, host=host)
            result.update(self._audit(options, variables))
        except RampartError as error:
            result.update(failure(error))
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _audit(self, options: AuditOptions, variables: dict[str, t.Any]) -> dict[str, t.Any]:
        directory = options.directory
        if options.gather:
            facts = [each for connection in options.connections for each in self._gathered(connection, variables)]
            facts_file = directory.keep_facts(options.host, facts)
        else:
            facts, facts_file = directory.facts(options.host), ""
        assessments = options.assess(facts)
        return {
            "changed": False,
            "facts_file": facts_file,
            "assessments_file": directory.keep_assessments(options.host, assessments),
            "clusters": [brief(each) for each in assessments],
        }

    def _gathered(self, connection: dict[str, t.Any], variables: dict[str, t.Any]) -> list[dict[str, t.Any]]:
        """The facts of the cluster that is meant, or of each one where the host says that there are several."""
        first = self._module(connection, variables)
        several = first.get("clusters") if first.get("failed") else None
        if not several:
            return [first]
        chosen = {name: value for name, value in connection.items() if name not in _CHOOSING}
        return [self._module({**chosen, "cluster": directory}, variables) for directory in several]

    def _module(self, connection: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        found = self._execute_module(
            module_name="rampart.postgresql.cluster_info",
            module_args={**connection, "gather": ["all"]},
            task_vars=variables,
        )
        # Of the options only what tells which cluster was asked for, should it have failed.
        asked = {name: connection[name] for name in ("cluster", "port") if name in connection}
        return {**plain(found), "invocation": {"module_args": asked}}
