# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extensions as one component: made in the chosen databases, their parameters set once they are there; private."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions import state as _state
from ansible_collections.rampart.postgresql.plugins.module_utils._extensions.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import LeftAlone
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["ALL", "Desired", "Extension", "Extensions"]

ALL: t.Final = "all"
"""Instead of names: every database that accepts connections."""

_WAITS = "it waits until the server has loaded the library {library} at its start"
_STANDBY = "a standby takes no writes: it comes from the primary"


@dataclasses.dataclass(frozen=True)
class Extension:
    """One extension as the operator wants it; ``option`` is where that is written."""

    option: str
    name: str
    databases: tuple[str, ...] = ("postgres",)
    schema: str = "public"
    library: str | None = None  # without directory and .so
    role: str | None = None
    parameters: t.Mapping[str, t.Mapping[int, str]] = dataclasses.field(default_factory=dict)  # by first major version

    def settings(self, major: int) -> dict[str, str]:
        """Its parameters with the values of this major version; without those that an older one does not have."""
        known = {name: [first for first in values if first <= major] for name, values in self.parameters.items()}
        return {name: self.parameters[name][max(majors)] for name, majors in known.items() if majors}

    def chosen(self, databases: t.Sequence[str]) -> tuple[str, ...]:
        """Its databases, of those that accept connections."""
        if ALL in self.databases:
            return tuple(databases)
        return tuple(name for name in self.databases if name in databases)


@dataclasses.dataclass(frozen=True)
class Desired:
    """What the operator wants."""

    present: tuple[Extension, ...] = ()


class Extensions:
    """The component. What an extension has to wait for is reported, and the next run goes on."""

    name = "extensions"
    order = 15

    def __init__(self, desired: Desired) -> None:
        self._wanted = desired.present

    def observe(self, server: Server) -> State:
        """Read everything that planning needs, in every database that is chosen."""

        def chosen(databases: t.Sequence[str]) -> list[str]:
            named = [name for extension in self._wanted for name in extension.chosen(databases)]
            return list(dict.fromkeys(named))

        if not server.session.is_superuser:
            raise Unsupported(f"extensions need a superuser, which {server.session.login} is not")
        state = _state.observe(server, chosen)
        if any(_missing(extension, state) for extension in self._wanted):
            return dataclasses.replace(state, available=_state.available(server))
        return state

    def offers(self, state: State) -> dict[str, dict[str, str]]:
        """The parameters of every extension that is there, or will be when they are set."""
        ready = [extension for extension in self._wanted if not self._left(extension, state)]
        return {
            self.name: {name: text for extension in ready for name, text in extension.settings(state.major).items()}
        }

    def plan(self, state: State, offered: t.Any = None) -> Planned:
        """One statement for each database without the extension, one for each role that is missing."""
        steps: dict[tuple[str, str], Step] = {}
        left: list[LeftAlone] = []
        for extension in self._wanted:
            _check_databases(extension, state)
            _check_role(extension, state)
            left += self._left(extension, state)
            if not self._left(extension, state):
                steps.update(((step.subject, step.statement), step) for step in self._steps(extension, state))
        return Planned(
            steps=tuple(steps.values()),
            left_alone=tuple(left),
            standing={"waiting_extensions": [_waiting(item) for item in self._wanted if _is_waiting(item, state)]},
        )

    def prepare(self, planned: Planned, server: Server) -> Planned:
        """Nothing to make up."""
        return planned

    def unproven(self, state: State) -> list[str]:
        """The catalogues are what is in force: an empty plan proves it."""
        return []

    def _left(self, extension: Extension, state: State) -> list[LeftAlone]:
        """What cannot be made now, one for each database."""
        missing = _missing(extension, state)
        subjects = [_subject(extension, name) for name in missing]
        if state.in_recovery:
            subjects += [_role_subject(extension.role)] if _lacks_role(extension, state) else []
            return [LeftAlone(self.name, subject, _STANDBY) for subject in subjects]
        if _is_waiting(extension, state):
            # Where every database has it, its parameters wait.
            subjects = subjects or [f"parameters of the extension {Identifier(extension.name)}"]
            reason = _WAITS.format(library=extension.library)
            return [LeftAlone(self.name, subject, reason) for subject in subjects]
        return []

    def _steps(self, extension: Extension, state: State) -> t.Iterator[Step]:
        if extension.role is not None and _lacks_role(extension, state):
            yield self._make_role(extension.role)
        for database in _missing(extension, state):
            yield self._make(extension, database, _schema(extension, database, state))

    def _make_role(self, role: str) -> Step:
        name = Identifier(role)
        statement = compose("CREATE ROLE {role} NOLOGIN", role=name)
        return Step(
            component=self.name,
            subject=_role_subject(role),
            description="create it, without LOGIN",
            before="",
            after="NOLOGIN",
            operation=RunSql(statement=statement, undo=compose("DROP ROLE {role}", role=name)),
            statement=statement,
        )

    def _make(self, extension: Extension, database: str, schema: str | None) -> Step:
        name = Identifier(extension.name)
        statement = compose("CREATE EXTENSION IF NOT EXISTS {name}", name=name)
        if schema is not None:
            statement += compose(" SCHEMA {schema}", schema=Identifier(schema))
        return Step(
            component=self.name,
            subject=_subject(extension, database),
            description="create it" if schema is None else f"create it in schema {Identifier(schema)}",
            before="",
            after=f"{extension.name}",
            operation=RunSql(statement=statement, undo=compose("DROP EXTENSION {name}", name=name), database=database),
            statement=statement,
        )


