# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restart that is made only when something waits for it, and is proved afterwards; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rampart.postgresql.plugins.module_utils._errors import NotConverged
from ansible_collections.rampart.postgresql.plugins.module_utils._errors import RampartError
from ansible_collections.rampart.postgresql.plugins.module_utils._server import control
from ansible_collections.rampart.postgresql.plugins.module_utils._server.fallback import Fallback
from ansible_collections.rampart.postgresql.plugins.module_utils._server.fallback import LogTail
from ansible_collections.rampart.postgresql.plugins.module_utils._server.server import Server

__all__ = ["RestartOutcome", "restart_if_needed"]

_PENDING = """
SELECT name FROM pg_catalog.pg_settings WHERE pending_restart ORDER BY name"""


@dataclasses.dataclass(frozen=True)
class RestartOutcome:
    """What waited, how it was or would be restarted."""

    pending: tuple[str, ...]
    method: str
    needed: bool

    def result(self) -> dict[str, t.Any]:
        """Return values of the module, but for ``restarted``."""
        return {"changed": self.needed, "pending": list(self.pending), "method": self.method}


def restart_if_needed(server: Server, *, force: bool, check_mode: bool) -> RestartOutcome:
    """Restart when a parameter waits for it or ``force`` says so; raise unless the server is back and nothing waits."""
    with server.lock(shared=check_mode):
        pending = _pending(server)
        outcome = RestartOutcome(pending, control.restart_method(server.cluster), needed=bool(pending) or force)
        if outcome.needed:
            server.refuse_if_managed(
                by="patroni",
                subject="the restart of this server",
                where="use patronictl restart, which keeps its leader",
            )
        if outcome.needed and not check_mode:
            _restart(server, outcome.method)
            _assert_nothing_waits(server)
        return outcome


def _restart(server: Server, method: str) -> None:
    """A server that does not come up again gets back what it ran with."""
    fallback, log = Fallback.of(server), LogTail(server.cluster.log_file, server.owner)
    directory = server.history.directory  # worked out while the server can be asked
    try:
        server.restart(method)
    except RampartError as error:
        if server.is_running:
            raise
        said = log.lines()
        restored = fallback.put_back(server)
        server.restart(method)
        raise NotConverged(
            f"the server did not start again ({error}). It runs now with what it had before, which was put back:"
            f" {'; '.join(restored) or 'nothing had to be'}. The files before that are in {directory}."
            f" Its log: {' | '.join(said[-8:]) or 'not in a file that is known here'}",
            log=said,
            restored=restored,
        ) from None


def _pending(server: Server) -> tuple[str, ...]:
    return tuple(row["name"] for row in server.session.rows(_PENDING))


def _assert_nothing_waits(server: Server) -> None:
    remaining = _pending(server)
    if remaining:
        raise NotConverged(
            f"the server was restarted and is up, but still waits for a restart to change {', '.join(remaining)}",
            remaining=list(remaining),
        )
