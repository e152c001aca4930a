# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps and plans: what a run would do, as pure data; private to the collection.

One plan feeds ``changed``, the diff, the returned steps and the apply loop.
"""

from __future__ import annotations

import dataclasses
import typing as t

__all__ = [
    "CertificateReplaced",
    "ChangeMode",
    "ClientTrust",
    "ClientTrustBecomes",
    "ConnectBecomes",
    "Consequence",
    "Effect",
    "ExpectedParameter",
    "LeftAlone",
    "MakeDirectory",
    "MembershipBecomes",
    "Operation",
    "Overridden",
    "ParameterBecomes",
    "PendingRestart",
    "Plan",
    "Planned",
    "Question",
    "Reload",
    "Review",
    "RoleBecomes",
    "RoleLoses",
    "RunSql",
    "Step",
    "WriteFile",
]


@dataclasses.dataclass(frozen=True)
class WriteFile:
    """Replace, create (``before`` is None) or remove (``after`` is None) one file."""

    path: str
    before: bytes | None = dataclasses.field(repr=False)  # may hold a private key
    after: bytes | None = dataclasses.field(repr=False)
    mode: int | None = None  # of the resulting file; None keeps what is there (0600 for a new file)
    parents: bool = False  # create the missing last directory of the path, mode 0700
    by_root: bool = False  # no file of the cluster, but of the host: written as root
    remembered: bool = True  # the version before is kept outside the data directory


@dataclasses.dataclass(frozen=True)
class ChangeMode:
    """Another mode for a file or a directory of the cluster's owner."""

    path: str
    before: int
    after: int


@dataclasses.dataclass(frozen=True)
class MakeDirectory:
    """A new directory of the host, below directories of root's; root's own or the cluster owner's."""

    path: str
    mode: int
    owned: bool  # by the owner of the cluster


@dataclasses.dataclass(frozen=True)
class RunSql:
    """One statement; consecutive ones of a component and database run in one transaction."""

    statement: str
    undo: str  # empty: cannot be undone
    database: str = ""  # empty: the one that the run is in
    alone: bool = False  # the server refuses it inside a transaction


@dataclasses.dataclass(frozen=True)
class Reload:
    """Nothing to write: what lies on disk is not what the server has loaded."""


Operation = t.Union[WriteFile, ChangeMode, MakeDirectory, RunSql, Reload]


@dataclasses.dataclass(frozen=True)
class Step:
    """One change. ``before`` and ``after`` are text for people and never hold a secret."""

    component: str
    subject: str  # header of the diff: a path, ``role "app"``
    description: str
    before: str
    after: str
    operation: Operation
    statement: str = ""  # what an operator would type for the same effect
    reload: bool = False  # takes effect with a reload of the server
    late: bool = False  # made only after that reload
    told: bool = True  # nobody needs to hear of what only tidies up after another step

    def result(self) -> dict[str, str]:
        """The step as returned to the playbook."""
        return {
            "component": self.component,
            "subject": self.subject,
            "description": self.description,
            "statement": self.statement,
            "before": self.before,
            "after": self.after,
        }


@dataclasses.dataclass(frozen=True)
class LeftAlone:
    """Something that was seen and deliberately not changed."""

    component: str
    subject: str
    reason: str


@dataclasses.dataclass(frozen=True)
class PendingRestart:
    """A parameter whose configured value waits for a restart of the server."""

    parameter: str
    running: str
    configured: str


@dataclasses.dataclass(frozen=True)
class Overridden:
    """A desired value that a stronger place defeats; ``source`` is file and line, role, database or command line."""

    parameter: str
    desired: str
    value: str
    source: str


@dataclasses.dataclass(frozen=True)
class Consequence:
    """What steps mean for people; stands in the diff before the texts that change."""

    subject: str
    before: str
    after: str


@dataclasses.dataclass(frozen=True)
class RoleLoses:
    """An attribute that steps take from a role, as ALTER ROLE names it."""

    role: str
    attribute: str


@dataclasses.dataclass(frozen=True)
class RoleBecomes:
    """What steps give a role of what may keep it out, under the name that admission has for it."""

    role: str
    field: str  # connection_limit, valid_until (seconds since the epoch, None for ever), verifier
    value: t.Any


@dataclasses.dataclass(frozen=True)
class MembershipBecomes:
    """What steps make of a membership: gone (None), or whether privileges come with it."""

    member: str
    role: str
    inherits: bool | None


@dataclasses.dataclass(frozen=True)
class ParameterBecomes:
    """The value that steps give a parameter, as pg_settings would show it after a reload or restart."""

    name: str
    value: str


@dataclasses.dataclass(frozen=True)
class CertificateReplaced:
    """The server shows another certificate than the one that its clients may know."""

    path: str


@dataclasses.dataclass(frozen=True)
class ClientTrust:
    """Which certificates of clients a server believes. Names are spelled as pg_stat_ssl does, but whole."""

    roots: frozenset[tuple[str, str]]  # name, and what tells one key from another
    intermediates: frozenset[tuple[str, str]] = frozenset()  # those that clients need not send
    listed: frozenset[str] | None = None  # authorities of which there is a revocation list; None: none is looked for
    more_lists: bool = False  # whether there may be others that are not known
    revoked: frozenset[tuple[str, int]] = frozenset()  # name of the authority, and serial number


@dataclasses.dataclass(frozen=True)
class ClientTrustBecomes:
    """The server believes other certificates of clients than today; ``before`` is None when that is not known."""

    path: str
    before: ClientTrust | None
    after: ClientTrust