def _missing(extension: Extension, state: State) -> list[str]:
    """The chosen databases without it."""
    chosen = extension.chosen(state.open)
    return [name for name in chosen if extension.name not in state.databases[name].extensions]


def _is_waiting(extension: Extension, state: State) -> bool:
    """Whether a library has to be loaded first."""
    return extension.library is not None and extension.library not in state.loaded


def _waiting(extension: Extension) -> dict[str, t.Any]:
    return {"extension": extension.name, "library": extension.library}


def _lacks_role(extension: Extension, state: State) -> bool:
    return extension.role is not None and extension.role not in state.roles


def _schema(extension: Extension, database: str, state: State) -> str | None:
    """The schema to make it in; None where the extension decides itself."""
    found = state.available.get(extension.name)
    if found is None:
        raise InputError(
            option=f"{extension.option}.name",
            value=extension.name,
            expected="an extension whose files the server has; install its package first",
        )
    if found.schema is not None:
        return None
    if extension.schema not in state.databases[database].schemas:
        raise InputError(
            option=f"{extension.option}.schema",
            value=extension.schema,
            expected=f"a schema that is there, and the database {Identifier(database)} has none of this name",
        )
    return extension.schema


def _check_databases(extension: Extension, state: State) -> None:
    for index, name in enumerate(extension.databases):
        if name == ALL or name in state.open:
            continue
        expected = "one that accepts connections" if name in state.closed else f"one of {', '.join(state.open)}"
        raise InputError(
            option=f"{extension.option}.databases[{index}]",
            value=name,
            expected=f"{expected}, or {ALL} for all of them",
        )
    for name in extension.chosen(state.open):
        if state.databases[name].problem:
            raise InputError(
                option=f"{extension.option}.databases",
                value=name,
                expected=f"a database that this run can look into: {state.databases[name].problem}",
            )


def _check_role(extension: Extension, state: State) -> None:
    if extension.role is not None and state.roles.get(extension.role):
        raise InputError(
            option=f"{extension.option}.role",
            value=extension.role,
            expected="a role that cannot log in, or one that does not exist yet",
        )


def _subject(extension: Extension, database: str) -> str:
    return f"extension {Identifier(extension.name)} in database {Identifier(database)}"


def _role_subject(role: str | None) -> str:
    return f"role {Identifier(role or '')}"
