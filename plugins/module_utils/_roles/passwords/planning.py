# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passwords that are not what the operator says are set, already hashed; pure, private to the collection."""

from __future__ import annotations

import base64
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import InputError
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import Unsupported
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Effect
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RoleBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import RunSql
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Step
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.desired import Password
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.part import Part
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords.state import QUIET
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords.state import Passwords
from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords.state import Stored
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import DottedName
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Identifier
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Literal
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import Secret
from ansible_collections.rampart.postgresql.plugins.module_utils._server.sql import compose

__all__ = ["planned"]

_MOST_ITERATIONS = 2_000_000  # about a second; a role can give itself a verifier that takes a quarter of an hour


def planned(
    component: str,
    wanted: t.Sequence[Password],
    passwords: Passwords | None,
    iterations: int | None,
    option: str = "passwords",
) -> Part:
    """What is to do about passwords; ``iterations`` is what scram_iterations is going to be."""
    if not wanted:
        return Part()
    if passwords is None:
        raise Unsupported("only a superuser may see whether a password is the right one, so nothing was done")
    from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords import (
        verifiers,  # what runs without passwords need not pay for
    )

    count = iterations or passwords.iterations or verifiers.DEFAULT_ITERATIONS
    steps: list[Step] = []
    effects: list[Effect] = []
    for password in wanted:
        stored = passwords.stored.get(password.role)
        if stored is None:
            continue
        is_same = _is_same(stored, password, max(count, _MOST_ITERATIONS))
        # Fewer iterations than the server makes now are not enough.
        if is_same and stored.kind == "scram-sha-256" and (stored.iterations or 0) >= count:
            continue
        if stored.name == passwords.own and not is_same:
            raise InputError(
                option=option,
                value=stored.name,
                expected="a role other than the login of this run, which would not get in again with the password that it"
                " is given: log in through the server's socket, or as another superuser",
            )
        verifier = verifiers.scram_verifier(password.secret, passwords.salts[password.role], count)
        steps.append(_step(component, stored, verifier, count))
        effects += [
            RoleBecomes(password.role, "verifier", "scram-sha-256"),
            RoleBecomes(password.role, "password", "kept" if is_same else "renewed"),
        ]
    if steps and passwords.refuses_verifiers:
        raise Unsupported(
            "credcheck refuses passwords that arrive hashed, and this module sends no others, so nothing was sent:"
            f" set credcheck.encrypted_password_allowed, or set the password of {', '.join(s.subject for s in steps)}"
            " by other means"
        )
    quiet = [_quiet(component, name) for name in passwords.settings] if steps else []
    return Part(steps=(*quiet, *steps), effects=tuple(effects))


def _is_same(stored: Stored, password: Password, most: int) -> bool:
    """Whether it is the password of today, as far as ``most`` iterations tell."""
    from ansible_collections.rampart.postgresql.plugins.module_utils._roles.passwords import verifiers

    if stored.kind == "md5":
        return verifiers.digest(verifiers.md5_verifier(password.secret, stored.name)) == stored.digest
    iterations = stored.iterations or 0
    if stored.kind != "scram-sha-256" or not stored.salt or not 1 <= iterations <= most:
        return False
    verifier = verifiers.scram_verifier(password.secret, base64.b64decode(stored.salt), iterations)
    return verifiers.digest(verifier) == stored.digest


def _step(component: str, stored: Stored, verifier: str, iterations: int) -> Step:
    role = Identifier(stored.name)
    return Step(
        component=component,
        subject=f"role {role}",
        description="set the password",
        before=_line(stored.kind, stored.iterations),
        after=_line("scram-sha-256", iterations),
        operation=RunSql(
            statement=Secret(compose("ALTER ROLE {role} PASSWORD {verifier}", role=role, verifier=Literal(verifier))),
            undo="",
        ),
        statement=f"\\password {role}",
    )


def _line(kind: str, iterations: int | None) -> str:
    return f"verifier: {kind}" + (f", {iterations} iterations" if iterations else "")


def _quiet(component: str, name: str) -> Step:
    statement = compose("SET LOCAL {name} = {value}", name=DottedName(name), value=Literal(QUIET[name]))
    operation = RunSql(statement=statement, undo="")
    return Step(component, f"parameter {name}", "log no statement", "", QUIET[name], operation, told=False)
