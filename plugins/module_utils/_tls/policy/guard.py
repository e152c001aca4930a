# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No plan leads to ciphers that the server does not know or its certificate does not fit; private to the collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import CertificateReplaced
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ParameterBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy import judgement
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.asking import ask
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.judgement import Coming
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.judgement import Library

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["State", "judge", "observe"]

_LIVE = """
SELECT s.name, s.setting FROM pg_catalog.pg_settings s
WHERE s.name LIKE 'ssl%'
ORDER BY s.name"""


@dataclasses.dataclass(frozen=True)
class State:
    """What is to come, and what OpenSSL says of it."""

    coming: Coming
    library: Library


def observe(server: Server, plan: Plan) -> State:
    """The values that parameters will have, the key of the certificate, and what the server's library makes of them."""
    becomes = {effect.name: effect.value for effect in plan.effects() if isinstance(effect, ParameterBecomes)}
    values = {**{row["name"]: row["setting"] for row in server.session.rows(_LIVE)}, **becomes}
    coming = Coming(
        values=values,
        touched=frozenset(becomes),
        key=_key(server, plan, values.get("ssl_cert_file", "")),
        certificate_touched=any(isinstance(effect, CertificateReplaced) for effect in plan.effects()),
    )
    return State(coming, ask(server, judgement.question(coming)))


def judge(state: State) -> Planned:
    """Refuse or warn."""
    return Planned(warnings=tuple(judgement.warnings(state.coming, state.library)))


def _key(server: Server, plan: Plan, path: str) -> str:
    """Kind and size of the key of the certificate at a path, as the plan leaves it; empty when it cannot be told."""
    if not path or not server.has_files:
        return ""
    path = os.path.join(server.cluster.data_directory, path)
    for step in plan.steps:
        operation = step.operation
        if isinstance(operation, WriteFile) and operation.path == path:
            request = getattr(operation, "request", None)  # its key is made when the plan has passed
            return str(request.key) if request is not None else _key_in(operation.after)
    try:
        found = server.read(path)
    except RampartError:
        return ""
    return _key_in(found.content if found else None)


def _key_in(content: bytes | None) -> str:
    contents = pem.read(content) if content and pem.AVAILABLE else None
    return contents.certificate.key if contents and contents.certificate else ""
