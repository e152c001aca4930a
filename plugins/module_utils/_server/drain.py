# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for the transactions of others before a restart ends them; private to the collection."""

from __future__ import annotations

import dataclasses
import time
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.rampart.postgresql.plugins.module_utils._server.session import Session

__all__ = ["Transaction", "drain"]

_PAUSE = 0.2  # seconds between two looks

_OPEN = """
SELECT a.pid, a.xact_start::text AS began, coalesce(a.usename, '') AS role, coalesce(a.datname, '') AS database,
       a.application_name AS application, coalesce(a.state, '') AS state
FROM pg_catalog.pg_stat_activity a
WHERE a.backend_type = 'client backend' AND a.xact_start IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid()
ORDER BY a.xact_start, a.pid"""


@dataclasses.dataclass(frozen=True)
class Transaction:
    """An open transaction of somebody else."""

    pid: int
    began: str
    role: str
    database: str
    application: str = dataclasses.field(compare=False)  # a transaction may change it
    state: str = dataclasses.field(compare=False)

    def __str__(self) -> str:
        return f"{self.role} in {self.database} ({self.application or self.pid}, {self.state}) since {self.began}"


def drain(session: Session, seconds: int) -> list[Transaction]:
    """Wait until the transactions that are open now have ended; those that have not when the time is up."""
    deadline = time.monotonic() + seconds
    remaining = _open(session)
    while remaining and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        still = set(_open(session))
        remaining = [transaction for transaction in remaining if transaction in still]
    return remaining


def _open(session: Session) -> list[Transaction]:
    return [Transaction(**row) for row in session.rows(_OPEN)]
