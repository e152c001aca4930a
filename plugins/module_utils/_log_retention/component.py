# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Log files that are too old are removed by systemd-tmpfiles, which one file of ours tells so; private."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._log_retention.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._log_retention.state import observe
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["ARGUMENTS", "Desired", "LogRetention", "component"]

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "directory": {"type": "str", "required": True},
    "days": {"type": "int", "required": True},
}

_DIRECTORY = re.compile(r"(/[A-Za-z0-9_.+{}-]+){2,}/?")  # what tmpfiles.d reads as it stands, {cluster} apart
_MODE = 0o644
_BY_MODIFICATION = 250  # the first version of systemd that can leave the time of the last reading out
_TEXT = """\
# Written by rampart.postgresql for the cluster {cluster}: log files that are older than this are removed.
e {directory} - - - {age}
"""


@dataclasses.dataclass(frozen=True)
class Desired:
    """What the operator wants. ``days`` 0: nothing is removed."""

    directory: str
    days: int
    option: str = ""  # path of the option that holds all this, with a final dot


class LogRetention:
    """The component."""

    name = "log_retention"
    order = 25

    def __init__(self, desired: Desired) -> None:
        self._desired = desired

    def observe(self, server: Server) -> State:
        """Read everything that planning needs."""
        return observe(server, self._desired.directory)

    def offers(self, state: State) -> dict[str, dict[str, str]]:
        """No parameters."""
        return {}

    def plan(self, state: State, offered: t.Any = None) -> Planned:
        """One file at most."""
        if self._desired.days and state.problem:
            raise InputError(
                option=f"{self._desired.option}directory",
                value=state.directory,
                expected=f"a directory for the log of this cluster alone, below directories of root's: {state.problem}",
            )
        content = self._text(state).encode() if self._desired.days else None
        return Planned() if content == state.content else Planned(steps=(self._step(state, content),))

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Nothing to make up."""
        return planned

    def unproven(self, state: State) -> list[str]:
        """systemd-tmpfiles reads the file anew each time."""
        return []

    def _text(self, state: State) -> str:
        # Reading a file, as a backup does, would keep it for ever where systemd cannot be told to look at the contents' age only.
        which = "m:" if state.version >= _BY_MODIFICATION else ""
        return _TEXT.format(cluster=state.cluster, directory=state.directory, age=f"{which}{self._desired.days}d")

    def _step(self, state: State, content: bytes | None) -> Step:
        days = self._desired.days
        return Step(
            component=self.name,
            subject=state.path,
            description=f"remove log files after {days} days" if days else "keep log files",
            before=(state.content or b"").decode("utf-8", "replace"),
            after=(content or b"").decode(),
            operation=WriteFile(state.path, state.content, content, mode=_MODE, by_root=True),
        )


def component(values: t.Mapping[str, t.Any], *, option: str = "") -> LogRetention:
    """The component of these option values; ``option`` is the name of the option that holds them."""
    prefix = f"{option}." if option else ""
    directory, days = values["directory"], values["days"]
    if not _DIRECTORY.fullmatch(directory) or ".." in directory.split("/"):
        raise InputError(
            option=f"{prefix}directory",
            value=directory,
            expected="the full path of a directory, of letters, digits and _ . + - only",
        )
    if days < 0:
        raise InputError(option=f"{prefix}days", value=days, expected="a number of days, or 0 to keep all files")
    return LogRetention(Desired(directory=directory, days=days, option=prefix))
