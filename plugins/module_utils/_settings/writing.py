# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps that write our file and make the server read it; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Reload
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import dropin
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import judgement
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import COMPONENT
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import same

__all__ = ["include", "reload", "write"]

_OTHERS_MAY_WRITE = 0o022


def write(state: State, sections: dropin.Sections) -> Step | None:
    """Make our file hold the sections; None where it says so already, however it spells it."""
    path, before = state.place.path, state.dropin
    if before is None and not sections:
        return None
    text = dropin.render(sections)
    mode = _mode(state, sections)
    if before is not None:
        is_ours = dropin.render(state.sections) == before.text
        if is_ours and _same_sections(state, sections):
            if mode == before.mode:
                return None
            text = before.text
    old = before.text if before else ""
    return Step(
        component=COMPONENT,
        subject=path,
        description=_description(state, sections, mode),
        before=dropin.masked(old),
        after=dropin.masked(text),
        operation=WriteFile(path, before.content if before else None, _encode(text), mode=mode),
        statement=f"edit {path}; SELECT pg_reload_conf()",
        reload=True,
    )


def _mode(state: State, sections: dropin.Sections) -> int:
    """As readable as the main file, writable by the owner alone; secrets are for the owner only."""
    mode = (state.dropin.mode if state.dropin else state.main.mode & 0o666) & ~_OTHERS_MAY_WRITE
    holds_secret = dropin.masked(text := dropin.render(sections)) != text
    return mode & 0o700 if holds_secret else mode


def _same_sections(state: State, sections: dropin.Sections) -> bool:
    """Whether the file already says this, however it spells it."""
    current = state.sections
    if set(current) != set(sections):
        return False
    return all(_same_values(state, current[section], values) for section, values in sections.items())


def _same_values(state: State, current: t.Mapping[str, str], values: t.Mapping[str, str]) -> bool:
    if set(current) != set(values):
        return False
    return all(_same_text(state, name, current[name], text) for name, text in values.items())


def _same_text(state: State, name: str, left: str, right: str) -> bool:
    parameter = state.catalogue.find(name)
    return left == right or (parameter is not None and same(parameter, left, right))


def _description(state: State, sections: dropin.Sections, mode: int) -> str:
    current = state.sections
    old = {(section, name): text for section, values in current.items() for name, text in values.items()}
    new = {(section, name): text for section, values in sections.items() for name, text in values.items()}
    changed = [
        name
        for (section, name), text in new.items()
        if (section, name) not in old or not _same_text(state, name, old[section, name], text)
    ]
    removed = [name for section, name in old if (section, name) not in new]
    parts = [f"set {', '.join(sorted(changed))}"] if changed else []
    parts += [f"remove {', '.join(sorted(removed))}"] if removed else []
    if not parts and state.dropin is not None and mode != state.dropin.mode:
        parts = [f"mode {mode:04o}"]
    return "; ".join(parts) or "put the file into its own form again"


def include(state: State, line: str, earlier: t.Iterable[Step]) -> Step:
    """One line at the end of the main configuration file; the rest of it stays as earlier steps leave it."""
    before = state.main.content
    for step in earlier:
        if isinstance(step.operation, WriteFile) and step.operation.path == state.main.path:
            before = step.operation.after or b""
    separator = b"" if not before or before.endswith(b"\n") else b"\n"
    return Step(
        component=COMPONENT,
        subject=state.main.path,
        description=f"include {state.place.path} at the end",
        before="",
        after=f"{line}\n",
        operation=WriteFile(state.main.path, before, before + separator + _encode(f"{line}\n")),
        statement=f"edit {state.main.path}; SELECT pg_reload_conf()",
        reload=True,
    )


def reload(state: State, stale: t.Sequence[judgement.NotRunning]) -> Step:
    """Make the server read what lies there."""
    return Step(
        component=COMPONENT,
        subject=state.place.path,
        description=f"load {', '.join(item.name for item in stale)}",
        before="".join(f"{item.name} = {item.running}\n" for item in stale),
        after="".join(f"{item.name} = {item.configured}\n" for item in stale),
        operation=Reload(),
        statement="SELECT pg_reload_conf()",
        reload=True,
    )


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
