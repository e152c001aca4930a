# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is in force and what waits, judged from what was observed; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Overridden
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ParameterBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import PendingRestart
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import ALTER_SYSTEM
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wanted
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import FileSetting
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import RoleSetting
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import stronger
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import is_running
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import normalise
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import same
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import show

__all__ = [
    "COMMAND_LINE",
    "Defeat",
    "NotRunning",
    "becoming",
    "blocking",
    "defeats",
    "faults",
    "not_running",
    "overriding",
    "waiting",
]

COMMAND_LINE: t.Final = "command line"
"""The source of a parameter that no file can change."""
# Where the running value comes from when this session shows what the files say and not what it asked for itself.
_FROM_FILES = frozenset({"default", "environment variable", "configuration file"})
_AT_START = frozenset({"postmaster", "internal"})
_PER_SESSION = frozenset({"user", "superuser", "backend", "superuser-backend"})


@dataclasses.dataclass(frozen=True)
class NotRunning:
    """A parameter of our file that the server has not loaded; values for people."""

    name: str
    source: str
    configured: str
    running: str


@dataclasses.dataclass(frozen=True)
class Defeat:
    """What makes a wanted value of no effect: rows of files that are read later, roles and databases, the command line."""

    rows: tuple[FileSetting, ...] = ()  # the last one decides
    roles: tuple[RoleSetting, ...] = ()
    command_line: bool = False

    @property
    def is_one(self) -> bool:
        """Whether there is such a place at all."""
        return bool(self.rows or self.roles or self.command_line)


def defeats(state: State, wanted: Wanted) -> Defeat:
    """The stronger places that set the parameter to another value."""
    parameter = wanted.parameter

    def differs(text: str) -> bool:
        return not same(parameter, wanted.value.text, text)

    later = [] if wanted.store == ALTER_SYSTEM else stronger(state.place, state.files)
    rows = tuple(row for row in later if state.catalogue.key(row.name) == wanted.key)
    per_session = parameter.context in _PER_SESSION
    return Defeat(
        rows=rows if rows and differs(rows[-1].value) else (),
        roles=tuple(
            role
            for role in state.roles
            if per_session and state.catalogue.key(role.name) == wanted.key and differs(role.value)
        ),
        command_line=parameter.source == COMMAND_LINE and differs(parameter.setting),
    )


def overriding(wanted: Wanted, defeat: Defeat) -> list[Overridden]:
    """The same for people."""
    parameter = wanted.parameter
    found = [(row.source, row.value) for row in defeat.rows[-1:]]
    found += [("the server's command line", parameter.setting)] if defeat.command_line else []
    found += [(f"SET for {role.source}", role.value) for role in defeat.roles]
    return [
        Overridden(
            parameter=parameter.name,
            desired=show(parameter, wanted.value.text),
            value=show(parameter, value),
            source=source,
        )
        for source, value in found
    ]


def waiting(state: State, changes: t.Mapping[str, str | None]) -> list[PendingRestart]:
    """What a restart would change once ``changes`` (key to text, None for what no file says any more) are in the files."""
    last = {state.catalogue.key(row.name): row.value for row in state.files}
    pending: list[PendingRestart] = []
    for key, parameter in state.catalogue.parameters.items():
        if parameter.context != "postmaster" or parameter.source == COMMAND_LINE:
            continue
        if key not in changes:
            # The flag stays when a line that was never in force is taken out again.
            if parameter.pending_restart and (key in last or parameter.sourcefile):
                pending.append(_pending(parameter, last.get(key, parameter.default)))
            continue
        text = parameter.default if changes[key] is None else changes[key]
        if (text is None and parameter.sourcefile) or (text is not None and _would_differ(parameter, text)):
            pending.append(_pending(parameter, text))
    return pending


def becoming(state: State, changes: t.Mapping[str, str | None]) -> tuple[ParameterBecomes, ...]:
    """Values that parameters get once ``changes`` are in the files and loaded."""
    last = {state.catalogue.key(row.name): row for row in state.files}
    texts: dict[str, str | None] = {key: row.value for key, row in last.items() if row.path == state.place.path}
    texts.update(changes)
    found = []
    for key, text in sorted(texts.items()):
        parameter = state.catalogue.find(key)
        if parameter is None or parameter.source == COMMAND_LINE:
            continue
        text = parameter.default if text is None else text
        if text is not None and _would_differ(parameter, text):
            # A number may be written in many ways: 4e3.
            is_number = parameter.vartype == "integer"
            value = show(parameter, text) if is_number else normalise(parameter, text).text
            found.append(ParameterBecomes(parameter.name, value))
    return tuple(found)