@dataclasses.dataclass(frozen=True)
class ConnectBecomes:
    """Who owns a database afterwards, and who has CONNECT; PUBLIC has no name."""

    database: str
    owner: str
    grantees: frozenset[str]


Effect = t.Union[
    RoleLoses,
    RoleBecomes,
    MembershipBecomes,
    ParameterBecomes,
    CertificateReplaced,
    ClientTrustBecomes,
    ConnectBecomes,
]
"""What steps mean for the server where their text does not say it: for guards to read."""


@dataclasses.dataclass(frozen=True)
class Question:
    """What only the controller can answer: the run makes these steps and ends, and another one brings the answer."""

    steps: tuple[Step, ...]
    facts: t.Mapping[str, t.Any]  # what it returns


@dataclasses.dataclass(frozen=True)
class ExpectedParameter:
    """A name that a library must define once it is loaded; ``option`` is where the operator gave it."""

    option: str
    name: str
    library: str = ""  # one that is loaded only when a session needs it


class Review(t.Protocol):
    """What is to say about the state that a plan leads to, worked out only when it is asked for: it may take long."""

    def findings(self) -> t.Sequence[str]:
        """What is unwise in it."""

    def standing(self) -> t.Mapping[str, t.Any]:
        """Return values about it."""


@dataclasses.dataclass(frozen=True)
class Planned:
    """What one component makes of what it observed."""

    steps: tuple[Step, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()
    restart_required: tuple[PendingRestart, ...] = ()
    overridden_by: tuple[Overridden, ...] = ()
    warnings: tuple[str, ...] = ()  # about what the steps do
    findings: tuple[str, ...] = ()  # about what is there; looked for anew after a change
    consequences: tuple[Consequence, ...] = ()
    effects: tuple[Effect, ...] = ()
    expected: tuple[ExpectedParameter, ...] = ()  # the rehearsal asks for them
    foreseen: t.Mapping[str, bytes] = dataclasses.field(
        default_factory=dict
    )  # files as statements make the server write them
    facts: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)  # more return values of the module
    standing: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)  # the same; read anew after a change
    review: Review | None = None  # more findings, and more that stands
    question: Question | None = None  # instead of the steps, except in check mode


@dataclasses.dataclass(frozen=True)
class Plan:
    """The plans of all components, in the order in which they are safe to apply."""

    parts: tuple[Planned, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in order."""
        return tuple(step for part in self.parts for step in part.steps)

    @property
    def changed(self) -> bool:
        """Whether applying would change anything."""
        return bool(self.steps)

    @property
    def needs_reload(self) -> bool:
        """Whether a reload must follow."""
        return any(step.reload for step in self.steps)

    @property
    def question(self) -> Question | None:
        """What has to be answered before anything is done."""
        return next((part.question for part in self.parts if part.question), None)

    def joined(self, part: Planned) -> Plan:
        """The plan and one part more, which comes last."""
        return Plan((*self.parts, part))

    def files(self) -> dict[str, bytes | None]:
        """The cluster's files as they will be: path to content, None for a removed one."""
        writing = (step.operation for step in self.steps if isinstance(step.operation, WriteFile))
        found = {operation.path: operation.after for operation in writing if not operation.by_root}
        for part in self.parts:
            found.update(part.foreseen)
        return found

    def effects(self) -> list[Effect]:
        """What the steps mean for roles and parameters."""
        return [effect for part in self.parts for effect in part.effects]

    def standing(self) -> dict[str, t.Any]:
        """Return values about the state that this plan was made from."""
        found: dict[str, t.Any] = {}
        for part in self.parts:
            found.update(part.standing)
            found.update(part.review.standing() if part.review else {})
        return found

    def expected(self) -> list[ExpectedParameter]:
        """Parameters that must exist once the libraries of the plan are loaded."""
        return [expected for part in self.parts for expected in part.expected]

    def findings(self) -> list[str]:
        """What is unwise in the state that this plan was made from."""
        return [
            finding
            for part in self.parts
            for finding in (*part.findings, *(part.review.findings() if part.review else ()))
        ]

    def diff(self) -> list[dict[str, str]]:
        """Ansible's diff: what the steps mean, then one entry for each step."""
        return [
            {
                "before_header": f"{meant.subject} (now)",
                "after_header": f"{meant.subject} (then)",
                "before": _text(meant.before),
                "after": _text(meant.after),
            }
            for part in self.parts
            for meant in part.consequences
        ] + [
            {
                "before_header": f"{step.subject} (now)",
                "after_header": f"{step.subject} ({step.description})",
                "before": _text(step.before),
                "after": _text(step.after),
            }
            for step in self.steps
            if step.told
        ]

    def result(self, after: Plan | None = None) -> dict[str, t.Any]:
        """The plan as return values of a module; ``after`` is the plan for what is there once it is applied."""
        now = after or self
        return {
            **{name: value for part in self.parts for name, value in part.facts.items()},
            **now.standing(),
            "changed": self.changed,
            "diff": self.diff(),
            "steps": [step.result() for step in self.steps if step.told],
            "left_alone": _dictionaries(part.left_alone for part in self.parts),
            "restart_required": _dictionaries(part.restart_required for part in now.parts),
            "overridden_by": _dictionaries(part.overridden_by for part in self.parts),
            "warnings": [warning for part in self.parts for warning in part.warnings] + now.findings(),
        }


def _dictionaries(groups: t.Iterable[tuple[t.Any, ...]]) -> list[dict[str, t.Any]]:
    return [dataclasses.asdict(item) for group in groups for item in group]


def _text(value: str) -> str:
    """A final newline, so that the diff does not complain about its absence."""
    return value if not value or value.endswith("\n") else value + "\n"
