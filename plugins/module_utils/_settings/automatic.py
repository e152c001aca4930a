# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""postgresql.auto.conf, which ALTER SYSTEM writes: statements, and the file as they will leave it; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import dropin
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import grammar
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import preload
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import statements
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import ALTER_SYSTEM
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import COMPONENT
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wanted
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.elsewhere import Removal
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.names import NOT_BY_STATEMENT
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import is_harmless
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import may_hold_secret
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.values import same

__all__ = ["changes", "foreseen", "steps"]

Changes = t.Mapping[str, t.Optional[str]]
"""Name as the file or the server spells it to the text wanted; None for a name to take out."""


def changes(
    desired: Desired, state: State, wanted: t.Iterable[Wanted], removals: t.Iterable[Removal]
) -> dict[str, str | None]:
    """What has to change in the file; raises InputError for what cannot."""
    current = _current(state)
    found: dict[str, str | None] = {}
    given = set()
    for each in wanted:
        if each.store != ALTER_SYSTEM:
            continue
        given.add(each.key)
        name, text = current.get(each.key, (each.parameter.name, None))
        if text is None or not same(each.parameter, text, each.value.text):
            _check_expressible(each, state)
            _check_allowed(state, f"{desired.option}store", ALTER_SYSTEM)
            found[name] = statements.as_stored(name, each.value.text, state.version)
    for removal in removals:
        for row in removal.rows:
            if row.is_automatic:
                _check_allowed(state, removal.option, removal.value)
                found[row.name] = None
    is_last = desired.store == ALTER_SYSTEM and desired.merges_libraries and preload.PARAMETER not in given
    if is_last and preload.libraries_of(current.get(preload.PARAMETER, ("", ""))[1]):
        _check_libraries_gone(desired, state, found)
    return found


def steps(state: State, wanted_changes: Changes) -> list[Step]:
    """One statement for each name."""
    return [_step(state, name, text) for name, text in _sorted(wanted_changes)]


def foreseen(state: State, wanted_changes: Changes) -> dict[str, bytes]:
    """The file as the server will write it, for the rehearsal."""
    if not wanted_changes:
        return {}
    gone = {name.lower() for name in wanted_changes}
    before = state.texts[state.automatic].text if state.automatic in state.texts else ""
    entries, _faulty = grammar.parse(before)
    dropped = {entry.line for entry in entries if entry.name.lower() in gone}
    lines = [line for number, line in enumerate(before.split("\n"), start=1) if number not in dropped and line]
    lines += [f"{name} = {grammar.quote(text)}" for name, text in _sorted(wanted_changes) if text is not None]
    return {state.automatic: "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")}


def _sorted(wanted_changes: Changes) -> list[tuple[str, str | None]]:
    return sorted(wanted_changes.items(), key=lambda item: item[0].lower())


def _current(state: State) -> dict[str, tuple[str, str]]:
    """Key to name and text of what the file holds; the last one counts."""
    return {state.catalogue.key(row.name): (row.name, row.value) for row in state.files if row.is_automatic}


def _step(state: State, name: str, text: str | None) -> Step:
    _name, before = _current(state).get(state.catalogue.key(name), (name, None))
    reset = statements.reset_system(name)
    statement = reset if text is None else statements.set_system(name, text, state.version)
    can_be_undone = before is not None and statements.can_be_set(name, before, state.version)
    undo = statements.set_system(name, before or "", state.version) if can_be_undone else reset
    return Step(
        component=COMPONENT,
        subject=state.automatic,
        description=f"reset {name}" if text is None else f"set {name}",
        before="" if before is None else dropin.masked(grammar.render(name, before)),
        after="" if text is None else dropin.masked(grammar.render(name, text)),
        operation=RunSql(statement=statement, undo=undo, alone=True),
        statement=statement,
        reload=True,
    )


def _check_allowed(state: State, option: str, value: str) -> None:
    switch = state.catalogue.find("allow_alter_system")
    if switch is not None and switch.setting == "off":
        raise InputError(
            option=option,
            value=value,
            expected=f"this server refuses ALTER SYSTEM, as allow_alter_system is off, so {state.automatic} stays as it is",
        )


def _check_expressible(wanted: Wanted, state: State) -> None:
    """Refuse what the server would refuse, or would write so that it does not start any more."""
    parameter, text = wanted.parameter, wanted.value.text
    reason = ""
    if parameter.placeholder:
        reason = "belongs to a library that is not loaded yet, which ALTER SYSTEM refuses before PostgreSQL 17"
    elif parameter.name in NOT_BY_STATEMENT:
        reason = "cannot be changed with ALTER SYSTEM"
    elif not statements.can_be_set(parameter.name, text, state.version):
        reason = "is an empty list or has line ends, which ALTER SYSTEM cannot write"
    elif may_hold_secret(parameter.name, parameter.vartype) and text and not is_harmless(text):
        reason = "may hold a secret, and the server may write the statement into its log"
    if reason:
        raise InputError(
            option=wanted.option,
            value=parameter.name,
            expected=f"not in the store {ALTER_SYSTEM}, as it {reason}; the store drop_in takes it",
            parameter=parameter.name,
        )


def _check_libraries_gone(desired: Desired, state: State, found: dict[str, str | None]) -> None:
    """None is left over: without its line here, the server loads what other places name, which is none."""
    _check_allowed(state, f"{desired.option}store", ALTER_SYSTEM)
    found[preload.PARAMETER] = None
