# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Server parameters as one component: observe, plan, prove; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import judgement
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import COMPONENT
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.planning import make_plan
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.state import observe

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Settings"]

Offered = t.Mapping[str, t.Mapping[str, str]]


class Settings:
    """Parameters in a file of ours that the server's configuration includes, or where ALTER SYSTEM keeps them."""

    name = COMPONENT
    order = 20

    def __init__(self, desired: Desired) -> None:
        self.desired = desired

    def observe(self, server: Server) -> State:
        """Read the catalogue, the files and what overrides them; refuse what Patroni writes itself."""
        server.refuse_if_managed(
            by="patroni",
            subject="the server's configuration",
            where="put parameters into the dynamic configuration with patronictl edit-config",
        )
        state = observe(
            server,
            file_name=self.desired.file_name,
            libraries=self.desired.preload or (),
            everywhere=self.desired.looks_elsewhere,
            wishes=self.desired.wishes,
        )
        if state.place.path == state.place.main:
            raise InputError(
                option=f"{self.desired.option}file_name",
                value=self.desired.file_name,
                expected="another name, as this is the server's own configuration file",
            )
        return state

    def offers(self, state: State) -> Offered:
        """Nothing: this component takes what others offer."""
        return {}

    def plan(self, state: State, offered: Offered) -> Planned:
        """Steps towards the desired parameters, those that other components offer included."""
        return make_plan(self.desired, state, offered)

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Nothing has to be made up."""
        return planned

    def unproven(self, state: State) -> list[str]:
        """Lines of ours that the server refuses or has not taken over."""
        return [
            *judgement.faults(state, self.desired.names_elsewhere),
            *(
                f"{item.name} is {item.configured!r} in {item.source}, and the server runs with {item.running!r}"
                for item in judgement.not_running(state, self.desired.names_elsewhere)
            ),
        ]
