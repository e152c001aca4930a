# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the files will say once a plan is made, all places taken together; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import dropin
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.automatic import Changes
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.elsewhere import Removal
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import PRELOADS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import stronger
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import same
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import show

__all__ = ["at_login", "changes"]

_AT_LOGIN = frozenset({"backend", "superuser-backend"})
_LOADED_AT_LOGIN = frozenset(PRELOADS[1:])


def changes(
    state: State, sections: dropin.Sections, removals: t.Iterable[Removal], stored: Changes
) -> dict[str, str | None]:
    """Key of every parameter about which the files will say something else: to the new text, None when no file says it."""
    key = state.catalogue.key
    removed = {row for removal in removals for row in removal.rows}
    strong = set(stronger(state.place, state.files))
    others = [row for row in state.files if row.name and row.path != state.place.path and row not in removed]
    rewritten = {key(name) for name in stored}
    after = {key(row.name): row.value for row in others if row not in strong}
    after.update((key(name), text) for values in sections.values() for name, text in values.items())
    after.update(
        (key(row.name), row.value)
        for row in others
        if row in strong and not (row.is_automatic and key(row.name) in rewritten)
    )
    after.update((key(name), text) for name, text in stored.items() if text is not None)
    before = {key(row.name): row.value for row in state.files if row.name}
    return {
        name: after.get(name)
        for name in {**before, **after}
        if not _is_same(state, name, before.get(name), after.get(name))
    }


def at_login(
    state: State, changed: t.Mapping[str, str | None], steps: t.Iterable[Step], removals: t.Iterable[Removal]
) -> list[dict[str, str]]:
    """Parameters whose change reaches new sessions only, for people."""
    found: dict[str, str] = {}
    for name, text in changed.items():
        parameter = state.catalogue.find(name)
        if parameter is not None and (parameter.context in _AT_LOGIN or name in _LOADED_AT_LOGIN):
            found[parameter.name] = "the default" if text is None else show(parameter, text)
    if any(isinstance(step.operation, RunSql) and not step.operation.alone for step in steps):
        for role in (role for removal in removals for role in removal.roles):
            found.setdefault(role.name, f"without SET for {role.source}")
    return [{"parameter": name, "configured": text} for name, text in sorted(found.items())]


def _is_same(state: State, name: str, left: str | None, right: str | None) -> bool:
    parameter = state.catalogue.find(name)
    if left == right or left is None or right is None or parameter is None:
        return left == right
    return same(parameter, left, right)
