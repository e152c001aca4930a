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
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wanted
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import FileSetting
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import stronger
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import Parameter
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import is_running
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import normalise
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import same
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import show

__all__ = ["NotRunning", "becoming", "faults", "not_running", "overriding", "waiting"]

_COMMAND_LINE = "command line"
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


def overriding(state: State, wanted: Wanted) -> list[Overridden]:
    """Every stronger place that sets the parameter to another value."""
    parameter = wanted.parameter
    found: list[tuple[str, str]] = []
    later = [row for row in stronger(state.place, state.files) if row.name.lower() == wanted.key]
    if later:
        found.append((later[-1].source, later[-1].value))
    if parameter.source == _COMMAND_LINE:
        found.append(("the server's command line", parameter.setting))
    if parameter.context in _PER_SESSION:
        found += [(f"SET for {role.source}", role.value) for role in state.roles if role.name.lower() == wanted.key]
    return [
        Overridden(
            parameter=parameter.name,
            desired=show(parameter, wanted.value.text),
            value=show(parameter, value),
            source=source,
        )
        for source, value in found
        if not same(parameter, wanted.value.text, value)
    ]


def waiting(state: State, changes: t.Mapping[str, str | None]) -> list[PendingRestart]:
    """What a restart would change once ``changes`` (name to text, None for one taken out) are in our file."""
    last = {row.name.lower(): row.value for row in state.files}
    others = {row.name.lower(): row.value for row in state.files if row.path != state.place.path}
    ours = {name.lower(): text for name, text in changes.items()}
    pending: list[PendingRestart] = []
    for key, parameter in state.catalogue.parameters.items():
        if parameter.context != "postmaster":
            continue
        if key in ours:
            text = ours[key]
            if text is None:
                text = others.get(key, parameter.default)
            if text is not None and _would_differ(parameter, text):
                pending.append(_pending(parameter, text))
        elif parameter.pending_restart:
            pending.append(_pending(parameter, last.get(key)))
    return pending


def becoming(state: State, changes: t.Mapping[str, str | None]) -> tuple[ParameterBecomes, ...]:
    """Values that parameters get once ``changes`` (name to text, None for one taken out) are in our file and loaded."""
    others = {row.name.lower(): row.value for row in state.files if row.path != state.place.path}
    last = {row.name.lower(): row for row in state.files}
    texts: dict[str, str | None] = {key: row.value for key, row in last.items() if row.path == state.place.path}
    for name, text in changes.items():
        texts[name.lower()] = others.get(name.lower()) if text is None else text
    found = []
    for key, text in sorted(texts.items()):
        parameter = state.catalogue.find(key)
        if parameter is None or parameter.source == _COMMAND_LINE:
            continue
        text = parameter.default if text is None else text
        if text is not None and _would_differ(parameter, text):
            found.append(ParameterBecomes(parameter.name, normalise(parameter, text).text))
    return tuple(found)


def not_running(state: State) -> list[NotRunning]:
    """Parameters of our file that are in force there and not in the server."""
    last = {row.name.lower(): row for row in state.files}
    entries = {name: value for section in state.sections.values() for name, value in section.items()}
    found: list[NotRunning] = []
    for name, value in sorted(entries.items()):
        row = last.get(name.lower())
        if row is None or row.path != state.place.path or not _differs(state, name, value):
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
    return [*found, *_still_running(state, {name.lower() for name in entries})]


def _still_running(state: State, ours: t.Collection[str]) -> list[NotRunning]:
    """Parameters that the server has from our file and that are no longer there."""
    return [
        NotRunning(parameter.name, state.place.path, "what other places say", show(parameter, parameter.setting))
        for key, parameter in state.catalogue.parameters.items()
        if parameter.sourcefile == state.place.path and parameter.context not in _AT_START and key not in ours
    ]


def faults(state: State) -> list[str]:
    """What the server says of the lines of our file, a restart that they wait for apart, and what keeps it from reading."""
    # A row without a path says that a parameter was taken out which needs a restart to go.
    unread = [f"{row.source}: {row.error}" for row in state.files if row.error and row.path and not row.name]
    if unread:
        return unread
    ours = [row for row in state.files if row.path == state.place.path]
    if not ours and state.sections:
        return [f"the server does not read {state.place.path}"]
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
    if parameter.source == _COMMAND_LINE:
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
