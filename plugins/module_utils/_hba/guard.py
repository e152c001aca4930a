# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Would this run's own connection still be admitted? Private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._hba.dialects import Dialect
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import Attempt
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.matching import deciding
from ansible_collections.rampart.postgresql.plugins.module_utils._hba.records import Record

__all__ = ["Connection", "Refused", "refusal"]

_WITH_PASSWORD = frozenset(("scram-sha-256", "md5", "password", "ldap", "radius", "pam"))


@dataclasses.dataclass(frozen=True)
class Connection:
    """The connection of this run and what it can show."""

    attempt: Attempt
    account: str | None = None  # operating system account at our end of the socket
    password: bool = False
    certificate: bool = False

    def __str__(self) -> str:
        way = (
            "the socket" if self.attempt.address is None else "TCP with TLS" if self.attempt.tls else "TCP without TLS"
        )
        return f"user {self.attempt.user}, database {self.attempt.database}, through {way}"


class Refused(t.NamedTuple):
    """Which record says no (None: no record matches) and why."""

    record: Record | None
    reason: str


def refusal(
    candidate: t.Sequence[Record], current: t.Sequence[Record], connection: Connection, dialect: Dialect
) -> Refused | None:
    """Why the connection would be refused under the candidate; None when it certainly gets in."""
    decision = deciding(candidate, connection.attempt, dialect)
    now = [(record.method, record.options) for record in deciding(current, connection.attempt, dialect).records]
    for record in decision.records:
        reason = _reason(record, connection)
        if reason is not None and (record.method == "reject" or (record.method, record.options) not in now):
            return Refused(record, reason)
    return None if decision.closed else Refused(None, "no rule matches it")


def _reason(record: Record, connection: Connection) -> str | None:
    """Why this record would not let the connection in, as far as can be said beforehand."""
    if record.method == "reject":
        return "rejects it"
    if record.options.get("clientcert") and not connection.certificate:
        return "asks for a client certificate, and this run has none"
    if record.method == "peer":
        return _peer_reason(record, connection)
    if record.method in _WITH_PASSWORD and not connection.password:
        return f"asks for a password ({record.method}), and this run has none"
    if record.method in ("trust", "cert") or record.method in _WITH_PASSWORD:
        return None
    return f"authenticates with {record.method}, and whether that works is not known"


def _peer_reason(record: Record, connection: Connection) -> str | None:
    if "map" in record.options:
        return f"maps accounts with {record.options['map']}, and whether that lets this run in is not known"
    if connection.account is not None and connection.account != connection.attempt.user:
        return f"lets in account {connection.attempt.user}, and this run has account {connection.account}"
    return None
