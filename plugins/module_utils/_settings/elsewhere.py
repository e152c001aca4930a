# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that are taken out of places of others: what to take, and the steps that do it; private to the collection."""

from __future__ import annotations

import dataclasses
import posixpath
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConcurrentRun
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ManagedElsewhere
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import dropin
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import grammar
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import statements
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import COMPONENT
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Desired
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Resolver
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.desired import Wanted
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.judgement import COMMAND_LINE
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.judgement import Defeat
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.lists import PRELOADS
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import FileSetting
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.places import RoleSetting
from ansible_collections.rampart.postgresql.plugins.module_utils._settings.state import State

__all__ = ["Removal", "is_auto_failover", "of_override", "of_resets", "on_standby", "steps_in_files", "steps_in_roles"]

_AUTO_FAILOVER = "postgresql-auto-failover"  # beginning of the names of its configuration files


@dataclasses.dataclass(frozen=True)
class Removal:
    """One parameter that loses its value in places of others; ``option`` asks for it, with ``value``."""

    option: str
    value: str
    key: str
    rows: tuple[FileSetting, ...] = ()
    roles: tuple[RoleSetting, ...] = ()


def is_auto_failover(path: str) -> bool:
    """Whether pg_auto_failover writes the file, and writes it anew whenever it likes."""
    return posixpath.basename(path).startswith(_AUTO_FAILOVER)


def of_resets(
    desired: Desired, state: State, resolver: Resolver, wanted: t.Iterable[Wanted]
) -> tuple[list[Removal], list[LeftAlone]]:
    """What the option reset asks for, every place but our file, and the names that this server need not know."""
    owners = {each.key: each.option for each in wanted}
    if desired.merges_libraries:
        owners.setdefault(PRELOADS[0], f"{desired.option}preload")
    removals: list[Removal] = []
    left: list[LeftAlone] = []
    for index, name in enumerate(desired.resets):
        option, key = f"{desired.option}reset[{index}]", state.catalogue.key(name)
        rows = tuple(row for row in state.files if state.catalogue.key(row.name) == key)
        roles = tuple(role for role in state.roles if state.catalogue.key(role.name) == key)
        if key in owners:
            raise InputError(option=option, value=name, expected=f"a name that {owners[key]} does not set")
        if not rows and not roles and not resolver.may_be_named(option, name):
            left.append(LeftAlone(COMPONENT, name, "this server does not know the parameter"))
            continue
        found = state.catalogue.find(name)
        if found is not None and found.source == COMMAND_LINE:
            raise _command_line(option, name)
        others = tuple(row for row in rows if row.path != state.place.path)
        removals.append(_checked(Removal(option, name, key, others, roles)))
    return removals, left


def of_override(desired: Desired, wanted: Wanted, defeat: Defeat) -> Removal:
    """What stands in the way of a wanted value."""
    option = f"{desired.option}overrides"
    if defeat.command_line:
        raise _command_line(option, wanted.parameter.name)
    return _checked(Removal(option, wanted.parameter.name, wanted.key, defeat.rows, defeat.roles))


def on_standby(removals: t.Iterable[Removal]) -> list[LeftAlone]:
    """What roles and databases keep where nothing can be written."""
    reason = "a standby takes no writes: run on the primary"
    return [
        LeftAlone(COMPONENT, f"SET {role.name} for {role.source}", reason)
        for removal in removals
        for role in removal.roles
    ]


def steps_in_files(state: State, removals: t.Iterable[Removal]) -> list[Step]:
    """One step for each file but postgresql.auto.conf: lines become comments, the rest stays byte for byte."""
    lines: dict[str, dict[int, str]] = {}
    for removal in removals:
        for row in removal.rows:
            if not row.is_automatic:
                lines.setdefault(row.path, {})[row.line] = removal.key
    return [_commented_out(state, path, numbers) for path, numbers in lines.items()]


def steps_in_roles(state: State, removals: t.Iterable[Removal]) -> list[Step]:
    """One statement for each setting of a role or database."""
    return [_taken_from(state, role) for removal in removals for role in dict.fromkeys(removal.roles)]


def _command_line(option: str, name: str) -> InputError:
    return InputError(
        option=option,
        value=name,
        expected="the server's command line sets it, which only what starts the server can change",
    )


def _checked(removal: Removal) -> Removal:
    for row in removal.rows:
        if is_auto_failover(row.path):
            raise ManagedElsewhere(
                f"{removal.option}: {removal.value!r} cannot be used: {row.source} sets it and belongs to"
                " pg_auto_failover, so nothing was changed; change it there with pg_autoctl",
                managed_by="pg_auto_failover",
            )
    return removal


def _commented_out(state: State, path: str, numbers: t.Mapping[int, str]) -> Step:
    if path not in state.texts:
        raise RampartError(f"the server reads {path}, which is not there any more")
    content = state.texts[path].content
    entries = {entry.line: entry for entry in grammar.parse(state.texts[path].text)[0]}
    lines = content.split(b"\n")
    shown = []
    for number, key in sorted(numbers.items()):
        if number not in entries or state.catalogue.key(entries[number].name) != key:
            raise ConcurrentRun(f"{path} was changed by somebody else while this run was planning")
        shown.append(dropin.masked(lines[number - 1].decode("utf-8", "surrogateescape")))
        lines[number - 1] = b"#" + lines[number - 1]
    names = ", ".join(sorted({entries[number].name for number in numbers}))
    return Step(
        component=COMPONENT,
        subject=path,
        description=f"comment out {names}",
        before="".join(f"{line}\n" for line in shown),
        after="".join(f"#{line}\n" for line in shown),
        operation=WriteFile(path, content, b"\n".join(lines)),
        statement=f"edit {path}; SELECT pg_reload_conf()",
        reload=True,
    )


def _taken_from(state: State, setting: RoleSetting) -> Step:
    statement = statements.reset_for(setting)
    return Step(
        component=COMPONENT,
        subject=setting.source,
        description=f"reset {setting.name}",
        before=dropin.masked(grammar.render(setting.name, setting.value)),
        after="",
        operation=RunSql(statement=statement, undo=statements.set_for(setting, state.version)),
        statement=statement,
    )
