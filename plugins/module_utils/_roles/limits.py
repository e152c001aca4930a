# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LOGIN, CONNECTION LIMIT and VALID UNTIL of roles that the operator names; private to the collection."""

from __future__ import annotations

import datetime
import math
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Effect
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleLoses
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import Values
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import BOOTSTRAP_OID
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import Role
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.state import State
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Integer
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literal
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Part
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

__all__ = ["becoming", "effects", "steps"]

_EPOCH = datetime.datetime(1970, 1, 1)
_DAY = 86_400_000_000  # microseconds
_JULIAN_DAY = 2_440_588  # of the epoch


def becoming(state: State, values: t.Iterable[Values]) -> list[tuple[Role, Role]]:
    """Roles that are not as they should be, and what they become."""
    present = {role.name: role for role in state.roles}
    found = []
    for wanted in values:
        role = present.get(wanted.role)
        if role is None:
            continue
        if role.oid == BOOTSTRAP_OID or role.name == state.login:
            who = "the bootstrap superuser" if role.oid == BOOTSTRAP_OID else "the login of this run"
            raise InputError(option=wanted.option, value=wanted.role, expected=f"a role that is not {who}")
        changed = _with(role, wanted)
        if changed != role:
            found.append((role, changed))
    return found


def _with(role: Role, wanted: Values) -> Role:
    until = role.valid_until if wanted.valid_until is None else wanted.valid_until
    return role.with_values(
        login=role.login if wanted.login is None else wanted.login,
        connection_limit=role.connection_limit if wanted.connection_limit is None else wanted.connection_limit,
        valid_until=until,
    )


def steps(component: str, changes: t.Iterable[tuple[Role, Role]]) -> list[Step]:
    """One statement for each role."""
    found = []
    for now, then in changes:
        statement = _alter(now, then)
        found.append(
            Step(
                component=component,
                subject=f"role {Identifier(now.name)}",
                description="set " + " ".join(_words(now, then)),
                before=" ".join(_words(then, now)),
                after=" ".join(_words(now, then)),
                operation=RunSql(statement=statement, undo=_alter(then, now)),
                statement=statement,
            )
        )
    return found


def effects(changes: t.Iterable[tuple[Role, Role]]) -> list[Effect]:
    """What they mean for who gets in."""
    found: list[Effect] = []
    for now, then in changes:
        if now.login and not then.login:
            found.append(RoleLoses(now.name, "LOGIN"))
        elif then.login != now.login:
            found.append(RoleBecomes(now.name, "login", then.login))
        if then.connection_limit != now.connection_limit:
            found.append(RoleBecomes(now.name, "connection_limit", then.connection_limit))
        if then.valid_until != now.valid_until:
            until = None if then.valid_until == math.inf else then.valid_until
            found.append(RoleBecomes(now.name, "valid_until", until))
    return found


def _alter(start: Role, end: Role) -> str:
    words, parts = [], {}
    for number, (template, part) in enumerate(_clauses(start, end)):
        words.append(template.replace("{}", f"{{v{number}}}"))
        if part is not None:
            parts[f"v{number}"] = part
    return compose("ALTER ROLE {role} " + " ".join(words), role=Identifier(start.name), **parts)


def _words(start: Role, end: Role) -> list[str]:
    return [template.replace("{}", str(part)) for template, part in _clauses(start, end)]


def _clauses(start: Role, end: Role) -> t.Iterator[tuple[str, Part | None]]:
    if start.login != end.login:
        yield ("LOGIN" if end.login else "NOLOGIN"), None
    if start.connection_limit != end.connection_limit:
        yield "CONNECTION LIMIT {}", Integer(end.connection_limit)
    if start.valid_until != end.valid_until:
        yield "VALID UNTIL {}", Literal(_time(end.valid_until))


def _time(seconds: float) -> str:
    if math.isinf(seconds):
        return "infinity" if seconds > 0 else "-infinity"
    days, rest = divmod(round(seconds * 1_000_000), _DAY)
    try:
        moment = _EPOCH + datetime.timedelta(days, microseconds=rest)
    except OverflowError:  # Python knows the years 1 to 9999 only, and the server takes a Julian day too
        moment = _EPOCH + datetime.timedelta(microseconds=rest)
        return f"J{_JULIAN_DAY + days} {moment.time()}+00"
    return f"{moment}+00"
