# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archiving as a component: it has its parameters set by that of the settings; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import COMPONENT
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import offered
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import refuse
from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.observe import observe
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import State
    from ansible_collections.rampart.postgresql.plugins.module_utils._backup.archiving.deciding import Wish
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Archiving"]

Sections = t.Mapping[str, t.Mapping[str, str]]


class Archiving:
    """The job that a server hands its WAL to."""

    name = COMPONENT
    order = 15

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.first: State | None = None  # what was there when the run began

    def observe(self, server: Server) -> State:
        """Read the lines about archiving, what runs, and how it goes."""
        state = observe(server, self.wish)
        self.first = self.first or state
        return state

    def offers(self, state: State) -> Sections:
        """Its parameters."""
        refuse(state, self.wish)
        return offered(state, self.wish)

    def plan(self, state: State, offered: Sections) -> Planned:
        """No step of its own."""
        if not self.wish.present:
            return Planned()
        findings, left_alone = [], []
        if state.missing:
            findings.append(f"{self.wish.definition} is not there yet, and has to be before the server archives by it")
        if state.archives and state.command == self.wish.command and state.statistics.fails:
            findings.append(
                f"the server does not archive {state.statistics.last_failed or 'its WAL'}, and keeps it: see the log of the"
                " server for what archive_command says"
            )
        if state.in_recovery and state.configured("archive_mode", elsewhere=True) != "always":
            reason = "a standby archives nothing until it is promoted, so no segment was forced"
            left_alone.append(LeftAlone(COMPONENT, self.wish.name, reason))
        return Planned(findings=tuple(findings), left_alone=tuple(left_alone))

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Nothing has to be made up."""
        return planned

    def unproven(self, state: State) -> list[str]:
        """What is proved here is that WAL arrives, once all of it is in force."""
        return []
