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
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ClientTrustBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import ParameterBecomes
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Plan
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import Planned
from ansible_collections.rampart.postgresql.plugins.module_utils._plan import WriteFile
from ansible_collections.rampart.postgresql.plugins.module_utils._tls import pem
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.certificate import Request
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy import judgement
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.asking import ask
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.judgement import Coming
from ansible_collections.rampart.postgresql.plugins.module_utils._tls.policy.judgement import Library

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["State", "judge", "observe"]

_LIVE = """
SELECT s.name,
       CASE WHEN s.name = 'ssl_passphrase_command' AND s.setting <> '' THEN 'hidden' ELSE s.setting END AS setting
FROM pg_catalog.pg_settings s
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
    command = values.pop("ssl_passphrase_command", "")  # which may hold the passphrase itself
    certificate, key = (_coming(server, plan, values.get(f"ssl_{name}_file", "")) for name in ("cert", "key"))
    coming = Coming(
        values=values,
        touched=frozenset(becomes),
        key=str(certificate.request.key) if certificate.request else _key_in(certificate.content),
        certificate_touched=any(isinstance(effect, CertificateReplaced) for effect in plan.effects()),
        trust=next((effect.path for effect in plan.effects() if isinstance(effect, ClientTrustBecomes)), ""),
        only_at_start=_is_protected(key.content)
        and not (command and values.get("ssl_passphrase_command_supports_reload") == "on"),
    )
    return State(coming, ask(server, judgement.question(coming)))


def judge(state: State) -> Planned:
    """Refuse or warn."""
    return Planned(warnings=tuple(judgement.warnings(state.coming, state.library)))


@dataclasses.dataclass(frozen=True)
class _File:
    """A file as the plan leaves it, or what it is going to be made from."""

    content: bytes | None = dataclasses.field(default=None, repr=False)
    request: Request | None = None


def _coming(server: Server, plan: Plan, path: str) -> _File:
    if not path or not server.has_files:
        return _File()
    path = os.path.join(server.cluster.data_directory, path)
    for step in plan.steps:
        operation = step.operation
        if isinstance(operation, WriteFile) and operation.path == path:
            # what is made up later has no content yet
            return _File(operation.after or None, getattr(operation, "request", None))
    try:
        found = server.read(path)
    except RampartError:
        return _File()
    return _File(found.content if found else None)


def _key_in(content: bytes | None) -> str:
    """Kind and size of the key of a certificate; empty when it cannot be told."""
    contents = pem.read(content) if content and pem.AVAILABLE else None
    return contents.certificate.key if contents and contents.certificate else ""


def _is_protected(content: bytes | None) -> bool:
    """Whether the private key in a file has a passphrase."""
    return any(b"ENCRYPTED" in block for block in pem.blocks(content or b"", label=b"PRIVATE KEY")[:1])
