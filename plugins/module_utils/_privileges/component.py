# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Privileges on the objects of a whole cluster, as an operator wants them; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges import state as _state
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.planning import find
from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Privileges"]


class Privileges:
    """The component."""

    name = "privileges"
    order = 35  # after the attributes of roles, before who gets in

    def __init__(self, desired: Desired) -> None:
        self._desired = desired

    def observe(self, server: Server) -> State:
        """Read everything that planning needs."""
        return _state.observe(server, self._desired)

    def offers(self, state: State) -> dict[str, dict[str, str]]:
        """No parameters."""
        return {}

    def plan(self, state: State, offered: t.Any = None) -> Planned:
        """The statements that are missing, those of a database together."""
        found = find(self._desired, state)
        left = (*self._closed(state), *self._unseen(state), *self._vanished(state))
        nothing = Planned(left_alone=left, standing=self._findings(state))
        if not (found or state.missing or self._desired.forced):
            return nothing
        # Only here: most runs find nothing to do or to say.
        from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.changing import Changing

        return Changing(self.name, self._desired, state).planned(found, nothing)

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Nothing to make up."""
        return planned

    def unproven(self, state: State) -> list[str]:
        """The catalogue is what is in force: an empty plan proves it."""
        return []

    def _closed(self, state: State) -> list[LeftAlone]:
        """Databases that nobody can look into; template0 is meant to be one."""
        wanted = (*self._desired.scopes, *self._desired.forced)
        scopes = [scope for scope in wanted if scope.kind not in ("parameter", "tablespace")]
        return [
            self._left(f"database {Identifier(name)}", "it takes no connections")
            for name, is_open in state.databases.items()
            if not is_open
            and name != "template0"
            and (self._desired.report or any(scope.databases.matches(name) for scope in scopes))
            and not any(name in scope.databases.literal for scope in scopes)
        ]

    def _findings(self, state: State) -> dict[str, t.Any]:
        if not self._desired.report:
            return {}
        from ansible_collections.rampart.postgresql.plugins.module_utils._privileges.telling import findings

        return {"access_findings": findings(state.looked, state.bypassing)}

    def _unseen(self, state: State) -> list[LeftAlone]:
        unseen = [
            self._left(f"database {Identifier(name)}", f"no session could be had with it: {reason}")
            for name, reason in state.unseen.items()
        ]
        if self._desired.report and not state.superuser:
            reason = "only a superuser may look who could read those that the server keeps in clear"
            unseen.append(self._left("passwords", reason))
        return unseen

    def _vanished(self, state: State) -> list[LeftAlone]:
        return [
            self._left(
                f"database {Identifier(database)}" if database else "objects of the cluster",
                f"privileges of what is no role any more, so that nobody has them and nobody can revoke them: oid {', '.join(map(str, sorted(oids)))}",
            )
            for database, oids in state.vanished.items()
        ]

    def _left(self, subject: str, reason: str) -> LeftAlone:
        return LeftAlone(component=self.name, subject=subject, reason=reason)