def not_running(state: State, elsewhere: t.Collection[str] = ()) -> list[NotRunning]:
    """Parameters of our file, and those named besides, that are in force in the files and not in the server."""
    key = state.catalogue.key
    last = {key(row.name): row for row in state.files if row.name}
    besides = {key(name) for name in elsewhere}
    entries = {name: value for section in state.sections.values() for name, value in section.items()}
    entries.update((row.name, row.value) for name, row in last.items() if name in besides)
    found: list[NotRunning] = []
    for name, value in sorted(entries.items()):
        row = last.get(key(name))
        if row is None or (row.path != state.place.path and key(name) not in besides):
            continue
        if not _differs(state, name, value):
            continue
        parameter = state.catalogue.find(name)
        found.append(
            NotRunning(
                name=name,
                source=row.source,
                configured=show(parameter or Parameter(name, "string"), value),
                running=show(parameter, parameter.setting) if parameter else "nothing",
            )
        )
    return [*found, *_still_running(state, {key(name) for name in entries}, besides - set(last))]


def _still_running(state: State, ours: t.Collection[str], gone: t.Collection[str]) -> list[NotRunning]:
    """Parameters that the server has from our file and that are no longer there, or from a file when none says them."""
    return [
        NotRunning(parameter.name, parameter.sourcefile, "what other places say", show(parameter, parameter.setting))
        for key, parameter in state.catalogue.parameters.items()
        if parameter.sourcefile and parameter.context not in _AT_START
        if (parameter.sourcefile == state.place.path and key not in ours) or key in gone
    ]


def blocking(state: State) -> list[FileSetting]:
    """Lines that keep the server from loading any: those that it does not understand, and names that it does not know."""
    # A row without a path says that a parameter was taken out which needs a restart to go.
    lines = [row for row in state.files if row.error and row.path]
    return [row for row in lines if not row.name or state.catalogue.find(row.name) is None]


def faults(state: State, elsewhere: t.Collection[str] = ()) -> list[str]:
    """What the server says of our lines, a restart that they wait for apart, and what keeps it from reading.

    Ours are those of our file and, of the names ``elsewhere``, those that ALTER SYSTEM keeps.
    """
    unread = blocking(state)
    if unread:
        return [" ".join(filter(None, (f"{row.source}:", row.name, row.error))) for row in unread]
    ours = [row for row in state.files if row.path == state.place.path]
    if not ours and state.sections:
        return [f"the server does not read {state.place.path}"]
    besides = {state.catalogue.key(name) for name in elsewhere}
    ours += [row for row in state.files if row.is_automatic and state.catalogue.key(row.name) in besides]
    return [f"{row.source}: {row.name}: {row.error}" for row in ours if row.error and not _waits(state, row)]


def _waits(state: State, row: FileSetting) -> bool:
    parameter = state.catalogue.find(row.name)
    return parameter is not None and parameter.context == "postmaster" and parameter.pending_restart


def _differs(state: State, name: str, value: str) -> bool:
    """Whether the server runs with something else, as far as this session can tell."""
    parameter = state.catalogue.find(name)
    if parameter is None:
        return True
    if parameter.context in _AT_START:
        return parameter.pending_restart and state.written_after_loading
    if parameter.source == COMMAND_LINE:
        return False
    if parameter.source not in _FROM_FILES:  # the session has asked for a value of its own
        return state.written_after_loading
    try:
        return not is_running(parameter, normalise(parameter, value))
    except ValueError:
        return True


def _would_differ(parameter: Parameter, text: str) -> bool:
    try:
        value = normalise(parameter, text)
    except ValueError:
        return False
    return not is_running(parameter, value)


def _pending(parameter: Parameter, configured: str | None) -> PendingRestart:
    return PendingRestart(
        parameter=parameter.name,
        running=show(parameter, parameter.setting),
        configured="the default" if configured is None else show(parameter, configured),
    )
