# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modes that are too open are narrowed, passwords that lie about are reported; private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.observe import observe
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import Found
from ansible_collections.rampart.postgresql.plugins.module_utils._host.account.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ChangeMode
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["ARGUMENTS", "Account", "Desired", "component"]

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "group_access": {"type": "str", "choices": ["as_made", "never"], "default": "as_made"},
    "configuration_mode": {"type": "str", "default": "0644"},
    "authentication_mode": {"type": "str", "default": "0640"},
    "authorised_sources": {"type": "list", "elements": "str", "default": []},
}

_MODE = re.compile(r"0?[0-7]{3}")
_OWNERS = 0o600  # what a mode has to leave
_NEVER = 0o133  # what a mode of a file must not have
_CLOSED = {"key": 0o600, "personal": 0o600}  # for others than the owner of the cluster see _most


@dataclasses.dataclass(frozen=True)
class Desired:
    """What the operator wants. Modes are the most that is left; nothing is ever opened."""

    group_access: bool = True  # whether a cluster that was made for its group stays so
    configuration_mode: int = 0o644
    authentication_mode: int = 0o640
    authorised_sources: tuple[str, ...] = ()


class Account:
    """The component."""

    name = "os_account"
    order = 50

    def __init__(self, desired: Desired) -> None:
        self._desired = desired

    def observe(self, server: Server) -> State:
        """Read everything that planning needs."""
        return observe(server)

    def offers(self, state: State) -> dict[str, dict[str, str]]:
        """No parameters."""
        return {}

    def plan(self, state: State, offered: t.Any = None) -> Planned:
        """One step for each file that is too open."""
        steps: list[Step] = []
        left: list[LeftAlone] = []
        for found in state.files:
            mode = found.mode & self._most(found, state)
            if mode == found.mode:
                continue
            if found.uid == state.uid:
                steps.append(self._step(found, mode))
            else:
                reason = f"mode {found.mode:04o} is more than {mode:04o}, but it is not {state.owner}'s"
                left.append(LeftAlone(self.name, found.path, reason))
        return Planned(
            steps=tuple(steps),
            left_alone=tuple(left),
            findings=(*map(str, state.findings), *self._sources(state)),
            standing={
                "findings": [dataclasses.asdict(finding) for finding in state.findings],
                "packages": [dataclasses.asdict(package) for package in state.packages],
                "unpackaged": list(state.unpackaged),
            },
        )

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Nothing to make up."""
        return planned

    def unproven(self, state: State) -> list[str]:
        """The modes of the files are all that there is."""
        return []

    def _most(self, found: Found, state: State) -> int:
        group = state.group_access and self._desired.group_access
        if found.kind == "data directory":
            return 0o750 if group else 0o700
        if found.kind == "directory":
            return 0o7755  # files are put there by nobody else, and looked up by everybody
        if found.kind == "inner configuration":
            return 0o640 if group else 0o600
        if found.kind == "key" and found.uid == 0:
            return 0o640  # read by a group, as the server permits for root's
        return {
            **_CLOSED,
            "configuration": self._desired.configuration_mode,
            "authentication": self._desired.authentication_mode,
        }[found.kind]

    def _step(self, found: Found, mode: int) -> Step:
        return Step(
            component=self.name,
            subject=found.path,
            description=f"close the {found.kind}{' file' if found.kind == 'personal' else ''} to others",
            before=f"{found.mode:04o}",
            after=f"{mode:04o}",
            operation=ChangeMode(found.path, found.mode, mode),
            statement=f"chmod {mode:04o} {found.path}",
        )

    def _sources(self, state: State) -> list[str]:
        wanted = self._desired.authorised_sources
        if not wanted:
            return []
        if not state.packages:
            return ["the server comes from no package of this host, so from none of authorised_sources"]
        found = [f"{library} comes from no package, so from none of authorised_sources" for library in state.unpackaged]
        for package in state.packages:
            if not any(source.startswith(each) for source in package.sources for each in wanted):
                known = ", ".join(package.sources) or "no package list of this host"
                found.append(
                    f"{package.name} {package.version} comes from {known}, which is none of authorised_sources"
                )
        return found


def component(values: t.Mapping[str, t.Any]) -> Account:
    """The component of these option values."""
    return Account(
        Desired(
            group_access=values["group_access"] == "as_made",
            configuration_mode=_mode("configuration_mode", values["configuration_mode"]),
            authentication_mode=_mode("authentication_mode", values["authentication_mode"]),
            authorised_sources=tuple(values["authorised_sources"]),
        )
    )


def _mode(option: str, text: str) -> int:
    mode = int(text, 8) if _MODE.fullmatch(text) else 0
    if mode & _OWNERS != _OWNERS or mode & _NEVER:
        raise InputError(
            option=option,
            value=text,
            expected="a mode in octal digits with which the owner reads and writes, and others write at no time: 0600 to 0644",
        )
    return mode
