# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making the steps of a plan, and taking them back; private to the collection."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import ConcurrentRun
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ChangeMode
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import MakeDirectory
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["Changes"]


class Changes:
    """What one run has changed so far; ``made`` is what of it was made before."""

    def __init__(self, server: Server, made: t.Sequence[Step] = ()) -> None:
        self._server = server
        self._made: list[Step] = list(made)

    def check(self, steps: t.Sequence[Step]) -> None:
        """Raise what making these steps would meet, as far as that can be told without writing."""
        for step in steps:
            operation = step.operation
            if isinstance(operation, WriteFile):
                self._server.check_writable(operation.path, parents=operation.parents, by_root=operation.by_root)

    def make(self, steps: t.Sequence[Step]) -> None:
        """Apply steps in their order; statements of one component and database that follow each other share a transaction."""
        for group, members in itertools.groupby(steps, key=_group):
            batch = list(members)
            if group is None:
                for step in batch:
                    self._write(step)
            else:
                self._run(batch)

    def undo(self) -> list[str]:
        """Take back what was made, the last first; says what was taken back and what could not be."""
        report = []
        for step in reversed(self._made):
            try:
                self._take_back(step)
            except RampartError as error:
                report.append(f"NOT taken back: {step.subject}: {error}")
            else:
                if step.told or not isinstance(step.operation, RunSql):
                    report.append(f"{_said(step)}: {step.subject}: {step.description}")
        if any(step.reload for step in self._made):
            report.append(self._reload())
        self._made.clear()
        return report

    def _write(self, step: Step) -> None:
        operation = step.operation
        if isinstance(operation, ChangeMode):
            self._server.change_mode(operation.path, operation.before, operation.after)
        elif isinstance(operation, MakeDirectory):
            self._server.make_directory(operation.path, operation.mode, owned=operation.owned)
        if not isinstance(operation, WriteFile):
            self._made.append(step)
            return
        found = self._server.read(operation.path, by_root=operation.by_root)
        if (found.content if found else None) != operation.before:
            raise ConcurrentRun(f"{operation.path} was changed by somebody else while this run was planning")
        if found is not None and operation.remembered:
            self._server.history.add(found)
        self._server.write(
            operation.path,
            operation.after,
            mode=operation.mode,
            parents=operation.parents,
            by_root=operation.by_root,
        )
        self._made.append(step)

    def _run(self, steps: list[Step]) -> None:
        first = _sql(steps[0])
        with self._server.session_in(first.database) as session:
            if first.alone:
                for step in steps:
                    session.statement(_sql(step).statement)
                    self._made.append(step)
                return
            session.transaction([_sql(step).statement for step in steps])
        self._made.extend(steps)

    def _take_back(self, step: Step) -> None:
        operation = step.operation
        if isinstance(operation, WriteFile):
            self._server.write(operation.path, operation.before, by_root=operation.by_root)
        elif isinstance(operation, ChangeMode):
            self._server.change_mode(operation.path, operation.after, operation.before)
        elif isinstance(operation, MakeDirectory):
            self._server.remove_directory(operation.path)
        elif isinstance(operation, RunSql) and operation.undo:
            with self._server.session_in(operation.database) as session:
                if operation.alone:
                    session.statement(operation.undo)
                else:
                    session.transaction([operation.undo])

    def _reload(self) -> str:
        try:
            self._server.reload()
        except RampartError as error:
            return f"the server could not be told to reload: {error}"
        return "the server has loaded what it had before"


def _group(step: Step) -> tuple[str, str, bool] | None:
    operation = step.operation
    return (step.component, operation.database, operation.alone) if isinstance(operation, RunSql) else None


def _said(step: Step) -> str:
    final = isinstance(step.operation, RunSql) and not step.operation.undo
    return "NOT taken back, as it cannot be" if final else "taken back"


def _sql(step: Step) -> RunSql:
    if not isinstance(step.operation, RunSql):
        raise TypeError(f"not a statement: {step.subject}")
    return step.operation
