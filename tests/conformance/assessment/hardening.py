"""A server that is hardened as the roles would do it, and each step of that, to be taken back by itself."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import typing as t

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.filter.core import combine

from ansible_collections.rampart.postgresql.plugins.module_utils._admission.arguments import guards
from ansible_collections.rampart.postgresql.plugins.module_utils._converge import converge
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._server.apply import Changes
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server as OpenedServer
from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Options
from ansible_collections.rampart.postgresql.plugins.module_utils._settings import dropin
from ansible_collections.rampart.postgresql.plugins.modules import cluster
from ansible_collections.rampart.postgresql.tests.role_variables import COMPONENTS
from ansible_collections.rampart.postgresql.tests.role_variables import desired
from ansible_collections.rampart.postgresql.tests.role_variables import rendered

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.tests.conformance.servers import Server

__all__ = ["Undoable", "harden", "planned", "role_options", "undoable"]

Values = dict[str, t.Any]

_ROLES: t.Final = pathlib.Path(__file__).resolve().parents[3] / "roles"
_SETTINGS: t.Final = "settings"
_DROP_IN: t.Final = "zz_rampart.conf"


@dataclasses.dataclass(frozen=True)
class Undoable:
    """A step of a plan, or one line of the file that a step writes."""

    step: Step
    parameter: str = ""  # of that line

    @property
    def name(self) -> str:
        """The same on every server."""
        if self.parameter:
            return self.parameter
        if isinstance(self.step.operation, WriteFile):
            return f"{self.step.component}: {os.path.basename(self.step.operation.path)}"
        return f"{self.step.component}: {self.step.subject}: {self.step.description}"

    @property
    def includes(self) -> bool:
        """Whether it has the server read the file that all lines are in."""
        return not self.parameter and self.step.component == _SETTINGS

    def undo(self, server: Server) -> None:
        """Put back what was there before, as a run that fails does."""
        with _opened(server) as opened:
            told = Changes(opened, [self.step]).undo()
        if any(line.startswith("NOT") or "could not" in line for line in told):
            raise RuntimeError(f"{self.name}: {told}")

    def redo(self, server: Server) -> None:
        """Make the step once more."""
        with _opened(server) as opened:
            Changes(opened).make([self.step])
            if self.step.reload:
                opened.reload()


def role_options(role: str) -> Values:
    """The argument specification of a role."""
    text = (_ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    found: Values = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    return found


def harden(server: Server, options: t.Mapping[str, t.Any]) -> list[Step]:
    """Harden, restart, and go on with what waited for it; the steps that were made."""
    first = _converged(server, options, check_mode=False)
    server.restart()
    return [*first, *_converged(server, options, check_mode=False)]


def planned(server: Server, options: t.Mapping[str, t.Any]) -> list[Step]:
    """The steps that would be made."""
    return _converged(server, options, check_mode=True)


def undoable(steps: t.Sequence[Step]) -> list[Undoable]:
    """Each of them, and for the file with parameters each line that it has now and had not before."""
    ours = [step for step in steps if _writes_parameters(step)]
    return [*_lines(ours), *(Undoable(step) for step in steps if step not in ours)]


def _lines(steps: t.Sequence[Step]) -> t.Iterator[Undoable]:
    if not steps:
        return
    before, after = _written(steps[0]).before, _written(steps[-1]).after or b""
    earlier = {(section, name) for section, values in _sections(before or b"").items() for name in values}
    sections = _sections(after)
    for section, values in sections.items():
        for name in values:
            if (section, name) not in earlier:
                yield Undoable(_without(steps[-1], sections, section, name), name)


def _without(step: Step, sections: dropin.Sections, section: str, name: str) -> Step:
    left = {
        each: {key: text for key, text in values.items() if (each, key) != (section, name)}
        for each, values in sections.items()
    }
    operation = dataclasses.replace(_written(step), before=dropin.render(left).encode())
    return dataclasses.replace(step, operation=operation)


def _writes_parameters(step: Step) -> bool:
    operation = step.operation
    return isinstance(operation, WriteFile) and os.path.basename(operation.path) == _DROP_IN


def _written(step: Step) -> WriteFile:
    return t.cast("WriteFile", step.operation)


def _sections(content: bytes) -> dict[str, dict[str, str]]:
    return dropin.parse(content.decode())


def _converged(server: Server, options: t.Mapping[str, t.Any], *, check_mode: bool) -> list[Step]:
    given = {"cluster": str(server.data_directory), **_arguments(options)}
    validated = ArgumentSpecValidator(cluster.ARGUMENTS).validate(given)
    if validated.error_messages:
        raise RuntimeError(str(validated.error_messages))
    values = validated.validated_parameters
    with _opened(server) as opened:
        components = cluster.build(values, check_mode=check_mode)
        outcome = converge(server=opened, components=components, guards=guards(values), check_mode=check_mode)
    return list(outcome.plan.steps)


def _arguments(options: t.Mapping[str, t.Any]) -> Values:
    """What pg_harden makes of options of roles: its own template for the module's arguments asks Ansible for variables."""
    parts = [desired(role, **options) for role in COMPONENTS]
    overrides = {_SETTINGS: {"overrides": rendered("pg_harden", "{{ pg_harden_overrides }}")}}
    merged: Values = combine(*parts, overrides, recursive=True, list_merge="append")
    return {name: value for name, value in merged.items() if name in cluster.COMPONENTS}


def _opened(server: Server) -> t.ContextManager[OpenedServer]:
    return OpenedServer.open(Options(cluster=str(server.data_directory), rehearse=False))
