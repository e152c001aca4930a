"""Brings components to bear on a conformance server as a module would, in this process: no interpreter to start."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import guards
from ansible_collections.rampart.postgresql.plugins.module_utils._converge import Component
from ansible_collections.rampart.postgresql.plugins.module_utils._converge import converge
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server as OpenedServer
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.tests.conformance.modules import Result

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.files import FileState
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["FileComponent", "NeverProven", "run_components"]


@dataclasses.dataclass
class FileComponent:
    """The smallest component there is: one file holds what it should."""

    content: bytes
    problem: str = ""
    path: str | None = None
    name: str = "file"
    order: int = 40
    by_root: bool = False

    def observe(self, server: OpenedServer) -> tuple[str, FileState | None]:
        path = self.path or server.paths.hba_file
        return path, server.read(path, by_root=self.by_root)

    def offers(self, state: t.Any) -> dict[str, t.Any]:
        return {}

    def plan(self, state: tuple[str, FileState | None], offered: t.Any) -> Planned:
        path, found = state
        before = found.content if found else None
        if before == self.content:
            return Planned()
        operation = WriteFile(path=path, before=before, after=self.content, by_root=self.by_root)
        return Planned(steps=(Step(self.name, path, "replace", "before", "after", operation, reload=True),))

    def prepare(self, planned: Planned, server: OpenedServer) -> Planned:
        return planned

    def unproven(self, state: t.Any) -> list[str]:
        return [self.problem] if self.problem else []


class NeverProven:
    """A component that changes nothing and denies, after every change, that it took effect: all has to be undone."""

    name = "never proven"
    order = 90

    def observe(self, server: OpenedServer) -> None:
        """Nothing to see."""

    def offers(self, state: t.Any) -> dict[str, dict[str, str]]:
        """No parameters."""
        return {}

    def plan(self, state: t.Any, offered: t.Any) -> Planned:
        """No steps."""
        return Planned()

    def prepare(self, planned: Planned, server: OpenedServer) -> Planned:
        """Nothing to make up."""
        return planned

    def unproven(self, state: t.Any) -> list[str]:
        """The denial."""
        return ["not in force"]


def run_components(
    server: Server,
    build: t.Callable[[], t.Sequence[Component]],
    *,
    check: bool = False,
    user: str | None = None,
    rehearse: bool = True,
    **demands: t.Any,
) -> Result:
    """What a module made of these components would return; a refusal as fail_json would give it.

    A rehearsal takes seconds: tests that are about something else go without it. ``demands`` are options of admission.
    """
    try:
        lockout = bool(demands.get("allow_lockout"))
        options = Options(cluster=str(server.data_directory), user=user, rehearse=rehearse, allow_lockout=lockout)
        with OpenedServer.open(options) as opened:
            outcome = converge(server=opened, components=build(), guards=guards(demands), check_mode=check)
            values = outcome.result()
    except RampartError as error:
        values = {"failed": True, "msg": str(error), **error.details}
    return Result(values=values, output=str(values))
