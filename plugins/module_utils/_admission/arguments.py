# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of admission and the guard that they ask for; documented in plugins/doc_fragments/admission.py; private."""

from __future__ import annotations

import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._plan import CertificateReplaced
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ClientTrustBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Effect
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ParameterBecomes

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._admission.guard import Admission
    from ansible_collections.rampart.postgresql.plugins.module_utils._admission.observe import State
    from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
    from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server
    from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy import guard as policy

__all__ = ["ADMISSION_ARGUMENTS", "SESSIONS", "guards"]

SESSIONS: t.Final = ("report", "terminate")
_OF_TLS: t.Final = "ssl"  # how the names of its parameters begin

ADMISSION_ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "must_admit": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str"},
            "user": {"type": "str", "required": True},
            "database": {"type": "str"},
            "address": {"type": "str"},
            "tls": {"type": "bool", "default": False},
            "gss": {"type": "bool", "default": False},
            "replication": {"type": "bool", "default": False},
            "certificate": {"type": "str"},
            "system_user": {"type": "str"},
        },
    },
    "accept_unproven": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"user": {"type": "str"}, "database": {"type": "str"}, "address": {"type": "str"}},
    },
    "allow_lockout": {"type": "bool", "default": False},
    "sessions": {"type": "str", "choices": list(SESSIONS), "default": "report"},
}


def guards(values: t.Mapping[str, t.Any]) -> tuple[LatePolicy, Late]:
    """Validate the options and make the guard of them; before it stands the one that knows OpenSSL."""
    return (LatePolicy(), Late(values))


class Late:
    """The guard, imported when it is needed: most runs change nothing, and that takes less time than the import."""

    name = "admission"

    def __init__(self, values: t.Mapping[str, t.Any]) -> None:
        self._values = values
        self._guard: Admission | None = None
        given = [values.get(name) for name in ("must_admit", "accept_unproven")]
        self._demanding = any(given) or (values.get("sessions") or SESSIONS[0]) != SESSIONS[0]
        if self._demanding:
            self.guard()  # says what is wrong with the options

    def guard(self) -> Admission:
        """The guard itself."""
        if self._guard is None:
            from ansible_collections.rampart.postgresql.plugins.module_utils._admission.building import build

            self._guard = build(self._values)
        return self._guard

    def concerned(self, plan: Plan) -> bool:
        """Whether the plan, or the operator, says something about who gets in."""
        says_something = self._demanding or plan.changed or bool(plan.effects())
        return says_something and self.guard().concerned(plan)

    def observe(self, server: Server, plan: Plan) -> State:
        """The world before and after, and everybody who is in."""
        return self.guard().observe(server, plan)

    def judge(self, state: State, plan: Plan) -> Planned:
        """Refuse, warn, or end what is no longer admitted."""
        return self.guard().judge(state, plan)


class LatePolicy:
    """The guard over versions, ciphers and groups of TLS, imported when the plan says something about them."""

    name = "tls"

    def concerned(self, plan: Plan) -> bool:
        """Whether parameters of TLS, the certificate, or the trust in those of clients change."""
        return plan.changed and any(map(_is_of_tls, plan.effects()))

    def observe(self, server: Server, plan: Plan) -> policy.State:
        """What is to come, and what OpenSSL says of it."""
        from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.guard import observe

        return observe(server, plan)

    def judge(self, state: policy.State, plan: Plan) -> Planned:
        """Refuse or warn."""
        from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.guard import judge

        return judge(state)


def _is_of_tls(effect: Effect) -> bool:
    if isinstance(effect, ParameterBecomes):
        return effect.name.startswith(_OF_TLS)
    return isinstance(effect, (CertificateReplaced, ClientTrustBecomes))
